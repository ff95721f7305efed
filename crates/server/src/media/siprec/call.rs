use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use earmark_engine::CallUpdate;
use earmark_telephony::siprec::{Description, RecordedCall, UNDECIDED_PATIENCE};
use earmark_telephony::{CallEvent, EndReason, Parting, ProtocolError};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::super::drive::MediaSource;

/// How often time is let pass: a late packet is waited for some of these.
const TICK: Duration = Duration::from_millis(50);
/// Packets that wait: five seconds of two streams. Further ones are lost, as on any way.
const PACKETS: usize = 512;
/// Larger datagrams are cut, and are no G.711.
const DATAGRAM_BYTES: usize = 8 << 10;

/// What the signalling tells a call.
pub(super) enum Told {
    /// All that is known of it now, and the sockets that were opened since.
    Described(Box<Description>, Vec<UdpSocket>),
    /// The far end hung up, or is gone.
    Ended(EndReason),
}

/// One recorded call as a source of events.
pub(super) struct SiprecCall {
    recording: u64,
    call: RecordedCall,
    /// Of the beginning, until they are asked for.
    events: Vec<CallEvent>,
    telling: mpsc::Receiver<Told>,
    over: mpsc::UnboundedSender<u64>,
    packet: mpsc::Sender<Packet>,
    packets: mpsc::Receiver<Packet>,
    /// One for each socket; they end with this.
    readers: JoinSet<()>,
    began: Instant,
    tick: Interval,
}

struct Packet {
    port: u16,
    from: SocketAddr,
    datagram: Bytes,
}

impl SiprecCall {
    pub(super) fn new(
        recording: u64,
        description: Description,
        sockets: Vec<UdpSocket>,
        telling: mpsc::Receiver<Told>,
        over: mpsc::UnboundedSender<u64>,
    ) -> Self {
        let (call, events) = RecordedCall::begin(description, Duration::ZERO);
        let (packet, packets) = mpsc::channel(PACKETS);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (readers, began) = (JoinSet::new(), Instant::now());
        let mut own = Self { recording, call, events, telling, over, packet, packets, readers, began, tick };
        own.read(sockets);
        own
    }

    fn read(&mut self, sockets: Vec<UdpSocket>) {
        for socket in sockets {
            let Ok(port) = socket.local_addr().map(|address| address.port()) else { continue };
            let packet = self.packet.clone();
            self.readers.spawn(async move {
                let mut buffer = vec![0; DATAGRAM_BYTES];
                loop {
                    let Ok((length, from)) = socket.recv_from(&mut buffer).await else { return };
                    let datagram = Bytes::copy_from_slice(&buffer[..length]);
                    // Full: lost, as on any way.
                    drop(packet.try_send(Packet { port, from, datagram }));
                }
            });
        }
    }

    fn obey(&mut self, told: Option<Told>) -> Vec<CallEvent> {
        match told {
            Some(Told::Described(description, sockets)) => {
                self.read(sockets);
                self.call.describe(*description, self.began.elapsed())
            }
            Some(Told::Ended(reason)) => self.end(reason),
            None => self.end(EndReason::Lost),
        }
    }

    fn hear(&mut self, packet: Packet) -> Vec<CallEvent> {
        let Packet { port, from, datagram } = packet;
        self.call.receive(port, from, &datagram, self.began.elapsed())
    }

    /// What was said before the end counts.
    fn end(&mut self, reason: EndReason) -> Vec<CallEvent> {
        let mut events = Vec::new();
        for _ in 0..PACKETS {
            let Ok(packet) = self.packets.try_recv() else { break };
            events.extend(self.hear(packet));
        }
        events.extend(self.call.end(reason));
        events
    }
}

impl MediaSource for SiprecCall {
    async fn next(&mut self) -> Result<Vec<CallEvent>, ProtocolError> {
        if !self.events.is_empty() {
            return Ok(std::mem::take(&mut self.events));
        }
        loop {
            tokio::select! {
                Some(packet) = self.packets.recv() => return Ok(self.hear(packet)),
                told = self.telling.recv() => return Ok(self.obey(told)),
                _ = self.tick.tick() => {
                    let events = self.call.wait(self.began.elapsed())?;
                    // Time that passes is no sign of life.
                    if !events.is_empty() {
                        return Ok(events);
                    }
                }
            }
        }
    }

    /// Longer than the call itself waits for what decides it.
    fn introduction_patience(&self) -> Duration {
        2 * UNDECIDED_PATIENCE
    }

    /// The protocol has no way back.
    async fn tell(&mut self, _update: &CallUpdate) {}

    async fn part(&mut self, _parting: &Parting) {
        if !self.call.is_decided() {
            tracing::warn!(
                reason = "CUSTOMER_UNDECIDED",
                "the call ended before its customer's stream was known"
            );
        }
        let counts = self.call.counts();
        tracing::info!(
            received = counts.received,
            lost = counts.lost,
            late = counts.late,
            duplicated = counts.duplicated,
            unknown = counts.unknown,
            stray = counts.stray,
            "rtp of the customer"
        );
    }
}

/// However a call ends, the signalling hears of it; a far end that said goodbye itself is sent nothing.
impl Drop for SiprecCall {
    fn drop(&mut self) {
        // Nobody listens any more where the server stopped.
        let _ = self.over.send(self.recording);
    }
}
