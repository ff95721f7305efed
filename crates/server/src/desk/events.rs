//! Opens a page's stream of events.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use earmark_voiceprint::CallId;
use http::{HeaderMap, HeaderName, StatusCode, Uri};
use tokio::time::timeout;
use tracing::Instrument;

use super::access::{Asked, Viewer, now_ms};
use super::agent_cursor::AgentCursor;
use super::agent_events::tell_agent;
use super::call_events::{Done, is_told, record, tell_call};
use super::pages::{Desk, asked_call};
use super::query::parameter;
use super::refused;
use super::sse::{Events, Gone};
use crate::backend::Backend;
use crate::lifecycle::Phase;
use crate::metrics::Counted;

/// The header by which a page that comes back says what it has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A stream that lasts longer is ended; the page comes back and goes on, its session looked at again.
const LONGEST: Duration = Duration::from_secs(3600);

/// What a stream is about, and from where on.
enum Told {
    Call(CallId, u32),
    Agent(String, AgentCursor),
}

/// `/events?call_id=...` or `/events?agent_id=...`.
pub(super) async fn events(State(backend): Desk, uri: Uri, headers: HeaderMap) -> Response {
    let last = last_event_id(&headers, &uri);
    match (asked_call(&uri), parameter(uri.query(), "agent_id")) {
        (Some(call), None) => call_events(backend, call, last, &uri, &headers).await,
        (None, Some(agent)) => {
            let viewer = match backend.desk.door.viewer(Asked::Agent(&agent), &headers, &uri) {
                Ok(viewer) => viewer,
                Err(denied) => return denied.for_script(),
            };
            let cursor = match last {
                None => AgentCursor::from_now(now_ms()),
                Some(last) => match AgentCursor::parse(&last) {
                    Some(cursor) => cursor,
                    None => return refused::bad("last_event_id"),
                },
            };
            open(backend, viewer, Told::Agent(agent, cursor))
        }
        _ => refused::bad("call_id or agent_id"),
    }
}

async fn call_events(
    backend: Arc<Backend>,
    call: CallId,
    last: Option<String>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Response {
    let viewer = match backend.desk.door.viewer(Asked::Call(&call), headers, uri) {
        Ok(viewer) => viewer,
        Err(denied) => return denied.for_script(),
    };
    let told = match last.map(|last| last.parse::<u32>()) {
        None => 0,
        Some(Ok(told)) => told,
        Some(Err(_)) => return refused::bad("last_event_id"),
    };
    let known = match record(&backend, &viewer.tenant, &call).await {
        Ok(known) => known,
        Err(()) => return refused::draining(),
    };
    if !known.as_ref().map_or_else(|| viewer.may_wait(), |known| viewer.may_see(known.call.agent.as_deref()))
    {
        return refused::not_here();
    }
    // The browser then stops coming back (HTML, 9.2.3).
    if known.is_some_and(|known| is_told(&known, told)) {
        return StatusCode::NO_CONTENT.into_response();
    }
    open(backend, viewer, Told::Call(call, told))
}

/// A task of its own writes the stream until the page leaves, the session or the server ends.
fn open(backend: Arc<Backend>, viewer: Viewer, told: Told) -> Response {
    if backend.lifecycle.phase() != Phase::Serving {
        return refused::draining();
    }
    let Ok(room) = backend.rooms.watcher() else { return refused::busy() };
    let counted = Counted::new(&backend.metrics.watchers);
    let (events, reply) = Events::open();
    let mut closing = backend.lifecycle.closing();
    let own = backend.clone();
    let task = async move {
        let _held = (room, counted);
        let left_ms = u64::try_from(viewer.until_ms.saturating_sub(now_ms())).unwrap_or(0);
        let telling =
            timeout(LONGEST.min(Duration::from_millis(left_ms)), tell(&own, &viewer, told, &events));
        tokio::select! {
            () = events.left() => {}
            () = closing.arrived() => {}
            // However it ended, the page comes back if there is more for it.
            _ = telling => {}
        }
    };
    backend.streams.spawn(task.in_current_span());
    reply
}

async fn tell(backend: &Backend, viewer: &Viewer, told: Told, events: &Events) -> Result<Done, Gone> {
    match told {
        Told::Call(call, told) => tell_call(backend, viewer, &call, told, events).await,
        Told::Agent(agent, cursor) => tell_agent(backend, &viewer.tenant, &agent, cursor, events).await,
    }
}

/// As the browser sends it when it comes back by itself, or as the page says it when it had to begin
/// anew.
fn last_event_id(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let header = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).map(str::to_owned);
    header.or_else(|| parameter(uri.query(), "last_event_id"))
}
