use std::sync::Mutex;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Notify;
use tonic_types::StatusExt;
use tower::ServiceExt;

use super::*;
use crate::lifecycle::Phase;

const LOOKUP: &str = "/earmark.v1.CustomersService/GetCustomer";
const BATCH: &str = "/earmark.v1.VoiceprintsService/Extract";

struct Bench {
    router: Router,
    lifecycle: Arc<Lifecycle>,
    metrics: Arc<Metrics>,
    /// What the handlers saw.
    callers: Arc<Mutex<Vec<Caller>>>,
    /// Lets one waiting batch handler go on.
    release: Arc<Notify>,
}

fn bench(limits: Limits) -> Bench {
    let (lifecycle, metrics) = (Arc::new(Lifecycle::new()), Arc::new(Metrics::new().unwrap()));
    let gate = Gate::new(AccessOptions::default(), limits, lifecycle.clone(), metrics.clone());
    let callers = Arc::new(Mutex::new(Vec::new()));
    let release = Arc::new(Notify::new());
    let lookup = {
        let callers = callers.clone();
        async move |request: Request| {
            callers.lock().unwrap().push(request.extensions().get::<Caller>().unwrap().clone());
            assert!(request.extensions().get::<Deadline>().is_some());
            Status::new(Code::Ok, "").into_http::<Body>()
        }
    };
    let batch = {
        let release = release.clone();
        async move || {
            release.notified().await;
            Status::new(Code::Ok, "").into_http::<Body>()
        }
    };
    let router = Router::new()
        .route(LOOKUP, post(lookup))
        .route(BATCH, post(batch))
        .route("/grpc.health.v1.Health/Check", post(async || "not ours"))
        .layer(from_fn_with_state(Arc::new(gate), pass));
    Bench { router, lifecycle, metrics, callers, release }
}

impl Bench {
    async fn call(&self, path: &str, headers: &[(&'static str, &str)]) -> (HeaderMap, Option<Status>) {
        let mut request = http::Request::post(path).body(Body::empty()).unwrap();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).unwrap();
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = Status::from_header_map(response.headers());
        (response.headers().clone(), status)
    }

    async fn refused(&self, path: &str, headers: &[(&'static str, &str)]) -> (Code, String) {
        let status = self.call(path, headers).await.1.unwrap();
        (status.code(), status.get_details_error_info().unwrap().reason)
    }
}

#[tokio::test]
async fn the_handler_learns_who_calls_and_the_client_its_request_id() {
    let bench = bench(Limits::default());
    let (headers, status) =
        bench.call(LOOKUP, &[("earmark-tenant", "north"), ("x-request-id", "desk-1")]).await;
    assert_eq!(status.unwrap().code(), Code::Ok);
    assert_eq!(headers["x-request-id"], "desk-1");
    assert_eq!(bench.callers.lock().unwrap()[0].tenant.as_str(), "north");
    let text = bench.metrics.render();
    assert!(text.contains("{method=\"CustomersService/GetCustomer\",code=\"OK\"} 1"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_in_the_headers_never_reaches_the_handler() {
    let bench = bench(Limits::default());
    let bad_tenant = bench.refused(LOOKUP, &[("earmark-tenant", "")]).await;
    assert_eq!(bad_tenant, (Code::InvalidArgument, "BAD_TENANT".into()));
    let bad_timeout = bench.refused(LOOKUP, &[("grpc-timeout", "soon")]).await;
    assert_eq!(bad_timeout, (Code::InvalidArgument, "BAD_TIMEOUT".into()));
    assert!(bench.callers.lock().unwrap().is_empty());
    assert!(bench.metrics.render().contains("earmark_refusals_total{reason=\"BAD_TIMEOUT\"} 1"));
}

#[tokio::test]
async fn a_draining_server_takes_nothing_new_but_tells_its_health() {
    let bench = bench(Limits::default());
    bench.lifecycle.enter(Phase::Draining);
    assert_eq!(bench.refused(LOOKUP, &[]).await, (Code::Unavailable, "DRAINING".into()));
    let (headers, status) = bench.call("/grpc.health.v1.Health/Check", &[]).await;
    assert!(status.is_none() && !headers.contains_key("x-request-id"), "health went through the gate");
}

#[tokio::test]
async fn batch_calls_have_a_limit_that_frees_itself() {
    let bench = bench(Limits { max_batch_requests: 1, ..Limits::default() });
    let mut first = Box::pin(bench.call(BATCH, &[]));
    tokio::select! { biased; _ = &mut first => panic!("was not held"), () = std::future::ready(()) => {} }
    assert_eq!(bench.refused(BATCH, &[]).await, (Code::ResourceExhausted, "BATCH_FULL".into()));
    assert_eq!(bench.call(LOOKUP, &[]).await.1.unwrap().code(), Code::Ok);
    bench.release.notify_one();
    assert_eq!(first.await.1.unwrap().code(), Code::Ok);
    bench.release.notify_one();
    assert_eq!(bench.call(BATCH, &[]).await.1.unwrap().code(), Code::Ok);
}

#[tokio::test]
async fn a_passed_deadline_ends_the_call_and_its_work() {
    let bench = bench(Limits::default());
    let late = bench.refused(BATCH, &[("grpc-timeout", "1m")]).await;
    assert_eq!(late, (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".into()));
    bench.lifecycle.idle().await;
    let patience = Limits { max_unary_duration: Duration::from_millis(1), ..Limits::default() };
    let impatient = self::bench(patience);
    let late = impatient.refused(BATCH, &[("grpc-timeout", "1H")]).await;
    assert_eq!(late.0, Code::DeadlineExceeded, "the client's patience is longer than ours");
}

#[tokio::test]
async fn a_client_that_leaves_is_counted_and_holds_nothing() {
    let bench = bench(Limits::default());
    let mut call = Box::pin(bench.call(BATCH, &[]));
    tokio::select! { biased; _ = &mut call => panic!("was not held"), () = std::future::ready(()) => {} }
    drop(call);
    bench.lifecycle.idle().await;
    assert!(bench.metrics.render().contains("{method=\"VoiceprintsService/Extract\",code=\"CANCELLED\"} 1"));
}

#[test]
fn tonics_own_errors_are_said_in_our_words() {
    let of = |status: Status| Status::from_header_map(in_our_words(status.into_http(), 7).headers()).unwrap();
    let large = of(Status::out_of_range("decoded message length too large"));
    assert_eq!(large.code(), Code::ResourceExhausted);
    assert!(large.message().contains("7 bytes"), "{}", large.message());
    assert_eq!(of(Status::internal("failed to decode")).code(), Code::InvalidArgument);
    assert_eq!(of(Status::unimplemented("")).code(), Code::Unimplemented);
    assert_eq!(of(Status::new(Code::Ok, "")).code(), Code::Ok);
    let ours = of(Refusal::internal("JOB_PANICKED").into());
    assert_eq!(ours.get_details_error_info().unwrap().reason, "JOB_PANICKED");
}
