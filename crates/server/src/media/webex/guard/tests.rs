use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use earmark_voiceprint::TenantId;
use hmac::{Hmac, Mac};
use http::HeaderValue;
use serde_json::{Value, json};
use sha2::Sha256;
use tempfile::TempDir;

use self::cisco::{AUDIENCE, DATASOURCE_URL, ISSUER, Issuer, claims, key_set, message, now};
use super::*;
use crate::media::WEBEX_FORKING_SCHEMA;

#[path = "../../../../../../tests/integration/harness/cisco.rs"]
mod cisco;

static KNOWN: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("known"));
static OTHER: LazyLock<Issuer> = LazyLock::new(|| Issuer::new("other"));

fn options(folder: &TempDir) -> WebexOptions {
    let keys_file = folder.path().join("webex-jwks.json");
    std::fs::write(&keys_file, key_set(&[&KNOWN])).unwrap();
    WebexOptions {
        keys_file,
        issuers: vec![ISSUER.to_owned()],
        audience: AUDIENCE.to_owned(),
        datasource_url: DATASOURCE_URL.to_owned(),
        schema: WEBEX_FORKING_SCHEMA,
        tenant: TenantId::new("north").unwrap(),
    }
}

fn guard() -> (TempDir, WebexGuard) {
    let folder = tempfile::tempdir().unwrap();
    let guard = WebexGuard::open(&options(&folder)).unwrap();
    (folder, guard)
}

fn admit(guard: &WebexGuard, value: &str) -> Result<Caller, Refusal> {
    let value = HeaderValue::from_str(value).unwrap();
    guard.admit(&[(AUTHORIZATION, value)].into_iter().collect())
}

fn reason(guard: &WebexGuard, value: &str) -> &'static str {
    let refusal = admit(guard, value).unwrap_err();
    assert_eq!(refusal.code(), Code::Unauthenticated);
    assert!(value.is_empty() || !refusal.message().contains(value));
    refusal.reason()
}

/// A token that says something else, or (null) nothing, under this name.
fn changed(name: &str, value: Value) -> String {
    let mut claims = claims();
    claims[name] = value;
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    KNOWN.sign(&claims)
}

#[test]
fn a_token_of_ciscos_lets_webex_in_for_its_tenant() {
    let (_folder, guard) = guard();
    let token = KNOWN.sign(&claims());
    for value in [token.clone(), format!("Bearer {token}"), format!("bearer  {token}")] {
        let caller = admit(&guard, &value).unwrap();
        assert_eq!((caller.tenant.as_str(), caller.actor.as_deref()), ("north", Some("webex")));
    }
    let nameless = KNOWN.sign_with(&json!({"alg": "RS256"}), &claims());
    assert!(admit(&guard, &nameless).is_ok(), "a token need not name its key");
    assert!(admit(&guard, &changed("aud", json!(["x", AUDIENCE]))).is_ok());
    assert!(admit(&guard, &changed("nbf", Value::Null)).is_ok());
    assert!(admit(&guard, &changed("exp", json!(now() - 10))).is_ok(), "within the skew");
}

#[test]
fn every_claim_is_checked() {
    let (_folder, guard) = guard();
    let url = "com.cisco.datasource.url";
    let schema = "com.cisco.datasource.schema.uuid";
    for (name, value, expected) in [
        ("exp", json!(now() - 60), "WEBEX_TOKEN_EXPIRED"),
        ("exp", Value::Null, "WEBEX_CLAIM_MISSING"),
        ("exp", json!("tomorrow"), "WEBEX_CLAIM_MISSING"),
        ("nbf", json!(now() + 60), "WEBEX_TOKEN_NOT_YET_VALID"),
        ("nbf", json!("yesterday"), "WEBEX_TOKEN_MALFORMED"),
        ("iss", json!("https://idbroker.evil.example/idb"), "WEBEX_ISSUER_NOT_ALLOWED"),
        ("iss", Value::Null, "WEBEX_CLAIM_MISSING"),
        ("aud", json!("somebody-else"), "WEBEX_AUDIENCE_NOT_OURS"),
        ("aud", Value::Null, "WEBEX_CLAIM_MISSING"),
        ("sub", Value::Null, "WEBEX_CLAIM_MISSING"),
        ("jti", Value::Null, "WEBEX_CLAIM_MISSING"),
        ("jti", json!(""), "WEBEX_CLAIM_MISSING"),
        (url, json!("https://earmark.bank.example"), "WEBEX_URL_NOT_OURS"),
        (url, Value::Null, "WEBEX_CLAIM_MISSING"),
        (schema, json!("5397013b-7920-4ffc-807c-e8a3e0a18f43"), "WEBEX_SCHEMA_NOT_OURS"),
        (schema, json!("forking"), "WEBEX_SCHEMA_NOT_OURS"),
        (schema, Value::Null, "WEBEX_CLAIM_MISSING"),
    ] {
        assert_eq!(reason(&guard, &changed(name, value.clone())), expected, "{name}: {value}");
    }
}

