use std::time::Duration;

use bytes::Bytes;
use earmark_audio::{ChannelRole, Encoding, StreamFormat};

use super::order::{Order, Placed};
use super::packet::RtpPacket;
use super::payload::{PayloadKind, PayloadMap};
use super::{G711_CLOCK_HZ, is_rtcp};
use crate::{CallEvent, MediaFormat, ProtocolError};

/// A time that jumps by more than this is no silence but another clock: a minute, in samples. Longer
/// silences are announced while they last, so that little is left to jump.
const MAX_JUMP: i64 = 60 * G711_CLOCK_HZ as i64;

/// A silence is told in steps of so much while it lasts.
const SILENCE_STEP: Duration = Duration::from_secs(1);

/// What came of a stream's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtpCounts {
    /// Packets of the stream's own sender.
    pub received: u64,
    /// Never came, or too late.
    pub lost: u64,
    /// Came after their place was given up.
    pub late: u64,
    /// Came twice.
    pub duplicated: u64,
    /// Of a payload type that was not agreed on.
    pub unknown: u64,
    /// Of somebody else, or numbered out of nowhere.
    pub stray: u64,
}

/// One direction of one RTP session: datagrams in, events of the call out. Reads no clock: `now` is the
/// time since some fixed moment.
pub struct RtpStream {
    payloads: PayloadMap,
    ssrc: Option<u32>,
    /// The last packet of somebody else; one that follows it makes them the sender (RFC 3550, appendix
    /// A.1: a source is valid after two packets in sequence).
    other: Option<RtpPacket>,
    order: Order,
    encoding: Encoding,
    /// Whose voice it carries.
    role: ChannelRole,
    /// The timestamp of the sample that is due; none where another clock begins.
    due: Option<u32>,
    /// Samples of silence told since the last audio, ahead of the timestamps.
    told: i64,
    /// When there was audio last, or silence was told.
    heard: Option<Duration>,
    counts: RtpCounts,
}

impl RtpStream {
    /// A stream that nothing came over yet, and what was told of it.
    #[must_use]
    pub fn new(payloads: PayloadMap, encoding: Encoding, role: ChannelRole) -> Self {
        Self {
            payloads,
            ssrc: None,
            other: None,
            order: Order::default(),
            encoding,
            role,
            due: None,
            told: 0,
            heard: None,
            counts: RtpCounts::default(),
        }
    }

    /// What came so far.
    #[must_use]
    pub fn counts(&self) -> RtpCounts {
        RtpCounts { lost: self.order.lost(), ..self.counts }
    }

    /// Other payload types were agreed on.
    pub fn agree(&mut self, payloads: PayloadMap) {
        self.payloads = payloads;
    }

    /// Takes the next datagram; RTCP on the same port is passed over.
    ///
    /// # Errors
    /// As [`RtpPacket::parse`]. The stream can go on after it: a datagram can come from anybody.
    pub fn receive(&mut self, datagram: &Bytes, now: Duration) -> Result<Vec<CallEvent>, ProtocolError> {
        if is_rtcp(datagram) {
            return Ok(Vec::new());
        }
        let packet = RtpPacket::parse(datagram)?;
        let mut events = Vec::new();
        if *self.ssrc.get_or_insert(packet.ssrc) == packet.ssrc {
            self.take(&packet, now, &mut events);
        } else if let Some(first) = self.follows_other(&packet) {
            self.begin_anew(&mut events);
            self.ssrc = Some(packet.ssrc);
            self.take(&first, now, &mut events);
            self.take(&packet, now, &mut events);
        }
        Ok(events)
    }

    /// Lets time pass: what was waited for long enough is given up.
    pub fn wait(&mut self, now: Duration) -> Vec<CallEvent> {
        let mut events = Vec::new();
        self.release(now, &mut events);
        events
    }

    /// Tells of a silence that lasts: nothing comes, and the call is known to go on.
    pub fn tell_silence(&mut self, now: Duration) -> Vec<CallEvent> {
        let mut events = Vec::new();
        while let Some(heard) = self.heard.filter(|heard| now.saturating_sub(*heard) >= SILENCE_STEP) {
            self.heard = Some(heard + SILENCE_STEP);
            self.told += i64::from(G711_CLOCK_HZ) * SILENCE_STEP.as_secs().cast_signed();
            events.push(CallEvent::Gap(SILENCE_STEP));
        }
        events
    }

