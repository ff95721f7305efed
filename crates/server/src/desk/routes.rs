//! Where the pages and what they ask for are.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::routing::{get, post};

use super::{api, events, headers, outcome, overview, pages};
use crate::backend::Backend;

/// All of the desk.
pub(crate) fn routes(backend: &Arc<Backend>) -> Router {
    let policy = backend.desk.policy.clone();
    Router::new()
        .route("/pop", get(pages::pop))
        .route("/desk", get(pages::agent))
        .route("/supervisor", get(pages::supervisor))
        .route("/calls/{call}", get(pages::call))
        .route("/events", get(events::events))
        .route("/desk/assets/{version}/{name}", get(pages::asset))
        .route("/desk/api/session", get(api::session))
        .route("/desk/api/call", get(api::call))
        .route("/desk/api/history", get(api::history))
        .route("/desk/api/calls", get(api::calls))
        .route("/desk/api/overview", get(overview::overview))
        .route("/desk/api/outcome", post(outcome::report))
        .with_state(backend.clone())
        .layer(from_fn(move |request: Request, next| headers::put(policy.clone(), request, next)))
}
