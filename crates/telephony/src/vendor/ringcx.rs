use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use earmark_audio::Encoding;

use super::attributes;
use crate::websocket::capped_gap;
use crate::{CallEvent, EndReason, MediaFormat, Metadata, ProtocolError};

/// Participants at once; a conference has fewer.
const MAX_SEGMENTS: usize = 64;
/// The rate while nothing is said of it.
const RATE_HZ: u32 = 8_000;

/// What matters of one `StreamEvent` of `ringcentral.ringcx.streaming.v1beta2`.
#[derive(Clone, PartialEq)]
pub enum RingCxEvent {
    /// The first message: which call it is.
    DialogInit {
        /// The dialog's id: the call's key unless the attributes name another.
        dialog: String,
        /// The customer's number: who called, or who was called.
        number: Option<String>,
        /// What the workflow attached.
        attributes: BTreeMap<String, String>,
    },
    /// A participant joined.
    SegmentStart {
        /// The segment.
        segment: String,
        /// The participant's id.
        participant: String,
        /// Whose audio it is.
        role: RingCxParticipant,
        /// Codec and samples a second, if they are said.
        format: Option<(RingCxCodec, u32)>,
    },
    /// Somebody is heard.
    SegmentMedia {
        /// The segment.
        segment: String,
        /// The audio.
        payload: Bytes,
        /// Counts the chunks of a segment.
        sequence: u32,
        /// How long the chunk is.
        duration: Duration,
    },
    /// Something happened, such as `hold`.
    SegmentInfo {
        /// The segment.
        segment: String,
        /// What.
        event: String,
    },
    /// A participant left.
    SegmentStop {
        /// The segment.
        segment: String,
    },
}

/// Whose audio a segment carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingCxParticipant {
    /// The customer.
    Contact,
    /// The institution's agent, a bot, or nobody said.
    Other,
}

/// How audio is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingCxCodec {
    /// G.711 A-law.
    Pcma,
    /// G.711 mu-law.
    Pcmu,
    /// A codec that RingCX announces and does not send yet.
    Other,
}

/// One RingCX stream: events in, events of the call out. The contact's segment is scored, the others
/// are left out.
///
/// Chunks are numbered a segment: one that comes again is dropped, and a number that is missing is a
/// gap of a chunk's length.
#[derive(Default)]
pub struct RingCx {
    begun: bool,
    over: bool,
    contacts: HashMap<String, Segment>,
    others: HashSet<String>,
    /// The contact who spoke last.
    contact: Option<String>,
    format: Option<MediaFormat>,
    /// The segment that the hold named, while there is one.
    held_by: Option<String>,
}

struct Segment {
    format: MediaFormat,
    participant: String,
    last: Option<u32>,
}

impl RingCx {
    /// A stream that nothing came over yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// [`ProtocolError`] for events in an order that can't be, and for a codec that is not G.711.
    pub fn receive(&mut self, event: RingCxEvent) -> Result<Vec<CallEvent>, ProtocolError> {
        if let RingCxEvent::DialogInit { dialog, number, attributes } = event {
            return self.begin(&dialog, number.as_deref(), &attributes);
        }
        if !self.begun {
            return Err(out_of_order("dialog_init must be the first event"));
        }
        match event {
            RingCxEvent::SegmentStart { segment, participant, role, format } => {
                self.start(segment, participant, role, format)
            }
            RingCxEvent::SegmentMedia { segment, payload, sequence, duration } => {
                Ok(self.hear(&segment, payload, sequence, duration))
            }
            RingCxEvent::SegmentInfo { segment, event } => Ok(self.note(segment, &event)),
            RingCxEvent::SegmentStop { segment } => Ok(self.stop(&segment)),
            RingCxEvent::DialogInit { .. } => Ok(Vec::new()),
        }
    }

    /// The stream is over: in order, or lost.
    pub fn closed(&mut self, reason: EndReason) -> Vec<CallEvent> {
        let told = !self.begun || std::mem::replace(&mut self.over, true);
        if told { Vec::new() } else { vec![CallEvent::Ended(reason)] }
    }

