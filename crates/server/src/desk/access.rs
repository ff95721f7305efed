//! Who may see what.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use earmark_voiceprint::{CallId, TenantId};
use http::header::{HOST, HeaderMap, HeaderValue};
use http::{HeaderName, Uri};
use uuid::Uuid;

use super::cookie::CookieRules;
use super::query::parameter;
use super::token::{Grant, Nonce, Purpose, Scope, Signer};
use crate::access::DEFAULT_TENANT;

/// Used tokens are remembered until they are over, or until the server is started again, which ends
/// them all; more than this at once is no call center.
const MAX_REMEMBERED: usize = 100_000;
/// The header that only the pages' own scripts can send: a form or an image of another site can't.
const OWN_HEADER: HeaderName = HeaderName::from_static("x-earmark-desk");
/// What the browser itself says of where a request comes from (W3C Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What a proxy adds (RFC 7239, RFC 9110 and custom): whoever asks through one need not sit at this
/// machine, whatever name the proxy calls the server by.
const FORWARDED: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Keeps the door of the pages.
pub(super) struct Door {
    signer: Signer,
    cookie: CookieRules,
    /// Nobody needs a token here: the server is open to whoever reaches it, and that is this machine.
    open: bool,
    /// Told apart from every other start, so that no token is used again after a restart.
    start: u64,
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
    /// The token's time is over, or the server was started anew since.
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
    /// Whether their browser may see every call of the tenant, under whatever name it looks.
    sees_all: bool,
    /// When the session is over, in Unix milliseconds.
    pub(super) until_ms: i64,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked<'a> {
    Call(&'a CallId),
    Agent(&'a str),
    Supervisor,
    /// Whatever there may be a session for.
    Anything,
}

impl Asked<'_> {
    /// Whether a scope may hold it. An agent's calls are known by their records only, so whoever
    /// shows a call to an agent checks whose it is.
    fn within(self, scope: &Scope) -> bool {
        match (self, scope) {
            (_, Scope::Supervisor) | (Self::Anything, _) | (Self::Call(_), Scope::Agent(_)) => true,
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
            Scope::Agent(own) => self.sees_all || agent == Some(own),
            Scope::Call(_) | Scope::Supervisor => true,
        }
    }

    /// Whether a call may be waited for that has not begun, so that nobody knows yet whose it is.
    pub(super) fn may_wait(&self) -> bool {
        self.sees_all || !matches!(self.scope, Scope::Agent(_))
    }

    fn of(grant: &Grant) -> Option<Self> {
        Some(Self {
            tenant: grant.tenant()?,
            scope: grant.scope().clone(),
            who: grant.who().map(str::to_owned),
            sees_all: *grant.scope() == Scope::Supervisor,
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
            start: Uuid::new_v4().as_u64_pair().0,
            token_lifetime: token,
            session_lifetime: session,
            used: Mutex::default(),
        }
    }

    /// A token for this, good once and for a short time; and when it is over.
    pub(super) fn token(&self, tenant: &TenantId, scope: Scope, who: Option<String>) -> (String, i64) {
        let expires_ms = now_ms() + millis(self.token_lifetime);
        let grant = Grant::new(tenant, scope, who, expires_ms).of_start(self.start);
        (self.signer.sign(Purpose::Token, &grant), expires_ms)
    }

    /// What a token is for, without using it up.
    pub(super) fn peek(&self, token: &str) -> Result<Grant, Denied> {
        self.signer.read(Purpose::Token, token).map_err(|_| Denied::Forged)
    }

    /// Exchanges a token for the cookies to set. One that was used is good only for the browser that
    /// used it, so that a page can be loaded again by its first address; every other token begins a
    /// session of its own, also where one of the same scope is held: it may be somebody else's.
    pub(super) fn exchange(
        &self,
        token: &str,
        headers: &HeaderMap,
    ) -> Result<(Grant, Vec<HeaderValue>), Denied> {
        let now = now_ms();
        let asked = self.peek(token)?;
        let held = self.cookie.grants(&self.signer, headers, now);
        if let Some(own) = held.into_iter().find(|grant| grant.nonce() == asked.nonce()) {
            return Ok((own, Vec::new()));
        }
        if asked.expires_ms() <= now || !asked.is_of_start(self.start) {
            return Err(Denied::Expired);
        }
        self.use_up(&asked, now)?;
        let grant = asked.session(now + millis(self.session_lifetime));
        let cookies = self.cookie.set(&self.signer, &grant, headers, now);
        Ok((grant, cookies))
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
        // The narrowest first, it knows best who looks; of two alike, the newest.
        let rank = |scope: &Scope| match scope {
            Scope::Call(_) => 0,
            Scope::Agent(_) => 1,
            Scope::Supervisor => 2,
        };
        let within = || grants.iter().filter(|grant| asked.within(grant.scope()));
        let found = within().min_by_key(|grant| rank(grant.scope())).and_then(Viewer::of);
        match found {
            Some(viewer) => {
                let sees_all = |own: Viewer| own.sees_all && own.tenant == viewer.tenant;
                Ok(Viewer { sees_all: within().filter_map(Viewer::of).any(sees_all), ..viewer })
            }
            None if self.open && from_here(headers, uri) => self.anybody(asked, uri),
            None => Err(Denied::NoSession),
        }
    }

    /// Whoever sits at this machine, where the server asks for no tokens.
    fn anybody(&self, asked: Asked<'_>, uri: &Uri) -> Result<Viewer, Denied> {
        let tenant = parameter(uri.query(), "tenant").unwrap_or_else(|| DEFAULT_TENANT.to_owned());
        let tenant = TenantId::new(&tenant).map_err(|_| Denied::NoSession)?;
        let who = match asked {
            Asked::Agent(agent) => Some(agent.to_owned()),
            Asked::Call(_) | Asked::Supervisor | Asked::Anything => None,
        };
        Ok(Viewer { tenant, scope: Scope::Supervisor, who, sees_all: true, until_ms: i64::MAX })
    }
}

/// Whether a request to an open server comes from this machine itself.
fn from_here(headers: &HeaderMap, uri: &Uri) -> bool {
    local_host(headers, uri) && !FORWARDED.iter().any(|name| headers.contains_key(*name))
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

    /// What a browser with a cookie for each of these sends.
    fn cookies(set: &[HeaderValue]) -> HeaderMap {
        let pairs = set.iter().map(|set| set.to_str().unwrap().split(';').next().unwrap());
        header(COOKIE, &pairs.collect::<Vec<_>>().join("; "))
    }

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_is_exchanged_once() {
        let door = closed();
        let (token, _) = door.token(&tenant(), Scope::Call("a".into()), Some("agent-7".into()));
        let (grant, set) = door.exchange(&token, &HeaderMap::new()).unwrap();
        let cookie = cookies(&set);
        assert_eq!(grant.call().unwrap(), call("a"));
        assert_eq!(door.exchange(&token, &HeaderMap::new()).unwrap_err(), Denied::Used);
        let (_, set) = door.exchange(&token, &cookie).expect("the browser that used it may come back");
        assert!(set.is_empty());
        let viewer = door.viewer(Asked::Call(&call("a")), &cookie, &uri("/pop")).unwrap();
        assert_eq!((viewer.tenant.as_str(), viewer.who.as_deref()), ("north", Some("agent-7")));
    }

    /// The next one at the same desk is not taken for the one before, and begins a whole session.
    #[test]
    fn a_new_token_of_the_same_scope_is_a_new_session_under_its_own_name() {
        let door = closed();
        let exchange = |who: &str, held: &HeaderMap| {
            let (token, _) = door.token(&tenant(), Scope::Supervisor, Some(who.into()));
            (door.exchange(&token, held).unwrap().1, token)
        };
        let (first, old_token) = exchange("chen", &HeaderMap::new());
        let held = cookies(&first);
        let (second, token) = exchange("wang", &held);
        let gone = second.iter().find(|set| set.to_str().unwrap().contains("Max-Age=0")).unwrap();
        let name = |set: &HeaderValue| set.to_str().unwrap().split('=').next().unwrap().to_owned();
        assert_eq!(name(gone), name(&first[0]), "the one before is signed out");
        let both = cookies(&[first[0].clone(), second[0].clone()]);
        let viewer = door.viewer(Asked::Supervisor, &both, &uri("/supervisor")).unwrap();
        assert_eq!(viewer.who.as_deref(), Some("wang"));
        assert_eq!(door.exchange(&token, &HeaderMap::new()).unwrap_err(), Denied::Used);
        let own = cookies(&second[..1]);
        assert_eq!(door.exchange(&old_token, &own).unwrap_err(), Denied::Used);
    }

    /// A team lead who also takes calls acts as the agent, and sees what the supervisor's session shows.
    #[test]
    fn a_browser_with_both_sessions_sees_every_call_under_the_agents_name() {
        let door = closed();
        let exchange = |scope, who: &str| {
            let (token, _) = door.token(&tenant(), scope, Some(who.into()));
            door.exchange(&token, &HeaderMap::new()).unwrap().1.remove(0)
        };
        let agent = exchange(Scope::Agent("7".into()), "agent-7");
        let both = cookies(&[agent.clone(), exchange(Scope::Supervisor, "lead")]);
        let viewer = |held| door.viewer(Asked::Call(&call("a")), held, &uri("/events")).unwrap();
        let (alone, both) = (viewer(&cookies(&[agent])), viewer(&both));
        assert_eq!(both.who.as_deref(), Some("agent-7"));
        assert!(both.may_see(Some("8")) && both.may_wait());
        assert!(!alone.may_see(Some("8")) && !alone.may_wait());
    }

    #[test]
    fn two_frames_that_open_at_once_both_get_in() {
        let door = closed();
        let sets: Vec<HeaderValue> = ["a", "b"]
            .iter()
            .flat_map(|id| {
                let (token, _) = door.token(&tenant(), Scope::Call((*id).into()), None);
                // Neither request has the other's cookie yet.
                door.exchange(&token, &HeaderMap::new()).unwrap().1
            })
            .collect();
        let browser = cookies(&sets);
        for id in ["a", "b"] {
            assert!(door.viewer(Asked::Call(&call(id)), &browser, &uri("/pop")).is_ok(), "{id}");
        }
    }

    #[test]
    fn a_token_ends_with_the_server_that_made_it_and_a_session_does_not() {
        let before = closed();
        let (used, _) = before.token(&tenant(), Scope::Supervisor, None);
        let session = cookies(&before.exchange(&used, &HeaderMap::new()).unwrap().1);
        let (unused, _) = before.token(&tenant(), Scope::Supervisor, None);
        let after = closed();
        for token in [&used, &unused] {
            assert_eq!(after.exchange(token, &HeaderMap::new()).unwrap_err(), Denied::Expired);
        }
        assert!(after.viewer(Asked::Supervisor, &session, &uri("/supervisor")).is_ok());
        assert!(after.exchange(&used, &session).unwrap().1.is_empty(), "a reload where it was used");
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
            cookies(&door.exchange(&token, &HeaderMap::new()).unwrap().1)
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
    fn nobody_behind_a_proxy_sits_at_this_machine() {
        let door = door(true, Duration::from_secs(60));
        for name in FORWARDED {
            let mut headers = header(HOST, "127.0.0.1:50051");
            assert!(door.viewer(Asked::Supervisor, &headers, &uri("/supervisor")).is_ok());
            headers.insert(name, HeaderValue::from_static("10.1.2.3"));
            let seen = door.viewer(Asked::Supervisor, &headers, &uri("/supervisor"));
            assert_eq!(seen.unwrap_err(), Denied::NoSession, "{name}");
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
