use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use earmark_audio::{ChannelChoice, ChannelRole, Encoding, StreamFormat};
use earmark_engine::CallInfo;
use earmark_voiceprint::CallId;

/// What happened to a call, in the order in which it happened.
///
/// A call is [`CallEvent::Begun`] once and first, and nothing follows [`CallEvent::Ended`].
#[derive(Clone, PartialEq)]
pub enum CallEvent {
    /// The stream said which call it is and how its audio is laid out.
    Begun(Box<CallBegun>),
    /// The next audio, in the format announced last, cut anywhere.
    Audio(Bytes),
    /// The audio goes on in another format: the codec changed.
    Format(MediaFormat),
    /// So much audio is missing here: lost packets, suppressed silence.
    Gap(Duration),
    /// The caller is on hold: what is heard from here on is not the caller.
    Held,
    /// The caller is back.
    Resumed,
    /// From here on somebody else may be speaking on the scored leg: what was heard no longer counts.
    SpeakerChanged,
    /// There is no more.
    Ended(EndReason),
}

/// What a stream says of its call when it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct CallBegun {
    /// What the stream says of the call. A registered call's own data come before these; `call_id`
    /// is the key by which it was registered.
    pub call: CallInfo,
    /// How the audio is laid out.
    pub format: MediaFormat,
    /// The conversation, where one may come in several streams, each of them a call of its own: what
    /// is known of one of them the next one takes over.
    pub conversation: Option<CallId>,
    /// What the stream said and no record can hold (too long, a control character), by name: the call
    /// begins without it, since a caller may choose the number that is shown.
    pub dropped: Vec<&'static str>,
}

impl CallBegun {
    /// A call that is one stream, of which all that was said is taken.
    #[must_use]
    pub fn new(call: CallInfo, format: MediaFormat) -> Self {
        Self { call, format, conversation: None, dropped: Vec::new() }
    }
}

/// How audio is laid out, and whose voice its chosen channel carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaFormat {
    /// The layout.
    pub stream: StreamFormat,
    /// Whose voice. The server refuses or marks [`ChannelRole::Mixed`], as it is configured.
    pub role: ChannelRole,
}

impl MediaFormat {
    /// The customer's leg alone, in one channel.
    #[must_use]
    pub fn customer_leg(encoding: Encoding, sample_rate_hz: u32) -> Self {
        Self { stream: StreamFormat::mono(encoding, sample_rate_hz), role: ChannelRole::Customer }
    }

    /// Both parties in one channel.
    #[must_use]
    pub fn mixed(encoding: Encoding, sample_rate_hz: u32) -> Self {
        Self { stream: StreamFormat::mono(encoding, sample_rate_hz), role: ChannelRole::Mixed }
    }

    /// One channel a party, interleaved; `customer` is the number of the customer's, from 0.
    #[must_use]
    pub fn legs(encoding: Encoding, sample_rate_hz: u32, channels: u16, customer: u16) -> Self {
        let channel = ChannelChoice::Index(customer);
        Self {
            stream: StreamFormat { encoding, sample_rate_hz, channels, channel },
            role: ChannelRole::Customer,
        }
    }
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The protocol's own goodbye, or a connection closed where that is how calls end.
    HungUp,
    /// The connection was lost in the middle of something.
    Lost,
    /// The far end reported a failure of its own.
    Failed,
}

/// Audio is a biometric: only its size is shown.
impl fmt::Debug for CallEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begun(begun) => f.debug_tuple("Begun").field(begun).finish(),
            Self::Audio(bytes) => write!(f, "Audio({} bytes)", bytes.len()),
            Self::Format(format) => f.debug_tuple("Format").field(format).finish(),
            Self::Gap(length) => f.debug_tuple("Gap").field(length).finish(),
            Self::Held => f.write_str("Held"),
            Self::Resumed => f.write_str("Resumed"),
            Self::SpeakerChanged => f.write_str("SpeakerChanged"),
            Self::Ended(reason) => f.debug_tuple("Ended").field(reason).finish(),
        }
    }
}
