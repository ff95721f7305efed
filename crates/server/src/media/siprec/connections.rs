use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use earmark_telephony::siprec::{Peer, SipFraming, SiprecOptions, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::transport::pause_after;

/// Read at once at most.
const READ_BYTES: usize = 16 << 10;
/// Messages that wait to be sent over a connection, and that wait to be taken from all.
const WAITING: usize = 64;
/// A connection is made to say something: one that brings no whole message for so long is closed.
const FIRST_MESSAGE_PATIENCE: Duration = Duration::from_secs(10);
/// One that no recording uses is closed after so long without a message; border controllers ping more
/// often than that, and connect anew where they don't.
const IDLE_PATIENCE: Duration = Duration::from_secs(180);
/// A message that the far end does not take in this time ends the connection.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection of ours may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// The TCP connections of SIP. Dropping it ends them.
pub(super) struct Connections {
    /// Who may connect.
    options: SiprecOptions,
    /// For a connection until the last of it is over, ours too.
    room: Arc<Semaphore>,
    next: u64,
    open: HashMap<u64, Open>,
    tasks: JoinSet<()>,
    said: mpsc::Sender<Said>,
    saying: mpsc::Receiver<Said>,
}

/// A connection that is in use. Once this is dropped, what waits is sent, and the connection ends.
struct Open {
    to_send: mpsc::Sender<Bytes>,
    /// When it brought a whole message last, or was made.
    heard_at: Instant,
    patience: Duration,
}

/// A connection says something.
struct Said {
    connection: u64,
    address: SocketAddr,
    what: What,
}

enum What {
    Message(Bytes),
    /// The far end says no more; what waits is still sent.
    Ending,
    /// It is over.
    Gone,
}

/// What came next.
pub(super) enum Heard {
    Message(Peer, Bytes),
    /// The connection of this number has ended.
    Gone(u64),
    /// A connection came, or ends.
    Nothing,
}

/// How a connection comes to be.
enum Way {
    Accepted(TcpStream),
    ToMake,
}

impl Connections {
    pub(super) fn new(most: usize, options: SiprecOptions) -> Self {
        let (said, saying) = mpsc::channel(WAITING);
        let room = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self { options, room, next: 1, open: HashMap::new(), tasks: JoinSet::new(), said, saying }
    }

    /// What comes next; connections are accepted while there is room and a listener. May be dropped and
    /// asked again at any time.
    pub(super) async fn next(&mut self, listener: Option<&TcpListener>) -> Heard {
        while self.tasks.try_join_next().is_some() {}
        let said = tokio::select! {
            said = self.saying.recv() => said,
            (socket, address, room) = accept(listener, &self.room, &self.options) => {
                self.add(Way::Accepted(socket), address, room, FIRST_MESSAGE_PATIENCE);
                None
            }
        };
        let Some(Said { connection, address, what }) = said else { return Heard::Nothing };
        match what {
            What::Message(message) => {
                if let Some(open) = self.open.get_mut(&connection) {
                    (open.heard_at, open.patience) = (Instant::now(), IDLE_PATIENCE);
                }
                Heard::Message(Peer { address, transport: Transport::Tcp(connection) }, message)
            }
            What::Ending => {
                self.close(connection);
                Heard::Nothing
            }
            What::Gone => {
                self.close(connection);
                Heard::Gone(connection)
            }
        }
    }

    /// Sends a message over its connection, or, where that is gone, over a new one to the fallback. A far
    /// end that does not read is hung up on.
    pub(super) fn send(&mut self, connection: u64, message: Bytes, fallback: Option<SocketAddr>) {
        let open = self.open.get(&connection).filter(|open| !open.to_send.is_closed());
        match (open, fallback) {
            (Some(open), _) => {
                if open.to_send.try_send(message).is_err() {
                    self.close(connection);
                }
            }
            (None, Some(address)) => self.send_to(address, message),
            (None, None) => {}
        }
    }

    pub(super) fn close(&mut self, connection: u64) {
        self.open.remove(&connection);
    }

    /// Closes connections that were silent for too long and that no recording uses.
    pub(super) fn close_idle(&mut self, now: Instant, is_used: impl Fn(u64) -> bool) {
        self.open.retain(|connection, open| {
            let silent = now.saturating_duration_since(open.heard_at);
            silent < open.patience || is_used(*connection)
        });
    }

    fn send_to(&mut self, address: SocketAddr, message: Bytes) {
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            tracing::warn!("no room for a connection to take a sip message; raise siprec.max_connections");
            return;
        };
        let connection = self.add(Way::ToMake, address, room, IDLE_PATIENCE);
        self.send(connection, message, None);
    }

    fn add(&mut self, way: Way, address: SocketAddr, room: OwnedSemaphorePermit, patience: Duration) -> u64 {
        let connection = self.next;
        self.next += 1;
        let (to_send, sending) = mpsc::channel(WAITING);
        let said = self.said.clone();
        self.tasks.spawn(async move {
            let _room = room;
            if let Some(socket) = made(way, address).await {
                converse(socket, sending, &said, connection, address).await;
            }
            // Nobody listens any more where the server stops.
            drop(said.send(Said { connection, address, what: What::Gone }).await);
        });
        self.open.insert(connection, Open { to_send, heard_at: Instant::now(), patience });
        connection
    }
}

