//! Media streams over WebSockets, on the main port: one path a dialect. A path that is not
//! configured says so.

mod access;
mod connection;
mod options;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use earmark_telephony::{
    ASTERISK_SUBPROTOCOL, AsteriskWebSocket, AudioHook, Dialect, FREESWITCH_SUBPROTOCOL, FreeSwitch,
    MAX_AUDIO_BYTES, Metadata, Twilio,
};
use earmark_voiceprint::TenantId;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Code;

use self::access::Guard;
use self::connection::Connection;
pub use self::options::{
    AudioHookKey, AudioHookRoute, PublicUrl, StreamRoute, TwilioRoute, WebSocketOptions,
};
use super::call::{MEDIA_STEP, Route};
use super::drive::drive;
use super::options::{MixedAudio, TelephonyOptions};
use crate::access::AccessOptions;
use crate::backend::Backend;
use crate::lifecycle::Phase;
use crate::metrics::Counted;
use crate::refusal::Refusal;

/// The largest message that is read at all; the dialects refuse smaller ones already, and say why.
const MAX_MESSAGE_BYTES: usize = 2 * MAX_AUDIO_BYTES;
/// What may wait to be sent to a far end that does not read.
const MAX_WRITE_BYTES: usize = 1 << 20;

/// The paths of the dialects that are configured.
pub(crate) fn routes(backend: &Arc<Backend>, telephony: &TelephonyOptions, access: &AccessOptions) -> Router {
    let options = &telephony.websocket;
    let room = Arc::new(Semaphore::new(options.max_sockets.min(Semaphore::MAX_PERMITS)));
    let listener = |guard: Guard, tenant: &TenantId| {
        Arc::new(Listener {
            backend: backend.clone(),
            access: access.clone(),
            room: room.clone(),
            mixed: telephony.mixed,
            guard,
            tenant: tenant.clone(),
        })
    };
    let token = |route: &Option<StreamRoute>| route.as_ref().map(|r| listener(Guard::Token, &r.tenant));
    let twilio_listener = options.twilio.as_ref().map(|r| listener(Guard::twilio(r), &r.tenant));
    let audiohook_listener = options.audiohook.as_ref().map(|r| listener(Guard::audiohook(r), &r.tenant));
    Router::new()
        .route("/media/freeswitch", path(freeswitch, token(&options.freeswitch)))
        .route("/media/asterisk", path(asterisk, token(&options.asterisk)))
        .route("/media/twilio", path(twilio, twilio_listener))
        .route("/media/audiohook", path(audiohook, audiohook_listener))
}

/// What a path stands on.
struct Listener {
    backend: Arc<Backend>,
    access: AccessOptions,
    /// For sockets of all dialects together.
    room: Arc<Semaphore>,
    mixed: MixedAudio,
    guard: Guard,
    tenant: TenantId,
}

/// How a dialect begins with a request.
struct Beginning {
    protocol: &'static str,
    /// The subprotocol that must be named if any is.
    subprotocol: Option<&'static str>,
    dialect: Box<dyn Dialect>,
}

type Begin = fn(&Parts) -> Result<Beginning, Refusal>;

fn path(begin: Begin, listener: Option<Arc<Listener>>) -> MethodRouter {
    let handler = move |State(listener): State<Option<Arc<Listener>>>, request: Request| async move {
        let outcome = match listener {
            Some(listener) => listener.open(begin, request).await,
            None => Err(not_open()),
        };
        outcome.unwrap_or_else(|refusal| {
            tracing::warn!(reason = refusal.reason(), problem = refusal.message(), "media socket refused");
            (status(refusal.code()), format!("{}: {}\n", refusal.reason(), refusal.message())).into_response()
        })
    };
    get(handler).with_state(listener)
}

fn not_open() -> Refusal {
    let problem = "this path is not open; name its table under [websocket] in the file of --telephony";
    Refusal::new(Code::NotFound, "PATH_NOT_OPEN", problem)
}

