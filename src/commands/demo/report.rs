use earmark_server::proto::v1::{CallUpdate, CustomerState};

use super::call::{Screened, verdict};
use crate::output;

/// One row a call.
pub(super) fn table(calls: &[Screened]) -> String {
    let head = [
        "call",
        "in truth",
        "claims",
        "speech",
        "LLR to customer",
        "best proxy",
        "LLR",
        "decision",
        "reasons",
        "decided at",
        "compute",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(calls.iter().filter_map(row));
    output::table(&rows)
}

fn row(call: &Screened) -> Option<Vec<String>> {
    let last = call.updates.last()?;
    let decision = last.decision.as_ref()?;
    let proxy = last.proxies.first();
    let compute: f64 = call.updates.iter().map(|u| u.compute_ms).sum();
    let reasons: Vec<_> = decision.reasons.iter().map(|r| r.code.as_str()).collect();
    Some(vec![
        last.call.as_ref()?.call_id.clone(),
        call.truth.clone(),
        call.claimed.clone(),
        format!("{:.1} s", net_speech(last)),
        customer(last),
        proxy.map_or_else(|| "-".to_owned(), |p| p.label.clone()),
        proxy.map_or_else(|| "-".to_owned(), |p| format!("{:+.1}", p.llr)),
        format!("{} {}", decision.label_zh, decision.label_en),
        reasons.join(", "),
        decided_at(&call.updates),
        format!("{compute:.0} ms"),
    ])
}

fn customer(update: &CallUpdate) -> String {
    let Some(evidence) = &update.customer else { return "-".to_owned() };
    match (evidence.llr, evidence.state()) {
        (Some(llr), _) => format!("{llr:+.1}"),
        (None, CustomerState::NotEnrolled) => "not enrolled".to_owned(),
        (None, CustomerState::OptedOut) => "opted out".to_owned(),
        (None, CustomerState::NotClaimed) => "not claimed".to_owned(),
        _ => "-".to_owned(),
    }
}

/// The speech behind the first update since which the verdict has stood.
fn decided_at(updates: &[CallUpdate]) -> String {
    let Some(last) = updates.last() else { return "-".to_owned() };
    let since = updates.iter().rev().take_while(|u| verdict(u) == verdict(last)).last();
    since.map_or_else(|| "-".to_owned(), |u| format!("{:.1} s", net_speech(u)))
}

fn net_speech(update: &CallUpdate) -> f32 {
    update.speech.as_ref().map_or(0.0, |s| s.net_speech_s)
}
