//! The pages, and the exchange of a token for a cookie.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use earmark_voiceprint::CallId;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};
use http::{StatusCode, Uri};

use super::access::{Asked, Denied};
use super::assets::{self, Page};
use super::query::{encoded, parameter};
use super::refused;
use super::token::{Grant, Scope};
use crate::backend::Backend;

pub(super) type Desk = State<Arc<Backend>>;

/// One call: `/pop?call_id=...`.
pub(super) async fn pop(State(backend): Desk, uri: Uri, headers: HeaderMap) -> Response {
    if let Some(token) = parameter(uri.query(), "token") {
        return exchange(&backend, &token, &headers, &uri, |grant| {
            Some(format!("/pop?call_id={}", encoded(grant.call()?.as_str())))
        });
    }
    match asked_call(&uri) {
        Some(call) => page(&backend, Page::Pop, Asked::Call(&call), &headers, &uri),
        None => refused::bad("call_id"),
    }
}

/// An agent's calls: `/desk?agent_id=...`.
pub(super) async fn agent(State(backend): Desk, uri: Uri, headers: HeaderMap) -> Response {
    if let Some(token) = parameter(uri.query(), "token") {
        return exchange(&backend, &token, &headers, &uri, |grant| match grant.scope() {
            Scope::Agent(agent) => Some(format!("/desk?agent_id={}", encoded(agent))),
            Scope::Call(_) | Scope::Supervisor => None,
        });
    }
    match parameter(uri.query(), "agent_id") {
        Some(agent) => page(&backend, Page::Agent, Asked::Agent(&agent), &headers, &uri),
        None => refused::bad("agent_id"),
    }
}

/// All calls of the tenant.
pub(super) async fn supervisor(State(backend): Desk, uri: Uri, headers: HeaderMap) -> Response {
    if let Some(token) = parameter(uri.query(), "token") {
        return exchange(&backend, &token, &headers, &uri, |grant| {
            (*grant.scope() == Scope::Supervisor).then(|| "/supervisor".to_owned())
        });
    }
    page(&backend, Page::Supervisor, Asked::Supervisor, &headers, &uri)
}

/// One call's evidence in full: `/calls/<id>`.
pub(super) async fn call(
    State(backend): Desk,
    Path(call): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Ok(call) = CallId::new(&call) else { return refused::bad("the call's id") };
    if let Some(token) = parameter(uri.query(), "token") {
        return exchange(&backend, &token, &headers, &uri, |grant| {
            let own = grant.call().is_some_and(|own| own == call) || *grant.scope() == Scope::Supervisor;
            own.then(|| format!("/calls/{}", encoded(call.as_str())))
        });
    }
    page(&backend, Page::Call, Asked::Call(&call), &headers, &uri)
}

pub(super) fn asked_call(uri: &Uri) -> Option<CallId> {
    CallId::new(&parameter(uri.query(), "call_id")?).ok()
}

/// Sends the browser on to the page without the token in its address.
fn exchange(
    backend: &Backend,
    token: &str,
    headers: &HeaderMap,
    uri: &Uri,
    place: impl FnOnce(&Grant) -> Option<String>,
) -> Response {
    let door = &backend.desk.door;
    let to = match door.peek(token) {
        Ok(grant) => place(&grant).ok_or(Denied::OtherPage),
        Err(denied) => Err(denied),
    };
    let exchanged = to.and_then(|to| Ok((to, door.exchange(token, headers)?.1)));
    match exchanged {
        Ok((to, cookies)) => {
            let mut reply = StatusCode::SEE_OTHER.into_response();
            let Ok(to) = HeaderValue::from_str(&with_language(to, uri)) else { return Denied::Forged.page() };
            reply.headers_mut().insert(LOCATION, to);
            for cookie in cookies {
                reply.headers_mut().append(SET_COOKIE, cookie);
            }
            reply
        }
        Err(denied) => {
            tracing::info!(?denied, "a desk token was refused");
            denied.page()
        }
    }
}

/// The language is the only wish that outlives the exchange.
fn with_language(to: String, uri: &Uri) -> String {
    match parameter(uri.query(), "lang").as_deref() {
        Some(language @ ("zh" | "en")) => {
            let sign = if to.contains('?') { '&' } else { '?' };
            format!("{to}{sign}lang={language}")
        }
        _ => to,
    }
}

fn page(backend: &Backend, page: Page, asked: Asked<'_>, headers: &HeaderMap, uri: &Uri) -> Response {
    match backend.desk.door.viewer(asked, headers, uri) {
        Ok(_) => {
            let kind = [(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
            (kind, page.render(&backend.desk.settings)).into_response()
        }
        Err(denied) => denied.page(),
    }
}

pub(super) async fn asset(Path((version, name)): Path<(String, String)>) -> Response {
    assets::reply(&version, &name)
}
