//! One call's evidence as a stream of events: all that is in its record, then what comes, without a
//! gap and without a repeat, also for a call that has not begun yet.

use std::sync::Arc;
use std::time::Duration;

use earmark_engine::{CallInfo, CallRecord, EngineError, ErrorKind};
use earmark_voiceprint::{CallId, TenantId};
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use super::access::Viewer;
use super::sse::{Events, Gone};
use super::view::{CallView, OutcomeView, UpdateView};
use crate::backend::Backend;
use crate::feed::{News, Seen};

/// How often a quiet stream says that it lives.
pub(super) const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);

/// Nothing, as JSON.
#[derive(Serialize)]
pub(super) struct Empty {}

/// A call that is another agent's from now on.
#[derive(Serialize)]
pub(super) struct Transferred<'a> {
    call_id: &'a str,
}

impl<'a> Transferred<'a> {
    pub(super) fn of(call: &'a CallId) -> Self {
        Self { call_id: call.as_str() }
    }
}

/// Why a stream ended in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// The last update was told, the call ended without one, or it is no longer the viewer's.
    Ended,
    /// The server is stopping, or the records can't be read now: the page comes back.
    Later,
}

/// Tells a call from after update `told` on.
pub(super) async fn tell_call(
    backend: &Backend,
    viewer: &Viewer,
    call: &CallId,
    mut told: u32,
    events: &Events,
) -> Result<Done, Gone> {
    let tenant = &viewer.tenant;
    events.hello().await?;
    loop {
        // First the feed, then the record: an update is kept before it is told, so that whatever
        // the record lacks comes through the feed.
        let feed = backend.feed.subscribe();
        let mut known = None;
        match record(backend, tenant, call).await {
            Ok(Some(record)) if !viewer.may_see(record.call.agent.as_deref()) => {
                events.send("transferred", None, &Transferred::of(call)).await?;
                return Ok(Done::Ended);
            }
            Ok(Some(record)) => {
                known = Some(record.call.clone());
                if catch_up(&record, &mut told, events).await? {
                    return Ok(Done::Ended);
                }
                // Its end could not be kept: no more comes of it.
                if backend.feed.is_unconcluded(tenant, call) {
                    events.send("end", None, &Empty {}).await?;
                    return Ok(Done::Ended);
                }
            }
            Ok(None) => events.send("waiting", None, &Empty {}).await?,
            Err(()) => return Ok(Done::Later),
        }
        match follow(feed, viewer, call, known, &mut told, events).await? {
            Followed::Done(done) => return Ok(done),
            Followed::Behind => {}
        }
    }
}

/// The record of a call, none for one that has not begun.
pub(super) async fn record(
    backend: &Backend,
    tenant: &TenantId,
    call: &CallId,
) -> Result<Option<CallRecord>, ()> {
    let (tenant, call) = (tenant.clone(), call.clone());
    let found = backend.lookup(move |engine| match engine.call(&tenant, &call) {
        Ok(record) => Ok(Some(record)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    });
    found.await.map_err(|status| {
        tracing::warn!(code = ?status.code(), "a call's record could not be read for a page");
    })
}

/// Whether a page that was told updates up to `told` has all of a call.
pub(super) fn is_told(record: &CallRecord, told: u32) -> bool {
    told > 0 && record.ended_at.is_some() && record.updates.last().is_some_and(|u| u.sequence <= told)
}

fn is_not_found(error: &EngineError) -> bool {
    error.kind() == ErrorKind::NotFound
}

/// Tells what the record holds beyond what was told; whether the call is over.
async fn catch_up(record: &CallRecord, told: &mut u32, events: &Events) -> Result<bool, Gone> {
    events.send("call", None, &CallView::of(record)).await?;
    for update in record.updates.iter().filter(|u| u.sequence > *told) {
        events.send("update", Some(&update.sequence.to_string()), &UpdateView::new(update)).await?;
    }
    *told = record.updates.last().map_or(*told, |last| last.sequence.max(*told));
    if record.ended_at.is_some() {
        events.send("end", None, &Empty {}).await?;
    }
    Ok(record.ended_at.is_some())
}

enum Followed {
    Done(Done),
    /// News were missed: the record has them.
    Behind,
}

async fn follow(
    mut feed: Receiver<Arc<Seen>>,
    viewer: &Viewer,
    call: &CallId,
    mut known: Option<CallInfo>,
    told: &mut u32,
    events: &Events,
) -> Result<Followed, Gone> {
    loop {
        let seen = match timeout(HEARTBEAT_INTERVAL, feed.recv()).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(RecvError::Lagged(_))) => return Ok(Followed::Behind),
            Ok(Err(RecvError::Closed)) => return Ok(Followed::Done(Done::Later)),
            Err(_) => {
                events.heartbeat().await?;
                continue;
            }
        };
        if seen.tenant != viewer.tenant || seen.news.call().call_id != *call {
            continue;
        }
        // It is another agent's now: the record says so too.
        if !viewer.may_see(seen.news.call().agent.as_deref()) {
            return Ok(Followed::Behind);
        }
        match &seen.news {
            News::Began(running) => {
                events.send("call", None, &CallView::running(running)).await?;
                known = Some(running.call.clone());
            }
            News::Update(update) if update.sequence <= *told => {}
            // A call's updates count without a gap, so one is missing here.
            News::Update(update) if update.sequence != *told + 1 => return Ok(Followed::Behind),
            News::Update(update) => {
                // What is known of a call may change while it runs: it is transferred, or claimed late.
                if known.as_ref() != Some(&update.call) {
                    return Ok(Followed::Behind);
                }
                events.send("update", Some(&update.sequence.to_string()), &UpdateView::new(update)).await?;
                *told = update.sequence;
                if update.is_final {
                    events.send("end", None, &Empty {}).await?;
                    return Ok(Followed::Done(Done::Ended));
                }
            }
            News::Ended(_) => {
                events.send("end", None, &Empty {}).await?;
                return Ok(Followed::Done(Done::Ended));
            }
            News::Outcome(info, outcome) => {
                events.send("outcome", None, &OutcomeView::of(info, outcome)).await?;
            }
        }
    }
}
