use std::collections::BTreeMap;

use super::message::Numbered;

/// How many messages wait for one that is missing: 400 ms of one track. A WebSocket keeps order, so
/// a message that is not here by then was dropped before it.
pub(super) const MAX_WAITING: usize = 20;

/// Puts messages into the order of their numbers. The first is 1 (`start`).
#[derive(Default)]
pub(super) struct Order {
    /// The number of the last message that was given on; 0 before the first.
    last: u64,
    waiting: BTreeMap<u64, Numbered>,
}

impl Order {
    /// Takes a message and gives those whose turn it is. One whose turn has passed, or that waits
    /// already, is dropped.
    pub(super) fn take(&mut self, message: Numbered) -> Vec<Numbered> {
        if message.number > self.last {
            self.waiting.entry(message.number).or_insert(message);
        }
        if self.waiting.len() > MAX_WAITING {
            self.skip();
        }
        self.ready()
    }

    /// There will be no more: gives all that waits, in order.
    pub(super) fn drain(&mut self) -> Vec<Numbered> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    /// Gives up on what is missing before the first that waits.
    fn skip(&mut self) {
        if let Some(first) = self.waiting.keys().next() {
            self.last = first - 1;
        }
    }

    fn ready(&mut self) -> Vec<Numbered> {
        let mut ready = Vec::new();
        while let Some(next) = self.last.checked_add(1) {
            let Some(message) = self.waiting.remove(&next) else { break };
            self.last = next;
            ready.push(message);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::message::Body;

    fn message(number: u64) -> Numbered {
        Numbered { number, stream: None, body: Body::Other }
    }

    /// The numbers given on after each of these.
    fn taken(order: &mut Order, numbers: &[u64]) -> Vec<u64> {
        numbers.iter().flat_map(|&n| order.take(message(n))).map(|m| m.number).collect()
    }

    #[test]
    fn early_messages_wait_and_repeated_ones_go() {
        let mut order = Order::default();
        assert_eq!(taken(&mut order, &[1, 2]), [1, 2]);
        assert_eq!(taken(&mut order, &[4, 5, 4]), [0_u64; 0]);
        assert_eq!(taken(&mut order, &[3]), [3, 4, 5]);
        assert_eq!(taken(&mut order, &[3, 1, 0, 6]), [6]);
    }

    #[test]
    fn what_stays_away_is_given_up_and_little_waits() {
        let mut order = Order::default();
        let late: Vec<u64> = (2..2 + MAX_WAITING as u64).collect();
        assert_eq!(taken(&mut order, &late), [0_u64; 0]);
        let next = 2 + MAX_WAITING as u64;
        let all: Vec<u64> = (2..=next).collect();
        assert_eq!(taken(&mut order, &[next]), all);
        assert_eq!(taken(&mut order, &[1]), [0_u64; 0]);
    }

    #[test]
    fn the_largest_number_is_no_trap() {
        let mut order = Order::default();
        let far: Vec<u64> = (0..=MAX_WAITING as u64).map(|n| u64::MAX - n).collect();
        let given = taken(&mut order, &far);
        assert_eq!(given.last(), Some(&u64::MAX));
        assert_eq!(taken(&mut order, &[u64::MAX, 5]), [0_u64; 0]);
    }

    #[test]
    fn at_the_end_what_waits_comes_in_order() {
        let mut order = Order::default();
        assert_eq!(taken(&mut order, &[1, 9, 5]), [1]);
        assert_eq!(order.drain().iter().map(|m| m.number).collect::<Vec<_>>(), [5, 9]);
    }
}
