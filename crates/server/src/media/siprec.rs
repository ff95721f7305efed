//! SIPREC's sockets: SIP over UDP and TCP on one port, RTP on ports of its own for each call.
//!
//! ```text
//! UDP, TCP (connections.rs) ──> signalling, one task ──> telephony's RecordingServer
//!                                        │ begun, changed, ended
//! RTP sockets (ports.rs) ──────> one task a call (call.rs, a MediaSource) ──> drive.rs
//! ```

mod call;
mod connections;
mod ports;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use earmark_telephony::siprec::{Description, Peer, RecordingOutput, RecordingServer, Transport};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout};

use self::call::{SiprecCall, Told};
use self::connections::{Connections, Heard};
use self::ports::RtpPorts;
use super::call::{MEDIA_STEP, Route};
use super::drive::drive;
use super::options::TelephonyOptions;
use crate::backend::Backend;
use crate::lifecycle::Phase;

/// How often time is let pass.
const TICK: Duration = Duration::from_millis(100);
/// How many ports are tried until one is free for UDP and TCP.
const FREE_PORT_TRIES: u32 = 100;
/// The largest datagram there is.
const DATAGRAM_BYTES: usize = 65_535;
/// What a call is told and has not taken yet; some are told a call.
const TOLD: usize = 64;
/// How long goodbyes may take once the server is to close.
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);

/// The sockets of SIPREC's SIP.
#[derive(Debug)]
pub struct SiprecListeners {
    udp: UdpSocket,
    tcp: TcpListener,
}

impl SiprecListeners {
    /// Listens over UDP and TCP on the same port; 0 takes one that is free for both.
    ///
    /// # Errors
    /// What the system says.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let mut tries = if address.port() == 0 { FREE_PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            let udp = UdpSocket::bind(address).await?;
            match TcpListener::bind(udp.local_addr()?).await {
                Ok(tcp) => return Ok(Self { udp, tcp }),
                // A port that is free for the one may be taken for the other.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The TCP one.
    #[must_use]
    pub fn tcp(&self) -> &TcpListener {
        &self.tcp
    }
}

/// Serves recordings until the server closes and all of them are said goodbye to.
pub(crate) fn serve_siprec(backend: &Arc<Backend>, listeners: SiprecListeners, options: &TelephonyOptions) {
    let siprec = &options.siprec;
    let mut answers = siprec.answers.clone();
    // Port 0 is a real one by now.
    answers.sip_port = listeners.udp.local_addr().map_or(answers.sip_port, |address| address.port());
    let (over, overs) = mpsc::unbounded_channel();
    let signalling = Signalling {
        backend: backend.clone(),
        route: Route {
            protocol: "siprec",
            tenant: siprec.tenant.clone(),
            mixed: options.mixed,
            step: MEDIA_STEP,
        },
        server: RecordingServer::new(answers.clone()),
        ports: RtpPorts::new(siprec.rtp_address, siprec.rtp_ports.clone()),
        connections: Connections::new(siprec.max_connections, answers),
        calls: HashMap::new(),
        over,
        began: Instant::now(),
    };
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let SiprecListeners { udp, tcp } = listeners;
    let inputs = Inputs { udp, tcp: Some(tcp), overs, datagram: vec![0; DATAGRAM_BYTES], tick };
    backend.streams.spawn(signalling.run(inputs));
}

/// What the signalling listens to.
struct Inputs {
    udp: UdpSocket,
    /// None once no connection is taken any more.
    tcp: Option<TcpListener>,
    /// Calls that are over on our side.
    overs: mpsc::UnboundedReceiver<u64>,
    datagram: Vec<u8>,
    tick: Interval,
}

/// All recordings, and who is told what of them.
struct Signalling {
    backend: Arc<Backend>,
    route: Route,
    server: RecordingServer,
    ports: RtpPorts,
    connections: Connections,
    calls: HashMap<u64, mpsc::Sender<Told>>,
    /// Calls say here that they are over.
    over: mpsc::UnboundedSender<u64>,
    began: Instant,
}

impl Signalling {
    async fn run(mut self, mut inputs: Inputs) {
        let mut closing = self.backend.lifecycle.closing();
        tokio::select! {
            () = closing.arrived() => {}
            () = self.converse(&mut inputs) => {}
        }
        // Calls end now, and each is said goodbye to.
        inputs.tcp = None;
        let goodbyes = async {
            while !(self.calls.is_empty() && self.server.is_idle()) {
                self.step(&mut inputs).await;
            }
        };
        drop(timeout(CLOSE_PATIENCE, goodbyes).await);
    }

