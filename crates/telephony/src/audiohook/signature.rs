use std::time::Duration;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::structured::{self, Covered, quote};
use crate::ProtocolError;

/// How far the client's clock may be ahead of ours.
pub const MAX_SKEW: Duration = Duration::from_secs(3);

/// How old a signature may be: the request is signed when it is sent.
pub const MAX_SIGNATURE_AGE: Duration = Duration::from_secs(10);

/// The shortest nonce, in characters: 16 bytes in base64.
const MIN_NONCE_CHARS: usize = 22;

/// What a signature must cover, or it would be good for another request.
const MUST_COVER: [&str; 6] = [
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
];

/// The parameters that a signature may have. Others could change what it means.
const KNOWN_PARAMETERS: [&str; 5] = ["keyid", "nonce", "alg", "created", "expires"];

/// A request as it came, before the WebSocket.
pub struct SignedRequest<'a> {
    /// Path and query.
    pub target: &'a str,
    /// The value of a header by its name in lower case; several of one name joined by `, `.
    pub header: &'a dyn Fn(&str) -> Option<String>,
}

/// Checks the HTTP message signature of an AudioHook request (draft-ietf-httpbis-message-signatures,
/// HMAC-SHA256): that `secret` signed this very request, lately. `now` is the time since 1970.
///
/// Gives the nonce, which a caller may remember for [`MAX_SIGNATURE_AGE`] and [`MAX_SKEW`] to refuse
/// a request that is sent again.
///
/// # Errors
/// [`ProtocolError::NotAuthenticated`], with which rule is broken.
pub fn verify_audiohook_signature(
    request: &SignedRequest<'_>,
    secret: &[u8],
    now: Duration,
) -> Result<String, ProtocolError> {
    let header = |name: &str| (request.header)(name);
    let input = header("signature-input").ok_or_else(|| refused("signature-input is missing"))?;
    let signature = header("signature").ok_or_else(|| refused("signature is missing"))?;
    let unread = "signature-input can't be read; it must hold one signature without component parameters";
    let (label, covered) = structured::covered(&input).ok_or_else(|| refused(unread))?;
    let (signed_label, signature) =
        structured::signature(&signature).ok_or_else(|| refused("signature can't be read"))?;
    if label != signed_label {
        return Err(refused("signature and signature-input have different labels"));
    }
    let nonce = check_parameters(&covered, header("x-api-key").as_deref())?;
    check_time(&covered, now)?;
    let base = signature_base(request, &covered)?;
    let mac =
        Hmac::<Sha256>::new_from_slice(secret).map_err(|_| refused("the client secret can't be used"))?;
    mac.chain_update(base)
        .verify_slice(&signature)
        .map_err(|_| refused("the signature does not fit; check the client secret and the host"))?;
    Ok(nonce)
}

fn refused(problem: &'static str) -> ProtocolError {
    ProtocolError::NotAuthenticated { problem: problem.into() }
}

fn check_parameters(covered: &Covered, api_key: Option<&str>) -> Result<String, ProtocolError> {
    if !covered.parameters.iter().all(|(name, _)| KNOWN_PARAMETERS.contains(&name.as_str())) {
        return Err(refused("the signature has a parameter that is not known"));
    }
    let covers = |name: &&str| covered.components.iter().any(|component| component == name);
    if !MUST_COVER.iter().all(covers) {
        return Err(refused("the signature does not cover all that it must"));
    }
    if covered.text("keyid").is_none() || covered.text("keyid") != api_key {
        return Err(refused("keyid is not the x-api-key"));
    }
    if !matches!(covered.text("alg"), None | Some("hmac-sha256")) {
        return Err(refused("the signature's algorithm must be hmac-sha256"));
    }
    let nonce = covered.text("nonce").filter(|nonce| nonce.len() >= MIN_NONCE_CHARS);
    nonce.map(str::to_owned).ok_or_else(|| refused("the signature has no nonce, or a short one"))
}

fn check_time(covered: &Covered, now: Duration) -> Result<(), ProtocolError> {
    let time =
        |name| covered.number(name).map(|seconds| Duration::from_secs(seconds.try_into().unwrap_or(0)));
    let created = time("created").ok_or_else(|| refused("the signature does not say when it was created"))?;
    if created > now + MAX_SKEW {
        return Err(refused("the signature was created in the future; set the clocks"));
    }
    let expired = time("expires").is_some_and(|expires| expires + MAX_SKEW < now);
    if expired || created + MAX_SIGNATURE_AGE + MAX_SKEW < now {
        return Err(refused("the signature has expired; set the clocks"));
    }
    Ok(())
}

/// What is signed: a line for each component, then the signature's parameters (section 2.3).
fn signature_base(request: &SignedRequest<'_>, covered: &Covered) -> Result<String, ProtocolError> {
    let mut base = String::new();
    for (index, name) in covered.components.iter().enumerate() {
        if covered.components[..index].contains(name) {
            return Err(refused("the signature covers a component twice"));
        }
        let value = match name.as_str() {
            "@request-target" => Some(request.target.to_owned()),
            "@authority" => (request.header)("host").map(|host| host.trim().to_ascii_lowercase()),
            derived if derived.starts_with('@') => None,
            header => (request.header)(header).map(|value| value.trim().to_owned()),
        };
        let value = value.ok_or_else(|| refused("the signature covers what the request does not have"))?;
        base.push_str(&format!("{}: {value}\n", quote(name)));
    }
    base.push_str(&format!("\"@signature-params\": {}", covered.serialize()));
    Ok(base)
}

#[cfg(test)]
mod tests;