#[test]
fn only_the_keys_of_the_set_sign() {
    let (_folder, guard) = guard();
    assert_eq!(reason(&guard, &OTHER.sign(&claims())), "WEBEX_KEY_UNKNOWN");
    let pretends = OTHER.sign_with(&json!({"alg": "RS256", "kid": "known"}), &claims());
    assert_eq!(reason(&guard, &pretends), "WEBEX_SIGNATURE_NOT_VALID");
    let nameless = OTHER.sign_with(&json!({"alg": "RS256"}), &claims());
    assert_eq!(reason(&guard, &nameless), "WEBEX_SIGNATURE_NOT_VALID");
    // Signed, and then changed.
    let (_, signature) = pretends.rsplit_once('.').unwrap();
    let header = json!({"alg": "RS256", "kid": "known"});
    let changed = format!("{}.{signature}", message(&header, &claims()));
    assert_eq!(reason(&guard, &changed), "WEBEX_SIGNATURE_NOT_VALID");
}

#[test]
fn no_other_algorithm_will_do() {
    let (_folder, guard) = guard();
    let none = json!({"alg": "none", "kid": "known"});
    let unsigned = message(&none, &claims());
    for token in [format!("{unsigned}."), KNOWN.sign_with(&none, &claims())] {
        assert_eq!(reason(&guard, &token), "WEBEX_TOKEN_MALFORMED");
    }
    // The public key is no secret, so whoever knows it could sign by it.
    let unsigned = message(&json!({"alg": "HS256", "kid": "known"}), &claims());
    let public = KNOWN.jwk()["n"].as_str().unwrap().to_owned();
    for secret in [public.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(&public).unwrap()] {
        let mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap().chain_update(&unsigned);
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        assert_eq!(reason(&guard, &format!("{unsigned}.{signature}")), "WEBEX_ALGORITHM_NOT_ALLOWED");
    }
    let other = KNOWN.sign_with(&json!({"alg": "PS256", "kid": "known"}), &claims());
    assert_eq!(reason(&guard, &other), "WEBEX_ALGORITHM_NOT_ALLOWED");
    // A key that the token brings itself is not asked for.
    let own = json!({"alg": "RS256", "jwk": OTHER.jwk()});
    assert_eq!(reason(&guard, &OTHER.sign_with(&own, &claims())), "WEBEX_SIGNATURE_NOT_VALID");
}

#[test]
fn what_is_no_token_is_refused() {
    let (_folder, guard) = guard();
    assert_eq!(guard.admit(&HeaderMap::new()).unwrap_err().reason(), "WEBEX_TOKEN_MISSING");
    let token = KNOWN.sign(&claims());
    for bad in ["", "Bearer", "Bearer ", "a.b", "a.b.c", "....", &token[..token.len() / 2], "Basic YTpi"] {
        assert_eq!(reason(&guard, bad), "WEBEX_TOKEN_MALFORMED", "{bad}");
    }
    let long = changed("sub", json!("x".repeat(MAX_TOKEN_BYTES)));
    assert_eq!(reason(&guard, &long), "WEBEX_TOKEN_TOO_LONG");
    let bytes = HeaderValue::from_bytes(&[0xff; 9]).unwrap();
    let refusal = guard.admit(&[(AUTHORIZATION, bytes)].into_iter().collect()).unwrap_err();
    assert_eq!(refusal.reason(), "WEBEX_TOKEN_MALFORMED");
}

#[test]
fn keys_are_read_again_and_broken_ones_change_nothing() {
    let (_folder, guard) = guard();
    let (old, new) = (KNOWN.sign(&claims()), OTHER.sign(&claims()));
    assert_eq!(guard.read_again().unwrap(), None);
    let file = guard.options.keys_file.clone();
    std::fs::write(&file, "<html>").unwrap();
    assert!(guard.read_again().is_err());
    assert!(admit(&guard, &old).is_ok());
    std::fs::write(&file, key_set(&[&OTHER])).unwrap();
    assert_eq!(guard.read_again().unwrap(), Some(1));
    assert_eq!(reason(&guard, &old), "WEBEX_KEY_UNKNOWN");
    assert!(admit(&guard, &new).is_ok());
}

#[test]
fn a_check_that_could_not_check_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |change: fn(&mut WebexOptions)| {
        let mut options = options(&folder);
        change(&mut options);
        WebexGuard::open(&options).err().expect("a refusal").to_string()
    };
    assert!(refused(|o| o.issuers.clear()).contains("webex.issuers"));
    assert!(refused(|o| o.issuers.push("idbroker".into())).contains("webex.issuers"));
    assert!(refused(|o| o.audience.clear()).contains("webex.audience"));
    assert!(refused(|o| o.datasource_url = "earmark:443".into()).contains("webex.datasource_url"));
    assert!(refused(|o| o.keys_file = "/nowhere/keys".into()).contains("/nowhere/keys"));
}
