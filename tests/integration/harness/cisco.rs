//! Tokens such as Cisco signs for Webex's data sources, by keys made for the moment. Shared with the unit
//! tests of the server, and by another implementation of RSA than the server's.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::pkcs1v15::SigningKey;
use rsa::rand_core::OsRng;
use rsa::sha2::Sha256;
use rsa::signature::{SignatureEncoding, Signer};
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::{Value, json};

pub(crate) const ISSUER: &str = "https://idbroker.webex.com/idb";
pub(crate) const AUDIENCE: &str = "earmark-tests";
pub(crate) const DATASOURCE_URL: &str = "https://earmark.bank.example:443";

/// One of Cisco's keys.
pub(crate) struct Issuer {
    id: &'static str,
    key: RsaPrivateKey,
}

impl Issuer {
    pub(crate) fn new(id: &'static str) -> Self {
        Self { id, key: RsaPrivateKey::new(&mut OsRng, 2048).expect("a key") }
    }

    /// The public half, as it is published.
    pub(crate) fn jwk(&self) -> Value {
        let key = RsaPublicKey::from(&self.key);
        let number = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id,
            "n": number(key.n().to_bytes_be()), "e": number(key.e().to_bytes_be()),
        })
    }

    /// A token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({"alg": "RS256", "typ": "JWT", "kid": self.id}), claims)
    }

    /// Whatever the header says, it is signed by RS256.
    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = SigningKey::<Sha256>::new(self.key.clone()).sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// What of a token is signed.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// Keys as they are published.
pub(crate) fn key_set(issuers: &[&Issuer]) -> String {
    json!({"keys": issuers.iter().map(|issuer| issuer.jwk()).collect::<Vec<_>>()}).to_string()
}

/// What a good token says, from now on for an hour.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "forking", "jti": "a-token",
        "iat": now(), "nbf": now(), "exp": now() + 3600,
        "com.cisco.datasource.url": DATASOURCE_URL,
        "com.cisco.datasource.schema.uuid": "523e1b7f-4693-47bc-b84e-a7b7a505fb0b",
    })
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs() as i64
}
