//! What a page gets of a call, as JSON. No voiceprint and no audio is in it, a listed proxy's name
//! and a caller's number are masked, and a proxy's id never leaves whole.

use earmark_engine::{
    CallInfo, CallLine, CallRecord, CallUpdate, CustomerComparison, Excerpt, Outcome, ProxyEvidence, Reason,
    StoredOutcome, Text, Timestamp, Verdict,
};
use serde::Serialize;

use super::mask;
use crate::feed::RunningCall;

/// A text in both languages.
#[derive(Debug, Serialize)]
pub(super) struct Words {
    zh: &'static str,
    en: &'static str,
}

impl From<Text> for Words {
    fn from(text: Text) -> Self {
        Self { zh: text.zh, en: text.en }
    }
}

/// What is known of a call beside its evidence.
#[derive(Debug, Serialize)]
pub(super) struct CallView {
    call_id: String,
    customer_id: Option<String>,
    caller_number: Option<String>,
    agent_id: Option<String>,
    scene: Option<String>,
    began_ms: i64,
    ended_ms: Option<i64>,
    outcome: Option<OutcomeView>,
}

impl CallView {
    pub(super) fn of(record: &CallRecord) -> Self {
        Self::new(&record.call, record.started_at, record.ended_at, record.outcome.as_ref())
    }

    pub(super) fn running(running: &RunningCall) -> Self {
        Self::new(&running.call, running.began_at, None, None)
    }

    pub(super) fn line(line: &CallLine) -> Self {
        Self::new(&line.call, line.started_at, line.ended_at, line.outcome.as_ref())
    }

    fn new(
        call: &CallInfo,
        began_at: Timestamp,
        ended_at: Option<Timestamp>,
        outcome: Option<&StoredOutcome>,
    ) -> Self {
        Self {
            call_id: call.call_id.to_string(),
            customer_id: call.claimed.as_ref().map(ToString::to_string),
            caller_number: call.caller_number.as_deref().map(mask::number),
            agent_id: call.agent.clone(),
            scene: call.scene.clone(),
            began_ms: began_at.unix_millis(),
            ended_ms: ended_at.map(Timestamp::unix_millis),
            outcome: outcome.map(OutcomeView::new),
        }
    }
}

/// What was reported of a call.
#[derive(Debug, Serialize)]
pub(super) struct OutcomeView {
    call_id: Option<String>,
    outcome: &'static str,
    note: Option<String>,
    by: String,
    at_ms: i64,
}

impl OutcomeView {
    pub(super) fn new(stored: &StoredOutcome) -> Self {
        Self {
            call_id: None,
            outcome: outcome_code(stored.report.outcome),
            note: stored.report.note.clone(),
            by: stored.by.to_string(),
            at_ms: stored.at.unix_millis(),
        }
    }

    pub(super) fn of(call: &CallInfo, stored: &StoredOutcome) -> Self {
        Self { call_id: Some(call.call_id.to_string()), ..Self::new(stored) }
    }
}

/// The wire's names, without their prefix.
const OUTCOMES: [(Outcome, &str); 5] = [
    (Outcome::ConfirmedProxy, "CONFIRMED_PROXY"),
    (Outcome::Genuine, "GENUINE_CUSTOMER"),
    (Outcome::AuthorizedThirdParty, "AUTHORIZED_THIRD_PARTY"),
    (Outcome::WrongPerson, "OTHER_PERSON"),
    (Outcome::Undetermined, "UNDETERMINED"),
];

pub(super) fn outcome_code(outcome: Outcome) -> &'static str {
    OUTCOMES.iter().find(|(known, _)| *known == outcome).map_or("UNDETERMINED", |(_, code)| code)
}

pub(super) fn outcome_of_code(code: &str) -> Option<Outcome> {
    OUTCOMES.iter().find(|(_, known)| *known == code).map(|(outcome, _)| *outcome)
}

