//! A call's updates as the records keep them, and back.

use std::sync::Arc;
use std::time::Duration;

use earmark_records as records;
use earmark_records::{Call, CallStart, Code, EvidenceUpdate};
use earmark_scoring::{Reason, RiskTier, Verdict};

use crate::EngineError;
use crate::call::{
    CallInfo, CallRecord, CallUpdate, CustomerComparison, Hypotheses, ProxyEvidence, SpeechSummary,
    WarningCode,
};

/// An update as the records keep it: numbers and stable codes.
pub(crate) fn to_record(update: &CallUpdate) -> Result<EvidenceUpdate, EngineError> {
    Ok(EvidenceUpdate {
        sequence: update.sequence,
        at: update.at,
        speaker: update.speaker,
        excerpts: update.excerpts.clone(),
        net_speech: update.speech.net_speech,
        quality: update.speech.quality,
        warnings: update.speech.warnings.iter().map(|w| code(w.as_str())).collect::<Result<_, _>>()?,
        audio_position_s: update.speech.audio_s,
        call_position_s: update.call_s,
        customer: customer_to_record(update.customer)?,
        proxies: update.proxies.iter().map(proxy_to_record).collect(),
        posterior: update.posterior.map(|p| records::Posterior {
            customer: Some(p.customer),
            listed_proxy: p.listed_proxy,
            somebody_else: p.somebody_else,
        }),
        verdict: code(update.verdict.code())?,
        risk: code(update.risk.code())?,
        reasons: update.reasons.iter().map(|r| code(r.code())).collect::<Result<_, _>>()?,
        compute_ms: update.compute.as_secs_f64() * 1e3,
        calibration: update.calibration.to_string(),
        model: update.model.clone(),
    })
}

/// A call as it was kept. `label` gives the text shown for a proxy; empty for one since unlisted.
pub(crate) fn from_record(
    call: Call,
    label: &dyn Fn(&earmark_voiceprint::ProxyId) -> Arc<str>,
) -> CallRecord {
    let started_at = call.start.started_at;
    let info = info(call.start);
    let last = call.conclusion.as_ref().map(|c| c.last.sequence);
    let updates = call
        .updates
        .into_iter()
        .map(|u| CallUpdate { is_final: Some(u.sequence) == last, ..update_from_record(&info, u, label) })
        .collect();
    CallRecord {
        call: info,
        started_at,
        ended_at: call.conclusion.map(|c| c.finished_at),
        updates,
        outcome: call.outcomes.into_iter().next_back(),
    }
}

/// What is known of a call, as it was kept.
pub(crate) fn info(start: CallStart) -> CallInfo {
    CallInfo {
        call_id: start.call,
        claimed: start.claimed_customer,
        caller_number: start.caller_number,
        agent: start.agent,
        scene: start.scene,
    }
}

/// A verdict as it was kept; none for a code that a newer program wrote.
pub(crate) fn verdict(code: &Code) -> Option<Verdict> {
    Verdict::from_code(&upper(code))
}

fn update_from_record(
    info: &CallInfo,
    update: EvidenceUpdate,
    label: &dyn Fn(&earmark_voiceprint::ProxyId) -> Arc<str>,
) -> CallUpdate {
    let proxy = |p: records::ProxyEvidence| ProxyEvidence {
        label: label(&p.proxy),
        proxy: p.proxy,
        llr: p.llr,
        posterior: p.posterior,
    };
    CallUpdate {
        call: info.clone(),
        sequence: update.sequence,
        is_final: false,
        speaker: update.speaker,
        excerpts: update.excerpts,
        speech: SpeechSummary {
            audio_s: update.audio_position_s,
            net_speech: update.net_speech,
            quality: update.quality,
            warnings: update.warnings.iter().filter_map(|w| WarningCode::from_code(&upper(w))).collect(),
        },
        call_s: update.call_position_s,
        customer: customer_from_record(&update.customer),
        proxies: update.proxies.into_iter().map(proxy).collect(),
        posterior: update.posterior.map(|p| Hypotheses {
            customer: p.customer.unwrap_or(0.0),
            listed_proxy: p.listed_proxy,
            somebody_else: p.somebody_else,
        }),
        // Codes of a newer program show as what claims least.
        verdict: verdict(&update.verdict).unwrap_or(Verdict::Doubtful),
        risk: RiskTier::from_code(&upper(&update.risk)).unwrap_or(RiskTier::Undetermined),
        reasons: update.reasons.iter().filter_map(|r| Reason::from_code(&upper(r))).collect(),
        model: update.model,
        calibration: update.calibration.into(),
        compute: Duration::from_secs_f64(update.compute_ms.max(0.0) / 1e3),
        at: update.at,
    }
}

fn proxy_to_record(proxy: &ProxyEvidence) -> records::ProxyEvidence {
    records::ProxyEvidence {
        proxy: proxy.proxy.clone(),
        llr: proxy.llr,
        posterior: proxy.posterior.clamp(0.0, 1.0),
    }
}

fn customer_to_record(customer: CustomerComparison) -> Result<records::CustomerEvidence, EngineError> {
    Ok(match customer {
        CustomerComparison::Llr(llr) => records::CustomerEvidence::Llr(llr),
        CustomerComparison::NotEnrolled => records::CustomerEvidence::None(code("NOT_ENROLLED")?),
        CustomerComparison::OptedOut => records::CustomerEvidence::None(code("OPTED_OUT")?),
        CustomerComparison::NotClaimed => records::CustomerEvidence::None(code("NOT_CLAIMED")?),
        CustomerComparison::TooShort => records::CustomerEvidence::None(code("TOO_SHORT")?),
    })
}

fn customer_from_record(customer: &records::CustomerEvidence) -> CustomerComparison {
    match customer {
        records::CustomerEvidence::Llr(llr) => CustomerComparison::Llr(*llr),
        records::CustomerEvidence::None(state) => match state.as_str() {
            "opted_out" => CustomerComparison::OptedOut,
            "not_claimed" => CustomerComparison::NotClaimed,
            "too_short" => CustomerComparison::TooShort,
            _ => CustomerComparison::NotEnrolled,
        },
    }
}

/// The records keep codes in lower case.
fn code(text: &str) -> Result<Code, EngineError> {
    Ok(Code::new(&text.to_ascii_lowercase())?)
}

fn upper(code: &Code) -> String {
    code.as_str().to_ascii_uppercase()
}
