use serde_json::{Map, Value, json};

use super::{CallKind, CallsResult, PriorWhatIf, Seconds, ThresholdWhatIf};
use crate::{json, report, tags};

/// metrics.json of `evaluate calls`.
pub(super) fn metrics(result: &CallsResult) -> Value {
    let (input, figures) = (result.input(), result.figures());
    let number = |kind| input.calls.iter().filter(|c| c.kind() == kind).count();
    json!({
        "kind": "calls",
        "format": json::FORMAT,
        "run": json::facts(&input.facts),
        "confidence": json::confidence(&input.options.bootstrap),
        "list_size": input.list_size,
        "customers": input.customers,
        "calls": {
            "total": input.calls.len(),
            "listed_proxies": number(CallKind::ListedProxy),
            "customers": number(CallKind::Customer),
            "others": number(CallKind::Other),
        },
        "tags": tags::values(&figures.tags),
        "customers_tagged_per_1000": json::per_thousand(&figures.customers_tagged),
        "verdicts": verdicts(&figures.verdicts),
        "seconds_to_decision": figures.seconds.iter().map(seconds).collect::<Map<_, _>>(),
        "breakdown": tags::breakdown_values(&figures.breakdowns),
        "what_if_threshold": figures.thresholds.iter().map(threshold).collect::<Vec<_>>(),
        "what_if_prior": figures.priors.iter().map(prior).collect::<Vec<_>>(),
        "warnings": report::calls_warnings(result),
    })
}

fn name(kind: CallKind) -> &'static str {
    match kind {
        CallKind::ListedProxy => "listed_proxies",
        CallKind::Customer => "customers",
        CallKind::Other => "others",
    }
}

fn verdicts(counts: &[(CallKind, String, usize)]) -> Value {
    let mut kinds = Map::new();
    for (kind, verdict, calls) in counts {
        if let Value::Object(row) = kinds.entry(name(*kind)).or_insert_with(|| json!({})) {
            row.insert(verdict.clone(), json!(calls));
        }
    }
    Value::Object(kinds)
}

fn seconds(seconds: &Seconds) -> (String, Value) {
    let quantile = |i: usize| json::optional(seconds.quantiles.map(|q| q[i]));
    let value = json!({
        "calls": seconds.calls,
        "decided": seconds.decided,
        "p10": quantile(0),
        "p50": quantile(1),
        "p90": quantile(2),
        "p95": quantile(3),
    });
    (name(seconds.kind).to_owned(), value)
}

fn threshold(what_if: &ThresholdWhatIf) -> Value {
    let mut value = tags::values(&what_if.tags);
    value["shift"] = json::number(what_if.shift);
    value
}

fn prior(what_if: &PriorWhatIf) -> Value {
    json!({
        "proxy_share": json::number(what_if.proxy_share),
        "precision": what_if.precision.as_ref().map(json::estimate),
        "tags_per_1000": json::number(what_if.tags_per_1000),
        "missed_per_1000": json::number(what_if.missed_per_1000),
    })
}
