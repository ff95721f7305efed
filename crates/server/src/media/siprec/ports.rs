use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::ops::RangeInclusive;

use earmark_telephony::siprec::Surroundings;
use tokio::net::UdpSocket;

/// Opens sockets for RTP on the even ports of a range, one after another, so that a port that a call
/// left rests before the next one takes it.
pub(super) struct RtpPorts {
    address: IpAddr,
    range: RangeInclusive<u16>,
    next: u16,
    opened: Vec<UdpSocket>,
}

impl RtpPorts {
    pub(super) fn new(address: IpAddr, range: RangeInclusive<u16>) -> Self {
        let next = *range.start();
        Self { address, range, next, opened: Vec::new() }
    }

    /// The sockets opened since the last time.
    pub(super) fn take_opened(&mut self) -> Vec<UdpSocket> {
        std::mem::take(&mut self.opened)
    }

    fn advance(&mut self) -> u16 {
        let port = self.next.next_multiple_of(2);
        let port = if self.range.contains(&port) { port } else { self.range.start().next_multiple_of(2) };
        self.next = port.checked_add(2).unwrap_or(*self.range.start());
        port
    }
}

impl Surroundings for RtpPorts {
    fn open_port(&mut self) -> Option<u16> {
        for _ in 0..=self.range.len() / 2 {
            let port = self.advance();
            let bound = StdUdpSocket::bind(SocketAddr::new(self.address, port)).and_then(|socket| {
                socket.set_nonblocking(true)?;
                UdpSocket::from_std(socket)
            });
            // One that another program has is passed over.
            if let Ok(socket) = bound {
                self.opened.push(socket);
                return Some(port);
            }
        }
        tracing::warn!("no port is free for rtp");
        None
    }

    fn token(&mut self) -> String {
        uuid::Uuid::new_v4().simple().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ports_are_even_of_the_range_and_not_taken_twice() {
        let blocker = StdUdpSocket::bind("127.0.0.1:0").unwrap();
        let taken = blocker.local_addr().unwrap().port() & !1;
        let start = taken.min(65_500);
        let mut ports = RtpPorts::new("127.0.0.1".parse().unwrap(), start..=start + 9);
        let opened: Vec<u16> = std::iter::from_fn(|| ports.open_port()).take(10).collect();
        let mut unlike = opened.clone();
        unlike.dedup();
        assert!(opened.len() <= 5 && unlike == opened, "{opened:?}");
        assert!(opened.iter().all(|port| port % 2 == 0 && (start..=start + 9).contains(port)));
        assert_eq!(ports.take_opened().len(), opened.len());
        assert!(ports.token() != ports.token());
    }
}