    /// From here on something should come.
    pub fn expect(&mut self, now: Duration) {
        self.heard = Some(now);
    }

    /// From here on the sender may be another one, with a clock of its own, as after a hold.
    pub fn pause(&mut self) -> Vec<CallEvent> {
        let mut events = Vec::new();
        self.begin_anew(&mut events);
        (self.ssrc, self.heard) = (None, None);
        events
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.order.held()
    }

    /// The packet of somebody else that this one follows; keeps it where it follows none.
    fn follows_other(&mut self, packet: &RtpPacket) -> Option<RtpPacket> {
        let is_next = |first: &RtpPacket| {
            first.ssrc == packet.ssrc && packet.sequence == first.sequence.wrapping_add(1)
        };
        let first = self.other.take();
        if first.as_ref().is_some_and(is_next) {
            self.counts.stray -= 1;
            return first;
        }
        self.counts.stray += 1;
        self.other = Some(packet.clone());
        None
    }

    fn begin_anew(&mut self, events: &mut Vec<CallEvent>) {
        while let Some(packet) = self.order.give_up() {
            self.tell(packet, events);
        }
        self.order.begin_anew();
        (self.due, self.told, self.other) = (None, 0, None);
    }

    fn take(&mut self, packet: &RtpPacket, now: Duration, events: &mut Vec<CallEvent>) {
        self.counts.received += 1;
        match self.order.place(packet, now) {
            Placed::Taken => {}
            Placed::Late => self.counts.late += 1,
            Placed::Duplicate => self.counts.duplicated += 1,
            Placed::Stray => self.counts.stray += 1,
            Placed::Restarted => {
                let first = self.order.take_stray();
                self.counts.stray -= 1;
                self.begin_anew(events);
                for packet in first.iter().chain([packet]) {
                    self.order.place(packet, now);
                }
            }
        }
        // Comfort noise says that nobody speaks.
        if self.heard.is_none() || matches!(self.payloads.kind(packet.payload_type), PayloadKind::Audio(_)) {
            self.heard = Some(now);
        }
        self.release(now, events);
    }

    fn release(&mut self, now: Duration, events: &mut Vec<CallEvent>) {
        while let Some(packet) = self.order.next(now) {
            self.tell(packet, events);
        }
    }

    fn tell(&mut self, packet: RtpPacket, events: &mut Vec<CallEvent>) {
        let encoding = match self.payloads.kind(packet.payload_type) {
            PayloadKind::Audio(encoding) => encoding,
            // Their time passes in the timestamp of the audio after them.
            PayloadKind::ComfortNoise | PayloadKind::TelephoneEvent => return,
            PayloadKind::Unknown => {
                self.counts.unknown += 1;
                return;
            }
        };
        if packet.payload.is_empty() {
            return;
        }
        if let Some(gap) = self.missing_before(packet.timestamp) {
            events.push(CallEvent::Gap(gap));
        }
        if encoding != self.encoding {
            self.encoding = encoding;
            let stream = StreamFormat::mono(encoding, G711_CLOCK_HZ);
            events.push(CallEvent::Format(MediaFormat { stream, role: self.role }));
        }
        // One byte a sample; a payload has some thousands at most.
        self.due = Some(packet.timestamp.wrapping_add(packet.payload.len() as u32));
        self.told = 0;
        events.push(CallEvent::Audio(packet.payload));
    }

    /// What is missing before the sample of this timestamp and was not told yet. A time that runs back,
    /// or far ahead, is another clock's and says nothing.
    fn missing_before(&self, timestamp: u32) -> Option<Duration> {
        let ahead = i64::from(timestamp.wrapping_sub(self.due?).cast_signed());
        let missing = ahead - self.told;
        if !(1..=MAX_JUMP).contains(&missing) {
            return None;
        }
        let nanos = missing.unsigned_abs() * (1_000_000_000 / u64::from(G711_CLOCK_HZ));
        Some(Duration::from_nanos(nanos))
    }
}

#[cfg(test)]
mod tests;
