//! What an agent found out, from the page into the call's record.

use std::sync::{Arc, PoisonError};

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use earmark_engine::OutcomeReport;
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{StatusCode, Uri};
use serde::Deserialize;

use super::access::{Asked, is_own};
use super::api::call_id;
use super::body;
use super::call_events::record;
use super::pages::Desk;
use super::refused;
use super::view::{OutcomeView, outcome_of_code};
use crate::backend::Backend;

/// As the API promises.
const MAX_NOTE_CHARS: usize = 2000;
/// Who reports where nobody said who looks.
const NOBODY: &str = "desk";

/// What the page sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    call_id: String,
    outcome: String,
    #[serde(default)]
    note: String,
}

/// Keeps a report. One that says just what the last one said changes nothing, so that a second press
/// does no harm.
pub(super) async fn report(State(backend): Desk, uri: Uri, headers: HeaderMap, body: Body) -> Response {
    let json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !is_own(&headers) || !json {
        let words = "only the desk's own pages may report";
        return refused::problem(StatusCode::FORBIDDEN, "NOT_FROM_A_PAGE", words);
    }
    // Nobody's body is waited for who has no session.
    if let Err(denied) = backend.desk.door.viewer(Asked::Anything, &headers, &uri) {
        return denied.for_script();
    }
    let body = match body::read(body).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    match serde_json::from_slice::<Sent>(&body) {
        Ok(sent) => keep(backend, &sent, &uri, &headers).await,
        Err(_) => refused::bad("the message"),
    }
}

async fn keep(backend: Arc<Backend>, sent: &Sent, uri: &Uri, headers: &HeaderMap) -> Response {
    let Some(call) = call_id(&sent.call_id) else { return refused::bad("call_id") };
    let Some(outcome) = outcome_of_code(&sent.outcome) else { return refused::bad("outcome") };
    let note = sent.note.trim();
    if note.chars().count() > MAX_NOTE_CHARS {
        return refused::bad("note");
    }
    let viewer = match backend.desk.door.viewer(Asked::Call(&call), headers, uri) {
        Ok(viewer) => viewer,
        Err(denied) => return denied.for_script(),
    };
    let agent = match record(&backend, &viewer.tenant, &call).await {
        Ok(Some(found)) if viewer.may_see(found.call.agent.as_deref()) => found.call.agent,
        Ok(_) => return refused::not_here(),
        Err(()) => return refused::draining(),
    };
    // Where nobody needs to say who they are, it is the agent whose call it is.
    let reported_by = viewer.who.or(agent).unwrap_or_else(|| NOBODY.to_owned());
    let note = (!note.is_empty()).then(|| note.to_owned());
    let report = OutcomeReport { outcome, note, reported_by: Some(reported_by) };
    let (own, tenant) = (backend.clone(), viewer.tenant);
    let kept = backend.lookup(move |engine| {
        let _turn = own.desk.reporting.lock().unwrap_or_else(PoisonError::into_inner);
        let before = engine.call(&tenant, &call)?;
        if before.outcome.as_ref().is_some_and(|earlier| report.repeats(earlier)) {
            return Ok(before);
        }
        engine.report_outcome(&tenant, &call, &report)
    });
    match kept.await {
        Ok(record) => match &record.outcome {
            Some(outcome) => refused::json(&OutcomeView::of(&record.call, outcome)),
            None => refused::not_here(),
        },
        Err(status) => refused::of_status(&status),
    }
}
