use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of every `google.rpc.ErrorInfo`.
const DOMAIN: &str = "earmark";

/// Why a call is answered with an error: one gRPC code, one stable reason for programs, one text
/// for people, and the `google.rpc` detail that says what to do. Never holds biometrics, nor a
/// caller's number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    code: Code,
    reason: &'static str,
    message: String,
    detail: Detail,
}

#[derive(Debug, Clone, PartialEq)]
enum Detail {
    None,
    Field { path: String },
    Retry { after: Duration },
    Resource { kind: String, name: String },
    Quota { subject: String, retry: Option<Duration> },
    Precondition { subject: String },
}

impl Refusal {
    pub(crate) fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), detail: Detail::None }
    }

    /// A field of the request is wrong; `problem` says what to send instead.
    pub(crate) fn field(path: impl Into<String>, reason: &'static str, problem: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, reason, problem).about_field(path)
    }

    /// Names the field that is to be mended.
    pub(crate) fn about_field(self, path: impl Into<String>) -> Self {
        Self { detail: Detail::Field { path: path.into() }, ..self }
    }

    /// Says when trying again makes sense.
    pub(crate) fn retry_after(self, after: Duration) -> Self {
        Self { detail: Detail::Retry { after }, ..self }
    }

    /// Names what is not there, or is there already.
    pub(crate) fn about_resource(self, kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { detail: Detail::Resource { kind: kind.into(), name: name.into() }, ..self }
    }

    /// Names the state that stands in the way.
    pub(crate) fn about_precondition(self, subject: impl Into<String>) -> Self {
        Self { detail: Detail::Precondition { subject: subject.into() }, ..self }
    }

    /// A limit is reached; it frees itself when others finish.
    pub(crate) fn busy(reason: &'static str, subject: &'static str, message: impl Into<String>) -> Self {
        let detail = Detail::Quota { subject: subject.into(), retry: Some(Duration::from_secs(1)) };
        Self { detail, ..Self::new(Code::ResourceExhausted, reason, message) }
    }

    /// A limit that waiting doesn't lift: ask for less.
    pub(crate) fn too_much(reason: &'static str, subject: &'static str, message: impl Into<String>) -> Self {
        let detail = Detail::Quota { subject: subject.into(), retry: None };
        Self { detail, ..Self::new(Code::ResourceExhausted, reason, message) }
    }

    pub(crate) fn draining() -> Self {
        Self::new(Code::Unavailable, "DRAINING", "the server is stopping; call another one or try again")
            .retry_after(Duration::from_secs(5))
    }

    pub(crate) fn deadline() -> Self {
        Self::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "the deadline passed; nothing was kept")
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(Code::Cancelled, "CANCELLED", "the client cancelled the call")
    }

    /// Our fault. What happened is in the log under the reply's `x-request-id`, not in the reply.
    pub(crate) fn internal(reason: &'static str) -> Self {
        Self::new(Code::Internal, reason, "internal error; look up the x-request-id in the server's log")
    }

    /// The request's message is larger than the server takes.
    pub(crate) fn message_too_large(limit: usize) -> Self {
        Self::too_much(
            "MESSAGE_TOO_LARGE",
            "message size",
            format!("the message is larger than {limit} bytes; send a smaller one, or stream the audio"),
        )
    }

    /// For programs.
    pub(crate) fn reason(&self) -> &'static str {
        self.reason
    }

    /// For people.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    fn details(&self) -> ErrorDetails {
        let mut details = ErrorDetails::new();
        details.set_error_info(self.reason, DOMAIN, HashMap::new());
        match &self.detail {
            Detail::None => {}
            Detail::Field { path } => {
                details.add_bad_request_violation(path, &self.message);
            }
            Detail::Retry { after } => {
                details.set_retry_info(Some(*after));
            }
            Detail::Resource { kind, name } => {
                details.set_resource_info(kind, name, "", &self.message);
            }
            Detail::Quota { subject, retry } => {
                details.add_quota_failure_violation(subject, &self.message);
                if retry.is_some() {
                    details.set_retry_info(*retry);
                }
            }
            Detail::Precondition { subject } => {
                details.add_precondition_failure_violation(self.reason, subject, &self.message);
            }
        }
        details
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        Self::with_error_details(refusal.code, &refusal.message, refusal.details())
    }
}

/// A refusal made of a failure to read the request's stream, in our words: tonic's own errors carry
/// no details.
pub(crate) fn refuse_stream_error(status: &Status, limit: usize) -> Refusal {
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => Refusal::message_too_large(limit),
        Code::Cancelled => Refusal::cancelled(),
        _ => Refusal::new(
            Code::InvalidArgument,
            "MALFORMED_MESSAGE",
            "a message of the stream could not be read; send it as the proto file says",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(refusal: Refusal) -> (Status, ErrorDetails) {
        let status = Status::from(refusal);
        let details = status.get_error_details();
        (status, details)
    }

    #[test]
    fn a_field_is_named_with_what_to_send() {
        let refusal = Refusal::field("config.format.encoding", "ENCODING_MISSING", "name the encoding");
        let (status, details) = details(refusal);
        assert_eq!(status.code(), Code::InvalidArgument);
        let violation = &details.bad_request().unwrap().field_violations[0];
        assert_eq!(violation.field, "config.format.encoding");
        assert_eq!(violation.description, "name the encoding");
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("ENCODING_MISSING", "earmark"));
    }

    #[test]
    fn what_passes_by_itself_says_when_to_retry() {
        for refusal in [Refusal::busy("QUEUE_FULL", "batch queue", "full"), Refusal::draining()] {
            assert!(details(refusal).1.retry_info().is_some());
        }
        let (_, too_much) = details(Refusal::too_much("X", "y", "z"));
        assert!(too_much.retry_info().is_none() && too_much.quota_failure().is_some());
    }

    #[test]
    fn what_is_missing_is_named() {
        let refusal = Refusal::new(Code::NotFound, "UNKNOWN_CUSTOMER", "no such customer");
        let (_, details) = details(refusal.about_resource("customer", "c-1"));
        let resource = details.resource_info().unwrap();
        assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("customer", "c-1"));
    }
}
