//! The one cookie of the desk: a browser's grants, each signed, the newest first.

use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::token::{Grant, Purpose, Signer};

/// A browser keeps 4,096 bytes of a cookie (RFC 6265bis, 5.6); the attributes stay out of the count.
const MAX_VALUE_BYTES: usize = 3500;
/// Calls on one desktop at once, and more.
const MAX_GRANTS: usize = 12;
/// Between two grants: no character of a signed text, and one that cookies may hold.
const BETWEEN: char = '~';

/// How the cookie is named and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CookieRules {
    /// Whether browsers reach the server over TLS.
    pub(super) secure: bool,
}

impl CookieRules {
    /// Over TLS the prefix makes browsers refuse one that another host of the domain has set
    /// (RFC 6265bis, 4.1.3.2).
    fn name(self) -> &'static str {
        if self.secure { "__Host-earmark-desk" } else { "earmark-desk" }
    }

    /// A frame on another site gets the cookie only with `SameSite=None`, which needs TLS;
    /// `Partitioned` keeps it apart for each site that frames the page, and lets browsers that
    /// refuse third parties' cookies take it.
    fn attributes(self) -> &'static str {
        if self.secure {
            "Path=/; Secure; HttpOnly; SameSite=None; Partitioned"
        } else {
            "Path=/; HttpOnly; SameSite=Lax"
        }
    }

    /// The grants that a request brings, those that are over left out.
    pub(super) fn grants(self, signer: &Signer, headers: &HeaderMap, now_ms: i64) -> Vec<Grant> {
        let own = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name());
        own.flat_map(|(_, value)| value.split(BETWEEN))
            .take(MAX_GRANTS)
            .filter_map(|text| signer.check(Purpose::Cookie, text, now_ms).ok())
            .collect()
    }

    /// The header that adds a grant to those a browser has; the oldest are dropped where there is
    /// no more room.
    pub(super) fn set(
        self,
        signer: &Signer,
        new: &Grant,
        held: &[Grant],
        now_ms: i64,
    ) -> Option<HeaderValue> {
        let kept = held.iter().filter(|grant| !grant.opens_the_same(new));
        let mut value = String::new();
        for grant in std::iter::once(new).chain(kept).take(MAX_GRANTS) {
            let text = signer.sign(Purpose::Cookie, grant);
            if value.len() + text.len() >= MAX_VALUE_BYTES {
                break;
            }
            if !value.is_empty() {
                value.push(BETWEEN);
            }
            value.push_str(&text);
        }
        let latest = held.iter().map(Grant::expires_ms).fold(new.expires_ms(), i64::max);
        let seconds = (latest - now_ms).max(0) / 1000;
        let text = format!("{}={value}; Max-Age={seconds}; {}", self.name(), self.attributes());
        HeaderValue::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::TenantId;

    use super::super::token::Scope;
    use super::*;

    const PLAIN: CookieRules = CookieRules { secure: false };
    const TLS: CookieRules = CookieRules { secure: true };

    fn grant(scope: Scope, expires_ms: i64) -> Grant {
        Grant::new(&TenantId::new("default").unwrap(), scope, None, expires_ms)
    }

    fn call(id: &str) -> Grant {
        grant(Scope::Call(id.into()), 90_000)
    }

    /// What the browser sends back.
    fn sent_back(set: &HeaderValue) -> HeaderMap {
        let pair = set.to_str().unwrap().split_once(';').unwrap().0;
        let value = format!("other=1; {pair}; last=2");
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&value).unwrap())])
    }

    #[test]
    fn two_calls_in_one_browser_keep_their_grants() {
        let signer = Signer::new(&[1; 32]);
        let first = PLAIN.set(&signer, &call("a"), &[], 0).unwrap();
        let held = PLAIN.grants(&signer, &sent_back(&first), 0);
        let second = PLAIN.set(&signer, &call("b"), &held, 0).unwrap();
        let held = PLAIN.grants(&signer, &sent_back(&second), 0);
        let scopes: Vec<_> = held.iter().map(|g| g.scope().clone()).collect();
        assert_eq!(scopes, [Scope::Call("b".into()), Scope::Call("a".into())]);
        assert!(PLAIN.grants(&Signer::new(&[2; 32]), &sent_back(&second), 0).is_empty());
        assert!(PLAIN.grants(&signer, &sent_back(&second), 90_000).is_empty(), "over");
    }

    #[test]
    fn the_cookie_never_outgrows_a_browser() {
        let signer = Signer::new(&[1; 32]);
        let mut held = Vec::new();
        for n in 0..40 {
            let long = format!("{n:0>128}");
            let set = TLS.set(&signer, &call(&long), &held, 0).unwrap();
            assert!(set.len() < 4096);
            held = TLS.grants(&signer, &sent_back(&set), 0);
            assert_eq!(held[0].scope(), &Scope::Call(long));
        }
        assert!(held.len() > 3, "{}", held.len());
        let again = TLS.set(&signer, &held[0].clone(), &held, 0).unwrap();
        assert_eq!(TLS.grants(&signer, &sent_back(&again), 0).len(), held.len(), "one scope, one grant");
    }

    #[test]
    fn is_sent_as_frames_and_plaintext_need_it() {
        let signer = Signer::new(&[1; 32]);
        let set = TLS.set(&signer, &call("a"), &[], 0).unwrap();
        let set = set.to_str().unwrap();
        assert!(set.starts_with("__Host-earmark-desk="), "{set}");
        assert!(set.ends_with("; Max-Age=90; Path=/; Secure; HttpOnly; SameSite=None; Partitioned"), "{set}");
        let plain = PLAIN.set(&signer, &call("a"), &[], 0).unwrap();
        assert!(plain.to_str().unwrap().ends_with("; Max-Age=90; Path=/; HttpOnly; SameSite=Lax"));
        assert!(TLS.grants(&signer, &sent_back(&plain), 0).is_empty(), "not under the other name");
    }
}
