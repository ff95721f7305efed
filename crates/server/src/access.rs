mod credentials;
mod permission;

use std::fmt;

use earmark_voiceprint::TenantId;
use http::HeaderMap;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tonic::Code;

use self::credentials::{MAX_TOKEN_BYTES, bare, basic_password, bearer};
pub use self::permission::Permission;
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
    /// What it is good for; none means everything.
    allow: Option<Vec<Permission>>,
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
        Ok(Self { name: name.into(), digest: Sha256::digest(token).into(), tenants, allow: None })
    }

    /// The same, good for these only: a switch's token stands in dialplans and in proxies' logs, and
    /// should do no more than bring calls.
    #[must_use]
    pub fn allowing(self, permissions: Vec<Permission>) -> Self {
        Self { allow: Some(permissions), ..self }
    }

    fn allows(&self, any_of: &[Permission]) -> bool {
        self.allow.as_ref().is_none_or(|allowed| any_of.iter().any(|needed| allowed.contains(needed)))
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("name", &self.name)
            .field("tenants", &self.tenants)
            .field("allow", &self.allow)
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
    /// Finds out who calls, before anything of the request's body is read. Any of `needed` will do.
    pub(crate) fn admit(&self, headers: &HeaderMap, needed: &[Permission]) -> Result<Caller, Refusal> {
        self.admit_with(bearer(headers), headers, needed)
    }

    /// Whether a vendor's client may bring calls. What their consoles take as a credential comes with a
    /// scheme of their choice, or with none.
    pub(crate) fn admit_vendor(&self, headers: &HeaderMap) -> Result<Caller, Refusal> {
        let password = basic_password(headers);
        let token = bearer(headers).or(password.as_deref()).or(bare(headers));
        self.admit_with(token, headers, &[Permission::Media])
    }

    fn admit_with(
        &self,
        token: Option<&[u8]>,
        headers: &HeaderMap,
        needed: &[Permission],
    ) -> Result<Caller, Refusal> {
        let token = self.authenticate(token)?;
        let tenant = match token.and_then(|t| t.tenants.as_deref()) {
            // A vendor's client can't name a tenant; its token does.
            Some([only]) if !headers.contains_key(TENANT_KEY) => only.clone(),
            _ => named_tenant(headers)?,
        };
        self.open_to(token, tenant, needed)
    }

    /// Whether a media stream may come for this tenant. Switches send their token where they can: as a
    /// bearer, as the password of `Basic`, or (`url_token`) in the URL.
    pub(crate) fn admit_stream(
        &self,
        headers: &HeaderMap,
        url_token: Option<&str>,
        tenant: &TenantId,
    ) -> Result<Caller, Refusal> {
        let password = basic_password(headers);
        let token = bearer(headers).or(password.as_deref()).or(url_token.map(str::as_bytes));
        let token = self.authenticate(token.filter(|token| token.len() <= MAX_TOKEN_BYTES))?;
        self.open_to(token, tenant.clone(), &[Permission::Media])
    }

    fn open_to(
        &self,
        token: Option<&AccessToken>,
        tenant: TenantId,
        needed: &[Permission],
    ) -> Result<Caller, Refusal> {
        if !token.is_none_or(|token| token.allows(needed)) {
            return Err(not_allowed(needed));
        }
        let known = |tenants: &Option<Vec<TenantId>>| tenants.as_ref().is_none_or(|t| t.contains(&tenant));
        if !known(&self.tenants) || !token.is_none_or(|t| known(&t.tenants)) {
            let problem = "this tenant is not open to the caller; name another one in earmark-tenant";
            return Err(Refusal::new(Code::PermissionDenied, "TENANT_NOT_ALLOWED", problem));
        }
        Ok(Caller { tenant, actor: token.map(|t| t.name.clone()) })
    }

    fn authenticate(&self, token: Option<&[u8]>) -> Result<Option<&AccessToken>, Refusal> {
        if self.tokens.is_empty() {
            return Ok(None);
        }
        let refusal = || {
            let problem = "send a valid token as `authorization: Bearer <token>`";
            Refusal::new(Code::Unauthenticated, "TOKEN_NOT_VALID", problem)
        };
        let token = token.ok_or_else(refusal)?;
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

fn not_allowed(needed: &[Permission]) -> Refusal {
    let names: Vec<&str> = needed.iter().map(|permission| permission.name()).collect();
    let problem = format!(
        "this token is not allowed {}; call with another one, or add it to the token's `allow`",
        names.join(" or ")
    );
    Refusal::new(Code::PermissionDenied, "PERMISSION_MISSING", problem)
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
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
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

    /// As a lookup of customers.
    fn admit(access: &AccessOptions, headers: &HeaderMap) -> Result<Caller, Refusal> {
        access.admit(headers, &[Permission::Customers])
    }

    fn reason(outcome: Result<Caller, Refusal>) -> &'static str {
        outcome.unwrap_err().reason()
    }

    #[test]
    fn open_by_default() {
        let open = AccessOptions::default();
        assert_eq!(admit(&open, &HeaderMap::new()).unwrap().tenant, tenant("default"));
        assert_eq!(admit(&open, &headers(&[("earmark-tenant", "x")])).unwrap().tenant, tenant("x"));
        assert_eq!(reason(admit(&open, &headers(&[("earmark-tenant", "")]))), "BAD_TENANT");
    }

    #[test]
    fn a_token_opens_its_tenants_only() {
        let access = guarded();
        let bearer = format!("Bearer {SECRET}");
        let admit = |tenant: &str| {
            self::admit(&access, &headers(&[("authorization", &bearer), ("earmark-tenant", tenant)]))
        };
        let caller = admit("north").unwrap();
        assert_eq!((caller.tenant, caller.actor.as_deref()), (tenant("north"), Some("desk")));
        assert_eq!(reason(admit("south")), "TENANT_NOT_ALLOWED");
        let risk = [("authorization", "bearer a different secret"), ("earmark-tenant", "south")];
        assert_eq!(self::admit(&access, &headers(&risk)).unwrap().actor.as_deref(), Some("risk"));
        let nowhere = [("authorization", "bearer a different secret"), ("earmark-tenant", "west")];
        assert_eq!(reason(self::admit(&access, &headers(&nowhere))), "TENANT_NOT_ALLOWED");
    }

    #[test]
    fn without_a_valid_token_nothing_opens() {
        let access = guarded();
        let long = format!("Bearer {}", "x".repeat(5000));
        for value in ["", "Bearer", "Bearer ", "Bearer wrong", "Basic abc", SECRET, &long] {
            let outcome = admit(&access, &headers(&[("authorization", value), ("earmark-tenant", "north")]));
            assert_eq!(reason(outcome), "TOKEN_NOT_VALID", "{value}");
        }
        assert_eq!(reason(admit(&access, &HeaderMap::new())), "TOKEN_NOT_VALID");
    }

    #[test]
    fn a_switch_sends_its_token_where_it_can() {
        let access = guarded();
        let admit = |pairs: &[(&'static str, &str)], url: Option<&str>, to: &str| {
            access.admit_stream(&headers(pairs), url, &tenant(to))
        };
        let bearer = format!("Bearer {SECRET}");
        let basic = format!("Basic {}", STANDARD.encode(format!("switch:{SECRET}")));
        assert!(admit(&[("authorization", &bearer)], None, "north").is_ok());
        assert!(admit(&[("authorization", &basic)], None, "north").is_ok());
        let by_url = admit(&[], Some(SECRET), "north").unwrap();
        assert_eq!((by_url.tenant, by_url.actor.as_deref()), (tenant("north"), Some("desk")));
        assert_eq!(reason(admit(&[], Some(SECRET), "south")), "TENANT_NOT_ALLOWED");
        for value in ["Basic", "Basic ***", "Basic c3dpdGNo", &format!("Basic {}", STANDARD.encode("a:b"))] {
            assert_eq!(
                reason(admit(&[("authorization", value)], None, "north")),
                "TOKEN_NOT_VALID",
                "{value}"
            );
        }
        assert_eq!(reason(admit(&[], None, "north")), "TOKEN_NOT_VALID");
        let long = "x".repeat(5000);
        assert_eq!(reason(admit(&[], Some(&long), "north")), "TOKEN_NOT_VALID");
    }

    #[test]
    fn a_token_does_no_more_than_it_is_allowed() {
        let token = AccessToken::new("switch", SECRET, None).unwrap().allowing(vec![Permission::Media]);
        let access = AccessOptions { tenants: None, tokens: vec![token] };
        let sent = headers(&[("authorization", &format!("Bearer {SECRET}"))]);
        assert!(access.admit_stream(&sent, None, &tenant("t")).is_ok());
        assert!(access.admit_stream(&HeaderMap::new(), Some(SECRET), &tenant("t")).is_ok());
        assert!(access.admit_vendor(&sent).is_ok());
        assert!(access.admit(&sent, &[Permission::Media, Permission::Screening]).is_ok());
        for needed in Permission::ALL.into_iter().filter(|p| *p != Permission::Media) {
            let refusal = access.admit(&sent, &[needed]).unwrap_err();
            assert_eq!((refusal.code(), refusal.reason()), (Code::PermissionDenied, "PERMISSION_MISSING"));
            assert!(refusal.message().contains(&format!("not allowed {needed};")), "{}", refusal.message());
        }
        let desk = AccessToken::new("crm", SECRET, None).unwrap().allowing(vec![Permission::Desk]);
        let access = AccessOptions { tenants: None, tokens: vec![desk] };
        assert_eq!(reason(access.admit_stream(&sent, None, &tenant("t"))), "PERMISSION_MISSING");
        assert_eq!(reason(access.admit_vendor(&sent)), "PERMISSION_MISSING");
    }

    #[test]
    fn a_vendor_sends_its_token_by_any_scheme_or_none() {
        let access = guarded();
        let password = STANDARD.encode(format!("ringcx:{SECRET}"));
        for value in [format!("Bearer {SECRET}"), format!("basic {password}"), SECRET.to_owned()] {
            let caller = access.admit_vendor(&headers(&[("authorization", &value)])).unwrap();
            assert_eq!((caller.tenant, caller.actor.as_deref()), (tenant("north"), Some("desk")), "{value}");
        }
        let long = "x".repeat(MAX_TOKEN_BYTES + 1);
        for value in ["", "wrong", "Token 0123456789abcdef0123456789abcdef", &password, &long] {
            let outcome = access.admit_vendor(&headers(&[("authorization", value)]));
            assert_eq!(reason(outcome), "TOKEN_NOT_VALID", "{value}");
        }
        assert_eq!(reason(access.admit_vendor(&HeaderMap::new())), "TOKEN_NOT_VALID");
    }

    #[test]
    fn permissions_are_known_by_their_names() {
        for known in Permission::ALL {
            assert_eq!(Permission::from_name(known.name()), Some(known));
        }
        assert_eq!(Permission::from_name("everything"), None);
    }

    #[test]
    fn short_tokens_are_refused_and_none_is_shown() {
        assert!(matches!(AccessToken::new("a", "hunter2", None), Err(ServerError::WeakToken { got: 7, .. })));
        let shown = format!("{:?}", guarded());
        assert!(shown.contains("desk") && !shown.contains("0123") && !shown.contains("digest"), "{shown}");
    }
}
