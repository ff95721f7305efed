use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use earmark_telephony::{
    MAX_SIGNATURE_AGE, MAX_SKEW, ProtocolError, SignedRequest, verify_audiohook_signature,
    verify_twilio_signature,
};
use earmark_voiceprint::TenantId;
use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::request::Parts;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tonic::Code;

use super::options::{AudioHookKey, AudioHookRoute, PublicUrl, TwilioRoute};
use crate::access::AccessOptions;
use crate::refusal::Refusal;

/// Signed requests within their age: far more than sockets are opened in seconds.
const MAX_NONCES: usize = 10_000;

/// How a far end proves who it is, before its socket is made.
pub(super) enum Guard {
    /// One of the server's access tokens, if it has any.
    Token,
    Twilio(TwilioRoute),
    AudioHook(AudioHookRoute, Nonces),
}

impl Guard {
    pub(super) fn twilio(route: &TwilioRoute) -> Self {
        if route.auth_token.is_some() { Self::Twilio(route.clone()) } else { Self::Token }
    }

    pub(super) fn audiohook(route: &AudioHookRoute) -> Self {
        Self::AudioHook(route.clone(), Nonces::default())
    }

    pub(super) fn admit(
        &self,
        access: &AccessOptions,
        request: &Parts,
        tenant: &TenantId,
    ) -> Result<(), Refusal> {
        match self {
            Self::Token => {
                let token = url_token(request);
                access.admit_stream(&request.headers, token.as_deref(), tenant).map(drop)
            }
            Self::Twilio(route) => check_twilio(route, request),
            Self::AudioHook(route, nonces) => check_audiohook(route, nonces, request),
        }
    }
}

/// Refuses pages of other sites: a browser opens sockets for any page, also to a server on its own
/// machine that asks for no token. Switches send no origin, or the host that they connect to.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(origin) = header(headers, ORIGIN.as_str()) else { return Ok(()) };
    let site = origin.split_once("://").map(|(_, site)| site);
    let host = header(headers, HOST.as_str()).unwrap_or_default();
    let foreign = site.is_some_and(|site| !host_of(site).eq_ignore_ascii_case(host_of(&host)));
    if foreign || origin == "null" {
        let problem = "a web page of another site may not open media sockets";
        return Err(Refusal::new(Code::PermissionDenied, "ORIGIN_NOT_ALLOWED", problem));
    }
    Ok(())
}

/// Without the port: libwebsockets leaves it out of the origin.
fn host_of(authority: &str) -> &str {
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once(':') {
        // The last part of an address in brackets is no port.
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// `?token=`, for switches that can't send a header.
fn url_token(request: &Parts) -> Option<String> {
    let query = request.uri.query()?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "token").map(|(_, token)| token.into_owned())
}

fn unauthenticated(reason: &'static str, problem: impl Into<String>) -> Refusal {
    Refusal::new(Code::Unauthenticated, reason, problem)
}

fn refused(error: &ProtocolError) -> Refusal {
    unauthenticated("SIGNATURE_NOT_VALID", error.to_string())
}

fn check_twilio(route: &TwilioRoute, request: &Parts) -> Result<(), Refusal> {
    let Some(token) = &route.auth_token else { return Ok(()) };
    let signature = header(&request.headers, "x-twilio-signature");
    let missing = || unauthenticated("SIGNATURE_MISSING", "x-twilio-signature is missing; is this Twilio?");
    let url = match &route.public_url {
        Some(url) => url.clone(),
        None => {
            format!("wss://{}{}", header(&request.headers, HOST.as_str()).unwrap_or_default(), request.uri)
        }
    };
    verify_twilio_signature(token.expose_secret(), &url, &signature.ok_or_else(missing)?)
        .map_err(|error| refused(&error))
}

fn check_audiohook(route: &AudioHookRoute, nonces: &Nonces, request: &Parts) -> Result<(), Refusal> {
    let unknown = || unauthenticated("API_KEY_NOT_VALID", "x-api-key is missing or not known");
    let sent = header(&request.headers, "x-api-key").ok_or_else(unknown)?;
    let key = known(&route.keys, &sent).ok_or_else(unknown)?;
    let Some(secret) = &key.client_secret else { return Ok(()) };
    let public = route.public_url.as_ref();
    let header = |name: &str| match public {
        Some(public) if name == HOST.as_str() => Some(public.authority.clone()),
        _ => header(&request.headers, name),
    };
    let signed = SignedRequest { target: &target(public, request), header: &header };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let nonce = verify_audiohook_signature(&signed, secret.expose_secret(), now);
    nonces.take(&nonce.map_err(|error| refused(&error))?, Instant::now())
}

/// Path and query as the far end asked for them: a proxy may change the path.
fn target(public: Option<&PublicUrl>, request: &Parts) -> String {
    let path = public.map_or(request.uri.path(), |public| &public.path);
    request.uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// Every key is looked at to its end, so that time tells nothing.
fn known<'a>(keys: &'a [AudioHookKey], sent: &str) -> Option<&'a AudioHookKey> {
    let digest = Sha256::digest(sent);
    let mut found = None;
    for key in keys {
        let own = Sha256::digest(key.api_key.expose_secret());
        if bool::from(own.as_slice().ct_eq(digest.as_slice())) {
            found = Some(key);
        }
    }
    found
}

