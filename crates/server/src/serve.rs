use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use earmark_engine::Engine;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::TaskTracker;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::backend::{Backend, Rooms};
use crate::desk::DeskState;
use crate::feed::Feed;
use crate::gate::Gate;
use crate::lifecycle::{Lifecycle, Phase};
use crate::media::{
    MEDIA_STEP, Route, SiprecListeners, WebexGuard, accept_audiosockets, serve_siprec, websocket_routes,
};
use crate::metrics::Metrics;
use crate::pool::{Pool, PoolOptions};
use crate::transport::{Connections, acceptor};
use crate::{
    AudioSocketOptions, ServerError, ServerOptions, TelephonyOptions, cors, desk, grpc_routes, http_routes,
};

/// How long streams may take to send their last update once they are told to finish.
const FINISH_PATIENCE: Duration = Duration::from_secs(10);
/// How long clients may take to close their connections after that.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// How long the threads may take to end the work that nobody waits for any more.
pub(crate) const POOL_PATIENCE: Duration = Duration::from_secs(10);
/// How often recorded metrics are moved into their histograms.
const TIDY_INTERVAL: Duration = Duration::from_secs(5);

/// Serves the engine on one port until `shutdown` resolves, then drains: new calls are refused,
/// live calls go on for [`ServerOptions::drain_timeout`] and are then finished with a last update.
///
/// gRPC (also without TLS, by prior knowledge), gRPC-Web, `/healthz`, `/readyz` and `/metrics`
/// share the port. Must run in a multi-threaded tokio runtime with time and I/O.
///
/// # Errors
/// [`ServerError`] for options that can't be, before anything is served. Once it serves, it ends
/// only by `shutdown`.
pub async fn serve(
    listeners: impl Into<Listeners>,
    engine: Engine,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let Listeners { main: listener, audiosocket, siprec } = listeners.into();
    let address = address_of(&listener)?;
    let others = [audiosocket.as_ref(), siprec.as_ref().map(SiprecListeners::tcp)];
    let others: Vec<_> = others.into_iter().flatten().map(address_of).collect::<Result<_, _>>()?;
    let addresses = std::iter::once(address).chain(others);
    let (server, mut connections) = Server::build(engine, &options, addresses)?;
    grpc_routes::tell_health(&server.health, ServingStatus::Serving).await;
    tracing::info!(%address, tls = options.tls.is_some(), "serving");
    if let Some(listeners) = siprec {
        serve_siprec(&server.backend, listeners, &options.telephony);
    }
    tokio::select! {
        () = connections.accept_from(&listener) => {}
        () = server.accept_media(&options.telephony, audiosocket.as_ref()) => {}
        () = server.tidy_metrics() => {}
        () = server.watch_webex_keys() => {}
        () = server.drain_after(shutdown, options.drain_timeout) => {}
    }
    drop((listener, audiosocket));
    connections.close(CLOSE_PATIENCE).await;
    server.stop().await;
    tracing::info!("stopped");
    Ok(())
}

/// The sockets to serve on.
#[derive(Debug)]
pub struct Listeners {
    /// gRPC and all that is HTTP.
    pub main: TcpListener,
    /// Asterisk's AudioSocket, if it is served.
    pub audiosocket: Option<TcpListener>,
    /// SIPREC's SIP, if it is served.
    pub siprec: Option<SiprecListeners>,
}

impl From<TcpListener> for Listeners {
    /// No telephony beside.
    fn from(main: TcpListener) -> Self {
        Self { main, audiosocket: None, siprec: None }
    }
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, ServerError> {
    let action = "reading a listener's address";
    listener.local_addr().map_err(|source| ServerError::System { action, source })
}

/// What stays the same while the server runs.
struct Server {
    backend: Arc<Backend>,
    health: HealthReporter,
    webex: Option<Arc<WebexGuard>>,
}

impl Server {
    fn build(
        engine: Engine,
        options: &ServerOptions,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) -> Result<(Self, Connections), ServerError> {
        options.check()?;
        let main_is_encrypted = options.tls.is_some();
        // Whether only this machine reaches the main port.
        let mut here = false;
        for (place, address) in addresses.into_iter().enumerate() {
            here |= place == 0 && address.ip().is_loopback();
            // AudioSocket has no encryption of its own, nor has SIP over UDP and TCP.
            let plaintext = place > 0 || !main_is_encrypted;
            if plaintext && !address.ip().is_loopback() && !options.allow_remote_plaintext {
                return Err(ServerError::RemotePlaintext { address });
            }
        }
        let tls = options.tls.as_ref().map(acceptor).transpose()?;
        let metrics = Arc::new(Metrics::new()?);
        let backend = Arc::new(backend(engine, options, metrics.clone(), here)?);
        let webex = options.telephony.webex.as_ref().map(WebexGuard::open).transpose()?.map(Arc::new);
        let (router, health) = router(&backend, options, webex.clone())?;
        let most = options.limits.max_connections;
        Ok((Self { backend, health, webex }, Connections::new(router, tls, most, metrics)))
    }

