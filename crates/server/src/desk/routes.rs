//! Where the pages and what they ask for are.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use earmark_voiceprint::CallId;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use tracing::Instrument;

use super::assets::{self, Page, VERSION};
use super::query::parameter;
use super::sse::Events;
use super::{call_events, headers};
use crate::ServerError;
use crate::backend::Backend;
use crate::metrics::Counted;

/// The header by which a page that comes back says what it has seen.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// All of the desk.
pub(crate) fn routes(backend: &Arc<Backend>) -> Result<Router, ServerError> {
    let policy = headers::policy(&[]);
    let policy = HeaderValue::from_str(&policy)
        .map_err(|_| ServerError::Option { option: "desk.frame_ancestors", problem: "can't be sent" })?;
    Ok(Router::new()
        .route("/pop", get(pop))
        .route("/events", get(events))
        .route("/desk/assets/{version}/{name}", get(asset))
        .with_state(backend.clone())
        .layer(from_fn(move |request: Request, next| headers::put(policy.clone(), request, next))))
}

async fn pop() -> Response {
    page(Page::Pop)
}

fn page(page: Page) -> Response {
    let kind = [(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
    (kind, page.render("{}")).into_response()
}

async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    match assets::find(&name) {
        Some((kind, text)) if version == *VERSION => {
            let kept = "public, max-age=31536000, immutable";
            ([(CONTENT_TYPE, kind), (CACHE_CONTROL, kept)], text).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn events(State(backend): State<Arc<Backend>>, uri: Uri, headers: HeaderMap) -> Response {
    let Some(call) = parameter(uri.query(), "call_id").and_then(|id| CallId::new(&id).ok()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let tenant = earmark_voiceprint::TenantId::new("default").unwrap();
    let told = last_event_id(&headers, &uri).and_then(|id| id.parse().ok()).unwrap_or(0);
    let Ok(room) = backend.rooms.watcher() else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let counted = Counted::new(&backend.metrics.watchers);
    let (events, reply) = Events::open();
    let mut closing = backend.lifecycle.closing();
    let own = backend.clone();
    let task = async move {
        let _held = (room, counted);
        tokio::select! {
            () = events.left() => {}
            () = closing.arrived() => {}
            _ = call_events::tell_call(&own, &tenant, &call, told, &events) => {}
        }
    };
    backend.streams.spawn(task.in_current_span());
    reply
}

/// As the browser sends it when it comes back by itself, or as the page says it when it had to begin
/// anew.
fn last_event_id(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let header = headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).map(str::to_owned);
    header.or_else(|| parameter(uri.query(), "last_event_id"))
}
