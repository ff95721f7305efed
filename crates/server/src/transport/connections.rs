use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::patient::Patient;
use crate::metrics::{Counted, Metrics};

/// A client that can't shake hands or send its headers in this time holds a connection for nothing.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);
/// A connection that brings no request for so long after it was made is cut.
const FIRST_REQUEST_PATIENCE: Duration = Duration::from_secs(60);
/// A client that takes nothing of its replies for so long is cut, whatever is written to it. Streams
/// of events say something more often than this.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);
/// A peer that vanished without a word is found out this way within interval and timeout.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How much of a stream may lie unread in memory: 16 s of a-law. Flow control holds back the rest.
const STREAM_WINDOW_BYTES: u32 = 128 << 10;
/// The same for all streams of a connection; 64 stalled streams leave the others their room.
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
/// How much of a stream's replies may wait in memory for a client that does not read them.
const SEND_BUFFER_BYTES: usize = 64 << 10;
const MAX_STREAMS_PER_CONNECTION: u32 = 256;
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// After the system refused to accept (out of file descriptors), let others finish first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// All connections of a server. Dropping it ends them.
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    graceful: GracefulShutdown,
    serving: Arc<Serving>,
    room: Arc<Semaphore>,
}

/// What every connection needs.
struct Serving {
    router: Router,
    tls: Option<TlsAcceptor>,
    http: auto::Builder<TokioExecutor>,
    metrics: Arc<Metrics>,
}

impl Connections {
    pub(crate) fn new(router: Router, tls: Option<TlsAcceptor>, most: usize, metrics: Arc<Metrics>) -> Self {
        let serving = Serving { router, tls, http: http(), metrics };
        Self {
            tasks: JoinSet::new(),
            graceful: GracefulShutdown::new(),
            serving: Arc::new(serving),
            room: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Accepts until the future is dropped.
    pub(crate) async fn accept_from(&mut self, listener: &TcpListener) {
        loop {
            let room = self.room().await;
            match listener.accept().await {
                Ok((socket, _)) => self.spawn(socket, room),
                Err(error) => pause_after(&error).await,
            }
        }
    }

    /// Room for one more; meanwhile the ended ones are swept up.
    async fn room(&mut self) -> Option<OwnedSemaphorePermit> {
        while self.tasks.try_join_next().is_some() {}
        self.room.clone().acquire_owned().await.ok()
    }

    fn spawn(&mut self, socket: TcpStream, room: Option<OwnedSemaphorePermit>) {
        let serving = self.serving.clone();
        let watcher = self.graceful.watcher();
        self.tasks.spawn(async move {
            let _counted = Counted::new(&serving.metrics.connections);
            let _room = room;
            serving.serve(socket, watcher).await;
        });
    }

    /// Tells every client to go and lets it finish its streams for a while, then ends what is left.
    pub(crate) async fn close(mut self, patience: Duration) {
        if timeout(patience, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("connections were cut that did not close in time");
        }
        self.tasks.shutdown().await;
    }
}

impl Serving {
    async fn serve(&self, socket: TcpStream, watcher: Watcher) {
        // Updates are small and somebody waits for each of them. A socket that refuses is served too.
        drop(socket.set_nodelay(true));
        let socket = Patient::new(socket, WRITE_PATIENCE);
        match &self.tls {
            None => self.converse(socket, watcher).await,
            Some(tls) => match timeout(HANDSHAKE_PATIENCE, tls.accept(socket)).await {
                Ok(Ok(socket)) => self.converse(socket, watcher).await,
                Ok(Err(error)) => tracing::debug!(%error, "tls handshake failed"),
                Err(_) => tracing::debug!("tls handshake took too long"),
            },
        }
    }

    async fn converse<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        &self,
        socket: S,
        watcher: Watcher,
    ) {
        let begun = Arc::new(AtomicBool::new(false));
        let seen = begun.clone();
        let service = self.router.clone().map_request(move |request: http::Request<Incoming>| {
            seen.store(true, Ordering::Relaxed);
            request
        });
        let service = TowerToHyperService::new(service);
        let connection = self.http.serve_connection_with_upgrades(TokioIo::new(socket), service).into_owned();
        tokio::select! {
            ended = watcher.watch(connection) => if let Err(error) = ended {
                tracing::debug!(%error, "connection ended");
            },
            () = silence(&begun) => tracing::debug!("connection cut that brought no request"),
        }
    }
}

/// Resolves if no request came in time; hyper does not limit how long it waits for the first bytes.
async fn silence(begun: &AtomicBool) {
    tokio::time::sleep(FIRST_REQUEST_PATIENCE).await;
    if begun.load(Ordering::Relaxed) {
        std::future::pending().await
    }
}

fn http() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE_PATIENCE)
        .max_buf_size(MAX_HEADER_BYTES as usize);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION)
        .max_header_list_size(MAX_HEADER_BYTES);
    http
}

/// A client that left before it was accepted is nothing; anything else is the system's trouble.
pub(crate) async fn pause_after(error: &io::Error) {
    let gone = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
    if !gone.contains(&error.kind()) {
        tracing::error!(%error, "accepting a connection failed");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
