use std::time::Duration;

use earmark_voiceprint::CallId;

use super::media::{self, Medium};
use super::{PROTOCOL, duration};
use crate::websocket::{Fields, Metadata, parse_object};
use crate::{EndReason, ProtocolError};

/// The most media an offer may list: two formats by four layouts are all there are.
const MAX_OFFERED: usize = 16;

/// The conversation of a probe.
const ZERO_UUID: &str = "00000000-0000-0000-0000-000000000000";

/// A message from the client.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) seq: u64,
    pub(super) serverseq: u64,
    pub(super) position: Duration,
    pub(super) body: Body,
}

pub(super) enum Body {
    Open(Box<Open>),
    Close(EndReason),
    Ping,
    Paused,
    Resumed(Discarded),
    Discarded(Discarded),
    Update,
    Error,
    /// Pressed digits, and what only matters to those who play audio.
    Other,
}

/// Audio that the client left out.
#[derive(Clone, Copy)]
pub(super) struct Discarded {
    pub(super) length: Duration,
}

/// What is used of `open`.
pub(super) struct Open {
    pub(super) organization: String,
    pub(super) is_probe: bool,
    pub(super) conversation: Option<CallId>,
    pub(super) call: Metadata,
    pub(super) offered: Vec<Medium>,
}

pub(super) fn parse(text: &str) -> Result<Message, ProtocolError> {
    let object = parse_object(PROTOCOL, text)?;
    let fields = Fields(&object);
    if fields.needed_text("version")? != "2" {
        let problem = "only version 2 of the protocol is taken".into();
        return Err(ProtocolError::Unsupported { problem });
    }
    Ok(Message {
        id: uuid(fields, "id")?,
        seq: fields.needed_count("seq")?,
        serverseq: fields.needed_count("serverseq")?,
        position: seconds(fields, "position")?,
        body: body(fields.needed_text("type")?, fields.needed_object("parameters")?)?,
    })
}

fn body(kind: &str, parameters: Fields<'_>) -> Result<Body, ProtocolError> {
    Ok(match kind {
        "open" => Body::Open(Box::new(open(parameters)?)),
        "close" => Body::Close(reason(parameters)?),
        "ping" => {
            parameters.text("rtt")?.map(|_| seconds(parameters, "rtt")).transpose()?;
            Body::Ping
        }
        "paused" => Body::Paused,
        "resumed" => Body::Resumed(discarded(parameters)?),
        "discarded" => Body::Discarded(discarded(parameters)?),
        "update" => Body::Update,
        "error" => {
            parameters.needed_count("code")?;
            parameters.needed_text("message")?;
            Body::Error
        }
        "dtmf" | "playback_started" | "playback_completed" => Body::Other,
        _ => {
            let problem = "this type is no message of a client that is known in version 2".into();
            return Err(ProtocolError::Unsupported { problem });
        }
    })
}

fn reason(parameters: Fields<'_>) -> Result<EndReason, ProtocolError> {
    match parameters.needed_text("reason")? {
        "end" | "disconnect" => Ok(EndReason::HungUp),
        "error" => Ok(EndReason::Failed),
        // Another session goes on with the conversation: for this one's call it is the end.
        "reconnect" => Ok(EndReason::Lost),
        _ => {
            let problem = "it must be end, error, disconnect or reconnect".into();
            Err(ProtocolError::BadField { field: "reason", problem })
        }
    }
}

fn discarded(parameters: Fields<'_>) -> Result<Discarded, ProtocolError> {
    seconds(parameters, "start")?;
    Ok(Discarded { length: seconds(parameters, "discarded")? })
}

fn open(parameters: Fields<'_>) -> Result<Open, ProtocolError> {
    let media = parameters.needed_list("media")?;
    if media.len() > MAX_OFFERED {
        return Err(ProtocolError::LimitReached { what: "media", most: MAX_OFFERED });
    }
    let conversation = uuid(parameters, "conversationId")?;
    let participant = parameters.needed_object("participant")?;
    let is_probe = conversation == ZERO_UUID && uuid(participant, "id")? == ZERO_UUID;
    Ok(Open {
        organization: uuid(parameters, "organizationId")?,
        is_probe,
        conversation: CallId::new(&conversation).ok(),
        call: call(parameters, participant, &conversation)?,
        offered: media.iter().map(media::parse).collect::<Result<_, _>>()?,
    })
}

/// The call is the conversation, its number the participant's. Who the caller claims to be is known
/// where the flow sets it (`inputVariables`, or the integration's `customConfig`) or where the
/// conversation was registered.
fn call(
    parameters: Fields<'_>,
    participant: Fields<'_>,
    conversation: &str,
) -> Result<Metadata, ProtocolError> {
    let continued = parameters.list("continuedSessions")?.map_or(0, <[_]>::len);
    let mut known = Metadata::default();
    // A record of its own for each part of a conversation that was cut.
    let suffix = if continued == 0 { String::new() } else { format!(".{}", continued + 1) };
    known.set("call_id", &format!("{conversation}{suffix}"))?;
    known.set("caller_number", participant.needed_text("ani")?.trim())?;
    for name in ["customConfig", "inputVariables"] {
        if let Some(said) = parameters.object(name)? {
            known = Metadata::from_fields(said)?.without_call_id().or(known);
        }
    }
    Ok(known)
}

fn seconds(fields: Fields<'_>, name: &'static str) -> Result<Duration, ProtocolError> {
    let problem = "it must be a duration in seconds, such as PT1.5S";
    let bad = || ProtocolError::BadField { field: name, problem: problem.into() };
    duration::parse(fields.needed_text(name)?).ok_or_else(bad)
}

/// A UUID in its usual form, in lower case.
fn uuid(fields: Fields<'_>, name: &'static str) -> Result<String, ProtocolError> {
    let text = fields.needed_text(name)?;
    let fits = text.len() == ZERO_UUID.len()
        && text.bytes().zip(ZERO_UUID.bytes()).all(|(b, shape)| match shape {
            b'-' => b == b'-',
            _ => b.is_ascii_hexdigit(),
        });
    let bad = || ProtocolError::BadField { field: name, problem: "it must be a uuid".into() };
    fits.then(|| text.to_ascii_lowercase()).ok_or_else(bad)
}
