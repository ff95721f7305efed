use std::time::Duration;

use crate::websocket::capped_gap;

/// How far a timestamp may lie ahead of the audio before it is a gap: timestamps are taken when a
/// packet comes, so they jitter by a packet or two.
const JITTER_MS: u64 = 60;

/// Bytes of mu-law a ms.
const BYTES_A_MS: u64 = 8;

/// Where the customer's audio stands, by its timestamps.
#[derive(Default)]
pub(super) struct Timeline {
    /// The last chunk that was placed; 0 before the first.
    chunk: u64,
    /// The end of the audio so far, in 1/8 ms since the stream's start; none before the first chunk.
    end: Option<u64>,
}

/// Where a chunk belongs.
#[derive(Debug, PartialEq)]
pub(super) enum Place {
    /// It was there before.
    Repeated,
    /// Behind the audio so far, with so much missing between.
    After(Option<Duration>),
}

impl Timeline {
    /// Places the next chunk of so many bytes, not 0.
    pub(super) fn place(&mut self, chunk: u64, timestamp_ms: u64, bytes: usize) -> Place {
        if chunk <= self.chunk {
            return Place::Repeated;
        }
        self.chunk = chunk;
        let starts = timestamp_ms.saturating_mul(BYTES_A_MS);
        // Before the first chunk nothing is missing: the stream may begin in the middle of a silence.
        let end = self.end.unwrap_or(starts);
        let missing = starts.saturating_sub(end);
        let (gap, from) = if missing > JITTER_MS * BYTES_A_MS {
            (capped_gap(Duration::from_millis(missing / BYTES_A_MS)), starts)
        } else {
            (None, end)
        };
        self.end = Some(from.saturating_add(bytes as u64));
        Place::After(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::MAX_GAP;

    fn gap(ms: u64) -> Place {
        Place::After(Some(Duration::from_millis(ms)))
    }

    #[test]
    fn steady_and_jittering_chunks_leave_no_gap() {
        let mut timeline = Timeline::default();
        for (chunk, timestamp) in [(1, 93), (2, 113), (3, 145), (4, 153), (5, 173 + 59)] {
            assert_eq!(timeline.place(chunk, timestamp, 160), Place::After(None), "{chunk}");
        }
    }

    #[test]
    fn lost_chunks_are_a_gap_of_their_length() {
        let mut timeline = Timeline::default();
        assert_eq!(timeline.place(1, 5, 160), Place::After(None));
        assert_eq!(timeline.place(7, 125, 160), gap(100));
        assert_eq!(timeline.place(8, 145, 160), Place::After(None));
    }

    #[test]
    fn repeated_chunks_are_known_and_a_clock_that_jumps_is_capped() {
        let mut timeline = Timeline::default();
        timeline.place(1, 0, 160);
        assert_eq!(timeline.place(1, 20, 160), Place::Repeated);
        assert_eq!(timeline.place(2, u64::MAX, 160), Place::After(Some(MAX_GAP)));
        assert_eq!(timeline.place(3, 0, 160), Place::After(None));
    }
}
