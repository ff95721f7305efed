use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tracing::Span;

use crate::metrics::Metrics;

/// The outcome of one call: logged and counted when the record is dropped, which is when the last
/// byte of the reply is out, or when the client left.
pub(super) struct RpcRecord {
    method: &'static str,
    metrics: Arc<Metrics>,
    span: Span,
    started: Instant,
    outcome: Option<Outcome>,
}

struct Outcome {
    code: Code,
    reason: Option<String>,
}

impl RpcRecord {
    pub(super) fn new(method: &'static str, metrics: Arc<Metrics>, span: Span) -> Self {
        Self { method, metrics, span, started: Instant::now(), outcome: None }
    }

    /// Takes the outcome of a reply that failed before it had a body.
    pub(super) fn begun(mut self, headers: &HeaderMap) -> Self {
        self.note(headers);
        self
    }

    /// Takes the outcome from headers or trailers, if they hold one.
    pub(super) fn note(&mut self, headers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(headers) {
            let reason = status.get_details_error_info().map(|info| info.reason);
            self.outcome = Some(Outcome { code: status.code(), reason });
        }
    }
}

impl Drop for RpcRecord {
    fn drop(&mut self) {
        let took = self.started.elapsed();
        let Outcome { code, reason } =
            self.outcome.take().unwrap_or(Outcome { code: Code::Cancelled, reason: None });
        let code = code_name(code);
        let ms = took.as_secs_f64() * 1000.0;
        tracing::info!(parent: &self.span, code, ms, reason, "rpc ended");
        self.metrics.rpc(self.method, code, took);
        if let Some(reason) = reason {
            self.metrics.refusal(reason);
        }
    }
}

/// As the gRPC documents write it.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
