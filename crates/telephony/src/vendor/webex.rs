use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use earmark_audio::Encoding;

use super::attributes;
use crate::websocket::capped_gap;
use crate::{CallEvent, EndReason, MediaFormat, Metadata, ProtocolError};

/// The rate while nothing is said of it.
const RATE_HZ: u32 = 8_000;
/// Timestamps are taken when audio is captured, and jitter: what is missing beyond this is a gap.
const JITTER: Duration = Duration::from_millis(200);

/// What matters of one `ConversationAudioForkingRequest` of `com.cisco.wcc.ccai.media.v1`.
#[derive(Clone, Debug, PartialEq)]
pub struct WebexMessage {
    /// The call: its key unless the additional information names another.
    pub conversation: String,
    /// Some audio of one party.
    pub audio: Option<WebexAudio>,
    /// What the flow attached.
    pub additional_info: BTreeMap<String, String>,
}

/// Some audio of one party.
#[derive(Clone, PartialEq)]
pub struct WebexAudio {
    /// The bytes.
    pub bytes: Bytes,
    /// Linear 16-bit (little-endian), mu-law or A-law; `None` if it is not said.
    pub encoding: Option<Encoding>,
    /// Samples a second; 0 if it is not said.
    pub sample_rate_hz: u32,
    /// When the first sample was captured, since any fixed moment; `None` if it is not said.
    pub captured_at: Option<Duration>,
    /// Whose voice it is.
    pub role: WebexRole,
    /// The leg's id.
    pub role_id: String,
}

/// Whose voice it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebexRole {
    /// The customer.
    Caller,
    /// The agent.
    Agent,
    /// It is not said: it may be both.
    Unspecified,
}

/// One Webex stream: messages in, events of the call out. The caller's audio is scored, the agent's
/// is left out.
///
/// By their timestamps, audio that was there before is dropped, and what is missing is a gap.
#[derive(Default)]
pub struct Webex {
    conversation: Option<String>,
    over: bool,
    /// The caller's leg.
    leg: Option<String>,
    format: Option<MediaFormat>,
    /// Where the caller's audio ends so far.
    end: Option<Duration>,
}

impl Webex {
    /// A stream that nothing came over yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next message.
    ///
    /// # Errors
    /// [`ProtocolError`] for another conversation in the same stream, a format that can't be, and
    /// data of the call that can't be.
    pub fn receive(&mut self, message: WebexMessage) -> Result<Vec<CallEvent>, ProtocolError> {
        let mut events = Vec::new();
        match &self.conversation {
            None => events.push(self.begin(&message)?),
            Some(conversation) if *conversation != message.conversation => {
                let problem = "another conversation_id came; open a stream for each conversation".into();
                return Err(ProtocolError::OutOfOrder { protocol: "webex", problem });
            }
            Some(_) => {}
        }
        if let Some(audio) = message.audio.filter(|audio| audio.role != WebexRole::Agent) {
            self.hear(audio, &mut events)?;
        }
        Ok(events)
    }

    /// The stream is over: in order, or lost.
    pub fn closed(&mut self, reason: EndReason) -> Vec<CallEvent> {
        let told = self.conversation.is_none() || std::mem::replace(&mut self.over, true);
        if told { Vec::new() } else { vec![CallEvent::Ended(reason)] }
    }

    fn begin(&mut self, message: &WebexMessage) -> Result<CallEvent, ProtocolError> {
        let mut own = Metadata::default();
        own.set("call_id", &message.conversation)?;
        let said = attributes(&message.additional_info)?.or(own);
        let format = match &message.audio {
            Some(audio) if audio.role != WebexRole::Agent => layout(audio)?,
            _ => MediaFormat::customer_leg(Encoding::MuLaw, RATE_HZ),
        };
        let begun = said.begun(format)?;
        self.conversation = Some(message.conversation.clone());
        self.format = Some(format);
        Ok(CallEvent::Begun(Box::new(begun)))
    }