/// The evidence at one moment.
#[derive(Debug, Serialize)]
pub(super) struct UpdateView {
    call_id: String,
    sequence: u32,
    #[serde(rename = "final")]
    is_final: bool,
    at_ms: i64,
    verdict: &'static str,
    label: Words,
    action: Words,
    risk: &'static str,
    reasons: Vec<ReasonView>,
    certainty: Option<Certainty>,
    net_speech_s: f32,
    call_s: f64,
    warnings: Vec<&'static str>,
    customer: &'static str,
    customer_llr: Option<f64>,
    proxies: Vec<ProxyView>,
    excerpts: Vec<ExcerptView>,
    speaker: u32,
}

#[derive(Debug, Serialize)]
struct ReasonView {
    code: &'static str,
    zh: &'static str,
    en: &'static str,
}

#[derive(Debug, Serialize)]
struct ProxyView {
    name: String,
    id_tail: String,
    llr: f64,
    probability: f64,
}

/// Seconds worth listening to.
#[derive(Debug, Serialize)]
struct ExcerptView {
    start_s: f64,
    end_s: f64,
}

/// How sure the verdict is: the probability of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Certainty {
    /// What is probable: `customer`, `not_customer`, `listed` or `not_listed`.
    of: &'static str,
    probability: f64,
}

impl UpdateView {
    pub(super) fn new(update: &CallUpdate) -> Self {
        let (customer, customer_llr) = customer(update.customer);
        Self {
            call_id: update.call.call_id.to_string(),
            sequence: update.sequence,
            is_final: update.is_final,
            at_ms: update.at.unix_millis(),
            verdict: update.verdict.code(),
            label: update.verdict.text().into(),
            action: update.verdict.action().into(),
            risk: update.risk.code(),
            reasons: update.reasons.iter().copied().map(reason).collect(),
            certainty: certainty(update),
            net_speech_s: update.speech.net_speech.seconds(),
            call_s: update.call_s,
            warnings: update.speech.warnings.iter().map(|w| w.as_str()).collect(),
            customer,
            customer_llr,
            proxies: update.proxies.iter().map(proxy).collect(),
            excerpts: update.excerpts.iter().map(excerpt).collect(),
            speaker: update.speaker,
        }
    }
}

/// The probability that the verdict speaks of; none where there was nothing to compare.
fn certainty(update: &CallUpdate) -> Option<Certainty> {
    let posterior = update.posterior?;
    let (of, probability) = match update.verdict {
        Verdict::Match | Verdict::Doubtful => ("customer", posterior.customer),
        Verdict::Mismatch => ("not_customer", 1.0 - posterior.customer),
        Verdict::SuspectedProxy => ("listed", posterior.listed_proxy),
        Verdict::NotEnrolled | Verdict::OptedOut | Verdict::NoCustomerClaimed => {
            ("not_listed", 1.0 - posterior.listed_proxy)
        }
        Verdict::InsufficientSpeech => return None,
    };
    Some(Certainty { of, probability: probability.clamp(0.0, 1.0) })
}

fn reason(reason: Reason) -> ReasonView {
    let text = reason.text();
    ReasonView { code: reason.code(), zh: text.zh, en: text.en }
}

fn excerpt(excerpt: &Excerpt) -> ExcerptView {
    ExcerptView { start_s: excerpt.start_s, end_s: excerpt.end_s }
}

fn proxy(evidence: &ProxyEvidence) -> ProxyView {
    ProxyView {
        name: mask::name(&evidence.label),
        id_tail: mask::id_tail(evidence.proxy.as_str()),
        llr: evidence.llr,
        probability: evidence.posterior,
    }
}

fn customer(comparison: CustomerComparison) -> (&'static str, Option<f64>) {
    match comparison {
        CustomerComparison::Llr(llr) => ("SCORED", Some(llr)),
        CustomerComparison::NotEnrolled => ("NOT_ENROLLED", None),
        CustomerComparison::OptedOut => ("OPTED_OUT", None),
        CustomerComparison::NotClaimed => ("NOT_CLAIMED", None),
        CustomerComparison::TooShort => ("NOT_SCORED", None),
    }
}
