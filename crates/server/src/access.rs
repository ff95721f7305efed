use std::fmt;

use earmark_voiceprint::TenantId;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tonic::Code;

use crate::ServerError;
use crate::refusal::Refusal;

/// The metadata key that names the tenant.
pub(crate) const TENANT_KEY: &str = "earmark-tenant";
/// The tenant of calls that name none.
pub(crate) const DEFAULT_TENANT: &str = "default";

/// The tenant of whoever names none.
pub(crate) fn default_tenant() -> TenantId {
    // The name is one that every tenant id may be; a test holds it.
    #[expect(clippy::expect_used, reason = "a constant of ours")]
    TenantId::new(DEFAULT_TENANT).expect("a tenant's id")
}

/// A token is random, so its hash needs no salt; 16 characters of base64 are 96 bits.
const MIN_TOKEN_CHARS: usize = 16;
/// A header longer than this is no token; nothing longer is hashed.
const MAX_TOKEN_BYTES: usize = 1024;

/// Who may call and for which tenants. Health, reflection, `/healthz`, `/readyz` and `/metrics`
/// are open to whoever reaches the port: they tell counts and no more.
#[derive(Clone, Debug, Default)]
pub struct AccessOptions {
    /// The tenants there are; none means that any may be named.
    pub tenants: Option<Vec<TenantId>>,
    /// Who may call; empty means anybody who reaches the port.
    pub tokens: Vec<AccessToken>,
}

/// A bearer token, kept as its SHA-256 only.
#[derive(Clone)]
pub struct AccessToken {
    name: String,
    digest: [u8; 32],
    tenants: Option<Vec<TenantId>>,
}

impl AccessToken {
    /// Takes a token: `name` goes to the audit trail, `tenants` are those it is good for (none
    /// means all).
    ///
    /// # Errors
    /// [`ServerError::WeakToken`] for fewer than 16 characters.
    pub fn new(name: &str, token: &str, tenants: Option<Vec<TenantId>>) -> Result<Self, ServerError> {
        let got = token.chars().count();
        if got < MIN_TOKEN_CHARS {
            return Err(ServerError::WeakToken { name: name.into(), got, min: MIN_TOKEN_CHARS });
        }
        Ok(Self { name: name.into(), digest: Sha256::digest(token).into(), tenants })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("name", &self.name)
            .field("tenants", &self.tenants)
            .finish_non_exhaustive()
    }
}

/// For whom a call acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) tenant: TenantId,
    /// The token's name, for the audit trail.
    pub(crate) actor: Option<String>,
}

impl AccessOptions {
    /// Finds out who calls, before anything of the request's body is read.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let token = self.authenticate(headers)?;
        let tenant = named_tenant(headers)?;
        let known = |tenants: &Option<Vec<TenantId>>| tenants.as_ref().is_none_or(|t| t.contains(&tenant));
        if !known(&self.tenants) || !token.is_none_or(|t| known(&t.tenants)) {
            let problem = "this tenant is not open to the caller; name another one in earmark-tenant";
            return Err(Refusal::new(Code::PermissionDenied, "TENANT_NOT_ALLOWED", problem));
        }
        Ok(Caller { tenant, actor: token.map(|t| t.name.clone()) })
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<Option<&AccessToken>, Refusal> {
        if self.tokens.is_empty() {
            return Ok(None);
        }
        let refusal = || {
            let problem = "send a valid token as `authorization: Bearer <token>`";
            Refusal::new(Code::Unauthenticated, "TOKEN_NOT_VALID", problem)
        };
        let token = bearer(headers).ok_or_else(refusal)?;
        let digest = Sha256::digest(token);
        // Every token is looked at to its end, so that time tells nothing.
        let mut found = None;
        for candidate in &self.tokens {
            let equal: Choice = candidate.digest.as_slice().ct_eq(digest.as_slice());
            if bool::from(equal) {
                found = Some(candidate);
            }
        }
        found.map(Some).ok_or_else(refusal)
    }
}

/// The token in an `authorization` header (RFC 6750; the scheme's case does not matter).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    let fits = scheme.eq_ignore_ascii_case(b"bearer ") && token.len() <= MAX_TOKEN_BYTES;
    fits.then_some(token)
}

fn named_tenant(headers: &HeaderMap) -> Result<TenantId, Refusal> {
    let refuse = |problem: String| Refusal::field(TENANT_KEY, "BAD_TENANT", problem);
    let named = match headers.get(TENANT_KEY) {
        None => DEFAULT_TENANT,
        Some(value) => {
            value.to_str().map_err(|_| refuse("the tenant must be visible ascii text".to_owned()))?
        }
    };
    TenantId::new(named).map_err(|error| refuse(error.to_string()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn tenant(id: &str) -> TenantId {
        TenantId::new(id).unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.parse().unwrap(), HeaderValue::from_str(v).unwrap())).collect()
    }

    fn guarded() -> AccessOptions {
        let own = AccessToken::new("desk", SECRET, Some(vec![tenant("north")])).unwrap();
        let all = AccessToken::new("risk", "a different secret", None).unwrap();
        AccessOptions { tenants: Some(vec![tenant("north"), tenant("south")]), tokens: vec![own, all] }
    }

    fn reason(outcome: Result<Caller, Refusal>) -> &'static str {
        outcome.unwrap_err().reason()
    }

    #[test]
    fn open_by_default() {
        let open = AccessOptions::default();
        assert_eq!(open.admit(&HeaderMap::new()).unwrap().tenant, tenant("default"));
        assert_eq!(open.admit(&headers(&[("earmark-tenant", "x")])).unwrap().tenant, tenant("x"));
        assert_eq!(reason(open.admit(&headers(&[("earmark-tenant", "")]))), "BAD_TENANT");
    }

    #[test]
    fn a_token_opens_its_tenants_only() {
        let access = guarded();
        let bearer = format!("Bearer {SECRET}");
        let admit =
            |tenant: &str| access.admit(&headers(&[("authorization", &bearer), ("earmark-tenant", tenant)]));
        let caller = admit("north").unwrap();
        assert_eq!((caller.tenant, caller.actor.as_deref()), (tenant("north"), Some("desk")));
        assert_eq!(reason(admit("south")), "TENANT_NOT_ALLOWED");
        let risk = [("authorization", "bearer a different secret"), ("earmark-tenant", "south")];
        assert_eq!(access.admit(&headers(&risk)).unwrap().actor.as_deref(), Some("risk"));
        let nowhere = [("authorization", "bearer a different secret"), ("earmark-tenant", "west")];
        assert_eq!(reason(access.admit(&headers(&nowhere))), "TENANT_NOT_ALLOWED");
    }

    #[test]
    fn without_a_valid_token_nothing_opens() {
        let access = guarded();
        let long = format!("Bearer {}", "x".repeat(5000));
        for value in ["", "Bearer", "Bearer ", "Bearer wrong", "Basic abc", SECRET, &long] {
            let outcome = access.admit(&headers(&[("authorization", value), ("earmark-tenant", "north")]));
            assert_eq!(reason(outcome), "TOKEN_NOT_VALID", "{value}");
        }
        assert_eq!(reason(access.admit(&HeaderMap::new())), "TOKEN_NOT_VALID");
    }

    #[test]
    fn short_tokens_are_refused_and_none_is_shown() {
        assert!(matches!(AccessToken::new("a", "hunter2", None), Err(ServerError::WeakToken { got: 7, .. })));
        let shown = format!("{:?}", guarded());
        assert!(shown.contains("desk") && !shown.contains("0123") && !shown.contains("digest"), "{shown}");
    }
}
