//! Who may see what.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use earmark_voiceprint::{CallId, TenantId};
use http::header::{HOST, HeaderMap, HeaderValue};
use http::{HeaderName, Uri};

use super::cookie::CookieRules;
use super::query::parameter;
use super::token::{Grant, Nonce, Purpose, Scope, Signer};
use crate::access::DEFAULT_TENANT;

/// Used tokens are remembered until they are over; more than this at once is no call center.
const MAX_REMEMBERED: usize = 100_000;
/// The header that only the pages' own scripts can send: a form or an image of another site can't.
const OWN_HEADER: HeaderName = HeaderName::from_static("x-earmark-desk");
/// What the browser itself says of where a request comes from (W3C Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Keeps the door of the pages.
pub(super) struct Door {
    signer: Signer,
    cookie: CookieRules,
    /// Nobody needs a token here: the server is open to whoever reaches it, and that is this machine.
    open: bool,
    token_lifetime: Duration,
    session_lifetime: Duration,
    used: Mutex<HashMap<Nonce, i64>>,
}

/// Why somebody may not see a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// No cookie, none that is valid, or none for this.
    NoSession,
    /// The token is not ours or altered.
    Forged,
    /// The token's time is over.
    Expired,
    /// The token was used before.
    Used,
    /// The token is for another page.
    OtherPage,
    /// Too many tokens are remembered.
    Busy,
}

/// Somebody who may see something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Viewer {
    pub(super) tenant: TenantId,
    pub(super) scope: Scope,
    /// Who it is, where that is known.
    pub(super) who: Option<String>,
    /// When the session is over, in Unix milliseconds.
    pub(super) until_ms: i64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked<'a> {
    Call(&'a CallId),
    Agent(&'a str),
    Supervisor,
}

impl Asked<'_> {
    /// Whether a scope may hold it. An agent's calls are known by their records only, so whoever
    /// shows a call to an agent checks whose it is.
    fn within(self, scope: &Scope) -> bool {
        match (self, scope) {
            (_, Scope::Supervisor) | (Self::Call(_), Scope::Agent(_)) => true,
            (Self::Call(call), Scope::Call(own)) => call.as_str() == own,
            (Self::Agent(agent), Scope::Agent(own)) => agent == own,
            _ => false,
        }
    }
}

impl Viewer {
    /// Whether a call of this agent may be shown.
    pub(super) fn may_see(&self, agent: Option<&str>) -> bool {
        match &self.scope {
            Scope::Agent(own) => agent == Some(own),
            Scope::Call(_) | Scope::Supervisor => true,
        }
    }

    /// Whether a call may be waited for that has not begun, so that nobody knows yet whose it is.
    pub(super) fn may_wait(&self) -> bool {
        !matches!(self.scope, Scope::Agent(_))
    }

    fn of(grant: &Grant) -> Option<Self> {
        Some(Self {
            tenant: grant.tenant()?,
            scope: grant.scope().clone(),
            who: grant.who().map(str::to_owned),
            until_ms: grant.expires_ms(),
        })
    }
}

impl Door {
    pub(super) fn new(key: &[u8; 32], secure: bool, open: bool, token: Duration, session: Duration) -> Self {
        Self {
            signer: Signer::new(key),
            cookie: CookieRules { secure },
            open,
            token_lifetime: token,
            session_lifetime: session,
            used: Mutex::default(),
        }
    }

    /// A token for this, good once and for a short time; and when it is over.
    pub(super) fn token(&self, tenant: &TenantId, scope: Scope, who: Option<String>) -> (String, i64) {
        let expires_ms = now_ms() + millis(self.token_lifetime);
        (self.signer.sign(Purpose::Token, &Grant::new(tenant, scope, who, expires_ms)), expires_ms)
    }

    /// What a token is for, without using it up.
    pub(super) fn peek(&self, token: &str) -> Result<Grant, Denied> {
        self.signer.read(Purpose::Token, token).map_err(|_| Denied::Forged)
    }

