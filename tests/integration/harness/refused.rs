//! What a refusal must say, and that it left nothing behind.

use std::fmt::Debug;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::clients::Clients;

/// The outcome must be this refusal, with the stable reason in `google.rpc.ErrorInfo`.
#[track_caller]
pub(crate) fn refused<T: Debug>(outcome: Result<T, Status>, code: Code, reason: &str) -> Status {
    let status = outcome.expect_err("the request is refused");
    assert_eq!((status.code(), reason_of(&status).as_str()), (code, reason), "{}", status.message());
    assert!(!status.message().is_empty(), "{reason} says what to do");
    status
}

/// The stable reason of a refusal.
#[track_caller]
pub(crate) fn reason_of(status: &Status) -> String {
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "earmark");
    info.reason
}

/// The field that a refusal names.
#[track_caller]
pub(crate) fn field_of(status: &Status) -> String {
    let request = status.get_details_bad_request().unwrap_or_else(|| panic!("no BadRequest in {status:?}"));
    request.field_violations[0].field.clone()
}

/// No customer, proxy or call of this id exists.
pub(crate) async fn nothing_left_of(clients: &mut Clients, id: &str) {
    refused(clients.customer(id).await, Code::NotFound, "NOT_FOUND");
    refused(clients.proxy(id).await, Code::NotFound, "NOT_FOUND");
    refused(clients.call(id).await, Code::NotFound, "NOT_FOUND");
}
