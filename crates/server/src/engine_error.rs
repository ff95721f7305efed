//! The one map from what the engine and the pool report to what a client is told.

use std::time::Duration;

use earmark_engine::{EngineError, ErrorKind, RecordsError};
use tonic::Code;

use crate::pool::PoolError;
use crate::refusal::Refusal;

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        let (kind, reason) = (error.kind(), error.reason());
        if matches!(kind, ErrorKind::Internal | ErrorKind::DataLoss) {
            // The text may name files of this machine: for the log, not for the wire.
            tracing::error!(reason, %error, "the engine failed");
        }
        let refusal = Self::new(code(kind), reason, error.to_string());
        match kind {
            ErrorKind::InvalidArgument => match error.field() {
                Some(field) => refusal.about_field(field),
                None => refusal,
            },
            ErrorKind::NotFound | ErrorKind::AlreadyExists => about_resource(refusal, &error),
            ErrorKind::FailedPrecondition => {
                refusal.about_precondition(error.field().unwrap_or_else(|| "request".to_owned()))
            }
            ErrorKind::ResourceExhausted => Self::too_much(reason, "storage", error.to_string()),
            ErrorKind::Unavailable => refusal.retry_after(Duration::from_secs(1)),
            ErrorKind::Cancelled => Self::cancelled(),
            ErrorKind::DataLoss => Self::new(Code::DataLoss, reason, DAMAGED),
            _ => Self::internal(reason),
        }
    }
}

const DAMAGED: &str = "stored data is damaged; look up the x-request-id in the server's log";

fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::InvalidArgument => Code::InvalidArgument,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::AlreadyExists,
        ErrorKind::FailedPrecondition => Code::FailedPrecondition,
        ErrorKind::ResourceExhausted => Code::ResourceExhausted,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::DataLoss => Code::DataLoss,
        ErrorKind::Cancelled => Code::Cancelled,
        _ => Code::Internal,
    }
}

fn about_resource(refusal: Refusal, error: &EngineError) -> Refusal {
    match error {
        EngineError::Records(
            RecordsError::NotFound { kind, id } | RecordsError::AlreadyExists { kind, id },
        ) => refusal.about_resource(kind.to_string(), id),
        EngineError::Records(RecordsError::RequestIdReused { id }) => refusal.about_resource("request", id),
        _ => refusal,
    }
}

impl From<PoolError> for Refusal {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Full => Self::busy("QUEUE_FULL", "work queue", "the work queue is full; try again"),
            PoolError::Panicked => Self::internal("JOB_PANICKED"),
            PoolError::Stopping => Self::draining(),
        }
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::{CustomerId, NetSpeech, ProxyId};
    use tonic::Status;
    use tonic_types::StatusExt;

    use super::*;

    fn told(error: EngineError) -> Status {
        Refusal::from(error).into()
    }

    #[test]
    fn what_the_speech_lacks_is_a_precondition() {
        let status = told(EngineError::InsufficientSpeech {
            what: "a.wav".into(),
            got: NetSpeech::from_seconds(1.0),
            needed: NetSpeech::from_seconds(8.0),
        });
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(status.get_details_error_info().unwrap().reason, "INSUFFICIENT_SPEECH");
        let failure = status.get_details_precondition_failure().unwrap();
        assert_eq!(failure.violations[0].r#type, "INSUFFICIENT_SPEECH");
        assert!(status.message().contains("record more"), "{}", status.message());
    }

    #[test]
    fn a_hit_in_the_library_names_the_listing() {
        let status = told(EngineError::ProxyMatch { proxy: ProxyId::new("p-7").unwrap() });
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains("p-7"));
    }

    #[test]
    fn a_wrong_count_names_its_field() {
        let status = told(EngineError::RecordingCount { got: 0, max: 20 });
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "recordings");
    }

    #[test]
    fn an_id_that_can_not_be_is_the_clients_fault() {
        let error = CustomerId::new("").unwrap_err();
        assert_eq!(told(error.into()).code(), Code::InvalidArgument);
    }

    #[test]
    fn reused_request_ids_and_full_disks_say_so() {
        let status = told(RecordsError::RequestIdReused { id: "r-1".into() }.into());
        assert_eq!(status.code(), Code::AlreadyExists);
        assert_eq!(status.get_details_resource_info().unwrap().resource_name, "r-1");
        let status = told(RecordsError::DiskFull.into());
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.get_details_quota_failure().is_some() && status.get_details_retry_info().is_none());
        assert!(told(RecordsError::Busy.into()).get_details_retry_info().is_some());
    }

    #[test]
    fn the_pools_errors_say_whether_to_retry() {
        let status = Status::from(Refusal::from(PoolError::Full));
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.get_details_retry_info().is_some());
        assert_eq!(Refusal::from(PoolError::Panicked).code(), Code::Internal);
        assert_eq!(Refusal::from(PoolError::Stopping).code(), Code::Unavailable);
    }
}