    fn begin(
        &mut self,
        dialog: &str,
        number: Option<&str>,
        attached: &BTreeMap<String, String>,
    ) -> Result<Vec<CallEvent>, ProtocolError> {
        if std::mem::replace(&mut self.begun, true) {
            return Err(out_of_order("dialog_init came twice; open a stream for each call"));
        }
        let mut own = Metadata::default();
        own.set("call_id", dialog)?;
        own.set("caller_number", number.unwrap_or_default())?;
        let format = MediaFormat::customer_leg(Encoding::MuLaw, RATE_HZ);
        let begun = attributes(attached)?.or(own).begun(format)?;
        self.format = Some(format);
        Ok(vec![CallEvent::Begun(Box::new(begun))])
    }

    fn start(
        &mut self,
        segment: String,
        participant: String,
        role: RingCxParticipant,
        format: Option<(RingCxCodec, u32)>,
    ) -> Result<Vec<CallEvent>, ProtocolError> {
        if self.contacts.len() + self.others.len() >= MAX_SEGMENTS {
            return Err(ProtocolError::LimitReached { what: "segments", most: MAX_SEGMENTS });
        }
        if role == RingCxParticipant::Other {
            self.others.insert(segment);
            return Ok(Vec::new());
        }
        let format = match format {
            Some((codec, rate_hz)) => layout(codec, rate_hz)?,
            None => MediaFormat::customer_leg(Encoding::MuLaw, RATE_HZ),
        };
        if self.contacts.contains_key(&segment) {
            return Err(out_of_order("segment_start came twice for one segment"));
        }
        self.contacts.insert(segment, Segment { format, participant, last: None });
        Ok(Vec::new())
    }

    fn hear(&mut self, segment: &str, payload: Bytes, sequence: u32, duration: Duration) -> Vec<CallEvent> {
        // Agents' and bots' segments, and what comes after a stop.
        let Some(segment) = self.contacts.get_mut(segment) else { return Vec::new() };
        let missing = match segment.last {
            None => 0,
            Some(last) if sequence <= last => return Vec::new(),
            Some(last) => sequence - last - 1,
        };
        segment.last = Some(sequence);
        let mut events = Vec::new();
        if self.contact.as_ref().is_some_and(|last| *last != segment.participant) {
            events.push(CallEvent::SpeakerChanged);
        }
        if self.contact.as_ref() != Some(&segment.participant) {
            self.contact = Some(segment.participant.clone());
        }
        if self.format != Some(segment.format) {
            self.format = Some(segment.format);
            events.push(CallEvent::Format(segment.format));
        }
        events.extend(capped_gap(duration.saturating_mul(missing)).map(CallEvent::Gap));
        events.extend((!payload.is_empty()).then_some(CallEvent::Audio(payload)));
        events
    }

    /// A hold may name any segment of the dialog: that of the agent who put the contact on hold, say.
    fn note(&mut self, segment: String, event: &str) -> Vec<CallEvent> {
        match event.to_ascii_lowercase().as_str() {
            "hold" if self.held_by.is_none() => {
                self.held_by = Some(segment);
                vec![CallEvent::Held]
            }
            "unhold" | "resume" => self.resume(),
            _ => Vec::new(),
        }
    }

    fn resume(&mut self) -> Vec<CallEvent> {
        self.held_by.take().map(|_| CallEvent::Resumed).into_iter().collect()
    }

    /// A hold goes with the segment that it named: an agent who leaves (a transfer) says no `unhold`.
    fn stop(&mut self, segment: &str) -> Vec<CallEvent> {
        self.contacts.remove(segment);
        self.others.remove(segment);
        if self.held_by.as_deref() == Some(segment) { self.resume() } else { Vec::new() }
    }
}