/// A header's value as text; several of one name are one list (RFC 9110, section 5.3).
fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Option<Vec<&str>> = headers.get_all(name).iter().map(|value| value.to_str().ok()).collect();
    values.filter(|values| !values.is_empty()).map(|values| values.join(", "))
}

/// Nonces of signed requests, for as long as one would be good again: a request opens one socket.
#[derive(Default)]
pub(super) struct Nonces(Mutex<VecDeque<(Instant, [u8; 32])>>);

impl Nonces {
    fn take(&self, nonce: &str, now: Instant) -> Result<(), Refusal> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A request may be signed up to the skew ahead of our clock.
        let kept = MAX_SIGNATURE_AGE + 2 * MAX_SKEW;
        while seen.front().is_some_and(|(at, _)| now.duration_since(*at) > kept) {
            seen.pop_front();
        }
        let digest = Sha256::digest(nonce).into();
        if seen.iter().any(|(_, known)| *known == digest) {
            return Err(unauthenticated("SIGNATURE_REPLAYED", "this signed request was sent before"));
        }
        if seen.len() >= MAX_NONCES {
            return Err(Refusal::busy("NONCES_FULL", "signed requests", "too many at once; try again"));
        }
        seen.push_back((now, digest));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn tenant() -> TenantId {
        TenantId::new("t").unwrap()
    }