    /// Never ends by itself.
    async fn converse(&mut self, inputs: &mut Inputs) {
        loop {
            if self.backend.lifecycle.phase() != Phase::Serving {
                self.server.turn_away();
            }
            self.step(inputs).await;
        }
    }

    /// Takes what comes next.
    async fn step(&mut self, inputs: &mut Inputs) {
        let outputs = tokio::select! {
            Some(recording) = inputs.overs.recv() => {
                self.calls.remove(&recording);
                self.server.end(recording, self.began.elapsed(), &mut self.ports)
            }
            received = inputs.udp.recv_from(&mut inputs.datagram) => match received {
                Ok((length, address)) => {
                    let peer = Peer { address, transport: Transport::Udp };
                    self.receive(peer, &Bytes::copy_from_slice(&inputs.datagram[..length]))
                }
                Err(error) => {
                    tracing::warn!(%error, "reading sip over udp failed");
                    Vec::new()
                }
            },
            heard = self.connections.next(inputs.tcp.as_ref()) => match heard {
                Heard::Message(peer, message) => self.receive(peer, &message),
                Heard::Gone(connection) => self.server.disconnected(connection),
                Heard::Nothing => Vec::new(),
            },
            _ = inputs.tick.tick() => {
                self.connections.close_idle(Instant::now(), |connection| self.server.uses(connection));
                self.server.wait(self.began.elapsed(), &mut self.ports)
            }
        };
        self.carry_out(outputs, &inputs.udp).await;
    }

    fn receive(&mut self, peer: Peer, message: &Bytes) -> Vec<RecordingOutput> {
        match self.server.receive(peer, message, self.began.elapsed(), &mut self.ports) {
            Ok(outputs) => outputs,
            Err(error) => {
                tracing::debug!(%error, address = %peer.address, "sip message dropped");
                if let Transport::Tcp(connection) = peer.transport {
                    self.connections.close(connection);
                }
                Vec::new()
            }
        }
    }

    async fn carry_out(&mut self, outputs: Vec<RecordingOutput>, udp: &UdpSocket) {
        for output in outputs {
            match output {
                RecordingOutput::Send { peer, message, fallback } => match peer.transport {
                    Transport::Udp => drop(udp.send_to(&message, peer.address).await),
                    Transport::Tcp(connection) => self.connections.send(connection, message, fallback),
                },
                RecordingOutput::Begun { recording, description } => self.begin(recording, *description),
                RecordingOutput::Changed { recording, description } => {
                    let sockets = self.ports.take_opened();
                    self.tell(recording, Told::Described(description, sockets));
                }
                RecordingOutput::Ended { recording, reason } => {
                    self.tell(recording, Told::Ended(reason));
                    self.calls.remove(&recording);
                }
            }
        }
        // Those of invitations that were refused after all.
        drop(self.ports.take_opened());
    }

    fn begin(&mut self, recording: u64, description: Description) {
        if description.customer.is_none() {
            tracing::info!(
                recording,
                "nothing says yet which stream is the customer's: heard once it is told"
            );
        }
        let (told, telling) = mpsc::channel(TOLD);
        self.calls.insert(recording, told);
        let sockets = self.ports.take_opened();
        let over = self.over.clone();
        let (backend, route) = (self.backend.clone(), self.route.clone());
        let streams = backend.streams.clone();
        streams.spawn(async move {
            let call = SiprecCall::new(recording, description, sockets, telling, over);
            drive(&backend, route, call).await;
        });
    }

    /// A call that does not take what it is told is ended: it is as good as stuck.
    fn tell(&mut self, recording: u64, told: Told) {
        if let Some(call) = self.calls.get(&recording)
            && call.try_send(told).is_err()
        {
            self.calls.remove(&recording);
        }
    }
}