    /// Never ends by itself.
    async fn accept_media(&self, options: &TelephonyOptions, audiosocket: Option<&TcpListener>) {
        let Some(listener) = audiosocket else { return pending().await };
        let AudioSocketOptions { tenant, max_connections } = options.audiosocket.clone();
        let route = Route { protocol: "audiosocket", tenant, mixed: options.mixed, step: MEDIA_STEP };
        accept_audiosockets(&self.backend, listener, &route, max_connections).await;
    }

    /// Never ends by itself.
    async fn watch_webex_keys(&self) {
        match &self.webex {
            Some(webex) => webex.watch_keys().await,
            None => pending().await,
        }
    }

    /// Never ends by itself.
    async fn tidy_metrics(&self) {
        let mut ticks = interval(TIDY_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.backend.metrics.holds(self.backend.engine.statistics());
            self.backend.metrics.tidy();
        }
    }

    /// Connections are still accepted meanwhile, so that probes and refused clients get an answer.
    async fn drain_after(&self, shutdown: impl Future<Output = ()>, patience: Duration) {
        shutdown.await;
        let lifecycle = &self.backend.lifecycle;
        tracing::info!("draining");
        lifecycle.enter(Phase::Draining);
        grpc_routes::tell_health(&self.health, ServingStatus::NotServing).await;
        if timeout(patience, lifecycle.idle()).await.is_err() {
            tracing::warn!("finishing calls that outlast the drain");
        }
        lifecycle.enter(Phase::Closing);
        if timeout(FINISH_PATIENCE, lifecycle.idle()).await.is_err() {
            tracing::warn!("calls were cut that did not finish in time");
        }
    }

    /// Lets the threads end what was abandoned, so that the records are whole when this returns.
    async fn stop(self) {
        let Backend { streams, pool, .. } = &*self.backend;
        let stopped = async {
            streams.close();
            streams.wait().await;
            pool.stopped().await;
        };
        if timeout(POOL_PATIENCE, stopped).await.is_err() {
            tracing::warn!("work went on that did not stop in time");
        }
    }
}

pub(crate) fn backend(
    engine: Engine,
    options: &ServerOptions,
    metrics: Arc<Metrics>,
    here: bool,
) -> Result<Backend, ServerError> {
    let limits = options.limits.clone();
    // A lane's queue holds what may run at once of its kind, so that streams rarely wait for it.
    let waiting = [
        limits.max_live_calls.saturating_mul(2),
        limits.max_lookups,
        limits.max_batch_requests.saturating_add(limits.max_enrollment_streams),
    ];
    let pool = Pool::start(PoolOptions { threads: options.pool_threads(), waiting }, &metrics)?;
    let feed = Arc::new(Feed::new(limits.watch_backlog, metrics.clone()));
    engine.observe(feed.clone());
    let lifecycle = Arc::new(Lifecycle::new());
    let rooms = Rooms::new(&limits);
    let (registry, streams) = (Arc::default(), TaskTracker::new());
    let mixed = options.telephony.mixed;
    let desk = DeskState::new(&engine, options, here)?;
    Ok(Backend { engine, pool, metrics, lifecycle, mixed, limits, feed, desk, rooms, registry, streams })
}

fn router(
    backend: &Arc<Backend>,
    options: &ServerOptions,
    webex: Option<Arc<WebexGuard>>,
) -> Result<(Router, HealthReporter), ServerError> {
    let gate = Gate::new(
        options.access.clone(),
        options.limits.clone(),
        backend.lifecycle.clone(),
        backend.metrics.clone(),
    );
    let (routes, health) = grpc_routes::routes(backend, gate.with_webex(webex))?;
    let routes = match cors::cors(&options.cors_origins)? {
        Some(layer) => routes.layer(layer),
        None => routes,
    };
    let plain = http_routes::routes(backend.lifecycle.clone(), backend.metrics.clone());
    let sockets = websocket_routes(backend, &options.telephony, &options.access);
    Ok((routes.merge(plain).merge(sockets).merge(desk::routes(backend)), health))
}
