//! What the pages' scripts ask for.

use axum::extract::State;
use axum::response::Response;
use earmark_engine::{CallFilter, CallLine, PageRequest, PageSize, ProxyHistory, Timestamp};
use earmark_voiceprint::CallId;
use http::{HeaderMap, Uri};
use serde::Serialize;

use super::access::{Asked, Denied, Viewer, now_ms};
use super::call_events::{is_told, record};
use super::pages::{Desk, asked_call};
use super::query::parameter;
use super::refused;
use super::view::{CallView, UpdateView, Words};
use crate::backend::Backend;

/// A proxy's history is that of the last year.
const HISTORY_MS: i64 = 365 * 24 * 3600 * 1000;
/// An agent's list is that of the last day.
const LIST_MS: i64 = 24 * 3600 * 1000;
const LIST_CALLS: u32 = 20;
/// A longer list is no page's matter: `ScreeningService/ListCalls` has all of it.
const MAX_LIST_CALLS: u32 = 1000;
/// Updates that a finished call's card is made of: its curve can't show more.
const MAX_CARD_UPDATES: usize = 300;

/// Who is looking, if the request names something they may see.
fn viewer(backend: &Backend, headers: &HeaderMap, uri: &Uri) -> Result<Viewer, Denied> {
    let (call, agent) = (asked_call(uri), parameter(uri.query(), "agent_id"));
    let asked = match (&call, &agent) {
        (Some(call), _) => Asked::Call(call),
        (None, Some(agent)) => Asked::Agent(agent),
        (None, None) => Asked::Supervisor,
    };
    backend.desk.door.viewer(asked, headers, uri)
}

/// Why a page's stream is closed.
#[derive(Serialize)]
struct SessionView {
    /// No more pages can be open.
    full: bool,
    /// All of the call was told: there is nothing to come back for.
    over: bool,
}

/// A page asks that found its stream closed, with what it asked the stream for.
pub(super) async fn session(State(backend): Desk, uri: Uri, headers: HeaderMap) -> Response {
    let viewer = match viewer(&backend, &headers, &uri) {
        Ok(viewer) => viewer,
        Err(denied) => return denied.for_script(),
    };
    let over = match asked_call(&uri) {
        None => false,
        Some(call) => match record(&backend, &viewer.tenant, &call).await {
            Ok(Some(found)) if viewer.may_see(found.call.agent.as_deref()) => {
                let told = parameter(uri.query(), "last_event_id").and_then(|told| told.parse().ok());
                told.is_some_and(|told| is_told(&found, told))
            }
            Ok(None) if viewer.may_wait() => false,
            Ok(_) => return refused::not_here(),
            Err(()) => return refused::draining(),
        },
    };
    refused::json(&SessionView { full: !backend.rooms.has_watcher(), over })
}

/// A call as its card shows it.
#[derive(Serialize)]
struct CardView {
    call: CallView,
    updates: Vec<UpdateView>,
}

/// A call and its evidence up to now, in one reply.
pub(super) async fn call(State(backend): Desk, uri: Uri, headers: HeaderMap) -> Response {
    let Some(call) = asked_call(&uri) else { return refused::bad("call_id") };
    let viewer = match viewer(&backend, &headers, &uri) {
        Ok(viewer) => viewer,
        Err(denied) => return denied.for_script(),
    };
    match record(&backend, &viewer.tenant, &call).await {
        Ok(Some(found)) if viewer.may_see(found.call.agent.as_deref()) => {
            let updates = thinned(&found.updates, MAX_CARD_UPDATES).map(UpdateView::new).collect();
            refused::json(&CardView { call: CallView::of(&found), updates })
        }
        Ok(_) => refused::not_here(),
        Err(()) => refused::draining(),
    }
}

/// No more than so many, spread evenly; the last always.
fn thinned<T>(all: &[T], most: usize) -> impl Iterator<Item = &T> {
    let step = all.len().div_ceil(most).max(1);
    all.iter().rev().step_by(step).collect::<Vec<_>>().into_iter().rev()
}

#[derive(Serialize)]
struct HistoryView {
    calls: u32,
    customers: u32,
    numbers: u32,
    first_seen_ms: Option<i64>,
    last_seen_ms: Option<i64>,
    confirmed: u32,
    cleared: u32,
}

