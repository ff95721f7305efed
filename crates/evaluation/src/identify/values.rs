use serde_json::{Map, Value, json};

use super::IdentifyResult;
use crate::{json, report, tags};

/// metrics.json of `evaluate identify`.
pub(super) fn metrics(result: &IdentifyResult) -> Value {
    let input = result.input();
    let systems = result.systems().iter();
    let systems: Map<_, _> =
        systems.map(|s| (s.name.clone(), json::identification(&s.title, &s.figures))).collect();
    let listed = input.probes.iter().filter(|p| p.listed).count();
    json!({
        "kind": "identify",
        "format": json::FORMAT,
        "run": json::facts(&input.facts),
        "confidence": json::confidence(&input.options.bootstrap),
        "list_size": input.list_size,
        "probes": {
            "total": input.probes.len(),
            "listed": listed,
            "unlisted": input.probes.len() - listed,
            "without_voiceprint": input.probes.iter().filter(|p| p.candidates.is_empty()).count(),
        },
        "threshold": json::optional(input.threshold),
        "promised_false_tag_rate": json::optional(input.promised_false_tag_rate),
        "tags": tags::values(result.tags()),
        "systems": systems,
        "breakdown": tags::breakdown_values(result.breakdowns()),
        "warnings": report::identify_warnings(result),
    })
}
