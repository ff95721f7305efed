use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::outside::{Peer, RecordingOutput, Transport};

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
    /// Where to connect to if the peer's connection is gone.
    fallback: Option<SocketAddr>,
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
        let gives_up_at = now + GIVE_UP;
        Self { message, peer, fallback: None, next_at: now + T1, pause: T1, gives_up_at }
    }

    /// A request of ours, sent for the first time now: TCP repeats by itself (RFC 3261, section 17.1.2.2).
    pub(super) fn request(message: Bytes, peer: Peer, fallback: Option<SocketAddr>, now: Duration) -> Self {
        let own = Self { fallback, ..Self::new(message, peer, now) };
        match peer.transport {
            Transport::Udp => own,
            Transport::Tcp(_) => Self { next_at: own.gives_up_at, ..own },
        }
    }

    /// To be sent now.
    pub(super) fn output(&self) -> RecordingOutput {
        let (peer, message, fallback) = (self.peer, self.message.clone(), self.fallback);
        RecordingOutput::Send { peer, message, fallback }
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

    #[test]
    fn a_request_over_tcp_is_sent_once() {
        let peer = Peer { address: "192.0.2.7:5060".parse().unwrap(), transport: Transport::Tcp(1) };
        let mut repeat = Repeat::request(Bytes::new(), peer, None, Duration::ZERO);
        assert_eq!(repeat.due(Duration::from_secs(31)), Due::Nothing);
        assert_eq!(repeat.due(Duration::from_secs(32)), Due::GiveUp);
    }
}
