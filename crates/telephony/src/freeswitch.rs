//! FreeSWITCH: mod_audio_fork of drachtio (subprotocol `audio.drachtio.org`) and mod_audio_stream.
//!
//! ```text
//! uuid_audio_fork <uuid> start <url> mono|mixed|stereo 8k|16k <metadata>
//!   -> text frame: the metadata, where there is some
//!   -> binary frames: linear PCM, 16 bit, of the machine's byte order (little endian)
//!   -> text frames: what the dialplan sends by `uuid_audio_fork <uuid> send_text <json>`
//!   <- text frames {"type": "json", ...}: become the event mod_audio_fork::json
//! ```
//!
//! mod_audio_fork fires an event for the types `transcription`, `transfer`, `disconnect`, `error` and
//! `json` (and plays for two more); it logs an error for any other type and drops it. Scores go back
//! as `json`, whose event holds the whole text. mod_audio_stream fires mod_audio_stream::json for all.

use bytes::Bytes;
use earmark_audio::Encoding;
use earmark_engine::CallUpdate;
use serde_json::json;

use crate::verdict_event::verdict_event;
use crate::websocket::{Fields, Metadata, check, close, explanation, parse_objects};
use crate::{CallEvent, Dialect, EndReason, Exchange, Frame, Parting, ProtocolError, Reply};

const PROTOCOL: &str = "freeswitch";

/// The subprotocol that mod_audio_fork asks for; mod_audio_stream asks for none.
pub const FREESWITCH_SUBPROTOCOL: &str = "audio.drachtio.org";

/// One forked channel.
pub struct FreeSwitch {
    stage: Stage,
    /// What the URL said, then also what the stream said.
    metadata: Metadata,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Running,
    Over,
}

impl FreeSwitch {
    /// `url` is what the URL's query says of the call; the stream's own metadata come before it.
    #[must_use]
    pub fn new(url: Metadata) -> Self {
        Self { stage: Stage::Waiting, metadata: url }
    }

    fn begin(&mut self) -> Result<CallEvent, ProtocolError> {
        let begun = self.metadata.begun(self.metadata.format(Encoding::Pcm16Le))?;
        self.stage = Stage::Running;
        Ok(CallEvent::Begun(Box::new(begun)))
    }

    /// mod_audio_fork puts texts together that wait for the socket, so a frame may hold several. Once
    /// the call runs, `send_text` may say what it likes: what is no JSON object is not for us.
    fn text(&mut self, text: &str) -> Result<Vec<CallEvent>, ProtocolError> {
        let mut events = Vec::new();
        for object in parse_objects(PROTOCOL, text) {
            match (self.stage, object) {
                (Stage::Waiting, object) => events.extend(self.object(Fields(&object?))?),
                (Stage::Running, Ok(object)) => events.extend(self.object(Fields(&object))?),
                (Stage::Running, Err(_)) | (Stage::Over, _) => break,
            }
        }
        if self.stage == Stage::Waiting {
            return Err(ProtocolError::Malformed {
                protocol: PROTOCOL,
                problem: "the text frame is empty".into(),
            });
        }
        Ok(events)
    }

    fn object(&mut self, fields: Fields<'_>) -> Result<Option<CallEvent>, ProtocolError> {
        if self.stage == Stage::Waiting {
            let said = Metadata::from_fields(fields)?;
            self.metadata = said.or(std::mem::take(&mut self.metadata));
            return self.begin().map(Some);
        }
        Ok(Some(match fields.text("event").unwrap_or_default() {
            Some("hold") => CallEvent::Held,
            Some("resume" | "unhold") => CallEvent::Resumed,
            Some("transfer") => CallEvent::SpeakerChanged,
            Some("format") => self.format(fields)?,
            Some("hangup") => self.end(),
            // The dialplan may send what it likes, as digits that were pressed.
            _ => return Ok(None),
        }))
    }

    fn end(&mut self) -> CallEvent {
        self.stage = Stage::Over;
        CallEvent::Ended(EndReason::HungUp)
    }

    /// The codec changed: what is not said stays as it was.
    fn format(&mut self, fields: Fields<'_>) -> Result<CallEvent, ProtocolError> {
        let said = Metadata::from_fields(fields)?;
        if !said.says_format() {
            let problem = "the event says neither sampleRate nor mixType".into();
            return Err(ProtocolError::BadField { field: "format", problem });
        }
        self.metadata = said.layout_over(std::mem::take(&mut self.metadata));
        Ok(CallEvent::Format(self.metadata.format(Encoding::Pcm16Le)))
    }

    /// An empty frame is `uuid_audio_fork graceful-shutdown`: no more audio, but the socket stays open
    /// for the last scores.
    fn binary(&mut self, bytes: Bytes) -> Result<Vec<CallEvent>, ProtocolError> {
        let mut events = Vec::new();
        if self.stage == Stage::Waiting {
            events.push(self.begin()?);
        }
        events.push(if bytes.is_empty() { self.end() } else { CallEvent::Audio(bytes) });
        Ok(events)
    }
}

impl Dialect for FreeSwitch {
    fn receive(&mut self, frame: Frame) -> Result<Exchange, ProtocolError> {
        check(&frame)?;
        let events = match (self.stage, frame) {
            // mod_audio_fork repeats the empty frame.
            (Stage::Over, Frame::Binary(bytes)) if bytes.is_empty() => Vec::new(),
            (Stage::Over, _) => {
                let problem = "a frame came after the hang-up; open another stream".into();
                return Err(ProtocolError::OutOfOrder { protocol: PROTOCOL, problem });
            }
            (_, Frame::Text(text)) => self.text(&text)?,
            (_, Frame::Binary(bytes)) => self.binary(bytes)?,
        };
        Ok(Exchange { events, replies: Vec::new() })
    }

    /// `uuid_audio_fork stop` and a hang-up close the socket; there is no other goodbye.
    fn closed(&mut self) -> Exchange {
        let running = self.stage == Stage::Running;
        let end = self.end();
        Exchange { events: if running { vec![end] } else { Vec::new() }, replies: Vec::new() }
    }

    fn tell(&mut self, update: &CallUpdate) -> Vec<Reply> {
        let event = json!({"type": "json", "source": "earmark", "data": verdict_event(update)});
        vec![Reply::Text(event.to_string())]
    }

    fn part(&mut self, parting: &Parting) -> Vec<Reply> {
        self.stage = Stage::Over;
        match parting {
            Parting::Finished(_) => vec![close(parting)],
            _ => {
                let data = json!({"source": "earmark", "problem": explanation(parting)});
                let error = json!({"type": "error", "data": data});
                vec![Reply::Text(error.to_string()), close(parting)]
            }
        }
    }
}

#[cfg(test)]
mod tests;
