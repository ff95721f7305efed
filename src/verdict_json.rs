//! What a screened call looks like in JSON, for all commands that tell one.

use earmark_engine::{CallUpdate, CustomerComparison};
use earmark_voiceprint::CustomerId;
use serde_json::{Value, json};

/// A call's evidence and verdict under stable names.
pub(crate) fn call(update: &CallUpdate) -> Value {
    let llr = match update.customer {
        CustomerComparison::Llr(llr) => Some(llr),
        _ => None,
    };
    json!({
        "call": update.call.call_id.as_str(),
        "customer": update.call.claimed.as_ref().map(CustomerId::as_str),
        "net_speech_s": update.speech.net_speech.seconds(),
        "audio_s": update.speech.audio_s,
        "customer_llr": llr,
        "customer_state": customer_state(update.customer),
        "proxies": update.proxies.iter().map(|p| json!({
            "proxy": p.proxy.as_str(), "label": &*p.label, "llr": p.llr, "posterior": p.posterior,
        })).collect::<Vec<_>>(),
        "posterior": update.posterior.map(|p| json!({
            "customer": p.customer, "listed_proxy": p.listed_proxy, "somebody_else": p.somebody_else,
        })),
        "verdict": update.verdict.code(),
        "verdict_zh": update.verdict.text().zh,
        "risk": update.risk.code(),
        "reasons": update.reasons.iter().map(|r| r.code()).collect::<Vec<_>>(),
        "warnings": update.speech.warnings.iter().map(|w| w.as_str()).collect::<Vec<_>>(),
        "model": update.model.as_str(),
        "calibration": &*update.calibration,
        "compute_ms": update.compute.as_secs_f64() * 1e3,
    })
}

fn customer_state(comparison: CustomerComparison) -> &'static str {
    match comparison {
        CustomerComparison::Llr(_) => "SCORED",
        CustomerComparison::NotEnrolled => "NOT_ENROLLED",
        CustomerComparison::OptedOut => "OPTED_OUT",
        CustomerComparison::NotClaimed => "NOT_CLAIMED",
        CustomerComparison::TooShort => "TOO_SHORT",
    }
}
