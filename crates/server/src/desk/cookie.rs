//! The cookies of the desk: one for each grant that a browser holds, so that two pages which open at
//! once don't drop each other's.

use std::cmp::Reverse;

use http::header::{COOKIE, HeaderMap, HeaderValue};

use super::token::{Grant, Purpose, Signer};

/// Calls on one desktop at once, and more. The oldest are dropped beyond it.
const MAX_GRANTS: usize = 12;
/// All of them together in a request: a proxy's usual room for one header line is 8 KiB, and other
/// programs of the same host have cookies too.
const MAX_HELD_BYTES: usize = 6000;
/// A name ends in so many hexadecimal digits of its grant's nonce.
const ID_DIGITS: usize = 12;

/// How the cookies are named and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CookieRules {
    /// Whether browsers reach the server over TLS.
    pub(super) secure: bool,
}

/// A cookie of ours in a request; without a grant if it is over or was never signed by us.
struct Held<'a> {
    id: &'a str,
    bytes: usize,
    grant: Option<Grant>,
}

impl CookieRules {
    /// Over TLS the prefix makes browsers refuse one that another host of the domain has set
    /// (RFC 6265bis, 4.1.3.2).
    fn prefix(self) -> &'static str {
        if self.secure { "__Host-earmark-desk-" } else { "earmark-desk-" }
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

    /// The grants that a request brings, the newest first; those that are over are left out.
    pub(super) fn grants(self, signer: &Signer, headers: &HeaderMap, now_ms: i64) -> Vec<Grant> {
        let held = self.held(signer, headers, now_ms);
        let mut grants: Vec<Grant> = held.into_iter().filter_map(|held| held.grant).collect();
        // A browser sends those it has longest first (RFC 6265, 5.4): of two alike the last is the newest.
        grants.reverse();
        grants.sort_by_key(|grant| Reverse(grant.expires_ms()));
        grants
    }

    /// The headers that add a grant to those a browser has, and take away what is over, somebody
    /// else's of the same scope, and the least needed where there is no more room.
    pub(super) fn set(
        self,
        signer: &Signer,
        new: &Grant,
        headers: &HeaderMap,
        now_ms: i64,
    ) -> Vec<HeaderValue> {
        let value = signer.sign(Purpose::Cookie, new);
        let mut held = self.held(signer, headers, now_ms);
        held.sort_by_cached_key(|held| held.grant.as_ref().map(|grant| need(grant, new)));
        let own = self.cookie(&id(new), &value, (new.expires_ms() - now_ms).max(0) / 1000);
        let mut set = Vec::from_iter(own);
        let (mut count, mut bytes) = (1, value.len());
        for held in &held {
            let wanted = held.grant.as_ref().is_some_and(|grant| !is_anothers(grant, new));
            if wanted && count < MAX_GRANTS && bytes + held.bytes <= MAX_HELD_BYTES {
                count += 1;
                bytes += held.bytes;
            } else {
                set.extend(self.cookie(held.id, "", 0));
            }
        }
        set
    }

    /// The cookies of ours that a request brings. What may be in one header bounds them.
    fn held<'a>(self, signer: &Signer, headers: &'a HeaderMap, now_ms: i64) -> Vec<Held<'a>> {
        let pairs = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let own = pairs.filter_map(|(name, value)| Some((name.strip_prefix(self.prefix())?, value)));
        own.filter(|(id, _)| is_id(id))
            .map(|(id, value)| Held {
                id,
                bytes: self.prefix().len() + id.len() + value.len(),
                grant: signer.check(Purpose::Cookie, value, now_ms).ok(),
            })
            .collect()
    }

    fn cookie(self, id: &str, value: &str, seconds: i64) -> Option<HeaderValue> {
        let text = format!("{}{id}={value}; Max-Age={seconds}; {}", self.prefix(), self.attributes());
        HeaderValue::from_str(&text).ok()
    }
}

fn id(grant: &Grant) -> String {
    // The low digits of a random UUID's first half hold its version.
    format!("{:012x}", grant.nonce().0 >> 16)
}