    /// Exchanges a token for a cookie. One that was used is good only for the browser that used it,
    /// so that a page can be loaded again by its first address.
    pub(super) fn exchange(
        &self,
        token: &str,
        headers: &HeaderMap,
    ) -> Result<(Grant, Option<HeaderValue>), Denied> {
        let now = now_ms();
        let asked = self.peek(token)?;
        let held = self.cookie.grants(&self.signer, headers, now);
        if let Some(own) = held.iter().find(|grant| grant.opens_the_same(&asked)) {
            return Ok((own.clone(), None));
        }
        if asked.expires_ms() <= now {
            return Err(Denied::Expired);
        }
        self.use_up(&asked, now)?;
        let tenant = asked.tenant().ok_or(Denied::Forged)?;
        let who = asked.who().map(str::to_owned);
        let grant = Grant::new(&tenant, asked.scope().clone(), who, now + millis(self.session_lifetime));
        let cookie = self.cookie.set(&self.signer, &grant, &held, now);
        Ok((grant, cookie))
    }

    fn use_up(&self, token: &Grant, now: i64) -> Result<(), Denied> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.contains_key(&token.nonce()) {
            return Err(Denied::Used);
        }
        if used.len() >= MAX_REMEMBERED {
            used.retain(|_, expires| *expires > now);
        }
        if used.len() >= MAX_REMEMBERED {
            return Err(Denied::Busy);
        }
        used.insert(token.nonce(), token.expires_ms());
        Ok(())
    }

    /// Who asks, if they may.
    pub(super) fn viewer(&self, asked: Asked<'_>, headers: &HeaderMap, uri: &Uri) -> Result<Viewer, Denied> {
        let grants = self.cookie.grants(&self.signer, headers, now_ms());
        // The narrowest first: it knows best who looks.
        let rank = |scope: &Scope| match scope {
            Scope::Call(_) => 0,
            Scope::Agent(_) => 1,
            Scope::Supervisor => 2,
        };
        let within = grants.iter().filter(|grant| asked.within(grant.scope()));
        let found = within.min_by_key(|grant| rank(grant.scope())).and_then(Viewer::of);
        match found {
            Some(viewer) => Ok(viewer),
            None if self.open && local_host(headers, uri) => self.anybody(asked, uri),
            None => Err(Denied::NoSession),
        }
    }

    /// Whoever sits at this machine, where the server asks for no tokens.
    fn anybody(&self, asked: Asked<'_>, uri: &Uri) -> Result<Viewer, Denied> {
        let tenant = parameter(uri.query(), "tenant").unwrap_or_else(|| DEFAULT_TENANT.to_owned());
        let tenant = TenantId::new(&tenant).map_err(|_| Denied::NoSession)?;
        let who = match asked {
            Asked::Agent(agent) => Some(agent.to_owned()),
            Asked::Call(_) | Asked::Supervisor => None,
        };
        Ok(Viewer { tenant, scope: Scope::Supervisor, who, until_ms: i64::MAX })
    }
}