    fn hear(&mut self, audio: WebexAudio, events: &mut Vec<CallEvent>) -> Result<(), ProtocolError> {
        let format = layout(&audio)?;
        if self.leg.as_ref().is_some_and(|leg| *leg != audio.role_id) {
            events.push(CallEvent::SpeakerChanged);
            self.end = None;
        }
        if self.leg.as_ref() != Some(&audio.role_id) {
            self.leg = Some(audio.role_id);
        }
        let length = duration(&format, audio.bytes.len());
        if let Some(starts) = audio.captured_at {
            let end = self.end.unwrap_or(starts);
            if starts.saturating_add(length) <= end {
                return Ok(());
            }
            let missing = starts.saturating_sub(end);
            if missing > JITTER {
                events.extend(capped_gap(missing).map(CallEvent::Gap));
                self.end = Some(starts);
            }
            self.end = Some(self.end.unwrap_or(starts).saturating_add(length));
        }
        if self.format != Some(format) {
            self.format = Some(format);
            events.push(CallEvent::Format(format));
        }
        events.extend((!audio.bytes.is_empty()).then_some(CallEvent::Audio(audio.bytes)));
        Ok(())
    }
}

fn layout(audio: &WebexAudio) -> Result<MediaFormat, ProtocolError> {
    let rate_hz = if audio.sample_rate_hz == 0 { RATE_HZ } else { audio.sample_rate_hz };
    let encoding = audio.encoding.unwrap_or(Encoding::MuLaw);
    let format = match audio.role {
        WebexRole::Unspecified => MediaFormat::mixed(encoding, rate_hz),
        _ => MediaFormat::customer_leg(encoding, rate_hz),
    };
    let bad = |e: earmark_audio::AudioError| ProtocolError::BadField {
        field: "sample_rate_hertz",
        problem: e.to_string().into(),
    };
    format.stream.check().map_err(bad)?;
    Ok(format)
}

/// How long so many bytes are.
fn duration(format: &MediaFormat, bytes: usize) -> Duration {
    let stream = &format.stream;
    let samples = bytes / stream.encoding.unit_bytes() * stream.encoding.unit_samples();
    Duration::from_secs_f64(samples as f64 / f64::from(stream.sample_rate_hz))
}