/// The next connection that may come, once there is room; without a listener there is none.
async fn accept(
    listener: Option<&TcpListener>,
    room: &Arc<Semaphore>,
    options: &SiprecOptions,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let (Some(listener), Ok(room)) = (listener, room.clone().acquire_owned().await) else {
        return std::future::pending().await;
    };
    loop {
        match listener.accept().await {
            Ok((socket, address)) if options.may_invite(address.ip()) => return (socket, address, room),
            Ok((_, address)) => tracing::debug!(%address, "sip connection closed: not one of siprec.peers"),
            Err(error) => pause_after(&error).await,
        }
    }
}

async fn made(way: Way, address: SocketAddr) -> Option<TcpStream> {
    match way {
        Way::Accepted(socket) => Some(socket),
        Way::ToMake => {
            let made = timeout(CONNECT_PATIENCE, TcpStream::connect(address)).await;
            let made = made.ok().and_then(Result::ok);
            if made.is_none() {
                tracing::debug!(%address, "no sip connection could be made");
            }
            made
        }
    }
}

/// One connection from its first byte to its last, both ways.
async fn converse(
    socket: TcpStream,
    sending: mpsc::Receiver<Bytes>,
    said: &mpsc::Sender<Said>,
    connection: u64,
    address: SocketAddr,
) {
    let (read, write) = socket.into_split();
    let mut speaking = pin!(speak(write, sending));
    tokio::select! {
        () = listen(read, said, connection, address) => {}
        () = &mut speaking => return,
    }
    // The answer to what was said last may still be on its way, but not for long.
    let last_words = async {
        drop(said.send(Said { connection, address, what: What::Ending }).await);
        speaking.await;
    };
    drop(timeout(WRITE_PATIENCE, last_words).await);
}

/// Reads messages until the far end closes, or says what can't be followed.
async fn listen(mut read: OwnedReadHalf, said: &mpsc::Sender<Said>, connection: u64, address: SocketAddr) {
    let (mut framing, mut bytes) = (SipFraming::new(), BytesMut::with_capacity(READ_BYTES));
    loop {
        bytes.clear();
        match read.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => framing.receive(&bytes),
        }
        loop {
            match framing.next_message() {
                Ok(None) => break,
                Ok(Some(message)) => {
                    let what = What::Message(message);
                    if said.send(Said { connection, address, what }).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, %address, "sip connection closed");
                    return;
                }
            }
        }
    }
}

/// Writes messages until the connection is let go, or the far end takes no more.
async fn speak(mut write: OwnedWriteHalf, mut sending: mpsc::Receiver<Bytes>) {
    while let Some(message) = sending.recv().await {
        if !matches!(timeout(WRITE_PATIENCE, write.write_all(&message)).await, Ok(Ok(()))) {
            return;
        }
    }
    drop(timeout(WRITE_PATIENCE, write.shutdown()).await);
}

#[cfg(test)]
mod tests;
