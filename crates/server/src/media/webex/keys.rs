use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use sha2::{Digest, Sha256};

use super::rsa::ALGORITHMS;

/// The largest file that is read: Cisco's holds a few keys of some 2 KiB.
const MAX_FILE_BYTES: u64 = 256 << 10;
/// The most keys a set may hold: a token that names none is tried with each.
const MAX_KEYS: usize = 32;
/// The moduli that ring verifies with, in bytes.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

/// Why a file of Webex's keys can't be used: fetch it again as docs/integration/vendor-grpc.md says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebexKeysError {
    /// The system refused: see that the file is there and readable.
    #[error("it can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// Far more than a key set.
    #[error("it is larger than {MAX_FILE_BYTES} bytes; is it a jwk set?")]
    TooLarge,
    /// Something else, such as an error page that was fetched in its place.
    #[error("it is no jwk set; fetch it from <issuer>/oauth2/v2/keys/verificationjwk")]
    NotAKeySet,
    /// More keys than anybody publishes.
    #[error("it holds more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// No token could be checked with it.
    #[error("it holds no rsa key of 2048 to 8192 bits for signatures")]
    NoUsableKey,
}

/// The keys that tokens may be signed with.
pub(super) struct KeySet {
    keys: Vec<Key>,
    /// Of the file, to tell whether it changed.
    digest: [u8; 32],
}

struct Key {
    id: Option<String>,
    key: DecodingKey,
}

impl KeySet {
    pub(super) fn read(path: &Path) -> Result<Self, WebexKeysError> {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, WebexKeysError> {
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(WebexKeysError::TooLarge);
        }
        // What the library says of a broken file shows pieces of it.
        let set: JwkSet = serde_json::from_slice(bytes).map_err(|_| WebexKeysError::NotAKeySet)?;
        if set.keys.len() > MAX_KEYS {
            return Err(WebexKeysError::TooManyKeys);
        }
        let keys: Vec<Key> = set.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(WebexKeysError::NoUsableKey);
        }
        Ok(Self { keys, digest: Sha256::digest(bytes).into() })
    }

    pub(super) fn is_as(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys that a token may be signed with: those of its key id, or any where it names none, as
    /// Cisco's own sample goes by none.
    pub(super) fn named(&self, id: Option<&str>) -> Vec<&DecodingKey> {
        let fits = |key: &&Key| id.is_none() || key.id.as_deref() == id;
        self.keys.iter().filter(fits).map(|key| &key.key).collect()
    }
}

/// Keys for anything but our signatures are passed over: a set may hold several kinds.
fn usable(jwk: Jwk) -> Option<Key> {
    let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let algorithm = jwk.common.key_algorithm.map(Algorithm::try_from);
    let fits = algorithm.is_none_or(|named| named.is_ok_and(|named| ALGORITHMS.contains(&named)));
    if !signs || !fits || !matches!(jwk.algorithm, AlgorithmParameters::RSA(_)) {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else { return None };
    // Some write a leading zero, as DER does; ring takes none.
    let (n, e) = (without_zeros(n), without_zeros(e));
    let key = MODULUS_BYTES.contains(&n.len()).then(|| DecodingKey::from_rsa_raw_components(n, e))?;
    Some(Key { id: jwk.common.key_id, key })
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn modulus(bytes: usize) -> String {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(vec![0xff; bytes])
    }

    fn key(id: &str) -> Value {
        json!({"kty": "RSA", "kid": id, "use": "sig", "alg": "RS256", "n": modulus(256), "e": "AQAB"})
    }

    fn parse(set: &Value) -> Result<KeySet, WebexKeysError> {
        KeySet::parse(set.to_string().as_bytes())
    }

    #[test]
    fn keys_are_found_by_their_id_and_others_passed_over() {
        let mut short = key("short");
        short["n"] = json!(modulus(128));
        let mut encrypts = key("encrypts");
        encrypts["use"] = json!("enc");
        let mut other = key("other");
        other["alg"] = json!("PS256");
        let secret = json!({"kty": "oct", "kid": "secret", "k": "AAAA"});
        let curve = json!({"kty": "EC", "kid": "curve", "crv": "P-256", "x": "AA", "y": "AA"});
        let unknown = json!({"kty": "new", "kid": "unknown"});
        let plain = json!({"kty": "RSA", "n": modulus(256), "e": "AQAB"});
        let all = [key("a"), key("b"), short, encrypts, other, secret, curve, unknown, plain];
        let set = parse(&json!({"keys": all})).unwrap();
        assert_eq!((set.len(), set.named(Some("a")).len(), set.named(None).len()), (3, 1, 3));
        for id in ["short", "encrypts", "other", "secret", "curve", "unknown", ""] {
            assert!(set.named(Some(id)).is_empty(), "{id}");
        }
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        let problem = |bytes: &[u8]| KeySet::parse(bytes).err().unwrap();
        assert!(matches!(problem(b"<html>"), WebexKeysError::NotAKeySet));
        assert!(matches!(problem(b"{}"), WebexKeysError::NotAKeySet));
        assert!(matches!(problem(b"{\"keys\":[]}"), WebexKeysError::NoUsableKey));
        assert!(matches!(problem(&vec![b' '; (256 << 10) + 1]), WebexKeysError::TooLarge));
        let many: Vec<Value> = (0..33).map(|n| key(&n.to_string())).collect();
        assert!(matches!(parse(&json!({"keys": many})), Err(WebexKeysError::TooManyKeys)));
        assert!(matches!(KeySet::read(Path::new("/nowhere/keys")), Err(WebexKeysError::Unreadable(_))));
    }
}