impl From<ProxyHistory> for HistoryView {
    fn from(history: ProxyHistory) -> Self {
        Self {
            calls: history.calls,
            customers: history.customers,
            numbers: history.numbers,
            first_seen_ms: history.first_at.map(Timestamp::unix_millis),
            last_seen_ms: history.last_at.map(Timestamp::unix_millis),
            confirmed: history.confirmed,
            cleared: history.cleared,
        }
    }
}

/// The history of the proxy that came first in an update of a call. The page names the update and
/// not the proxy: whose history it gets is the server's to say.
pub(super) async fn history(State(backend): Desk, uri: Uri, headers: HeaderMap) -> Response {
    let viewer = match viewer(&backend, &headers, &uri) {
        Ok(viewer) => viewer,
        Err(denied) => return denied.for_script(),
    };
    let sequence = parameter(uri.query(), "sequence").and_then(|number| number.parse::<u32>().ok());
    let (Some(call), Some(sequence)) = (asked_call(&uri), sequence) else {
        return refused::bad("call_id or sequence");
    };
    let found = match record(&backend, &viewer.tenant, &call).await {
        Ok(Some(found)) if viewer.may_see(found.call.agent.as_deref()) => found,
        Ok(_) => return refused::not_here(),
        Err(()) => return refused::draining(),
    };
    let update = found.updates.iter().find(|update| update.sequence == sequence);
    let Some(first) = update.and_then(|update| update.proxies.first()) else { return refused::not_here() };
    let (proxy, tenant) = (first.proxy.clone(), viewer.tenant);
    let since = Timestamp::from_unix_millis(now_ms() - HISTORY_MS);
    let history = backend.lookup(move |engine| engine.proxy_history(&tenant, &proxy, since, &call)).await;
    match history {
        Ok(history) => refused::json(&HistoryView::from(history)),
        Err(status) => refused::of_status(&status),
    }
}

/// A call in a list.
#[derive(Serialize)]
pub(super) struct LineView {
    call: CallView,
    verdict: Option<&'static str>,
    label: Option<Words>,
    net_speech_s: f32,
}

impl LineView {
    fn new(line: &CallLine) -> Self {
        Self {
            call: CallView::line(line),
            verdict: line.verdict.map(|verdict| verdict.code()),
            label: line.verdict.map(|verdict| verdict.text().into()),
            net_speech_s: line.net_speech.seconds(),
        }
    }
}

/// The latest calls, and whether there are more of the last day.
#[derive(Serialize)]
struct ListView {
    calls: Vec<LineView>,
    more: bool,
}

/// The latest finished calls of an agent, or of all for a supervisor: those that go on are told
/// otherwise. `count` is how many are wanted.
pub(super) async fn calls(State(backend): Desk, uri: Uri, headers: HeaderMap) -> Response {
    let agent = parameter(uri.query(), "agent_id");
    let asked = agent.as_deref().map_or(Asked::Supervisor, Asked::Agent);
    let viewer = match backend.desk.door.viewer(asked, &headers, &uri) {
        Ok(viewer) => viewer,
        Err(denied) => return denied.for_script(),
    };
    let count = parameter(uri.query(), "count").map_or(Ok(LIST_CALLS), |count| count.parse::<u32>());
    let Some(count) = count.ok().filter(|count| (1..=MAX_LIST_CALLS).contains(count)) else {
        return refused::bad("count");
    };
    let from = Some(Timestamp::from_unix_millis(now_ms() - LIST_MS));
    let filter = CallFilter { from, agent, finished: Some(true), ..CallFilter::default() };
    let page = PageRequest { size: PageSize::new(count), token: None };
    let found = backend.lookup(move |engine| engine.calls(&viewer.tenant, &filter, &page)).await;
    match found {
        Ok(page) => {
            let calls = page.items.iter().map(LineView::new).collect();
            refused::json(&ListView { calls, more: page.next.is_some() })
        }
        Err(status) => refused::of_status(&status),
    }
}

/// An id in a script's message.
pub(super) fn call_id(text: &str) -> Option<CallId> {
    CallId::new(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_calls_card_gets_few_updates_and_the_last() {
        for length in [0, 1, 299, 300, 301, 7200] {
            let all: Vec<usize> = (0..length).collect();
            let shown: Vec<usize> = thinned(&all, MAX_CARD_UPDATES).copied().collect();
            assert!(shown.len() <= MAX_CARD_UPDATES && shown.is_sorted(), "{length}");
            assert_eq!((shown.last(), shown.len()), (all.last(), length.min(shown.len())), "{length}");
        }
    }
}
