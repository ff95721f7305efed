use earmark_engine::{
    CallInfo, CallRecord, CallUpdate, ChannelRole, CustomerComparison, EngineError, Excerpt, Hypotheses,
    Outcome, OutcomeReport, ProxyEvidence, RecordsError, StreamFormat, check_call_line,
};
use earmark_voiceprint::{CallId, CustomerId};

use super::decision_convert::decision;
use crate::access::Caller;
use crate::audio_convert::{optional, speech, stream_format, timestamp};
use crate::audio_stream::{Part, StreamMessage};
use crate::proto::v1;
use crate::refusal::Refusal;

/// As the proto file promises.
const MAX_NOTE_CHARS: usize = 2000;

impl StreamMessage for v1::ScreenCallRequest {
    type Config = v1::ScreenCallConfig;

    fn into_part(self) -> Option<Part<v1::ScreenCallConfig>> {
        Some(match self.request? {
            v1::screen_call_request::Request::Config(config) => Part::Config(config),
            v1::screen_call_request::Request::Audio(audio) => Part::Audio(audio),
        })
    }
}

/// A call that begins: what is known of it, its format, and whose voice it carries.
#[derive(Debug)]
pub(super) struct NewCall {
    pub(super) call: CallInfo,
    pub(super) format: StreamFormat,
    pub(super) role: ChannelRole,
}

pub(super) fn config(config: v1::ScreenCallConfig) -> Result<NewCall, Refusal> {
    let call = call_info(config.call, "config.call")?;
    let (format, role) = stream_format(config.format, "config.format")?;
    Ok(NewCall { call, format, role })
}

pub(super) fn call_info(call: Option<v1::CallInfo>, path: &str) -> Result<CallInfo, Refusal> {
    let missing = || Refusal::field(path, "CALL_MISSING", "say which call it is; call_id is required");
    let call = call.ok_or_else(missing)?;
    let claimed = optional(call.claimed_customer_id).map(|id| {
        let bad = |error: earmark_voiceprint::IdError| {
            Refusal::field(format!("{path}.claimed_customer_id"), "BAD_CUSTOMER_ID", error.to_string())
        };
        CustomerId::new(&id).map_err(bad)
    });
    Ok(CallInfo {
        call_id: call_id(&call.call_id, &format!("{path}.call_id"))?,
        claimed: claimed.transpose()?,
        caller_number: line(call.caller_number, "caller_number", path)?,
        agent: line(call.agent_id, "agent_id", path)?,
        scene: line(call.scene, "scene", path)?,
    })
}

/// A line of the call's record; said here, before the call depends on it.
fn line(text: String, field: &'static str, path: &str) -> Result<Option<String>, Refusal> {
    let Some(text) = optional(text) else { return Ok(None) };
    let bad =
        |error: RecordsError| Refusal::from(EngineError::from(error)).about_field(format!("{path}.{field}"));
    check_call_line(field, &text).map_err(bad)?;
    Ok(Some(text))
}

pub(super) fn call_id(id: &str, path: &str) -> Result<CallId, Refusal> {
    CallId::new(id).map_err(|error| Refusal::field(path, "BAD_CALL_ID", error.to_string()))
}

/// What was found out, and who says so: the request's own word, else the caller's token.
pub(super) fn outcome_report(
    asked: v1::ReportOutcomeRequest,
    caller: &Caller,
) -> Result<OutcomeReport, Refusal> {
    let missing = |problem| Refusal::field("outcome", "OUTCOME_MISSING", problem);
    let outcome = match v1::Outcome::try_from(asked.outcome) {
        Ok(v1::Outcome::ConfirmedProxy) => Outcome::ConfirmedProxy,
        Ok(v1::Outcome::GenuineCustomer) => Outcome::Genuine,
        Ok(v1::Outcome::AuthorizedThirdParty) => Outcome::AuthorizedThirdParty,
        Ok(v1::Outcome::OtherPerson) => Outcome::WrongPerson,
        Ok(v1::Outcome::Undetermined) => Outcome::Undetermined,
        Ok(v1::Outcome::Unspecified) => return Err(missing("say what was found out")),
        Err(_) => return Err(missing("send one of the values of Outcome")),
    };
    if asked.note.chars().count() > MAX_NOTE_CHARS {
        let problem = format!("is longer than {MAX_NOTE_CHARS} characters; shorten it");
        return Err(Refusal::field("note", "NOTE_TOO_LONG", problem));
    }
    let reported_by = optional(asked.reported_by).or_else(|| caller.actor.clone());
    Ok(OutcomeReport { outcome, note: optional(asked.note), reported_by })
}

