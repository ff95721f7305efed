//! Asterisk's chan_websocket (20.16, 21.11, 22.6, 23.0 and later), subprotocol `media`.
//!
//! ```text
//! Dial(WebSocket/earmark/c(slin)v(call_id=...,customer_id=...))
//!   -> text: MEDIA_START connection_id:.. channel:.. format:slin optimal_frame_size:320 ptime:20
//!      or {"event": "MEDIA_START", ..., "channel_variables": {...}}   (control_message_format=json)
//!   -> binary: the channel's codec, in frames
//!   -> text: MEDIA_XON, DTMF_END, STATUS, ...: nothing of them is about the caller's voice
//! ```
//!
//! The end is the end of the socket. There is no way back: Asterisk takes commands of at most 128
//! bytes and logs a warning for any it does not know.

mod control;

use bytes::Bytes;
use earmark_audio::Encoding;
use earmark_engine::CallUpdate;

use self::control::{Control, MediaStart};
use crate::websocket::{Metadata, Mix, check, close};
use crate::{CallEvent, Dialect, EndReason, Exchange, Frame, MediaFormat, Parting, ProtocolError, Reply};

const PROTOCOL: &str = "asterisk";

/// The subprotocol that chan_websocket asks for.
pub const ASTERISK_SUBPROTOCOL: &str = "media";

/// One WebSocket channel of Asterisk.
pub struct AsteriskWebSocket {
    stage: Stage,
    url: Metadata,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Over,
}

impl AsteriskWebSocket {
    /// `url` is what the URL's query says of the call: the dial string's `v(...)`.
    #[must_use]
    pub fn new(url: Metadata) -> Self {
        Self { stage: Stage::Waiting, url }
    }

    fn begin(&mut self, start: &MediaStart) -> Result<CallEvent, ProtocolError> {
        let metadata = std::mem::take(&mut self.url).or(start.metadata()?);
        let (encoding, rate) = encoding(&start.format)?;
        let format = match metadata.mix() {
            Mix::Mono => MediaFormat::customer_leg(encoding, rate),
            Mix::Mixed => MediaFormat::mixed(encoding, rate),
            Mix::Stereo => {
                let problem = "asterisk sends one channel; fork the caller's leg alone, or say mixType=mixed";
                return Err(ProtocolError::Unsupported { problem: problem.into() });
            }
        };
        let begun = metadata.begun(format)?;
        self.stage = Stage::Running;
        Ok(CallEvent::Begun(Box::new(begun)))
    }

    fn text(&mut self, text: &str) -> Result<Vec<CallEvent>, ProtocolError> {
        match (self.stage, control::parse(text)?) {
            (Stage::Waiting, Control::MediaStart(start)) => Ok(vec![self.begin(&start)?]),
            (Stage::Waiting, Control::Other) => Err(out_of_order("the first message must be MEDIA_START")),
            (_, Control::MediaStart(_)) => Err(out_of_order("MEDIA_START came twice")),
            (_, Control::Other) => Ok(Vec::new()),
        }
    }

    fn binary(&mut self, bytes: Bytes) -> Result<Vec<CallEvent>, ProtocolError> {
        if self.stage == Stage::Waiting {
            return Err(out_of_order("audio came before MEDIA_START"));
        }
        Ok(if bytes.is_empty() { Vec::new() } else { vec![CallEvent::Audio(bytes)] })
    }
}

fn out_of_order(problem: &'static str) -> ProtocolError {
    ProtocolError::OutOfOrder { protocol: PROTOCOL, problem: problem.into() }
}

/// Asterisk's names of codecs. Its `slin` is of the machine's byte order, which is little endian
/// wherever Asterisk is packaged today.
fn encoding(format: &str) -> Result<(Encoding, u32), ProtocolError> {
    Ok(match format {
        "ulaw" => (Encoding::MuLaw, 8000),
        "alaw" => (Encoding::ALaw, 8000),
        "gsm" => (Encoding::Gsm610, 8000),
        "slin" => (Encoding::Pcm16Le, 8000),
        "slin12" => (Encoding::Pcm16Le, 12_000),
        "slin16" => (Encoding::Pcm16Le, 16_000),
        "slin24" => (Encoding::Pcm16Le, 24_000),
        "slin32" => (Encoding::Pcm16Le, 32_000),
        "slin44" => (Encoding::Pcm16Le, 44_100),
        "slin48" => (Encoding::Pcm16Le, 48_000),
        "slin96" => (Encoding::Pcm16Le, 96_000),
        "slin192" => (Encoding::Pcm16Le, 192_000),
        _ => {
            let problem = "this codec is not taken; put c(slin), c(ulaw) or c(alaw) in the dial string";
            return Err(ProtocolError::Unsupported { problem: problem.into() });
        }
    })
}

impl Dialect for AsteriskWebSocket {
    fn receive(&mut self, frame: Frame) -> Result<Exchange, ProtocolError> {
        check(&frame)?;
        if self.stage == Stage::Over {
            return Err(out_of_order("a frame came after the end"));
        }
        let events = match frame {
            Frame::Text(text) => self.text(&text)?,
            Frame::Binary(bytes) => self.binary(bytes)?,
        };
        Ok(Exchange { events, replies: Vec::new() })
    }

    fn closed(&mut self) -> Exchange {
        let running = self.stage == Stage::Running;
        self.stage = Stage::Over;
        let events = if running { vec![CallEvent::Ended(EndReason::HungUp)] } else { Vec::new() };
        Exchange { events, replies: Vec::new() }
    }

    fn tell(&mut self, _: &CallUpdate) -> Vec<Reply> {
        Vec::new()
    }

    fn part(&mut self, parting: &Parting) -> Vec<Reply> {
        self.stage = Stage::Over;
        vec![close(parting)]
    }
}

#[cfg(test)]
mod tests;
