use std::time::Duration;

use bytes::Bytes;

use super::outside::Peer;

/// RFC 3261, section 17.1.1.1: T1, an estimate of the way there and back, and T2, the longest pause.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// After so long nobody answers any more: 64 times T1.
pub(super) const GIVE_UP: Duration = Duration::from_secs(32);

/// A message that is sent again and again until it is answered.
#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) message: Bytes,
    pub(super) peer: Peer,
    next_at: Duration,
    pause: Duration,
    gives_up_at: Duration,
}

/// What is to be done about it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Send,
    GiveUp,
}

impl Repeat {
    /// It was sent for the first time now.
    pub(super) fn new(message: Bytes, peer: Peer, now: Duration) -> Self {
        Self { message, peer, next_at: now + T1, pause: T1, gives_up_at: now + GIVE_UP }
    }

    pub(super) fn due(&mut self, now: Duration) -> Due {
        if now >= self.gives_up_at {
            return Due::GiveUp;
        }
        if now < self.next_at {
            return Due::Nothing;
        }
        self.pause = (self.pause * 2).min(T2);
        self.next_at = now + self.pause;
        Due::Send
    }
}

#[cfg(test)]
mod tests {
    use super::super::outside::Transport;
    use super::*;

    #[test]
    fn pauses_double_up_to_four_seconds_and_end_after_thirty_two() {
        let peer = Peer { address: "192.0.2.7:5060".parse().unwrap(), transport: Transport::Udp };
        let mut repeat = Repeat::new(Bytes::new(), peer, Duration::ZERO);
        let mut sent = Vec::new();
        for tick in 0.. {
            let now = Duration::from_millis(100 * tick);
            match repeat.due(now) {
                Due::Nothing => {}
                Due::Send => sent.push(now.as_millis()),
                Due::GiveUp => break,
            }
        }
        // RFC 3261, section 17.1.1.2 and 13.3.1.4.
        assert_eq!(sent, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    }
}