fn layout(codec: RingCxCodec, rate_hz: u32) -> Result<MediaFormat, ProtocolError> {
    let encoding = match codec {
        RingCxCodec::Pcmu => Encoding::MuLaw,
        RingCxCodec::Pcma => Encoding::ALaw,
        RingCxCodec::Other => {
            let problem = "this codec is not taken; stream pcmu or pcma".into();
            return Err(ProtocolError::Unsupported { problem });
        }
    };
    let format = MediaFormat::customer_leg(encoding, if rate_hz == 0 { RATE_HZ } else { rate_hz });
    let bad = |_| ProtocolError::BadField { field: "rate", problem: "can't be a rate of g.711".into() };
    format.stream.check().map_err(bad)?;
    Ok(format)
}

fn out_of_order(problem: &'static str) -> ProtocolError {
    ProtocolError::OutOfOrder { protocol: "ringcx", problem: problem.into() }
}

/// Audio is a biometric, and a number is a person's: only sizes are shown.
impl fmt::Debug for RingCxEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DialogInit { dialog, .. } => write!(f, "DialogInit({dialog})"),
            Self::SegmentStart { segment, role, format, .. } => {
                write!(f, "SegmentStart({segment}, {role:?}, {format:?})")
            }
            Self::SegmentMedia { segment, payload, sequence, .. } => {
                write!(f, "SegmentMedia({segment}, {sequence}, {} bytes)", payload.len())
            }
            Self::SegmentInfo { segment, event } => write!(f, "SegmentInfo({segment}, {event})"),
            Self::SegmentStop { segment } => write!(f, "SegmentStop({segment})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn init() -> RingCxEvent {
        let attributes = [("customer_id", "c-1"), ("agent_id", "a-1"), ("whatever", "x")];
        RingCxEvent::DialogInit {
            dialog: "dialog-1".into(),
            number: Some("+8613800000000".into()),
            attributes: attributes.into_iter().map(|(k, v)| (k.into(), v.into())).collect(),
        }
    }

    fn start(segment: &str, participant: &str, role: RingCxParticipant) -> RingCxEvent {
        let format = Some((RingCxCodec::Pcmu, 8_000));
        RingCxEvent::SegmentStart { segment: segment.into(), participant: participant.into(), role, format }
    }

    fn media(segment: &str, sequence: u32, byte: u8) -> RingCxEvent {
        RingCxEvent::SegmentMedia {
            segment: segment.into(),
            payload: vec![byte; 4].into(),
            sequence,
            duration: Duration::from_millis(100),
        }
    }

    fn audio(byte: u8) -> CallEvent {
        CallEvent::Audio(vec![byte; 4].into())
    }

    fn begun() -> RingCx {
        let mut stream = RingCx::new();
        stream.receive(init()).unwrap();
        stream
    }

    #[test]
    fn the_contact_is_heard_and_nobody_else() {
        let mut stream = RingCx::new();
        let events = stream.receive(init()).unwrap();
        let [CallEvent::Begun(begun)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(begun.call.call_id.as_str(), "dialog-1");
        assert_eq!(begun.call.claimed.as_ref().unwrap().as_str(), "c-1");
        assert_eq!(begun.call.caller_number.as_deref(), Some("+8613800000000"));
        assert_eq!(begun.call.agent.as_deref(), Some("a-1"));
        assert_eq!(begun.format, MediaFormat::customer_leg(Encoding::MuLaw, 8_000));
        for event in [
            start("s1", "p1", RingCxParticipant::Contact),
            start("s2", "p2", RingCxParticipant::Other),
            media("s2", 1, 9),
            media("s3", 1, 9),
        ] {
            assert_eq!(stream.receive(event).unwrap(), []);
        }
        assert_eq!(stream.receive(media("s1", 1, 1)).unwrap(), [audio(1)]);
        let stop = RingCxEvent::SegmentStop { segment: "s1".into() };
        assert_eq!(stream.receive(stop).unwrap(), []);
        assert_eq!(stream.receive(media("s1", 2, 1)).unwrap(), []);
        assert_eq!(stream.closed(EndReason::HungUp), [CallEvent::Ended(EndReason::HungUp)]);
        assert_eq!(stream.closed(EndReason::HungUp), []);
    }

    #[test]
    fn missing_chunks_are_a_gap_and_repeated_ones_are_dropped() {
        let mut stream = begun();
        stream.receive(start("s", "p", RingCxParticipant::Contact)).unwrap();
        assert_eq!(stream.receive(media("s", 7, 1)).unwrap(), [audio(1)]);
        let gap = CallEvent::Gap(Duration::from_millis(200));
        assert_eq!(stream.receive(media("s", 10, 2)).unwrap(), [gap, audio(2)]);
        for late in [7, 9, 10] {
            assert_eq!(stream.receive(media("s", late, 3)).unwrap(), []);
        }
        let far = stream.receive(media("s", u32::MAX, 4)).unwrap();
        assert_eq!(far, [CallEvent::Gap(crate::MAX_GAP), audio(4)]);
    }

    #[test]
    fn another_contact_another_codec_and_a_hold_are_told() {
        let mut stream = begun();
        stream.receive(start("s1", "p1", RingCxParticipant::Contact)).unwrap();
        stream.receive(media("s1", 1, 1)).unwrap();
        let info = |event: &str| RingCxEvent::SegmentInfo { segment: "s1".into(), event: event.to_owned() };
        assert_eq!(stream.receive(info("HOLD")).unwrap(), [CallEvent::Held]);
        assert_eq!(stream.receive(info("unhold")).unwrap(), [CallEvent::Resumed]);
        assert_eq!(stream.receive(info("mute")).unwrap(), []);
        let format = Some((RingCxCodec::Pcma, 0));
        let contact = RingCxParticipant::Contact;
        let (segment, participant) = ("s2".to_owned(), "p2".to_owned());
        stream.receive(RingCxEvent::SegmentStart { segment, participant, role: contact, format }).unwrap();
        let alaw = CallEvent::Format(MediaFormat::customer_leg(Encoding::ALaw, 8_000));
        assert_eq!(stream.receive(media("s2", 1, 2)).unwrap(), [CallEvent::SpeakerChanged, alaw, audio(2)]);
    }

    #[test]
    fn a_hold_may_name_any_segment_and_ends_with_it() {
        let info = |segment: &str, event: &str| RingCxEvent::SegmentInfo {
            segment: segment.to_owned(),
            event: event.to_owned(),
        };
        let mut stream = begun();
        stream.receive(start("contact", "p1", RingCxParticipant::Contact)).unwrap();
        stream.receive(start("agent", "p2", RingCxParticipant::Other)).unwrap();
        for (hold, unhold) in [("agent", "agent"), ("agent", "contact"), ("unheard of", "contact")] {
            assert_eq!(stream.receive(info(hold, "hold")).unwrap(), [CallEvent::Held]);
            assert_eq!(stream.receive(info("contact", "hold")).unwrap(), [], "held already");
            assert_eq!(stream.receive(info(unhold, "unhold")).unwrap(), [CallEvent::Resumed]);
            assert_eq!(stream.receive(info(unhold, "unhold")).unwrap(), []);
        }
        // The agent transfers the held contact and leaves.
        stream.receive(info("agent", "hold")).unwrap();
        let stop = |segment: &str| RingCxEvent::SegmentStop { segment: segment.to_owned() };
        assert_eq!(stream.receive(stop("contact")).unwrap(), []);
        assert_eq!(stream.receive(stop("agent")).unwrap(), [CallEvent::Resumed]);
    }

    #[test]
    fn a_number_that_no_record_can_hold_is_left_out() {
        let (dialog, number, attributes) = ("d".to_owned(), Some("1".repeat(200)), BTreeMap::new());
        let events = RingCx::new().receive(RingCxEvent::DialogInit { dialog, number, attributes }).unwrap();
        let [CallEvent::Begun(begun)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((&begun.call.caller_number, &begun.dropped[..]), (&None, &["caller_number"][..]));
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let order = |events: Vec<RingCxEvent>| {
            let mut stream = RingCx::new();
            let mut last = Ok(Vec::new());
            for event in events {
                last = stream.receive(event);
            }
            last.unwrap_err()
        };
        assert!(matches!(order(vec![media("s", 1, 1)]), ProtocolError::OutOfOrder { .. }));
        assert!(matches!(order(vec![init(), init()]), ProtocolError::OutOfOrder { .. }));
        let twice = || start("s", "p", RingCxParticipant::Contact);
        assert!(matches!(order(vec![init(), twice(), twice()]), ProtocolError::OutOfOrder { .. }));
        let other = |format| RingCxEvent::SegmentStart {
            segment: "s".into(),
            participant: "p".into(),
            role: RingCxParticipant::Contact,
            format: Some(format),
        };
        let opus = order(vec![init(), other((RingCxCodec::Other, 48_000))]);
        assert!(matches!(opus, ProtocolError::Unsupported { .. }));
        let rate = order(vec![init(), other((RingCxCodec::Pcmu, 1))]);
        assert!(matches!(rate, ProtocolError::BadField { field: "rate", .. }));
        let mut crowd = vec![init()];
        crowd.extend((0..=MAX_SEGMENTS).map(|n| start(&n.to_string(), "p", RingCxParticipant::Other)));
        assert!(matches!(order(crowd), ProtocolError::LimitReached { .. }));
    }

    fn any_event() -> impl Strategy<Value = RingCxEvent> {
        let id = || "[a-c]{0,2}";
        let role = prop_oneof![Just(RingCxParticipant::Contact), Just(RingCxParticipant::Other)];
        let codec = prop_oneof![Just(RingCxCodec::Pcma), Just(RingCxCodec::Pcmu), Just(RingCxCodec::Other)];
        prop_oneof![
            (
                ".{0,9}",
                prop::option::of(".{0,9}"),
                prop::collection::btree_map("[a-z_]{0,12}", ".{0,9}", 0..4)
            )
                .prop_map(|(dialog, number, attributes)| RingCxEvent::DialogInit {
                    dialog,
                    number,
                    attributes
                }),
            (id(), id(), role, prop::option::of((codec, any::<u32>()))).prop_map(
                |(segment, participant, role, format)| RingCxEvent::SegmentStart {
                    segment,
                    participant,
                    role,
                    format
                }
            ),
            (id(), prop::collection::vec(any::<u8>(), 0..9), any::<u32>(), any::<u64>()).prop_map(
                |(segment, payload, sequence, ms)| RingCxEvent::SegmentMedia {
                    segment,
                    payload: payload.into(),
                    sequence,
                    duration: Duration::from_millis(ms)
                }
            ),
            (id(), "hold|unhold|.{0,5}")
                .prop_map(|(segment, event)| RingCxEvent::SegmentInfo { segment, event }),
            id().prop_map(|segment| RingCxEvent::SegmentStop { segment }),
        ]
    }

    proptest! {
        #[test]
        fn any_order_ends_in_one_end_or_one_error(events in prop::collection::vec(any_event(), 0..40)) {
            let mut stream = RingCx::new();
            let mut said = Vec::new();
            for event in std::iter::once(init()).chain(events) {
                match stream.receive(event) {
                    Ok(events) => said.extend(events),
                    Err(_) => break,
                }
            }
            said.extend(stream.closed(EndReason::Lost));
            let ends = said.iter().filter(|e| matches!(e, CallEvent::Ended(_))).count();
            let begins = said.iter().filter(|e| matches!(e, CallEvent::Begun(_))).count();
            prop_assert_eq!((begins, ends), (1, 1));
            prop_assert!(matches!(said.last(), Some(CallEvent::Ended(_))));
            prop_assert!(stream.contacts.len() <= MAX_SEGMENTS);
        }
    }
}