/// A page of another site can have its own name point to this machine (DNS rebinding); its requests
/// then still carry that name.
fn local_host(headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = named.or_else(|| uri.authority().map(http::uri::Authority::as_str)) else {
        return false;
    };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let address = name.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether a request that changes something comes from a page of this server: only its scripts can
/// send the header without the browser asking first, and the browser says that they are of here.
pub(super) fn is_own(headers: &HeaderMap) -> bool {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    headers.contains_key(OWN_HEADER) && site.is_none_or(|site| site == b"same-origin")
}

pub(super) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    millis(since)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    fn door(open: bool, token: Duration) -> Door {
        Door::new(&[3; 32], false, open, token, Duration::from_secs(3600))
    }

    fn closed() -> Door {
        door(false, Duration::from_secs(60))
    }

    fn tenant() -> TenantId {
        TenantId::new("north").unwrap()
    }

    fn call(id: &str) -> CallId {
        CallId::new(id).unwrap()
    }

    fn header(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    fn cookie(set: &HeaderValue) -> HeaderMap {
        header(COOKIE, set.to_str().unwrap().split(';').next().unwrap())
    }

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_is_exchanged_once() {
        let door = closed();
        let (token, _) = door.token(&tenant(), Scope::Call("a".into()), Some("agent-7".into()));
        let (grant, set) = door.exchange(&token, &HeaderMap::new()).unwrap();
        let cookie = cookie(&set.unwrap());
        assert_eq!(grant.call().unwrap(), call("a"));
        assert_eq!(door.exchange(&token, &HeaderMap::new()).unwrap_err(), Denied::Used);
        let (_, set) = door.exchange(&token, &cookie).expect("the browser that used it may come back");
        assert!(set.is_none());
        let viewer = door.viewer(Asked::Call(&call("a")), &cookie, &uri("/pop")).unwrap();
        assert_eq!((viewer.tenant.as_str(), viewer.who.as_deref()), ("north", Some("agent-7")));
    }

    #[test]
    fn a_token_that_is_late_or_forged_opens_nothing() {
        let door = door(false, Duration::ZERO);
        let (token, _) = door.token(&tenant(), Scope::Supervisor, None);
        assert_eq!(door.exchange(&token, &HeaderMap::new()).unwrap_err(), Denied::Expired);
        assert_eq!(door.exchange(&(token + "A"), &HeaderMap::new()).unwrap_err(), Denied::Forged);
    }

    #[test]
    fn a_grant_opens_its_scope_only() {
        let door = closed();
        let held = |scope| {
            let (token, _) = door.token(&tenant(), scope, None);
            cookie(&door.exchange(&token, &HeaderMap::new()).unwrap().1.unwrap())
        };
        let sees = |cookie: &HeaderMap, asked| door.viewer(asked, cookie, &uri("/events")).is_ok();
        let (a, b) = (call("a"), call("b"));
        let one_call = held(Scope::Call("a".into()));
        assert!(sees(&one_call, Asked::Call(&a)) && !sees(&one_call, Asked::Call(&b)));
        assert!(!sees(&one_call, Asked::Agent("7")) && !sees(&one_call, Asked::Supervisor));
        let agent = held(Scope::Agent("7".into()));
        assert!(sees(&agent, Asked::Agent("7")) && !sees(&agent, Asked::Agent("8")));
        assert!(!sees(&agent, Asked::Supervisor));
        let viewer = door.viewer(Asked::Call(&a), &agent, &uri("/events")).unwrap();
        assert!(viewer.may_see(Some("7")) && !viewer.may_see(Some("8")) && !viewer.may_see(None));
        let all = held(Scope::Supervisor);
        assert!(
            sees(&all, Asked::Call(&b)) && sees(&all, Asked::Agent("8")) && sees(&all, Asked::Supervisor)
        );
        assert!(!sees(&HeaderMap::new(), Asked::Call(&a)));
    }

    #[test]
    fn an_open_server_shows_its_pages_to_this_machine_under_its_own_names_only() {
        let door = door(true, Duration::from_secs(60));
        let sees = |host: &str| {
            door.viewer(Asked::Supervisor, &header(HOST, host), &uri("/supervisor?tenant=south"))
        };
        for host in ["localhost:50051", "127.0.0.1:1", "[::1]:2", "127.0.0.2"] {
            assert_eq!(sees(host).unwrap().tenant.as_str(), "south", "{host}");
        }
        for host in ["evil.example:50051", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", ""] {
            assert_eq!(sees(host).unwrap_err(), Denied::NoSession, "{host}");
        }
    }

    #[test]
    fn only_the_pages_themselves_may_change_something() {
        let mut headers = header(OWN_HEADER, "1");
        assert!(is_own(&headers) && !is_own(&HeaderMap::new()));
        for (site, own) in
            [("same-origin", true), ("same-site", false), ("cross-site", false), ("none", false)]
        {
            headers.insert(FETCH_SITE, HeaderValue::from_static(site));
            assert_eq!(is_own(&headers), own, "{site}");
        }
    }
}
