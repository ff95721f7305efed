//! What every call of the API passes before its handler: a request id, who calls, whether there is
//! room, and its deadline. Here too its outcome is logged and counted, once.

mod body;
mod deadline;
mod record;
mod request_id;
mod rpc;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::{Code, Status};
use tracing::Instrument;

pub(crate) use self::body::CleanEnd;
use self::body::{ObservedBody, WatchedBody};
pub(crate) use self::deadline::Deadline;
use self::record::RpcRecord;
pub(crate) use self::rpc::{Kind, Rpc};
use crate::access::Caller;
use crate::lifecycle::Lifecycle;
use crate::media::WebexGuard;
use crate::metrics::Metrics;
use crate::refusal::{Refusal, refuse_stream_error};
use crate::{AccessOptions, Limits};

/// What the gate needs to decide.
pub(crate) struct Gate {
    access: AccessOptions,
    /// Who Webex's method is open to, instead of `access`.
    webex: Option<Arc<WebexGuard>>,
    limits: Limits,
    lifecycle: Arc<Lifecycle>,
    metrics: Arc<Metrics>,
    lookups: Arc<Semaphore>,
    batch: Arc<Semaphore>,
}

/// What a call holds until the last byte of its reply: its place in a drain and in its limit.
struct Held {
    _work: Option<TaskTrackerToken>,
    _room: Option<OwnedSemaphorePermit>,
}

/// What the gate found out about a call that may go on.
struct Admitted {
    caller: Caller,
    deadline: Deadline,
    held: Held,
}

impl Gate {
    pub(crate) fn new(
        access: AccessOptions,
        limits: Limits,
        lifecycle: Arc<Lifecycle>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let room = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        let (lookups, batch) = (room(limits.max_lookups), room(limits.max_batch_requests));
        Self { access, webex: None, limits, lifecycle, metrics, lookups, batch }
    }

    pub(crate) fn with_webex(self, webex: Option<Arc<WebexGuard>>) -> Self {
        Self { webex, ..self }
    }

    /// Decides before the body is read, so that a refused call costs no memory.
    fn admit(&self, rpc: &Rpc, headers: &HeaderMap) -> Result<Admitted, Refusal> {
        let caller = match &self.webex {
            Some(webex) if rpc.is_webex() => webex.admit(headers)?,
            _ if rpc.is_vendors() => self.access.admit_vendor(headers)?,
            _ => self.access.admit(headers, rpc.needed())?,
        };
        let asked = Deadline::of(headers)?;
        let deadline = self.patience(rpc.kind).map_or(asked, |most| asked.at_most(most));
        // Watchers never end by themselves, so a drain does not wait for them.
        let work = Some(self.lifecycle.begin()?).filter(|_| rpc.kind != Kind::Watch);
        let held = Held { _work: work, _room: self.room(rpc.kind)? };
        Ok(Admitted { caller, deadline, held })
    }

    /// Streams take their room in their handlers, where it lives as long as they do.
    fn room(&self, kind: Kind) -> Result<Option<OwnedSemaphorePermit>, Refusal> {
        let (room, refusal) = match kind {
            Kind::Lookup => (&self.lookups, lookups_full as fn() -> Refusal),
            Kind::Batch => (&self.batch, batch_full as fn() -> Refusal),
            Kind::Upload | Kind::Live | Kind::Watch => return Ok(None),
        };
        room.clone().try_acquire_owned().map(Some).map_err(|_| refusal())
    }

    /// The longest a call may take whose reply is one message. Calls that reply with a stream see
    /// to it themselves, as they have something to say at the end.
    fn patience(&self, kind: Kind) -> Option<Duration> {
        match kind {
            Kind::Lookup | Kind::Batch => Some(self.limits.max_unary_duration),
            Kind::Upload => Some(self.limits.max_stream_duration),
            Kind::Live | Kind::Watch => None,
        }
    }
}

fn lookups_full() -> Refusal {
    Refusal::busy("LOOKUPS_FULL", "lookups", "too many small calls at once; try again")
}

fn batch_full() -> Refusal {
    let problem = "too many recordings are being worked on; try again, or send fewer at once";
    Refusal::busy("BATCH_FULL", "batch requests", problem)
}

/// The middleware. Only calls of our API pass the gate; health and reflection go straight on.
pub(crate) async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let Some(rpc) = Rpc::of_path(request.uri().path()) else { return next.run(request).await };
    let id = request_id::of(request.headers());
    let span = tracing::info_span!(
        "rpc",
        method = rpc.label,
        request = %id,
        tenant = tracing::field::Empty,
        call = tracing::field::Empty
    );
    let record = RpcRecord::new(rpc.label, gate.metrics.clone(), span.clone());
    let mut response = answer(&gate, rpc, record, request, next).instrument(span).await;
    request_id::put(&id, response.headers_mut());
    response
}

async fn answer(gate: &Gate, rpc: &Rpc, record: RpcRecord, request: Request, next: Next) -> Response {
    let (response, held) = match gate.admit(rpc, request.headers()) {
        Ok(Admitted { caller, deadline, held }) => {
            tracing::Span::current().record("tenant", caller.tenant.as_str());
            let streams = gate.patience(rpc.kind).is_none();
            let response = tokio::select! {
                response = next.run(prepared(request, caller, deadline)) => {
                    in_our_words(response, rpc.kind.message_limit(&gate.limits))
                }
                () = deadline.passed(), if !streams => refused(Refusal::deadline()),
            };
            (response, Some(held))
        }
        Err(refusal) => (refused(refusal), None),
    };
    let (parts, body) = response.into_parts();
    let body = ObservedBody::new(body, record.begun(&parts.headers), held);
    Response::from_parts(parts, Body::new(body))
}

/// Gives the handler what the gate found out.
fn prepared(request: Request, caller: Caller, deadline: Deadline) -> Request {
    let end = CleanEnd::default();
    let mut request = request.map(|body| Body::new(WatchedBody::new(body, end.clone())));
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(deadline);
    request.extensions_mut().insert(end);
    request
}

/// tonic refuses what it can't read by itself and without details; say it as we say everything.
fn in_our_words(response: Response, limit: usize) -> Response {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.details().is_empty() && !spoken_for(status.code()) => {
            refused(refuse_stream_error(&status, limit))
        }
        _ => response,
    }
}

/// Success, and what tonic says of methods and compressions that are not there.
fn spoken_for(code: Code) -> bool {
    matches!(code, Code::Ok | Code::Unimplemented)
}

fn refused(refusal: Refusal) -> Response {
    Status::from(refusal).into_http()
}

#[cfg(test)]
mod tests;
