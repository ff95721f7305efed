use earmark_audio::Encoding;
use earmark_engine::{CallInfo, check_call_line};
use earmark_voiceprint::{CallId, CustomerId};

use super::fields::Fields;
use super::limits::MAX_QUERY_BYTES;
use crate::{CallBegun, MediaFormat, ProtocolError};

/// Which parties the audio carries, in the words of FreeSWITCH's forking modules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mix {
    /// The forked leg alone: the caller's voice.
    #[default]
    Mono,
    /// Both parties in one channel.
    Mixed,
    /// A channel a party, the forked leg first.
    Stereo,
}

/// What a stream says of its call, under the names that every dialect and URL query shares.
///
/// | name | or | |
/// |---|---|---|
/// | `call_id` | `callId`, `uuid` | the call, and the key by which it was registered |
/// | `customer_id` | `customerId` | whom the caller says they are |
/// | `caller_number` | `callerNumber` | the number the call came from |
/// | `agent_id` | `agentId` | who answers |
/// | `scene` | | hotline, collections, complaint, … |
/// | `sampleRate` | `sample_rate` | in Hz, or `8k`, `16k` |
/// | `mixType` | `mix_type` | `mono`, `mixed` or `stereo` |
/// | `customer_channel` | `customerChannel` | of stereo: which one is the customer's, 0 (left) or 1 |
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    call_id: Option<CallId>,
    customer: Option<CustomerId>,
    caller_number: Option<String>,
    agent: Option<String>,
    scene: Option<String>,
    sample_rate_hz: Option<u32>,
    mix: Option<Mix>,
    customer_channel: Option<u16>,
    /// What was said and no record can hold.
    dropped: Vec<&'static str>,
}

impl Metadata {
    /// Reads the query of a URL, without its question mark. Unknown names are ignored.
    ///
    /// # Errors
    /// [`ProtocolError`] for a query over its limit and for a value that can't be.
    pub fn from_query(query: &str) -> Result<Self, ProtocolError> {
        if query.len() > MAX_QUERY_BYTES {
            let what = "the url's query in bytes";
            return Err(ProtocolError::LimitReached { what, most: MAX_QUERY_BYTES });
        }
        let mut metadata = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            metadata.set(&name, &value)?;
        }
        Ok(metadata)
    }

    /// Reads those fields of a JSON object that are ours. All are text; a rate and a channel may be
    /// numbers.
    pub(crate) fn from_fields(fields: Fields<'_>) -> Result<Self, ProtocolError> {
        let mut metadata = Self::default();
        for name in NAMES {
            if is_number(name) && fields.text(name).is_err() {
                if let Some(number) = fields.count(name)? {
                    metadata.set(name, &number.to_string())?;
                }
            } else if let Some(text) = fields.text(name)? {
                metadata.set(name, text)?;
            }
        }
        Ok(metadata)
    }

    /// Takes a value by its name; empty is absent, and an unknown name is ignored.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), ProtocolError> {
        if value.is_empty() {
            return Ok(());
        }
        let bad = |field, error: earmark_voiceprint::IdError| {
            Err(ProtocolError::BadField { field, problem: error.to_string().into() })
        };
        match name {
            "call_id" | "callId" | "uuid" => match CallId::new(value) {
                Ok(id) => self.call_id = Some(id),
                Err(error) => return bad("call_id", error),
            },
            "customer_id" | "customerId" => match CustomerId::new(value) {
                Ok(id) => self.customer = Some(id),
                Err(error) => return bad("customer_id", error),
            },
            "caller_number" | "callerNumber" => self.caller_number = self.line("caller_number", value),
            "agent_id" | "agentId" => self.agent = self.line("agent_id", value),
            "scene" => self.scene = self.line("scene", value),
            "sampleRate" | "sample_rate" => self.sample_rate_hz = Some(sample_rate(value)?),
            "mixType" | "mix_type" => self.mix = Some(mix(value)?),
            "customer_channel" | "customerChannel" => self.customer_channel = Some(channel(value)?),
            _ => {}
        }
        Ok(())
    }

    /// A line of the call's record. One that no record can hold is left out and not refused: a caller
    /// may choose the number that is shown, and must not choose whether they are screened.
    fn line(&mut self, field: &'static str, value: &str) -> Option<String> {
        let value = value.trim();
        if value.is_empty() {
            return None;
        }
        if check_call_line(field, value).is_err() {
            if !self.dropped.contains(&field) {
                self.dropped.push(field);
            }
            return None;
        }
        Some(value.to_owned())
    }

    /// The same but for the call's id, where somebody else's word counts for that.
    #[must_use]
    pub(crate) fn without_call_id(self) -> Self {
        Self { call_id: None, ..self }
    }

    /// What `self` does not say, `other` may.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            call_id: self.call_id.or(other.call_id),
            customer: self.customer.or(other.customer),
            caller_number: self.caller_number.or(other.caller_number),
            agent: self.agent.or(other.agent),
            scene: self.scene.or(other.scene),
            sample_rate_hz: self.sample_rate_hz.or(other.sample_rate_hz),
            mix: self.mix.or(other.mix),
            customer_channel: self.customer_channel.or(other.customer_channel),
            dropped: [self.dropped, other.dropped].concat(),
        }
    }

    /// Takes over the call of `other`, and its layout where `self` says none.
    #[must_use]
    pub(crate) fn layout_over(self, other: Self) -> Self {
        Self {
            sample_rate_hz: self.sample_rate_hz.or(other.sample_rate_hz),
            mix: self.mix.or(other.mix),
            customer_channel: self.customer_channel.or(other.customer_channel),
            ..other
        }
    }

    /// The call that begins with this.
    pub(crate) fn begun(&self, format: MediaFormat) -> Result<CallBegun, ProtocolError> {
        Ok(CallBegun { dropped: self.dropped.clone(), ..CallBegun::new(self.call_info()?, format) })
    }

    /// The call's data for the engine.
    fn call_info(&self) -> Result<CallInfo, ProtocolError> {
        let problem = "the stream does not say which call it is; send call_id in its metadata or in the url";
        let missing = || ProtocolError::BadField { field: "call_id", problem: problem.into() };
        Ok(CallInfo {
            call_id: self.call_id.clone().ok_or_else(missing)?,
            claimed: self.customer.clone(),
            caller_number: self.caller_number.clone(),
            agent: self.agent.clone(),
            scene: self.scene.clone(),
        })
    }

    pub(crate) fn mix(&self) -> Mix {
        self.mix.unwrap_or_default()
    }

    /// How linear PCM in these words is laid out; 8 kHz mono where nothing is said.
    pub(crate) fn format(&self, encoding: Encoding) -> MediaFormat {
        let rate = self.sample_rate_hz.unwrap_or(8000);
        match self.mix() {
            Mix::Mono => MediaFormat::customer_leg(encoding, rate),
            Mix::Mixed => MediaFormat::mixed(encoding, rate),
            Mix::Stereo => MediaFormat::legs(encoding, rate, 2, self.customer_channel.unwrap_or(0)),
        }
    }

    /// Whether it says anything of the audio's layout.
    pub(crate) fn says_format(&self) -> bool {
        self.sample_rate_hz.is_some() || self.mix.is_some() || self.customer_channel.is_some()
    }
}

