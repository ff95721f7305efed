use std::time::Duration;

use earmark_audio::Encoding;
use serde_json::{Value, json};

use super::PROTOCOL;
use crate::websocket::Fields;
use crate::{MediaFormat, ProtocolError};

const RATE_HZ: u32 = 8000;

/// A medium that is offered: two formats at 8 kHz, one channel or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Medium {
    format: Format,
    channels: Channels,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Pcmu,
    /// Of the byte order of Genesys's reference implementation: little endian. Production sends PCMU.
    L16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Channels {
    External,
    Internal,
    ExternalInternal,
    InternalExternal,
}

/// Reads one of the media offered.
pub(super) fn parse(value: &Value) -> Result<Medium, ProtocolError> {
    let bad = |problem: &'static str| ProtocolError::BadField { field: "media", problem: problem.into() };
    let fields = Fields(value.as_object().ok_or_else(|| bad("it must list objects"))?);
    if fields.needed_text("type")? != "audio" || fields.needed_count("rate")? != u64::from(RATE_HZ) {
        return Err(bad("only audio at 8000 Hz is part of the protocol"));
    }
    let format = match fields.needed_text("format")? {
        "PCMU" => Format::Pcmu,
        "L16" => Format::L16,
        _ => return Err(bad("format must be PCMU or L16")),
    };
    let names: Vec<_> = fields.needed_list("channels")?.iter().map(Value::as_str).collect();
    let channels = match names.as_slice() {
        [Some("external")] => Channels::External,
        [Some("internal")] => Channels::Internal,
        [Some("external"), Some("internal")] => Channels::ExternalInternal,
        [Some("internal"), Some("external")] => Channels::InternalExternal,
        _ => return Err(bad("channels must be external, internal or both")),
    };
    Ok(Medium { format, channels })
}

/// The one to take: the customer's channel alone before both, PCMU (what the line carries) before L16.
pub(super) fn choose(offered: &[Medium]) -> Option<Medium> {
    offered
        .iter()
        .copied()
        .filter(|medium| medium.channels != Channels::Internal)
        .min_by_key(|medium| (medium.format != Format::Pcmu, medium.channels != Channels::External))
}

impl Medium {
    pub(super) fn format(self) -> MediaFormat {
        let encoding = match self.format {
            Format::Pcmu => Encoding::MuLaw,
            Format::L16 => Encoding::Pcm16Le,
        };
        match self.channels {
            Channels::External | Channels::Internal => MediaFormat::customer_leg(encoding, RATE_HZ),
            Channels::ExternalInternal => MediaFormat::legs(encoding, RATE_HZ, 2, 0),
            Channels::InternalExternal => MediaFormat::legs(encoding, RATE_HZ, 2, 1),
        }
    }

    pub(super) fn to_json(self) -> Value {
        let format = match self.format {
            Format::Pcmu => "PCMU",
            Format::L16 => "L16",
        };
        let channels = match self.channels {
            Channels::External => json!(["external"]),
            Channels::Internal => json!(["internal"]),
            Channels::ExternalInternal => json!(["external", "internal"]),
            Channels::InternalExternal => json!(["internal", "external"]),
        };
        json!({"type": "audio", "format": format, "channels": channels, "rate": RATE_HZ})
    }

    /// How long a frame of so many bytes is; frames hold whole samples of all channels.
    pub(super) fn samples(self, bytes: usize) -> Result<Duration, ProtocolError> {
        let MediaFormat { stream, .. } = self.format();
        let step = stream.encoding.unit_bytes() * usize::from(stream.channels);
        if !bytes.is_multiple_of(step) {
            let problem = "a binary frame holds no whole number of samples".into();
            return Err(ProtocolError::Malformed { protocol: PROTOCOL, problem });
        }
        Ok(Duration::from_secs((bytes / step) as u64) / RATE_HZ)
    }
}
