use super::*;

/// The example of Genesys's AudioHook documentation ("Security"), which its reference implementation
/// checks as well.
const HEADERS: [(&str, &str); 7] = [
    ("host", "audiohook.example.com"),
    ("audiohook-organization-id", "d7934305-0972-4844-938e-9060eef73d05"),
    ("audiohook-session-id", "30b0e395-84d3-4570-ac13-9a62d8f514c0"),
    ("audiohook-correlation-id", "e160e428-53e2-487c-977d-96989bf5c99d"),
    ("x-api-key", "SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh"),
    ("signature", "sig1=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:"),
    (
        "signature-input",
        "sig1=(\"@request-target\" \"@authority\" \"audiohook-organization-id\" \"audiohook-session-id\" \
         \"audiohook-correlation-id\" \"x-api-key\");keyid=\"SGVsbG8sIEkgYW0gdGhlIEFQSSBrZXkh\";\
         nonce=\"VGhpc0lzQVVuaXF1ZU5vbmNl\";alg=\"hmac-sha256\";created=1641013200;expires=3282026430",
    ),
];
const TARGET: &str = "/api/v1/voicebiometrics/ws";
const SECRET: &[u8] = b"MySuperSecretKeyTellNo-1!2@3#4$5";
const CREATED: u64 = 1_641_013_200;

fn verify(headers: &[(&str, &str)], target: &str, secret: &[u8], now: u64) -> Result<String, ProtocolError> {
    let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
    verify_audiohook_signature(&SignedRequest { target, header: &header }, secret, Duration::from_secs(now))
}

/// The example with one header changed.
fn with(name: &str, value: &str) -> Result<String, ProtocolError> {
    let mut headers = HEADERS;
    headers.iter_mut().filter(|(n, _)| *n == name).for_each(|header| header.1 = value);
    verify(&headers, TARGET, SECRET, CREATED)
}

fn input() -> &'static str {
    HEADERS[6].1
}

fn is_refused(outcome: Result<String, ProtocolError>) -> bool {
    matches!(outcome, Err(ProtocolError::NotAuthenticated { .. }))
}

#[test]
fn the_documentations_example_holds() {
    assert_eq!(verify(&HEADERS, TARGET, SECRET, CREATED).unwrap(), "VGhpc0lzQVVuaXF1ZU5vbmNl");
    let mut turned = HEADERS;
    turned.reverse();
    assert!(verify(&turned, TARGET, SECRET, CREATED + 5).is_ok(), "the order of headers is of no account");
    assert!(with("host", " AudioHook.Example.com ").is_ok(), "the authority has no case");
}

/// Appendix B.2.5 of draft-ietf-httpbis-message-signatures (of RFC 9421 as well): its line of the
/// signature base and its key, without our rules of what must be covered.
#[test]
fn the_drafts_own_hmac_example_holds() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    let key = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
    let headers = [
        ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("host", "example.com"),
        ("content-type", "application/json"),
    ];
    let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
    let input =
        "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
    let (_, covered) = structured::covered(input).unwrap();
    let base = signature_base(&SignedRequest { target: "/", header: &header }, &covered).unwrap();
    let expected = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\
                    \"content-type\": application/json\n\"@signature-params\": (\"date\" \"@authority\" \
                    \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
    assert_eq!(base, expected);
    let mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(key).unwrap()).unwrap().chain_update(base);
    let signature =
        structured::signature("sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:").unwrap().1;
    mac.verify_slice(&signature).unwrap();
}

#[test]
fn whatever_is_signed_can_not_be_changed() {
    let no = "00000000-0000-0000-0000-000000000000";
    for name in ["audiohook-organization-id", "audiohook-session-id", "audiohook-correlation-id"] {
        assert!(is_refused(with(name, no)), "{name}");
    }
    assert!(is_refused(with("host", "other.example.com")));
    assert!(is_refused(with("x-api-key", "another")));
    assert!(is_refused(with("signature", "sig1=:AAAABHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:")));
    assert!(is_refused(with("signature", "sig1=:NZBw:")));
    assert!(is_refused(with("signature", "sig2=:NZBwyBHRRyRoeLqy1IzOa9VYBuI8TgMFt2GRDkDuJh4=:")));
    assert!(is_refused(with("signature-input", &input().replace("3282026430", "3282026431"))));
    assert!(is_refused(with("signature-input", &input().replace("VGhp", "AAAA"))));
    assert!(is_refused(verify(&HEADERS, "/other", SECRET, CREATED)));
    assert!(is_refused(verify(&HEADERS, TARGET, b"another secret", CREATED)));
    assert!(is_refused(verify(&HEADERS, TARGET, b"", CREATED)));
}