/// Every name that is read from JSON; of several names for one thing the last wins, which is our own.
const NAMES: [&str; 16] = [
    "uuid",
    "callId",
    "call_id",
    "customerId",
    "customer_id",
    "callerNumber",
    "caller_number",
    "agentId",
    "agent_id",
    "scene",
    "sample_rate",
    "sampleRate",
    "mix_type",
    "mixType",
    "customerChannel",
    "customer_channel",
];

fn is_number(name: &str) -> bool {
    matches!(name, "sampleRate" | "sample_rate" | "customer_channel" | "customerChannel")
}

fn sample_rate(value: &str) -> Result<u32, ProtocolError> {
    match value {
        "8k" | "8000" => Ok(8000),
        "16k" | "16000" => Ok(16_000),
        "24k" | "24000" => Ok(24_000),
        "32k" | "32000" => Ok(32_000),
        "48k" | "48000" => Ok(48_000),
        _ => {
            let problem = "it must be 8000, 16000, 24000, 32000 or 48000 (or 8k, 16k, …)".into();
            Err(ProtocolError::BadField { field: "sampleRate", problem })
        }
    }
}

fn mix(value: &str) -> Result<Mix, ProtocolError> {
    match value {
        "mono" => Ok(Mix::Mono),
        "mixed" => Ok(Mix::Mixed),
        "stereo" => Ok(Mix::Stereo),
        _ => {
            let problem = "it must be mono, mixed or stereo".into();
            Err(ProtocolError::BadField { field: "mixType", problem })
        }
    }
}

