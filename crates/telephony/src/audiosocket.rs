//! Asterisk's AudioSocket: frames of `type u8 | length u16, big-endian | payload` over TCP, first the
//! call's UUID, then audio (Asterisk, `res_audiosocket.h` and the AudioSocket page of its manual).

use bytes::{Buf, Bytes, BytesMut};
use earmark_audio::Encoding;
use earmark_engine::CallInfo;
use earmark_voiceprint::CallId;

use crate::{CallBegun, CallEvent, EndReason, MediaFormat, ProtocolError};

const HEADER_BYTES: usize = 3;
const UUID_BYTES: usize = 16;

const HANG_UP: u8 = 0x00;
const UUID: u8 = 0x01;
const DTMF: u8 = 0x03;
/// 0x10 to 0x18: 16-bit signed linear, little-endian, mono, at these rates.
const AUDIO: u8 = 0x10;
const RATES_HZ: [u32; 9] = [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];
const ERROR: u8 = 0xff;

/// The frame that asks Asterisk to hang the channel up.
pub const AUDIOSOCKET_HANG_UP: [u8; HEADER_BYTES] = [HANG_UP, 0, 0];

/// One AudioSocket connection: bytes in, in any split, events out.
///
/// The UUID becomes the call's id, in its hyphenated lower-case form. Asterisk sends nothing else of
/// the call, so it is registered before, or screened with no claim. Memory: one unfinished frame, at
/// most 64 KiB.
#[derive(Default)]
pub struct AudioSocket {
    buffer: BytesMut,
    rate_hz: Option<u32>,
    over: bool,
}

