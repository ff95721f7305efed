use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::PROTOCOL;
use crate::ProtocolError;
use crate::websocket::{Fields, Metadata, parse_object};

/// A message from Twilio.
pub(super) enum Message {
    /// The first one, without a number.
    Connected,
    Numbered(Numbered),
}

/// A message with its place in the stream.
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) stream: Option<String>,
    pub(super) body: Body,
}

pub(super) enum Body {
    Start(Box<Start>),
    Media(Media),
    Stop,
    /// `dtmf`, `mark` and what may be added: nothing of the caller's voice.
    Other,
}

/// What is used of `start`.
pub(super) struct Start {
    pub(super) metadata: Metadata,
    /// The track of the customer's voice.
    pub(super) customer: Track,
}

pub(super) struct Media {
    pub(super) track: Track,
    pub(super) chunk: u64,
    pub(super) timestamp_ms: u64,
    pub(super) payload: Bytes,
}

/// Heard from the call's far end, or said to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Track {
    Inbound,
    Outbound,
}

pub(super) fn parse(text: &str) -> Result<Message, ProtocolError> {
    let object = parse_object(PROTOCOL, text)?;
    let fields = Fields(&object);
    let event = fields.needed_text("event")?;
    if event == "connected" {
        return connected(fields);
    }
    let body = match event {
        "start" => Body::Start(Box::new(start(fields.needed_object("start")?)?)),
        "media" => Body::Media(media(fields.needed_object("media")?)?),
        "stop" => Body::Stop,
        _ => Body::Other,
    };
    let number = fields.needed_count("sequenceNumber")?;
    Ok(Message::Numbered(Numbered { number, stream: fields.text("streamSid")?.map(str::to_owned), body }))
}

fn connected(fields: Fields<'_>) -> Result<Message, ProtocolError> {
    match fields.text("protocol")? {
        None | Some("Call") => Ok(Message::Connected),
        Some(_) => {
            let problem = "only the protocol `Call` of media streams is taken".into();
            Err(ProtocolError::Unsupported { problem })
        }
    }
}

fn start(start: Fields<'_>) -> Result<Start, ProtocolError> {
    check_format(start.needed_object("mediaFormat")?)?;
    let mut metadata = Metadata::default();
    let mut customer = Track::Inbound;
    if let Some(parameters) = start.object("customParameters")? {
        metadata = Metadata::from_fields(parameters)?;
        if let Some(name) = parameters.text("customer_track")? {
            customer = track("customer_track", name)?;
        }
    }
    let mut call = Metadata::default();
    call.set("call_id", start.needed_text("callSid")?)?;
    let tracks = start.needed_list("tracks")?.iter().map(|name| {
        let text = || ProtocolError::BadField { field: "tracks", problem: "it must list text".into() };
        name.as_str().ok_or_else(text).and_then(|name| track("tracks", name))
    });
    let tracks: Vec<Track> = tracks.collect::<Result<_, _>>()?;
    if !tracks.contains(&customer) {
        let problem =
            "the stream leaves out the customer's track; use track=\"inbound_track\" or \"both_tracks\"";
        return Err(ProtocolError::Unsupported { problem: problem.into() });
    }
    Ok(Start { metadata: metadata.or(call), customer })
}

/// Twilio sends mu-law at 8 kHz in one channel and nothing else.
fn check_format(format: Fields<'_>) -> Result<(), ProtocolError> {
    let is = (
        format.needed_text("encoding")?,
        format.needed_count("sampleRate")?,
        format.needed_count("channels")?,
    );
    if is == ("audio/x-mulaw", 8000, 1) {
        return Ok(());
    }
    let problem = "only audio/x-mulaw at 8000 Hz in 1 channel is taken, as twilio sends it".into();
    Err(ProtocolError::Unsupported { problem })
}

fn media(media: Fields<'_>) -> Result<Media, ProtocolError> {
    let payload = STANDARD.decode(media.needed_text("payload")?);
    let bad = |_| ProtocolError::BadField { field: "payload", problem: "it is no base64".into() };
    Ok(Media {
        track: track("track", media.needed_text("track")?)?,
        chunk: media.needed_count("chunk")?,
        timestamp_ms: media.needed_count("timestamp")?,
        payload: payload.map_err(bad)?.into(),
    })
}

/// `tracks` and `media` say `inbound`; TwiML and `dtmf` say `inbound_track`.
fn track(field: &'static str, name: &str) -> Result<Track, ProtocolError> {
    match name {
        "inbound" | "inbound_track" => Ok(Track::Inbound),
        "outbound" | "outbound_track" => Ok(Track::Outbound),
        _ => Err(ProtocolError::BadField { field, problem: "it must be inbound or outbound".into() }),
    }
}