fn channel(value: &str) -> Result<u16, ProtocolError> {
    match value {
        "0" | "left" => Ok(0),
        "1" | "right" => Ok(1),
        _ => {
            let problem = "it must be 0 (left) or 1 (right)".into();
            Err(ProtocolError::BadField { field: "customer_channel", problem })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::parse_object;

    fn json(text: &str) -> Result<Metadata, ProtocolError> {
        Metadata::from_fields(Fields(&parse_object("test", text).unwrap()))
    }

    #[test]
    fn a_query_and_json_say_the_same() {
        let query = "call_id=c%201&customer_id=6217-1&caller_number=%2B86138&agent_id=desk&scene=hotline\
                     &sampleRate=16k&mixType=stereo&customer_channel=1&token=secret";
        let text = r#"{"call_id":"c 1","customer_id":"6217-1","caller_number":"+86138","agent_id":"desk",
            "scene":"hotline","sampleRate":16000,"mixType":"stereo","customer_channel":1,"other":[1,{}]}"#;
        let metadata = Metadata::from_query(query).unwrap();
        assert_eq!(metadata, json(text).unwrap());
        let call = metadata.call_info().unwrap();
        assert_eq!(call.call_id.as_str(), "c 1");
        assert_eq!(call.claimed.unwrap().as_str(), "6217-1");
        assert_eq!((call.caller_number.as_deref(), call.agent.as_deref()), (Some("+86138"), Some("desk")));
        assert_eq!(call.scene.as_deref(), Some("hotline"));
        assert_eq!(metadata.format(Encoding::Pcm16Le), MediaFormat::legs(Encoding::Pcm16Le, 16_000, 2, 1));
    }

    #[test]
    fn other_spellings_are_taken_and_ours_comes_first() {
        let text = r#"{"uuid":"a","callId":"b","customerId":"c","callerNumber":"d","agentId":"e","sample_rate":"8k"}"#;
        let call = json(text).unwrap().call_info().unwrap();
        assert_eq!((call.call_id.as_str(), call.claimed.unwrap().as_str()), ("b", "c"));
        assert_eq!((call.caller_number.as_deref(), call.agent.as_deref()), (Some("d"), Some("e")));
        assert_eq!(json(r#"{"call_id":"ours","uuid":"theirs"}"#).unwrap().call_id.unwrap().as_str(), "ours");
    }

    #[test]
    fn what_can_not_be_is_named() {
        let field = |outcome: Result<Metadata, ProtocolError>| match outcome.unwrap_err() {
            ProtocolError::BadField { field, .. } => field,
            ProtocolError::LimitReached { what, .. } => what,
            other => panic!("{other}"),
        };
        assert_eq!(field(json(r#"{"call_id":7}"#)), "call_id");
        assert_eq!(field(json(r#"{"call_id":" x"}"#)), "call_id");
        assert_eq!(field(json(r#"{"customer_id":["x"]}"#)), "customer_id");
        assert_eq!(field(json(r#"{"sampleRate":44100}"#)), "sampleRate");
        assert_eq!(field(json(r#"{"sampleRate":{}}"#)), "sampleRate");
        assert_eq!(field(json(r#"{"mixType":"quad"}"#)), "mixType");
        assert_eq!(field(json(r#"{"customer_channel":2}"#)), "customer_channel");
        let long = format!("x={}", "y".repeat(MAX_QUERY_BYTES));
        assert_eq!(field(Metadata::from_query(&long)), "the url's query in bytes");
        assert!(matches!(
            Metadata::default().call_info(),
            Err(ProtocolError::BadField { field: "call_id", .. })
        ));
    }

    #[test]
    fn a_line_that_no_record_can_hold_is_left_out_and_named() {
        let long = "x".repeat(129);
        let query = format!("call_id=c&agent_id={long}&caller_number=%20138%20&scene=a%07b");
        let begun = Metadata::from_query(&query).unwrap().begun(Metadata::default().format(Encoding::ALaw));
        let begun = begun.unwrap();
        assert_eq!((begun.call.agent, begun.call.scene), (None, None));
        assert_eq!(begun.call.caller_number.as_deref(), Some("138"));
        assert_eq!(begun.dropped, ["agent_id", "scene"]);
        let stream = json(r#"{"scene":" "}"#).unwrap();
        let both = stream.or(Metadata::from_query("call_id=c&scene=hotline").unwrap());
        assert_eq!(both.call_info().unwrap().scene.as_deref(), Some("hotline"));
    }

    #[test]
    fn what_one_source_leaves_open_the_other_fills() {
        let stream = Metadata::from_query("call_id=a&mixType=mixed").unwrap();
        let url = Metadata::from_query("call_id=b&customer_id=c&sampleRate=16k").unwrap();
        let both = stream.or(url);
        let call = both.call_info().unwrap();
        assert_eq!((call.call_id.as_str(), call.claimed.unwrap().as_str()), ("a", "c"));
        assert_eq!(both.format(Encoding::Pcm16Le), MediaFormat::mixed(Encoding::Pcm16Le, 16_000));
        let silent = Metadata::default().format(Encoding::Pcm16Le);
        assert_eq!(silent, MediaFormat::customer_leg(Encoding::Pcm16Le, 8000));
    }
}
