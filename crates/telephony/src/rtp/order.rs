use std::collections::BTreeMap;
use std::time::Duration;

use super::G711_CLOCK_HZ;
use super::packet::RtpPacket;

/// Packets that wait for a missing one at most: a third of a second of the usual 20 ms.
pub(super) const DEPTH: usize = 16;

/// How long they wait at most. More than any path reorders by, and less than an update is awaited.
const PATIENCE: Duration = Duration::from_millis(200);

/// A sequence number so far ahead is no loss, and one so far behind no late packet, but a sender that
/// began anew (RFC 3550, appendix A.1: MAX_DROPOUT, MAX_MISORDER).
const MAX_AHEAD: i16 = 3_000;
const MAX_BEHIND: i16 = 100;

/// A late packet's time is before that of the last one told, by no more than this: two minutes, in samples.
/// With another time it is of a sender that began anew at a number near the old ones.
const MAX_PAST: u32 = 120 * G711_CLOCK_HZ;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It is in its place.
    Taken,
    /// Its place was given up.
    Late,
    /// It is there already.
    Duplicate,
    /// A sequence number out of nowhere: a stray packet, until the next one follows it.
    Stray,
    /// The sender numbers anew from here on.
    Restarted,
}

/// Puts the packets of one sender in order.
#[derive(Default)]
pub(super) struct Order {
    /// The number that is due, counted on over the wraps; none before the first packet.
    due: Option<u64>,
    held: BTreeMap<u64, Held>,
    /// The timestamp of the packet given last.
    newest_time: Option<u32>,
    /// A packet numbered out of nowhere; one that follows it confirms that the sender numbers anew.
    stray: Option<RtpPacket>,
    lost: u64,
}

struct Held {
    packet: RtpPacket,
    arrived: Duration,
}

impl Order {
    /// How many packets never came.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Puts a packet in its place. After [`Placed::Restarted`] give it again, after the one that it
    /// follows ([`Order::take_stray`]), once [`Order::give_up`] has nothing more.
    pub(super) fn place(&mut self, packet: &RtpPacket, now: Duration) -> Placed {
        let due = *self.due.get_or_insert_with(|| (1 << 16) + u64::from(packet.sequence));
        // The highest number known, so that numbers around a wrap are near it.
        let newest = self.held.last_key_value().map_or(due, |(number, _)| *number);
        let ahead = packet.sequence.wrapping_sub(newest as u16).cast_signed();
        let number = newest.saturating_add_signed(i64::from(ahead));
        let is_near = (-MAX_BEHIND..=MAX_AHEAD).contains(&ahead);
        if !is_near || (number < due && !self.is_past(packet)) {
            return self.doubt(packet);
        }
        self.stray = None;
        if number < due {
            return Placed::Late;
        }
        if self.held.contains_key(&number) {
            return Placed::Duplicate;
        }
        self.held.insert(number, Held { packet: packet.clone(), arrived: now });
        Placed::Taken
    }

    fn is_past(&self, packet: &RtpPacket) -> bool {
        self.newest_time.is_none_or(|newest| newest.wrapping_sub(packet.timestamp) <= MAX_PAST)
    }

    fn doubt(&mut self, packet: &RtpPacket) -> Placed {
        let follows = |stray: &RtpPacket| packet.sequence == stray.sequence.wrapping_add(1);
        if self.stray.as_ref().is_some_and(follows) {
            return Placed::Restarted;
        }
        self.stray = Some(packet.clone());
        Placed::Stray
    }

    /// The packet that was confirmed by the next.
    pub(super) fn take_stray(&mut self) -> Option<RtpPacket> {
        self.stray.take()
    }

    /// The next packet, if it is due, or if what is due was waited for long enough.
    pub(super) fn next(&mut self, now: Duration) -> Option<RtpPacket> {
        let (number, first) = self.held.first_key_value()?;
        let due = self.due.unwrap_or(*number);
        let waited = now.saturating_sub(first.arrived) >= PATIENCE || self.held.len() > DEPTH;
        if *number == due || waited { self.pop() } else { None }
    }

    /// The next packet, whatever is missing before it.
    pub(super) fn give_up(&mut self) -> Option<RtpPacket> {
        self.pop()
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// Forgets all but what was lost.
    pub(super) fn begin_anew(&mut self) {
        *self = Self { lost: self.lost, ..Self::default() };
    }

    fn pop(&mut self) -> Option<RtpPacket> {
        let (number, held) = self.held.pop_first()?;
        self.lost += number - self.due.unwrap_or(number);
        (self.due, self.newest_time) = (Some(number + 1), Some(held.packet.timestamp));
        Some(held.packet)
    }
}
