use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowHeaders, CorsLayer};

use crate::ServerError;

/// What a gRPC-Web client reads of a reply beside its body.
const EXPOSED: [&str; 4] = ["grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"];
/// How long a browser may remember a preflight's answer.
const PREFLIGHT_AGE: Duration = Duration::from_secs(3600);

/// Lets pages of these origins call through gRPC-Web; none if no origin is named.
pub(crate) fn cors(origins: &[String]) -> Result<Option<CorsLayer>, ServerError> {
    if origins.is_empty() {
        return Ok(None);
    }
    let origins: Vec<HeaderValue> = origins.iter().map(|o| origin(o)).collect::<Result<_, _>>()?;
    let layer = CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED.map(HeaderName::from_static))
        .max_age(PREFLIGHT_AGE);
    Ok(Some(layer))
}

/// A scheme and a host with or without a port, as browsers send it (RFC 6454).
pub(crate) fn origin(text: &str) -> Result<HeaderValue, ServerError> {
    let refuse = || ServerError::Origin { origin: text.to_owned() };
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).ok_or_else(refuse)?;
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '?' | '#' | '@' | '*' | '"' | ',');
    if host.is_empty() || !host.chars().all(plain) {
        return Err(refuse());
    }
    HeaderValue::from_str(text).map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_origins_and_refuses_what_is_none() {
        assert!(cors(&[]).unwrap().is_none());
        assert!(cors(&["https://desk.example.com".into(), "http://[::1]:8080".into()]).unwrap().is_some());
        for bad in ["", "*", "desk.example.com", "https://", "https://a/b", "https://*.a", "ftp://a", "null"]
        {
            assert!(matches!(cors(&[bad.to_owned()]), Err(ServerError::Origin { .. })), "{bad}");
        }
    }
}
