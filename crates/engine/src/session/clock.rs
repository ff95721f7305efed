/// More jumps than this are put together: no call has so many holds.
const MAX_JUMPS: usize = 10_000;

/// From what was heard of a call to the call's own time, which runs on while nobody listens: on
/// hold, and over audio that was lost.
#[derive(Debug, Default)]
pub(super) struct CallClock {
    /// What listeners before this one heard, in seconds.
    before_s: f64,
    /// Where the call's time jumps, by what was heard, and how much it has jumped by then.
    jumps: Vec<(f64, f64)>,
}

impl CallClock {
    /// Seconds of the call heard, when the present listener has heard `listener_s`.
    pub(super) fn heard_s(&self, listener_s: f64) -> f64 {
        self.before_s + listener_s
    }

    /// The call's time when the present listener has heard `listener_s`; of two that meet at a jump,
    /// the one before it.
    pub(super) fn call_s(&self, listener_s: f64) -> f64 {
        let heard_s = self.heard_s(listener_s);
        let passed = self.jumps.partition_point(|(at, _)| *at < heard_s);
        heard_s + passed.checked_sub(1).map_or(0.0, |last| self.jumps[last].1)
    }

    /// So many seconds pass unheard.
    pub(super) fn skip(&mut self, listener_s: f64, seconds: f64) {
        // Short gaps are filled, so that the time does not jump.
        if seconds <= 0.0 {
            return;
        }
        let heard_s = self.heard_s(listener_s);
        let full = self.jumps.len() >= MAX_JUMPS;
        match self.jumps.last_mut() {
            Some((at, total)) if *at == heard_s || full => *total += seconds,
            last => {
                let total = last.map_or(0.0, |(_, total)| *total);
                self.jumps.push((heard_s, total + seconds));
            }
        }
    }

    /// Another listener takes over from one that has heard `listener_s`.
    pub(super) fn hand_over(&mut self, listener_s: f64) {
        self.before_s += listener_s;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_and_new_listeners_move_the_time() {
        let mut clock = CallClock::default();
        assert_eq!((clock.heard_s(4.0), clock.call_s(4.0)), (4.0, 4.0));
        clock.skip(5.0, 60.0);
        clock.skip(5.0, 2.0);
        assert_eq!((clock.call_s(5.0), clock.call_s(6.0)), (5.0, 68.0));
        clock.skip(8.0, 10.0);
        assert_eq!((clock.call_s(7.0), clock.call_s(9.0)), (69.0, 81.0));
        clock.hand_over(9.0);
        assert_eq!((clock.heard_s(1.0), clock.call_s(1.0)), (10.0, 82.0));
    }

    #[test]
    fn a_gap_that_was_filled_is_no_jump() {
        let mut clock = CallClock::default();
        for packet in 0..1000 {
            clock.skip(0.02 * f64::from(packet), 0.0);
        }
        assert!(clock.jumps.is_empty());
        assert_eq!(clock.call_s(20.0), 20.0);
    }

    #[test]
    fn endless_holds_stay_bounded() {
        let mut clock = CallClock::default();
        for second in 0..2 * MAX_JUMPS {
            clock.skip(second as f64, 1.0);
        }
        assert_eq!(clock.jumps.len(), MAX_JUMPS);
        let end = 2.0 * MAX_JUMPS as f64;
        assert_eq!(clock.call_s(end), 2.0 * end);
    }
}