#[test]
fn a_signature_is_good_for_moments() {
    assert!(verify(&HEADERS, TARGET, SECRET, CREATED - 3).is_ok());
    assert!(verify(&HEADERS, TARGET, SECRET, CREATED + 13).is_ok());
    assert!(is_refused(verify(&HEADERS, TARGET, SECRET, CREATED - 4)));
    assert!(is_refused(verify(&HEADERS, TARGET, SECRET, CREATED + 14)));
    assert!(is_refused(verify(&HEADERS, TARGET, SECRET, 0)));
    assert!(is_refused(verify(&HEADERS, TARGET, SECRET, u64::from(u32::MAX))));
}

#[test]
fn a_signature_must_cover_everything_and_say_everything() {
    // Signed anew, so that only the missing part can be the reason.
    let signed = |input: &str| {
        let (label, covered) = structured::covered(input)?;
        let mut headers = HEADERS.to_vec();
        headers.retain(|(name, _)| !name.starts_with("signature"));
        let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let base = signature_base(&SignedRequest { target: TARGET, header: &header }, &covered).ok()?;
        let mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap().chain_update(base).finalize().into_bytes();
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, mac);
        let signature = format!("{label}=:{encoded}:");
        headers.extend([("signature", signature.as_str()), ("signature-input", input)]);
        Some(verify(&headers, TARGET, SECRET, CREATED))
    };
    assert!(signed(input()).unwrap().is_ok());
    for part in MUST_COVER {
        let without = input().replace(&format!("\"{part}\""), "").replace("  ", " ");
        assert!(is_refused(signed(&without).unwrap()), "{part}");
    }
    for parameter in ["keyid", "nonce", "created"] {
        let start = input().find(&format!(";{parameter}=")).unwrap();
        let end = input()[start + 1..].find(';').map_or(input().len(), |at| start + 1 + at);
        let without = format!("{}{}", &input()[..start], &input()[end..]);
        assert!(is_refused(signed(&without).unwrap()), "{parameter}");
    }
    for (from, to) in [
        ("hmac-sha256", "rsa-pss-sha512"),
        ("VGhpc0lzQVVuaXF1ZU5vbmNl", "short"),
        ("keyid=\"SGV", "keyid=\"XGV"),
        (";created", ";tag=\"x\";created"),
        ("created=1641013200", "created=\"1641013200\""),
    ] {
        assert!(is_refused(signed(&input().replace(from, to)).unwrap()), "{to}");
    }
    let twice = input().replace("\"x-api-key\")", "\"x-api-key\" \"x-api-key\")");
    assert!(is_refused(with("signature-input", &twice)));
    assert!(is_refused(with(
        "signature-input",
        &input().replace("\"x-api-key\")", "\"x-api-key\" \"@method\")")
    )));
}

#[test]
fn missing_and_unreadable_headers_are_named_and_no_secret_is_shown() {
    for missing in ["signature", "signature-input", "host", "x-api-key", "audiohook-session-id"] {
        let headers: Vec<_> = HEADERS.into_iter().filter(|(name, _)| *name != missing).collect();
        let error = verify(&headers, TARGET, SECRET, CREATED).unwrap_err().to_string();
        assert!(error.starts_with("not authenticated") && !error.contains("SGVs"), "{error}");
    }
    for bad in ["", "sig1", "sig1=(", "sig1=()", "a=(\"b\"), c=(\"d\")"] {
        assert!(is_refused(with("signature-input", bad)), "{bad}");
    }
}
