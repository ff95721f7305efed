//! Where a token may stand in a request's headers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// A header longer than this is no token; nothing longer is hashed.
pub(super) const MAX_TOKEN_BYTES: usize = 1024;

/// The token in an `authorization` header (RFC 6750; the scheme's case does not matter).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    let fits = scheme.eq_ignore_ascii_case(b"bearer ") && token.len() <= MAX_TOKEN_BYTES;
    fits.then_some(token)
}

/// The password in an `authorization` header of the scheme Basic (RFC 7617).
pub(super) fn basic_password(headers: &HeaderMap) -> Option<Vec<u8>> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, encoded) = value.split_at_checked("basic ".len())?;
    if !scheme.eq_ignore_ascii_case(b"basic ") || encoded.len() > 2 * MAX_TOKEN_BYTES {
        return None;
    }
    let mut decoded = STANDARD.decode(encoded).ok()?;
    let colon = decoded.iter().position(|b| *b == b':')?;
    Some(decoded.split_off(colon + 1))
}

/// The whole of an `authorization` header without a scheme.
pub(super) fn bare(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    (value.len() <= MAX_TOKEN_BYTES && !value.contains(&b' ')).then_some(value)
}