/// Audio is a biometric: only its size is shown.
impl fmt::Debug for WebexAudio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebexAudio")
            .field("bytes", &self.bytes.len())
            .field("encoding", &self.encoding)
            .field("sample_rate_hz", &self.sample_rate_hz)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use earmark_audio::ChannelRole;
    use proptest::prelude::*;

    use super::*;

    fn heard(role: WebexRole, ms: u64, byte: u8) -> WebexMessage {
        let audio = WebexAudio {
            bytes: vec![byte; 800].into(),
            encoding: Some(Encoding::MuLaw),
            sample_rate_hz: 8_000,
            captured_at: Some(Duration::from_millis(1_000_000 + ms)),
            role,
            role_id: format!("{role:?}"),
        };
        let additional_info = BTreeMap::from([("customer_id".to_owned(), "c-1".to_owned())]);
        WebexMessage { conversation: "conversation-1".into(), audio: Some(audio), additional_info }
    }

    fn audio(byte: u8) -> CallEvent {
        CallEvent::Audio(vec![byte; 800].into())
    }

    #[test]
    fn the_caller_is_heard_and_the_agent_is_not() {
        let mut stream = Webex::new();
        let events = stream.receive(heard(WebexRole::Agent, 0, 9)).unwrap();
        let [CallEvent::Begun(begun)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(begun.call.call_id.as_str(), "conversation-1");
        assert_eq!(begun.call.claimed.as_ref().unwrap().as_str(), "c-1");
        assert_eq!(stream.receive(heard(WebexRole::Caller, 0, 1)).unwrap(), [audio(1)]);
        assert_eq!(stream.receive(heard(WebexRole::Agent, 100, 9)).unwrap(), []);
        assert_eq!(stream.receive(heard(WebexRole::Caller, 130, 2)).unwrap(), [audio(2)]);
        assert_eq!(stream.closed(EndReason::Lost), [CallEvent::Ended(EndReason::Lost)]);
    }

    #[test]
    fn lost_audio_is_a_gap_and_late_audio_is_dropped() {
        let mut stream = Webex::new();
        stream.receive(heard(WebexRole::Caller, 0, 1)).unwrap();
        let gap = CallEvent::Gap(Duration::from_millis(300));
        assert_eq!(stream.receive(heard(WebexRole::Caller, 400, 2)).unwrap(), [gap, audio(2)]);
        assert_eq!(stream.receive(heard(WebexRole::Caller, 400, 2)).unwrap(), []);
        assert_eq!(stream.receive(heard(WebexRole::Caller, 100, 1)).unwrap(), []);
        assert_eq!(stream.receive(heard(WebexRole::Caller, 500, 3)).unwrap(), [audio(3)]);
    }

    #[test]
    fn another_leg_and_another_codec_are_told_and_no_role_is_mixed() {
        let mut stream = Webex::new();
        stream.receive(heard(WebexRole::Caller, 0, 1)).unwrap();
        let mut moved = heard(WebexRole::Caller, 100, 2);
        let alaw = moved.audio.as_mut().unwrap();
        (alaw.role_id, alaw.encoding) = ("other".into(), Some(Encoding::ALaw));
        let format = CallEvent::Format(MediaFormat::customer_leg(Encoding::ALaw, 8_000));
        assert_eq!(stream.receive(moved).unwrap(), [CallEvent::SpeakerChanged, format, audio(2)]);
        let events = Webex::new().receive(heard(WebexRole::Unspecified, 0, 1)).unwrap();
        let CallEvent::Begun(begun) = &events[0] else { panic!("{events:?}") };
        assert_eq!(begun.format.role, ChannelRole::Mixed);
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let mut stream = Webex::new();
        stream.receive(heard(WebexRole::Caller, 0, 1)).unwrap();
        let other = WebexMessage { conversation: "other".into(), ..heard(WebexRole::Caller, 0, 1) };
        assert!(matches!(stream.receive(other), Err(ProtocolError::OutOfOrder { .. })));
        let mut rate = heard(WebexRole::Caller, 0, 1);
        rate.audio.as_mut().unwrap().sample_rate_hz = 1;
        assert!(matches!(Webex::new().receive(rate), Err(ProtocolError::BadField { .. })));
        let nameless = WebexMessage { conversation: String::new(), ..heard(WebexRole::Caller, 0, 1) };
        assert!(matches!(Webex::new().receive(nameless), Err(ProtocolError::BadField { .. })));
    }

    proptest! {
        #[test]
        fn any_order_ends_in_one_end_or_one_error(
            messages in prop::collection::vec(
                (
                    "[ab]{1,1}", 0u8..3, any::<u32>(), prop::option::of(any::<u64>()),
                    prop::collection::vec(any::<u8>(), 0..20), "[xy]?", prop::option::of(0usize..8),
                ),
                1..30,
            ),
        ) {
            let mut stream = Webex::new();
            let mut said = Vec::new();
            for (conversation, role, sample_rate_hz, ms, bytes, role_id, encoding) in messages {
                let role = [WebexRole::Caller, WebexRole::Agent, WebexRole::Unspecified][usize::from(role)];
                let encoding = encoding.and_then(|n| Encoding::ALL.get(n).copied());
                let captured_at = ms.map(Duration::from_millis);
                let bytes = bytes.into();
                let audio = WebexAudio { bytes, encoding, sample_rate_hz, captured_at, role, role_id };
                let additional_info = BTreeMap::new();
                match stream.receive(WebexMessage { conversation, audio: Some(audio), additional_info }) {
                    Ok(events) => said.extend(events),
                    Err(_) => break,
                }
            }
            said.extend(stream.closed(EndReason::HungUp));
            let begins = said.iter().filter(|e| matches!(e, CallEvent::Begun(_))).count();
            let ends = said.iter().filter(|e| matches!(e, CallEvent::Ended(_))).count();
            prop_assert!(begins <= 1 && begins == ends);
        }
    }
}
