//! What a page or its scripts are told where something can't be.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use serde::Serialize;
use tonic::{Code, Status};

use super::access::Denied;

/// The reply to a script: a stable reason and what to do.
#[derive(Serialize)]
struct Problem<'a> {
    reason: &'a str,
    problem: &'a str,
}

pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_string(value) {
        Ok(text) => ([json_type()], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn json_type() -> (HeaderName, HeaderValue) {
    (CONTENT_TYPE, HeaderValue::from_static("application/json"))
}

pub(super) fn problem(status: StatusCode, reason: &str, problem: &str) -> Response {
    let mut reply = (status, json(&Problem { reason, problem })).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}

pub(super) fn bad(field: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "BAD_REQUEST", &format!("{field} is missing or can't be; correct it"))
}

pub(super) fn busy() -> Response {
    let words = "as many pages as allowed are open; close some, or raise --max-pages";
    problem(StatusCode::SERVICE_UNAVAILABLE, "PAGES_FULL", words)
}

pub(super) fn draining() -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, "DRAINING", "the server is stopping; try again")
}

pub(super) fn not_here() -> Response {
    problem(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such call, or it is not this viewer's")
}

/// What the engine refused, for a script.
pub(super) fn of_status(status: &Status) -> Response {
    let code = match status.code() {
        Code::NotFound => return not_here(),
        Code::InvalidArgument | Code::FailedPrecondition => StatusCode::BAD_REQUEST,
        Code::ResourceExhausted | Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    problem(code, "REFUSED", status.message())
}

impl Denied {
    fn status(self) -> StatusCode {
        match self {
            Self::NoSession => StatusCode::UNAUTHORIZED,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Forged | Self::Expired | Self::Used | Self::OtherPage => StatusCode::FORBIDDEN,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::NoSession => "NO_SESSION",
            Self::Forged => "TOKEN_NOT_VALID",
            Self::Expired => "TOKEN_EXPIRED",
            Self::Used => "TOKEN_USED",
            Self::OtherPage => "TOKEN_FOR_ANOTHER_PAGE",
            Self::Busy => "TOO_MANY_TOKENS",
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NoSession => ("尚未登录，或会话已过期。", "There is no session, or it has expired."),
            Self::Forged => ("链接无效。", "The link is not valid."),
            Self::Expired => ("链接已过期。", "The link has expired."),
            Self::Used => {
                ("链接已使用过，每个链接只能打开一次。", "The link was used before; each opens once.")
            }
            Self::OtherPage => ("链接不适用于本页面。", "The link is for another page."),
            Self::Busy => ("服务繁忙，请稍后再试。", "The server is busy; try again."),
        }
    }

    /// For a script.
    pub(super) fn for_script(self) -> Response {
        problem(self.status(), self.reason(), self.words().1)
    }

    /// For a person, as a page.
    pub(super) fn page(self) -> Response {
        let (zh, en) = self.words();
        let page = include_str!("../../desk/denied.html");
        let page = page.replace("{{zh}}", zh).replace("{{en}}", en).replace("{{reason}}", self.reason());
        let kind = [(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
        (self.status(), kind, super::assets::placed(&page)).into_response()
    }
}