    fn admit(guard: &Guard, request: &Parts) -> Result<(), &'static str> {
        guard.admit(&AccessOptions::default(), request, &tenant()).map_err(|refusal| refusal.reason())
    }

    /// Signed by an implementation of the scheme that is not ours (Python's hmac, hashlib and base64).
    #[test]
    fn twilio_signs_the_url_of_its_twiml() {
        let route = |url: Option<&str>| {
            let auth_token = Some("12345678901234567890123456789012".to_owned().into());
            Guard::twilio(&TwilioRoute { tenant: tenant(), auth_token, public_url: url.map(str::to_owned) })
        };
        let signed =
            [("host", "earmark.example.com"), ("x-twilio-signature", "Z/I1AWv/i4SXfDTWx9zCRKgyd4c=")];
        assert_eq!(admit(&route(None), &parts("/media/twilio", &signed)), Ok(()));
        assert_eq!(admit(&route(None), &parts("/media/twilio?x", &signed)), Err("SIGNATURE_NOT_VALID"));
        let inside = [("host", "10.0.0.1"), signed[1]];
        assert_eq!(admit(&route(None), &parts("/media/twilio", &inside)), Err("SIGNATURE_NOT_VALID"));
        let public = route(Some("wss://earmark.example.com/media/twilio"));
        assert_eq!(admit(&public, &parts("/media/twilio", &inside)), Ok(()));
        assert_eq!(admit(&public, &parts("/media/twilio", &inside[..1])), Err("SIGNATURE_MISSING"));
    }

    #[test]
    fn an_audiohook_needs_a_known_key_and_its_signature() {
        let keys = vec![
            AudioHookKey { api_key: "plain".to_owned().into(), client_secret: None },
            AudioHookKey { api_key: "signed".to_owned().into(), client_secret: Some(vec![1; 32].into()) },
        ];
        let guard = Guard::audiohook(&AudioHookRoute { tenant: tenant(), keys, public_url: None });
        let with = |key: &str| admit(&guard, &parts("/media/audiohook", &[("x-api-key", key)]));
        assert_eq!(with("plain"), Ok(()));
        assert_eq!(with("signed"), Err("SIGNATURE_NOT_VALID"));
        assert_eq!(with("other"), Err("API_KEY_NOT_VALID"));
        assert_eq!(admit(&guard, &parts("/media/audiohook", &[])), Err("API_KEY_NOT_VALID"));
        assert!(
            !format!("{:?}", AudioHookKey { api_key: "x9y8".to_owned().into(), client_secret: None })
                .contains("x9y8")
        );
    }

    #[test]
    fn a_proxy_may_change_host_and_path() {
        let inside = parts("/inside?a=1", &[("host", "10.0.0.1")]);
        let public = PublicUrl::parse("wss://Voice.bank.example:443/media/audiohook").unwrap();
        assert_eq!(public.authority, "Voice.bank.example");
        assert_eq!(target(Some(&public), &inside), "/media/audiohook?a=1");
        assert_eq!(target(None, &inside), "/inside?a=1");
        assert_eq!(PublicUrl::parse("wss://a:8443").unwrap().authority, "a:8443");
        for bad in ["", "a.example", "https://a/b", "wss:///b", "wss://a/b?c=d", "wss://me@a/b"] {
            assert!(PublicUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_nonce_is_good_once_for_its_time() {
        let nonces = Nonces::default();
        let now = Instant::now();
        nonces.take("a", now).unwrap();
        assert_eq!(nonces.take("a", now).unwrap_err().reason(), "SIGNATURE_REPLAYED");
        nonces.take("b", now).unwrap();
        nonces.take("a", now + Duration::from_secs(20)).unwrap();
        assert_eq!(nonces.0.lock().unwrap().len(), 1);
        for n in 1..MAX_NONCES {
            nonces.take(&n.to_string(), now + Duration::from_secs(20)).unwrap();
        }
        assert_eq!(nonces.take("more", now + Duration::from_secs(20)).unwrap_err().reason(), "NONCES_FULL");
    }

    #[test]
    fn pages_of_other_sites_open_nothing() {
        let check = |host: &str, origin: &str| {
            check_origin(&parts("/x", &[("host", host), ("origin", origin)]).headers).map_err(|r| r.reason())
        };
        assert_eq!(check_origin(&parts("/x", &[("host", "a")]).headers), Ok(()));
        for (host, origin) in [
            ("127.0.0.1:50051", "http://127.0.0.1"),
            ("earmark.example.com", "https://Earmark.example.com:443"),
            ("[::1]:50051", "http://[::1]"),
            ("a:1", "no url at all"),
        ] {
            assert_eq!(check(host, origin), Ok(()), "{origin}");
        }
        for (host, origin) in [
            ("127.0.0.1:50051", "https://evil.example.com"),
            ("127.0.0.1:50051", "null"),
            ("a.example.com", "https://a.example.com.evil.com"),
            ("a.example.com", "https://evil.com/?https://a.example.com"),
            ("[::1]:50051", "http://[::2]"),
        ] {
            assert_eq!(check(host, origin), Err("ORIGIN_NOT_ALLOWED"), "{origin}");
        }
    }

    #[test]
    fn a_token_may_stand_in_the_url() {
        assert_eq!(url_token(&parts("/x?a=1&token=s%20t", &[])).as_deref(), Some("s t"));
        assert_eq!(url_token(&parts("/x", &[])), None);
        assert_eq!(admit(&Guard::Token, &parts("/x", &[])), Ok(()), "an open server asks for none");
    }
}
