use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::{VerifyBreakdown, VerifyResult};
use crate::{json, report};

/// metrics.json of `evaluate verify`.
pub(super) fn metrics(result: &VerifyResult) -> Value {
    let input = result.input();
    let models: HashSet<&str> = input.trials.iter().map(|t| &*t.model).collect();
    let recordings: HashSet<&str> = input.trials.iter().map(|t| &*t.recording).collect();
    let targets = input.trials.iter().filter(|t| t.target).count();
    let systems = result.systems().iter();
    let systems: Map<_, _> =
        systems.map(|s| (s.name.clone(), json::verification(&s.title, &s.figures))).collect();
    json!({
        "kind": "verify",
        "format": json::FORMAT,
        "run": json::facts(&input.facts),
        "confidence": json::confidence(&input.options.bootstrap),
        "trials": {
            "total": input.trials.len(),
            "targets": targets,
            "nontargets": input.trials.len() - targets,
            "models": models.len(),
            "recordings": recordings.len(),
            "speakers": result.speakers(),
        },
        "systems": systems,
        "breakdown": breakdowns(result.breakdowns()),
        "warnings": report::verify_warnings(result),
    })
}

fn breakdowns(breakdowns: &[VerifyBreakdown]) -> Value {
    let mut columns = Map::new();
    for b in breakdowns {
        let figures = b.figures.as_ref();
        let row = json!({
            "value": b.value,
            "targets": b.targets,
            "nontargets": b.nontargets,
            "eer": figures.map(|f| json::estimate(&f.eer)),
            "eer_rocch": figures.map(|f| json::estimate(&f.eer_rocch)),
            "cllr": figures.and_then(|f| f.cllr.as_ref()).map(json::estimate),
            "min_cllr": figures.map(|f| json::estimate(&f.min_cllr)),
        });
        if let Value::Array(rows) = columns.entry(b.column).or_insert_with(|| json!([])) {
            rows.push(row);
        }
    }
    Value::Object(columns)
}
