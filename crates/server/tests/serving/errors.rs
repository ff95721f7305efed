//! What a refused call tells.

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Checks code and reason, and that there is a text and a detail.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Result<T, Status>, code: Code, reason: &str) -> Status {
    let status = outcome.expect_err("was taken");
    let told = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    assert_eq!((status.code(), told.as_str()), (code, reason), "{status:?}");
    assert!(!status.message().is_empty());
    status
}

/// The field that the client is to mend.
#[track_caller]
pub(crate) fn field(status: &Status) -> String {
    let details = status.get_details_bad_request().expect("names the field");
    details.field_violations[0].field.clone()
}
