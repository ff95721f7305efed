use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderName, StatusCode};

use crate::lifecycle::{Lifecycle, Phase};
use crate::metrics::Metrics;

/// What Prometheus expects (exposition format 0.0.4).
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Probes and metrics, for orchestrators and Prometheus, over plain HTTP.
pub(crate) fn routes(lifecycle: Arc<Lifecycle>, metrics: Arc<Metrics>) -> Router {
    let probes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(lifecycle);
    Router::new().route("/metrics", get(render)).with_state(metrics).merge(probes)
}

/// Ready means: new calls are taken. The models were loaded before the server was made.
async fn ready(State(lifecycle): State<Arc<Lifecycle>>) -> (StatusCode, &'static str) {
    match lifecycle.phase() {
        Phase::Serving => (StatusCode::OK, "ready\n"),
        Phase::Draining | Phase::Closing => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

async fn render(State(metrics): State<Arc<Metrics>>) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, METRICS_TYPE)], metrics.render())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn fetch(routes: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = routes.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_ends_with_the_drain_and_health_does_not() {
        let lifecycle = Arc::new(Lifecycle::new());
        let routes = routes(lifecycle.clone(), Arc::new(Metrics::new().unwrap()));
        assert_eq!(fetch(&routes, "/readyz").await, (StatusCode::OK, "ready\n".into()));
        lifecycle.enter(Phase::Draining);
        assert_eq!(fetch(&routes, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(fetch(&routes, "/healthz").await, (StatusCode::OK, "ok\n".into()));
    }

    #[tokio::test]
    async fn metrics_are_prometheus_text() {
        let metrics = Arc::new(Metrics::new().unwrap());
        metrics.decision("MATCH");
        let routes = routes(Arc::new(Lifecycle::new()), metrics);
        let (status, text) = fetch(&routes, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(text.contains("# TYPE earmark_decisions_total counter"), "{text}");
    }
}