fn status(code: Code) -> StatusCode {
    match code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::ResourceExhausted | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

impl Listener {
    /// Checks who connects and makes the socket, which then goes its own way.
    async fn open(self: Arc<Self>, begin: Begin, request: Request) -> Result<Response, Refusal> {
        use axum::extract::FromRequestParts;
        if self.backend.lifecycle.phase() != Phase::Serving {
            return Err(Refusal::draining());
        }
        let (mut parts, _) = request.into_parts();
        access::check_origin(&parts.headers)?;
        self.guard.admit(&self.access, &parts, &self.tenant)?;
        let Beginning { protocol, subprotocol, dialect } = begin(&parts)?;
        check_subprotocol(&parts.headers, subprotocol)?;
        let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => upgrade,
            Err(rejection) => return Ok(rejection.into_response()),
        };
        let held = self.hold()?;
        let tenant = self.tenant.clone();
        let route = Route { protocol, tenant, mixed: self.mixed, step: MEDIA_STEP };
        let upgrade = upgrade
            .max_message_size(MAX_MESSAGE_BYTES)
            .max_frame_size(MAX_MESSAGE_BYTES)
            .max_write_buffer_size(MAX_WRITE_BYTES)
            .protocols(subprotocol);
        Ok(upgrade.on_upgrade(move |socket| async move {
            let backend = self.backend.clone();
            let streams = backend.streams.clone();
            let call = async move {
                let _held = held;
                let stopping = backend.lifecycle.closing();
                drive(&backend, route, Connection::new(socket, dialect, stopping)).await;
            };
            streams.track_future(call).await;
        }))
    }

    /// Room for a socket; counted as a connection, which the HTTP connection it was is no more.
    fn hold(&self) -> Result<(OwnedSemaphorePermit, Counted), Refusal> {
        let full = |_| {
            let problem = "as many media sockets as allowed are open; try again";
            Refusal::busy("SOCKETS_FULL", "media sockets", problem)
        };
        let permit = self.room.clone().try_acquire_owned().map_err(full)?;
        Ok((permit, Counted::new(&self.backend.metrics.connections)))
    }
}

/// A far end that names subprotocols must name ours: the path is another switch's then.
fn check_subprotocol(headers: &HeaderMap, ours: Option<&'static str>) -> Result<(), Refusal> {
    let Some(ours) = ours else { return Ok(()) };
    let mut named = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().peekable();
    let none = named.peek().is_none();
    let any = named.any(|value| value.to_str().is_ok_and(|list| list.split(',').any(|p| p.trim() == ours)));
    if none || any {
        return Ok(());
    }
    let problem =
        format!("this path speaks the subprotocol {ours}; use the path of the switch that connects");
    Err(Refusal::field(SEC_WEBSOCKET_PROTOCOL.as_str(), "WRONG_SUBPROTOCOL", problem))
}

fn metadata(parts: &Parts) -> Result<Metadata, Refusal> {
    let refuse =
        |error: earmark_telephony::ProtocolError| Refusal::field("query", "BAD_QUERY", error.to_string());
    Metadata::from_query(parts.uri.query().unwrap_or_default()).map_err(refuse)
}

fn freeswitch(parts: &Parts) -> Result<Beginning, Refusal> {
    let dialect = Box::new(FreeSwitch::new(metadata(parts)?));
    Ok(Beginning { protocol: "freeswitch", subprotocol: Some(FREESWITCH_SUBPROTOCOL), dialect })
}

fn asterisk(parts: &Parts) -> Result<Beginning, Refusal> {
    let dialect = Box::new(AsteriskWebSocket::new(metadata(parts)?));
    Ok(Beginning { protocol: "asterisk_websocket", subprotocol: Some(ASTERISK_SUBPROTOCOL), dialect })
}

fn twilio(parts: &Parts) -> Result<Beginning, Refusal> {
    let dialect = Box::new(Twilio::new(metadata(parts)?));
    Ok(Beginning { protocol: "twilio", subprotocol: None, dialect })
}

fn audiohook(parts: &Parts) -> Result<Beginning, Refusal> {
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let (session, organization) = (header("audiohook-session-id"), header("audiohook-organization-id"));
    let dialect = Box::new(AudioHook::new(session, organization));
    Ok(Beginning { protocol: "audiohook", subprotocol: None, dialect })
}
