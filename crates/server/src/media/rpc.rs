use earmark_engine::CallInfo;
use earmark_voiceprint::{CallId, TenantId};

use super::registry::{Command, Registry};
use crate::proto::v1;
use crate::refusal::Refusal;

/// As long as a call's id may be.
const MAX_STREAM_ID_BYTES: usize = 128;

/// What `RegisterCall` does. The id that the running call is kept under, if it runs.
pub(crate) fn register(
    registry: &Registry,
    tenant: &TenantId,
    call: CallInfo,
    stream_id: &str,
) -> Result<Option<CallId>, Refusal> {
    if stream_id.len() > MAX_STREAM_ID_BYTES {
        let problem =
            format!("is longer than {MAX_STREAM_ID_BYTES} bytes; send what the stream calls itself");
        return Err(Refusal::field("stream_id", "STREAM_ID_TOO_LONG", problem));
    }
    let own = call.call_id.clone();
    let stream = if stream_id.is_empty() { own.as_str() } else { stream_id };
    registry.register(tenant, stream, call)
}

/// What `SignalCall` does.
pub(crate) fn signal(
    registry: &Registry,
    tenant: &TenantId,
    call: &CallId,
    signal: i32,
) -> Result<(), Refusal> {
    let command = match v1::CallSignal::try_from(signal) {
        Ok(v1::CallSignal::Held) => Command::Held,
        Ok(v1::CallSignal::Resumed) => Command::Resumed,
        Ok(v1::CallSignal::SpeakerChanged) => Command::SpeakerChanged,
        Ok(v1::CallSignal::Unspecified) | Err(_) => {
            let problem = "send one of the values of CallSignal";
            return Err(Refusal::field("signal", "SIGNAL_MISSING", problem));
        }
    };
    registry.command(tenant, call, command)
}
