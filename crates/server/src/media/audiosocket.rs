use std::sync::Arc;

use bytes::BytesMut;
use earmark_engine::CallUpdate;
use earmark_telephony::{AUDIOSOCKET_HANG_UP, AudioSocket, CallEvent, EndReason, Parting, ProtocolError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::call::Route;
use super::drive::{MediaSource, drive};
use crate::backend::Backend;
use crate::metrics::Counted;
use crate::transport::pause_after;

/// Read at once at most: half a second of 8 kHz audio.
const READ_BYTES: usize = 8 << 10;

/// Accepts Asterisk's connections until the future is dropped; calls that run then go on.
pub(crate) async fn accept_audiosockets(
    backend: &Arc<Backend>,
    listener: &TcpListener,
    route: &Route,
    max_connections: usize,
) {
    let room = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((socket, _)) => {
                let (backend, route) = (backend.clone(), route.clone());
                let streams = backend.streams.clone();
                streams.spawn(async move {
                    let _held = (permit, Counted::new(&backend.metrics.connections));
                    drive(&backend, route, Connection::new(socket)).await;
                });
            }
            Err(error) => pause_after(&error).await,
        }
    }
}

/// One connection.
struct Connection {
    socket: TcpStream,
    protocol: AudioSocket,
    read: BytesMut,
}

impl Connection {
    fn new(socket: TcpStream) -> Self {
        Self { socket, protocol: AudioSocket::new(), read: BytesMut::with_capacity(READ_BYTES) }
    }
}

impl MediaSource for Connection {
    async fn next(&mut self) -> Result<Vec<CallEvent>, ProtocolError> {
        self.read.clear();
        match self.socket.read_buf(&mut self.read).await {
            Ok(0) => {
                let events = self.protocol.closed();
                // A connection that never was a call ends as one that hung up.
                let over = || vec![CallEvent::Ended(EndReason::HungUp)];
                Ok(if events.is_empty() { over() } else { events })
            }
            Ok(_) => self.protocol.receive(&self.read),
            Err(error) => {
                tracing::debug!(%error, "audiosocket connection lost");
                Ok(vec![CallEvent::Ended(EndReason::Lost)])
            }
        }
    }

    /// The protocol has no way back but audio.
    async fn tell(&mut self, _update: &CallUpdate) {}

    async fn part(&mut self, parting: &Parting) {
        if *parting != Parting::Finished(EndReason::HungUp) {
            // Who is gone does not hear it.
            drop(self.socket.write_all(&AUDIOSOCKET_HANG_UP).await);
        }
        drop(self.socket.shutdown().await);
    }
}
