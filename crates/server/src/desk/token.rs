//! Tokens that open a page, and the grants they are exchanged for. Both are signed by a key of the
//! data folder (HMAC-SHA256, RFC 2104), each for its own purpose, so that neither passes for the other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use earmark_voiceprint::{CallId, TenantId};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

/// Nothing honest is longer: two ids of 128 bytes and a name.
const MAX_SIGNED_BYTES: usize = 2048;
/// As long as the records let a reporter's name be.
pub(super) const MAX_WHO_BYTES: usize = 128;

/// What a page may show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Scope {
    /// One call.
    Call(String),
    /// The calls of one agent.
    Agent(String),
    /// All calls of the tenant.
    Supervisor,
}

/// 122 random bits.
pub(super) type Nonce = (u64, u64);

/// What a token opens, and what a cookie then grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    #[serde(rename = "t")]
    tenant: String,
    #[serde(rename = "s")]
    scope: Scope,
    /// Who looks, for what they report; none where nobody said.
    #[serde(rename = "w")]
    who: Option<String>,
    /// Unix milliseconds.
    #[serde(rename = "e")]
    expires_ms: i64,
    /// Tells two grants of the same things apart. A token's is also that of the grant it became.
    #[serde(rename = "n")]
    nonce: Nonce,
    /// Which start of a server made the token; none in a cookie, which outlives restarts.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    start: Option<u64>,
}

impl Grant {
    pub(super) fn new(tenant: &TenantId, scope: Scope, who: Option<String>, expires_ms: i64) -> Self {
        let nonce = Uuid::new_v4().as_u64_pair();
        Self { tenant: tenant.to_string(), scope, who, expires_ms, nonce, start: None }
    }

    /// As a token that is good only until the server is started again.
    pub(super) fn of_start(self, start: u64) -> Self {
        Self { start: Some(start), ..self }
    }

    /// Whether this start of the server made the token.
    pub(super) fn is_of_start(&self, start: u64) -> bool {
        self.start == Some(start)
    }

    /// What the token grants once it is exchanged.
    pub(super) fn session(&self, expires_ms: i64) -> Self {
        Self { expires_ms, start: None, ..self.clone() }
    }

    pub(super) fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(super) fn who(&self) -> Option<&str> {
        self.who.as_deref()
    }

    pub(super) fn expires_ms(&self) -> i64 {
        self.expires_ms
    }

    pub(super) fn nonce(&self) -> Nonce {
        self.nonce
    }

    /// None only for a tenant that a newer program's key signed and this one can't name.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        TenantId::new(&self.tenant).ok()
    }

    /// Whether this is for exactly what the other is for.
    pub(super) fn opens_the_same(&self, other: &Self) -> bool {
        self.tenant == other.tenant && self.scope == other.scope
    }

    pub(super) fn call(&self) -> Option<CallId> {
        match &self.scope {
            Scope::Call(id) => CallId::new(id).ok(),
            Scope::Agent(_) | Scope::Supervisor => None,
        }
    }
}

/// What a signed text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// In a URL, once and for a minute.
    Token,
    /// In a cookie, for a shift.
    Cookie,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Token => b"earmark desk token\0",
            Self::Cookie => b"earmark desk cookie\0",
        }
    }
}

/// Why a signed text opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Invalid {
    /// Not ours, altered, or signed for another purpose.
    Forged,
    /// Its time is over.
    Expired,
}

/// Signs and checks.
pub(super) struct Signer(Hmac<Sha256>);

impl Signer {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        // A key shorter than the block is taken as it is (RFC 2104): this is `new_from_slice`
        // without its error.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block[..key.len()].copy_from_slice(key);
        Self(Hmac::new(&block))
    }

    pub(super) fn sign(&self, purpose: Purpose, grant: &Grant) -> String {
        // Plain strings and numbers always serialise.
        let payload = serde_json::to_vec(grant).unwrap_or_default();
        let tag = self.mac(purpose, &payload).finalize().into_bytes();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(tag))
    }

    /// The grant, if its signature is ours, for this purpose, and its time is not over.
    pub(super) fn check(&self, purpose: Purpose, text: &str, now_ms: i64) -> Result<Grant, Invalid> {
        let grant = self.read(purpose, text)?;
        if grant.expires_ms <= now_ms { Err(Invalid::Expired) } else { Ok(grant) }
    }

    /// The grant if its signature is ours, expired or not.
    pub(super) fn read(&self, purpose: Purpose, text: &str) -> Result<Grant, Invalid> {
        if text.len() > MAX_SIGNED_BYTES {
            return Err(Invalid::Forged);
        }
        let (payload, tag) = text.split_once('.').ok_or(Invalid::Forged)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Invalid::Forged);
        let (payload, tag) = (decode(payload)?, decode(tag)?);
        self.mac(purpose, &payload).verify_slice(&tag).map_err(|_| Invalid::Forged)?;
        serde_json::from_slice(&payload).map_err(|_| Invalid::Forged)
    }

    fn mac(&self, purpose: Purpose, payload: &[u8]) -> Hmac<Sha256> {
        self.0.clone().chain_update(purpose.label()).chain_update(payload)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grant() -> Grant {
        let tenant = TenantId::new("north").unwrap();
        Grant::new(&tenant, Scope::Call("通话-1".into()), Some("agent-7".into()), 1000)
    }

    fn signer() -> Signer {
        Signer::new(&[7; 32])
    }

    /// RFC 4231, test case 1, whose key is 20 bytes: the rest of ours is the padding anyway.
    #[test]
    fn is_the_standards_code() {
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        let tag = Signer::new(&key).0.chain_update(b"Hi There").finalize().into_bytes();
        let hex: String = tag.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }

    #[test]
    fn opens_until_its_time_is_over() {
        let text = signer().sign(Purpose::Token, &grant());
        let opened = signer().check(Purpose::Token, &text, 999).unwrap();
        assert_eq!((opened.scope(), opened.who()), (&Scope::Call("通话-1".into()), Some("agent-7")));
        assert_eq!(opened.tenant().unwrap().as_str(), "north");
        assert_eq!(signer().check(Purpose::Token, &text, 1000), Err(Invalid::Expired));
    }

    #[test]
    fn another_key_or_purpose_opens_nothing() {
        let token = signer().sign(Purpose::Token, &grant());
        assert_eq!(signer().check(Purpose::Cookie, &token, 0), Err(Invalid::Forged));
        assert_eq!(Signer::new(&[8; 32]).check(Purpose::Token, &token, 0), Err(Invalid::Forged));
        for bad in ["", ".", "a.b", "..", &"x".repeat(5000), token.split_once('.').unwrap().0] {
            assert_eq!(signer().check(Purpose::Token, bad, 0), Err(Invalid::Forged), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_altered_token_opens(at in any::<prop::sample::Index>(), bit in 0u32..7) {
            let mut bytes = signer().sign(Purpose::Token, &grant()).into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let text = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(signer().check(Purpose::Token, &text, 0), Err(Invalid::Forged));
        }

        #[test]
        fn any_text_is_taken_without_a_panic(text in "\\PC{0,300}") {
            prop_assert!(signer().read(Purpose::Cookie, &text).is_err());
        }
    }
}
