use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

use crate::ProtocolError;

/// Checks `X-Twilio-Signature`: base64 of the HMAC-SHA1 of the URL as Twilio was given it
/// (`wss://host/path?query`), under the account's auth token. HMAC needs no hash that resists
/// collisions, so SHA-1 is sound here.
///
/// # Errors
/// [`ProtocolError::NotAuthenticated`] for a signature that is not this one.
pub fn verify_twilio_signature(auth_token: &str, url: &str, signature: &str) -> Result<(), ProtocolError> {
    let refused = |problem: &'static str| ProtocolError::NotAuthenticated { problem: problem.into() };
    let signature = STANDARD.decode(signature).map_err(|_| refused("x-twilio-signature is no base64"))?;
    let mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes());
    let mac = mac.map_err(|_| refused("the auth token can't be used"))?.chain_update(url);
    let wrong = "x-twilio-signature does not fit; check the auth token, and that the url is exactly that of the \
                 TwiML (set public_url behind a proxy)";
    mac.verify_slice(&signature).map_err(|_| refused(wrong))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of Twilio's own libraries: a request's parameters follow the URL in the
    /// signed text, sorted and without separators. A WebSocket's upgrade has none.
    #[test]
    fn the_published_examples_hold() {
        for (caller, signature) in [
            ("+14158675309", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
            ("+14158675310", "GvWf1cFY/Q7PnoempGyD5oXAezc="),
        ] {
            let signed = format!(
                "https://mycompany.com/myapp.php?foo=1&bar=2CallSidCA1234567890ABCDECaller{caller}Digits1234\
                 From{caller}To+18005551212"
            );
            verify_twilio_signature("12345", &signed, signature).unwrap();
            assert!(verify_twilio_signature("12346", &signed, signature).is_err());
            assert!(verify_twilio_signature("12345", &signed[1..], signature).is_err());
        }
    }

    #[test]
    fn what_is_no_signature_is_refused_and_not_shown() {
        for bad in ["", "x", "AAAA", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "坏"] {
            let error = verify_twilio_signature("12345", "wss://a/b", bad).unwrap_err();
            assert!(matches!(error, ProtocolError::NotAuthenticated { .. }), "{error}");
        }
    }
}
