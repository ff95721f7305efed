use std::fmt;

use http::{HeaderMap, HeaderValue};
use uuid::Uuid;

const HEADER: &str = "x-request-id";
const MAX_BYTES: usize = 128;

/// What a call is called in logs and towards the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestId(HeaderValue);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only visible ASCII gets in, so this always has a text.
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

/// The client's own id if it can be shown in a log line, else a new one.
pub(super) fn of(headers: &HeaderMap) -> RequestId {
    let own = headers
        .get(HEADER)
        .filter(|id| (1..=MAX_BYTES).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic));
    match own {
        Some(id) => RequestId(id.clone()),
        None => {
            let id = HeaderValue::from_str(&Uuid::now_v7().to_string());
            RequestId(id.unwrap_or_else(|_| HeaderValue::from_static("unknown")))
        }
    }
}

/// Tells the client.
pub(super) fn put(id: &RequestId, headers: &mut HeaderMap) {
    headers.insert(HEADER, id.0.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(value: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(value).unwrap());
        of(&headers).to_string()
    }

    #[test]
    fn keeps_what_a_log_can_show() {
        assert_eq!(given(b"desk-42/a"), "desk-42/a");
        for bad in [&b""[..], b"a b", b"\xff\xfe", &[b'x'; 129]] {
            assert!(Uuid::parse_str(&given(bad)).is_ok(), "{bad:?}");
        }
        assert_ne!(of(&HeaderMap::new()), of(&HeaderMap::new()));
    }
}