fn outcome(outcome: Outcome) -> v1::Outcome {
    match outcome {
        Outcome::ConfirmedProxy => v1::Outcome::ConfirmedProxy,
        Outcome::Genuine => v1::Outcome::GenuineCustomer,
        Outcome::AuthorizedThirdParty => v1::Outcome::AuthorizedThirdParty,
        Outcome::WrongPerson => v1::Outcome::OtherPerson,
        _ => v1::Outcome::Undetermined,
    }
}

pub(super) fn call(record: &CallRecord) -> v1::Call {
    let reported = record.outcome.as_ref();
    v1::Call {
        call: Some(info(&record.call)),
        start_time: Some(timestamp(record.started_at)),
        end_time: record.ended_at.map(timestamp),
        updates: record.updates.iter().map(update).collect(),
        outcome: reported.map_or(v1::Outcome::Unspecified, |o| outcome(o.report.outcome)).into(),
        outcome_note: reported.and_then(|o| o.report.note.clone()).unwrap_or_default(),
        outcome_by: reported.map_or_else(String::new, |o| o.by.as_str().to_owned()),
    }
}

fn info(call: &CallInfo) -> v1::CallInfo {
    v1::CallInfo {
        call_id: call.call_id.as_str().to_owned(),
        claimed_customer_id: call.claimed.as_ref().map_or_else(String::new, |id| id.as_str().to_owned()),
        caller_number: call.caller_number.clone().unwrap_or_default(),
        agent_id: call.agent.clone().unwrap_or_default(),
        scene: call.scene.clone().unwrap_or_default(),
    }
}

pub(super) fn update(update: &CallUpdate) -> v1::CallUpdate {
    v1::CallUpdate {
        call: Some(info(&update.call)),
        sequence: update.sequence,
        r#final: update.is_final,
        speech: Some(speech(&update.speech)),
        customer: Some(customer(update.customer)),
        proxies: update.proxies.iter().map(proxy).collect(),
        posterior: update.posterior.as_ref().map(posterior),
        decision: Some(decision(update.verdict, update.risk, &update.reasons)),
        model: update.model.as_str().to_owned(),
        calibration: update.calibration.as_ref().to_owned(),
        compute_ms: update.compute.as_secs_f64() * 1000.0,
        update_time: Some(timestamp(update.at)),
        speaker: update.speaker,
        excerpts: update.excerpts.iter().map(excerpt).collect(),
        call_s: update.call_s,
    }
}

fn customer(evidence: CustomerComparison) -> v1::CustomerEvidence {
    let (state, llr) = match evidence {
        CustomerComparison::Llr(llr) => (v1::CustomerState::Scored, Some(llr)),
        CustomerComparison::NotEnrolled => (v1::CustomerState::NotEnrolled, None),
        CustomerComparison::OptedOut => (v1::CustomerState::OptedOut, None),
        CustomerComparison::NotClaimed => (v1::CustomerState::NotClaimed, None),
        CustomerComparison::TooShort => (v1::CustomerState::NotScored, None),
    };
    v1::CustomerEvidence { state: state.into(), llr }
}

fn proxy(evidence: &ProxyEvidence) -> v1::ProxyEvidence {
    v1::ProxyEvidence {
        proxy_id: evidence.proxy.as_str().to_owned(),
        label: evidence.label.as_ref().to_owned(),
        llr: evidence.llr,
        posterior: evidence.posterior,
    }
}

fn excerpt(excerpt: &Excerpt) -> v1::Excerpt {
    v1::Excerpt { start_s: excerpt.start_s, end_s: excerpt.end_s }
}

fn posterior(hypotheses: &Hypotheses) -> v1::Posterior {
    v1::Posterior {
        customer: hypotheses.customer,
        listed_proxy: hypotheses.listed_proxy,
        somebody_else: hypotheses.somebody_else,
    }
}

#[cfg(test)]
mod tests;