fn is_id(text: &str) -> bool {
    text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Somebody else had the same page before, who is not to be taken for the one who has it now.
fn is_anothers(held: &Grant, new: &Grant) -> bool {
    held.opens_the_same(new) && held.who() != new.who()
}

/// Pages that stay open all day are needed longer than a call's, and what the new grant opens as well
/// is needed least; of two alike, the older.
fn need(held: &Grant, new: &Grant) -> (bool, bool, Reverse<i64>) {
    (held.opens_the_same(new), held.call().is_some(), Reverse(held.expires_ms()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use earmark_voiceprint::TenantId;

    use super::super::token::Scope;
    use super::*;

    const PLAIN: CookieRules = CookieRules { secure: false };
    const TLS: CookieRules = CookieRules { secure: true };

    /// Cookies as a browser keeps them.
    #[derive(Default)]
    struct Browser(BTreeMap<String, String>);

    impl Browser {
        fn take(&mut self, set: &[HeaderValue]) {
            for set in set.iter().map(|set| set.to_str().unwrap()) {
                let (name, rest) = set.split_once('=').unwrap();
                if set.contains("; Max-Age=0;") {
                    self.0.remove(name);
                } else {
                    self.0.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
                }
            }
        }

        fn sends(&self) -> HeaderMap {
            let own = self.0.iter().map(|(name, value)| format!("{name}={value}"));
            let pairs: Vec<String> =
                ["other=1".to_owned()].into_iter().chain(own).chain(["last=2".to_owned()]).collect();
            HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(&pairs.join("; ")).unwrap())])
        }
    }

    fn signer() -> Signer {
        Signer::new(&[1; 32])
    }

    fn grant(scope: Scope, expires_ms: i64) -> Grant {
        Grant::new(&TenantId::new("default").unwrap(), scope, None, expires_ms)
    }

    fn call(id: &str, expires_ms: i64) -> Grant {
        grant(Scope::Call(id.into()), expires_ms)
    }

    #[test]
    fn every_grant_is_a_cookie_of_its_own() {
        let mut browser = Browser::default();
        // Both were asked for before either came back.
        let (a, b) = (call("a", 90_000), call("b", 91_000));
        let sets =
            [PLAIN.set(&signer(), &a, &browser.sends(), 0), PLAIN.set(&signer(), &b, &browser.sends(), 0)];
        sets.iter().for_each(|set| browser.take(set));
        assert_eq!(PLAIN.grants(&signer(), &browser.sends(), 0), [b, a]);
        assert!(PLAIN.grants(&Signer::new(&[2; 32]), &browser.sends(), 0).is_empty());
        assert!(PLAIN.grants(&signer(), &browser.sends(), 91_000).is_empty(), "over");
    }

    #[test]
    fn the_cookies_never_outgrow_a_request_and_a_page_of_all_day_stays() {
        let mut browser = Browser::default();
        let all_day = grant(Scope::Agent("a".into()), 1000);
        browser.take(&TLS.set(&signer(), &all_day, &browser.sends(), 0));
        for n in 2..40 {
            let next = call(&format!("{n:0>128}"), n * 1000);
            browser.take(&TLS.set(&signer(), &next, &browser.sends(), 0));
            let held = TLS.grants(&signer(), &browser.sends(), 0);
            assert!(held.len() <= MAX_GRANTS && held[0] == next && held.contains(&all_day), "{n}");
            assert_eq!(held.len(), browser.0.len(), "what is dropped leaves the browser");
            let bytes: usize = browser.0.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(bytes <= MAX_HELD_BYTES + 64, "{bytes}");
        }
        assert!(browser.0.len() > 5, "{}", browser.0.len());
    }

    #[test]
    fn what_is_over_or_not_ours_is_taken_away() {
        let mut browser = Browser::default();
        browser.take(&PLAIN.set(&signer(), &call("a", 1000), &browser.sends(), 0));
        browser.0.insert("earmark-desk-00000000000a".into(), "forged".into());
        browser.0.insert("earmark-desk-else".into(), "no name of ours".into());
        browser.take(&PLAIN.set(&signer(), &call("b", 9000), &browser.sends(), 5000));
        assert_eq!(browser.0.len(), 2, "{:?}", browser.0.keys());
        assert!(browser.0.contains_key("earmark-desk-else"));
    }

    #[test]
    fn is_sent_as_frames_and_plaintext_need_it() {
        let mut browser = Browser::default();
        let set = TLS.set(&signer(), &call("a", 90_000), &browser.sends(), 0);
        let text = set[0].to_str().unwrap();
        assert!(text.starts_with("__Host-earmark-desk-"), "{text}");
        assert!(
            text.ends_with("; Max-Age=90; Path=/; Secure; HttpOnly; SameSite=None; Partitioned"),
            "{text}"
        );
        let plain = PLAIN.set(&signer(), &call("a", 90_000), &browser.sends(), 0);
        assert!(plain[0].to_str().unwrap().ends_with("; Max-Age=90; Path=/; HttpOnly; SameSite=Lax"));
        browser.take(&plain);
        assert!(TLS.grants(&signer(), &browser.sends(), 0).is_empty(), "not under the other name");
    }
}
