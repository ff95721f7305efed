use earmark_engine::{CallUpdate, CustomerComparison, ProxyEvidence};
use serde_json::{Value, json};

/// An update as JSON, for the switches that take one back. Ids, words and probabilities; nothing of
/// the voice.
pub(crate) fn verdict_event(update: &CallUpdate) -> Value {
    let (verdict, risk) = (update.verdict, update.risk);
    let proxies: Vec<Value> = update.proxies.iter().map(proxy).collect();
    json!({
        "call_id": update.call.call_id.as_str(),
        "customer_id": update.call.claimed.as_ref().map(|id| id.as_str()),
        "sequence": update.sequence,
        "final": update.is_final,
        "speaker": update.speaker,
        "verdict": verdict.code(),
        "verdict_zh": verdict.text().zh,
        "verdict_en": verdict.text().en,
        "risk": risk.code(),
        "reasons": update.reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>(),
        "audio_s": update.speech.audio_s,
        "net_speech_s": update.speech.net_speech.seconds(),
        "customer_llr": match update.customer {
            CustomerComparison::Llr(llr) => Some(llr),
            _ => None,
        },
        "probabilities": update.posterior.map(|p| json!({
            "customer": p.customer,
            "listed_proxy": p.listed_proxy,
            "somebody_else": p.somebody_else,
        })),
        "proxies": proxies,
        "excerpts": update.excerpts.iter().map(|e| json!({"start_s": e.start_s, "end_s": e.end_s})).collect::<Vec<_>>(),
        "warnings": update.speech.warnings.iter().map(|warning| warning.as_str()).collect::<Vec<_>>(),
    })
}

fn proxy(evidence: &ProxyEvidence) -> Value {
    json!({
        "proxy_id": evidence.proxy.as_str(),
        "label": &*evidence.label,
        "llr": evidence.llr,
        "probability": evidence.posterior,
    })
}
