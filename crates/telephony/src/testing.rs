//! What the tests of the dialects share.

use std::sync::Arc;
use std::time::Duration;

use earmark_engine::{
    CallInfo, CallUpdate, CustomerComparison, Excerpt, Hypotheses, ProxyEvidence, Reason, RiskTier,
    SpeechSummary, Timestamp, Verdict, WarningCode,
};
use earmark_voiceprint::{CallId, CustomerId, ModelId, NetSpeech, ProxyId};
use serde_json::Value;

use crate::{CallBegun, CallEvent, Dialect, Exchange, Frame, ProtocolError, Reply};

pub(crate) fn text(text: impl ToString) -> Frame {
    Frame::Text(text.to_string())
}

pub(crate) fn binary(bytes: &[u8]) -> Frame {
    Frame::Binary(bytes.to_vec().into())
}

/// The exchange for a frame that must be taken.
pub(crate) fn take(dialect: &mut impl Dialect, frame: Frame) -> Exchange {
    dialect.receive(frame).unwrap_or_else(|error| panic!("{error}"))
}

/// The events of a frame that must be taken and must not be answered.
pub(crate) fn events(dialect: &mut impl Dialect, frame: Frame) -> Vec<CallEvent> {
    let exchange = take(dialect, frame);
    assert_eq!(exchange.replies, [], "nothing is to be answered");
    exchange.events
}

/// The call that begins with these events, and nothing else.
pub(crate) fn begun(events: &[CallEvent]) -> CallBegun {
    match events {
        [CallEvent::Begun(begun)] => (**begun).clone(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn is_out_of_order(outcome: Result<Exchange, ProtocolError>) -> bool {
    matches!(outcome, Err(ProtocolError::OutOfOrder { .. }))
}

pub(crate) fn is_malformed(outcome: Result<Exchange, ProtocolError>) -> bool {
    matches!(outcome, Err(ProtocolError::Malformed { .. }))
}

pub(crate) fn is_unsupported(outcome: Result<Exchange, ProtocolError>) -> bool {
    matches!(outcome, Err(ProtocolError::Unsupported { .. }))
}

/// The field that is named as bad.
pub(crate) fn bad_field(outcome: Result<Exchange, ProtocolError>) -> &'static str {
    match outcome {
        Err(ProtocolError::BadField { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

/// A text reply as JSON.
pub(crate) fn json(reply: &Reply) -> Value {
    match reply {
        Reply::Text(text) => serde_json::from_str(text).unwrap(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn close_code(reply: &Reply) -> u16 {
    match reply {
        Reply::Close { code, .. } => *code,
        other => panic!("{other:?}"),
    }
}

/// An update of a suspected proxy's call.
pub(crate) fn update() -> CallUpdate {
    let call = CallInfo {
        call_id: CallId::new("call-7").unwrap(),
        claimed: Some(CustomerId::new("c-1").unwrap()),
        caller_number: Some("+8613800000000".to_owned()),
        agent: Some("desk-3".to_owned()),
        scene: Some("hotline".to_owned()),
    };
    let proxy = ProxyEvidence {
        proxy: ProxyId::new("p-9").unwrap(),
        label: Arc::from("王**"),
        llr: 9.5,
        posterior: 0.97,
    };
    let speech = SpeechSummary {
        audio_s: 12.5,
        net_speech: NetSpeech::from_seconds(8.0),
        quality: None,
        warnings: vec![WarningCode::from_code("CLIPPING").unwrap()],
    };
    CallUpdate {
        call,
        sequence: 4,
        is_final: true,
        speaker: 2,
        speech,
        call_s: 72.5,
        customer: CustomerComparison::Llr(-6.25),
        proxies: vec![proxy],
        posterior: Some(Hypotheses { customer: 0.01, listed_proxy: 0.97, somebody_else: 0.02 }),
        verdict: Verdict::SuspectedProxy,
        risk: RiskTier::High,
        reasons: vec![Reason::ListedProxyMatch],
        excerpts: vec![Excerpt { start_s: 3.0, end_s: 6.5 }],
        model: ModelId::new("m", "f"),
        calibration: Arc::from("c"),
        compute: Duration::ZERO,
        at: Timestamp::from_unix_millis(0),
    }
}