impl AudioSocket {
    /// A connection that nothing came over yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes. What comes after a hang-up is dropped.
    ///
    /// # Errors
    /// [`ProtocolError::Malformed`] or [`ProtocolError::OutOfOrder`] for what Asterisk never sends;
    /// events before it are lost with it, but for those of earlier calls.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<CallEvent>, ProtocolError> {
        let mut events = Vec::new();
        if self.over {
            return Ok(events);
        }
        self.buffer.extend_from_slice(bytes);
        while !self.over {
            let Some((kind, payload)) = self.frame()? else { break };
            self.take(kind, payload, &mut events)?;
        }
        Ok(events)
    }

    /// The connection is closed: the usual end of a call when it comes between frames.
    pub fn closed(&mut self) -> Vec<CallEvent> {
        let begun = self.rate_hz.is_some();
        if !begun || std::mem::replace(&mut self.over, true) {
            return Vec::new();
        }
        vec![CallEvent::Ended(if self.buffer.is_empty() { EndReason::HungUp } else { EndReason::Lost })]
    }

    /// The next whole frame. What can't be one is refused by its header, before its payload comes.
    fn frame(&mut self) -> Result<Option<(u8, Bytes)>, ProtocolError> {
        let [kind, high, low] = match self.buffer.first_chunk::<HEADER_BYTES>() {
            Some(header) => *header,
            None => return Ok(None),
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        check_header(kind, length)?;
        if self.rate_hz.is_none() && !matches!(kind, UUID | HANG_UP | ERROR) {
            return Err(out_of_order("the first frame must be the call's uuid"));
        }
        if self.buffer.len() < HEADER_BYTES + length {
            return Ok(None);
        }
        self.buffer.advance(HEADER_BYTES);
        Ok(Some((kind, self.buffer.split_to(length).freeze())))
    }

    fn take(&mut self, kind: u8, payload: Bytes, events: &mut Vec<CallEvent>) -> Result<(), ProtocolError> {
        match kind {
            UUID => {
                let begun = self.begin(&payload)?;
                events.push(CallEvent::Begun(Box::new(begun)));
            }
            HANG_UP | ERROR => {
                self.over = true;
                let reason = if kind == ERROR { EndReason::Failed } else { EndReason::HungUp };
                events.extend(self.rate_hz.is_some().then_some(CallEvent::Ended(reason)));
            }
            DTMF => {}
            audio => {
                let rate_hz = RATES_HZ[usize::from(audio - AUDIO)];
                if self.rate_hz != Some(rate_hz) {
                    self.rate_hz = Some(rate_hz);
                    events.push(CallEvent::Format(MediaFormat::customer_leg(Encoding::Pcm16Le, rate_hz)));
                }
                if !payload.is_empty() {
                    events.push(CallEvent::Audio(payload));
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, uuid: &[u8]) -> Result<CallBegun, ProtocolError> {
        if self.rate_hz.is_some() {
            return Err(out_of_order("the uuid came twice; open a connection for each call"));
        }
        let hex: String = uuid.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        let bad = |e: earmark_voiceprint::IdError| ProtocolError::BadField {
            field: "uuid",
            problem: e.to_string().into(),
        };
        let call = CallInfo::unknown(CallId::new(&parts.join("-")).map_err(bad)?);
        self.rate_hz = Some(RATES_HZ[0]);
        Ok(CallBegun::new(call, MediaFormat::customer_leg(Encoding::Pcm16Le, RATES_HZ[0])))
    }
}

/// What Asterisk can send, and how long it is.
fn check_header(kind: u8, length: usize) -> Result<(), ProtocolError> {
    let fits = match kind {
        HANG_UP => length == 0,
        UUID => length == UUID_BYTES,
        DTMF => length == 1,
        0x10..=0x18 => length.is_multiple_of(2),
        ERROR => length <= 1,
        _ => {
            return Err(malformed(format!("frame type {kind:#04x} is not known; connect asterisk here")));
        }
    };
    if fits {
        Ok(())
    } else {
        Err(malformed(format!("a frame of type {kind:#04x} can't have {length} bytes")))
    }
}

fn malformed(problem: String) -> ProtocolError {
    ProtocolError::Malformed { protocol: "audiosocket", problem: problem.into() }
}

fn out_of_order(problem: &'static str) -> ProtocolError {
    ProtocolError::OutOfOrder { protocol: "audiosocket", problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: [u8; 16] = [0xa1, 0xb2, 0xc3, 0xd4, 0, 1, 0x40, 2, 0x80, 3, 0, 1, 2, 3, 4, 0xff];

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind], &length[..], payload].concat()
    }

    fn audio(events: &[CallEvent]) -> Vec<u8> {
        let bytes = |event: &CallEvent| match event {
            CallEvent::Audio(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        };
        events.iter().flat_map(bytes).collect()
    }

    /// Adjoining audio as one, so that splits can be compared.
    fn shape(events: &[CallEvent]) -> Vec<String> {
        let mut shape: Vec<String> =
            events.iter().filter(|e| !matches!(e, CallEvent::Audio(_))).map(|e| format!("{e:?}")).collect();
        shape.push(format!("{:?}", audio(events)));
        shape
    }

    #[test]
    fn a_call_as_asterisk_sends_it() {
        let samples: Vec<u8> = (0..320u16).map(|n| n as u8).collect();
        let stream = [frame(UUID, &ID), frame(0x10, &samples), frame(DTMF, b"5"), frame(0x10, &samples[..6])];
        let mut socket = AudioSocket::new();
        let events = socket.receive(&stream.concat()).unwrap();
        let CallEvent::Begun(begun) = &events[0] else { panic!("{events:?}") };
        assert_eq!(begun.call.call_id.as_str(), "a1b2c3d4-0001-4002-8003-0001020304ff");
        assert_eq!(begun.format, MediaFormat::customer_leg(Encoding::Pcm16Le, 8_000));
        assert_eq!(audio(&events), [&samples[..], &samples[..6]].concat());
        // The end is often a bare close.
        assert_eq!(socket.closed(), [CallEvent::Ended(EndReason::HungUp)]);
        assert_eq!(socket.closed(), []);
    }

    #[test]
    fn hang_up_error_and_a_cut_frame_end_it_each_in_its_way() {
        let begun = || {
            let mut socket = AudioSocket::new();
            socket.receive(&frame(UUID, &ID)).unwrap();
            socket
        };
        assert_eq!(begun().receive(&AUDIOSOCKET_HANG_UP).unwrap(), [CallEvent::Ended(EndReason::HungUp)]);
        assert_eq!(begun().receive(&frame(ERROR, &[1])).unwrap(), [CallEvent::Ended(EndReason::Failed)]);
        let mut cut = begun();
        assert_eq!(cut.receive(&frame(0x10, &[0; 320])[..100]).unwrap(), []);
        assert_eq!(cut.closed(), [CallEvent::Ended(EndReason::Lost)]);
        // Before there is a call nothing ends.
        assert_eq!(AudioSocket::new().receive(&AUDIOSOCKET_HANG_UP).unwrap(), []);
        assert_eq!(AudioSocket::new().closed(), []);
    }

    #[test]
    fn another_rate_is_a_change_of_format() {
        let mut socket = AudioSocket::new();
        let stream = [frame(UUID, &ID), frame(0x12, &[1, 0]), frame(0x12, &[2, 0]), frame(0x10, &[3, 0])];
        let events = socket.receive(&stream.concat()).unwrap();
        let format = |rate| CallEvent::Format(MediaFormat::customer_leg(Encoding::Pcm16Le, rate));
        let audio = |byte| CallEvent::Audio(Bytes::copy_from_slice(&[byte, 0]));
        assert_eq!(events[1..], [format(16_000), audio(1), audio(2), format(8_000), audio(3)]);
    }

    #[test]
    fn what_asterisk_never_sends_is_refused_by_its_header() {
        let refused = |bytes: &[u8]| AudioSocket::new().receive(bytes).unwrap_err();
        assert!(matches!(refused(b"GET / HTTP/1.1"), ProtocolError::Malformed { .. }));
        assert!(matches!(refused(&[UUID, 0, 17]), ProtocolError::Malformed { .. }));
        assert!(matches!(refused(&frame(0x10, &[0, 0])), ProtocolError::OutOfOrder { .. }));
        let twice = [frame(UUID, &ID), frame(UUID, &ID)].concat();
        assert!(matches!(refused(&twice), ProtocolError::OutOfOrder { .. }));
        let odd = [frame(UUID, &ID), vec![0x10, 0, 3]].concat();
        assert!(matches!(refused(&odd), ProtocolError::Malformed { .. }));
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_events_or_one_error(bytes in prop::collection::vec(any::<u8>(), 0..600), cut in 0usize..600) {
            let mut socket = AudioSocket::new();
            let (one, two) = bytes.split_at(cut.min(bytes.len()));
            let ended = socket.receive(one).and_then(|_| socket.receive(two)).is_err();
            prop_assert!(socket.closed().len() <= 1 || ended);
            prop_assert!(socket.buffer.len() <= bytes.len());
        }

        #[test]
        fn any_split_gives_the_same(
            parts in prop::collection::vec((0usize..3, prop::collection::vec(any::<[u8; 2]>(), 0..50)), 0..12),
            cuts in prop::collection::vec(1usize..40, 1..60),
        ) {
            let mut stream = frame(UUID, &ID);
            for (kind, samples) in &parts {
                let kind = [0x10, 0x12, DTMF][*kind];
                let payload = if kind == DTMF { vec![b'1'] } else { samples.concat() };
                stream.extend(frame(kind, &payload));
            }
            let whole = AudioSocket::new().receive(&stream).unwrap();
            let (mut socket, mut events, mut rest) = (AudioSocket::new(), Vec::new(), &stream[..]);
            for cut in cuts.iter().cycle() {
                let (part, left) = rest.split_at((*cut).min(rest.len()));
                events.extend(socket.receive(part).unwrap());
                rest = left;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(shape(&events), shape(&whole));
        }
    }
}
