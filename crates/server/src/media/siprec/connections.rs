use std::collections::HashMap;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use earmark_telephony::siprec::{Peer, SipFraming, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::transport::pause_after;

/// Read at once at most.
const READ_BYTES: usize = 16 << 10;
/// Messages that wait to be sent over a connection, and that wait to be taken from all.
const WAITING: usize = 64;

/// The TCP connections of SIP.
pub(super) struct Connections {
    most: usize,
    next: u64,
    open: HashMap<u64, Open>,
    said: mpsc::Sender<Said>,
    saying: mpsc::Receiver<Said>,
}

struct Open {
    to_send: mpsc::Sender<Bytes>,
    reader: AbortHandle,
}

/// Dropped with its connection, both ways end.
impl Drop for Open {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// What a connection says; none at its end.
struct Said {
    connection: u64,
    address: SocketAddr,
    message: Option<Bytes>,
}

/// What came next.
pub(super) enum Heard {
    Message(Peer, Bytes),
    /// A connection came or went.
    Nothing,
}

impl Connections {
    pub(super) fn new(most: usize) -> Self {
        let (said, saying) = mpsc::channel(WAITING);
        Self { most, next: 1, open: HashMap::new(), said, saying }
    }

    /// What comes next; connections are accepted while there is room and a listener. May be dropped and
    /// asked again at any time.
    pub(super) async fn next(&mut self, listener: Option<&TcpListener>) -> Heard {
        let listener = listener.filter(|_| self.open.len() < self.most);
        let said = tokio::select! {
            said = self.saying.recv() => said,
            (socket, address) = accept(listener) => {
                self.add(socket, address);
                None
            }
        };
        match said {
            Some(Said { connection, address, message: Some(message) }) => {
                Heard::Message(Peer { address, transport: Transport::Tcp(connection) }, message)
            }
            Some(Said { connection, .. }) => {
                self.open.remove(&connection);
                Heard::Nothing
            }
            None => Heard::Nothing,
        }
    }

    /// A far end that does not read is hung up on.
    pub(super) fn send(&mut self, connection: u64, message: Bytes) {
        if let Some(open) = self.open.get(&connection)
            && open.to_send.try_send(message).is_err()
        {
            self.close(connection);
        }
    }

    pub(super) fn close(&mut self, connection: u64) {
        self.open.remove(&connection);
    }

    fn add(&mut self, socket: TcpStream, address: SocketAddr) {
        let connection = self.next;
        self.next += 1;
        let (read, write) = socket.into_split();
        let (to_send, sending) = mpsc::channel(WAITING);
        let said = self.said.clone();
        let reader = tokio::spawn(async move {
            listen(read, &said, connection, address).await;
            // Nobody listens any more where the server stops.
            drop(said.send(Said { connection, address, message: None }).await);
        });
        tokio::spawn(speak(write, sending));
        self.open.insert(connection, Open { to_send, reader: reader.abort_handle() });
    }
}

/// The next connection; without a listener there is none.
async fn accept(listener: Option<&TcpListener>) -> (TcpStream, SocketAddr) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => pause_after(&error).await,
        }
    }
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
                    if said.send(Said { connection, address, message: Some(message) }).await.is_err() {
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

/// Writes messages until the connection is let go.
async fn speak(mut write: OwnedWriteHalf, mut sending: mpsc::Receiver<Bytes>) {
    while let Some(message) = sending.recv().await {
        if write.write_all(&message).await.is_err() {
            return;
        }
    }
    drop(write.shutdown().await);
}
