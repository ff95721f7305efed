use std::collections::BTreeMap;
use std::time::Duration;

use super::packet::RtpPacket;

/// Packets that wait for a missing one at most: a third of a second of the usual 20 ms.
pub(super) const DEPTH: usize = 16;

/// How long they wait at most. More than any path reorders by, and less than an update is awaited.
const PATIENCE: Duration = Duration::from_millis(200);

/// A sequence number so far ahead is no loss, and one so far behind no late packet, but a sender that
/// began anew (RFC 3550, appendix A.1: MAX_DROPOUT, MAX_MISORDER).
const MAX_AHEAD: i16 = 3_000;
const MAX_BEHIND: i16 = 100;

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
    /// The number that would confirm that the sender numbers anew.
    restart: Option<u16>,
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

    /// Puts a packet in its place. After [`Placed::Restarted`] give it again, once [`Order::next`] has
    /// nothing more by [`Order::give_up`].
    pub(super) fn place(&mut self, packet: &RtpPacket, now: Duration) -> Placed {
        let due = *self.due.get_or_insert_with(|| (1 << 16) + u64::from(packet.sequence));
        // The highest number known, so that numbers around a wrap are near it.
        let newest = self.held.last_key_value().map_or(due, |(number, _)| *number);
        let ahead = packet.sequence.wrapping_sub(newest as u16).cast_signed();
        if !(-MAX_BEHIND..=MAX_AHEAD).contains(&ahead) {
            let confirmed = self.restart == Some(packet.sequence);
            self.restart = (!confirmed).then_some(packet.sequence.wrapping_add(1));
            return if confirmed { Placed::Restarted } else { Placed::Stray };
        }
        self.restart = None;
        let number = newest.saturating_add_signed(i64::from(ahead));
        if number < due {
            return Placed::Late;
        }
        if self.held.contains_key(&number) {
            return Placed::Duplicate;
        }
        self.held.insert(number, Held { packet: packet.clone(), arrived: now });
        Placed::Taken
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
        self.due = Some(number + 1);
        Some(held.packet)
    }
}
