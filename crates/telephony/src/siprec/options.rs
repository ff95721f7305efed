use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use crate::ProtocolError;

/// How a recording server answers.
#[derive(Clone, Debug)]
pub struct SiprecOptions {
    /// The address that is told for SIP and for media: one that the far end can reach.
    pub public_address: IpAddr,
    /// The SIP port that is told.
    pub sip_port: u16,
    /// Who may invite; empty for all that reach the port.
    pub peers: Vec<IpAddr>,
    /// Recordings at once; further ones are turned away with 503.
    pub max_recordings: usize,
    /// Which stream is the customer's.
    pub roles: RoleRules,
    /// Names of SIP headers of the INVITE that carry the call's own id, the claimed customer, the agent
    /// and the scene. Without the first the Call-ID of the recording session is the call's id.
    pub call_id_header: Option<String>,
    /// See [`SiprecOptions::call_id_header`].
    pub customer_id_header: Option<String>,
    /// See [`SiprecOptions::call_id_header`].
    pub agent_id_header: Option<String>,
    /// See [`SiprecOptions::call_id_header`].
    pub scene_header: Option<String>,
    /// Take RTP from any address, not only from that of the session description or of the far end.
    pub any_rtp_source: bool,
}

impl SiprecOptions {
    /// Whether who has this address may invite; one of IPv4 on a socket of IPv6 is itself.
    #[must_use]
    pub fn may_invite(&self, address: IpAddr) -> bool {
        self.peers.is_empty() || self.peers.contains(&address.to_canonical())
    }
}

impl Default for SiprecOptions {
    fn default() -> Self {
        Self {
            public_address: Ipv4Addr::LOCALHOST.into(),
            sip_port: 5060,
            peers: Vec::new(),
            max_recordings: 256,
            roles: RoleRules::default(),
            call_id_header: None,
            customer_id_header: None,
            agent_id_header: None,
            scene_header: None,
            any_rtp_source: false,
        }
    }
}

/// What tells the customer's stream from the agent's, in this order; a call that none decides waits on
/// hold for a description that does.
#[derive(Clone, Debug, Default)]
pub struct RoleRules {
    /// Labels (`a=label`) of customers' streams.
    pub customer_labels: Vec<String>,
    /// Addresses of record of agents, as the metadata has them: the customer is who is none.
    pub agent_aors: Vec<AorPattern>,
    /// The customer's place among the audio streams of the session description, from 1, for a far end
    /// that always keeps an order.
    pub customer_line: Option<usize>,
}

/// An address of record with `*` for any number of letters, such as `sip:7???@*`; `?` is one letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AorPattern(Vec<char>);

impl FromStr for AorPattern {
    type Err = ProtocolError;

    fn from_str(text: &str) -> Result<Self, ProtocolError> {
        match text.len() {
            1..=256 => Ok(Self(text.to_lowercase().chars().collect())),
            _ => Err(ProtocolError::BadField {
                field: "agent_aors",
                problem: "a pattern has 1 to 256 bytes".into(),
            }),
        }
    }
}

impl AorPattern {
    /// Whether the address fits, whatever its case.
    #[must_use]
    pub fn fits(&self, aor: &str) -> bool {
        let aor: Vec<char> = aor.to_lowercase().chars().collect();
        let (mut at, mut pattern) = (0, 0);
        // Where to go on from if this way fails: the last star, and how much it takes.
        let mut star = None;
        loop {
            match (self.0.get(pattern), aor.get(at)) {
                (None, None) => return true,
                (Some('*'), _) => {
                    star = Some((pattern, at));
                    pattern += 1;
                }
                (Some('?'), Some(_)) => (at, pattern) = (at + 1, pattern + 1),
                (Some(wanted), Some(letter)) if wanted == letter => (at, pattern) = (at + 1, pattern + 1),
                _ => match star {
                    Some((place, from)) if from < aor.len() => {
                        star = Some((place, from + 1));
                        (at, pattern) = (from + 1, place + 1);
                    }
                    _ => return false,
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, aor: &str) -> bool {
        pattern.parse::<AorPattern>().unwrap().fits(aor)
    }

    #[test]
    fn patterns_fit_as_file_names_do() {
        assert!(fits("sip:7???@*", "sip:7001@pbx") && !fits("sip:7???@*", "sip:70012@pbx"));
        assert!(
            fits("*@Agents.example", "SIP:a@agents.EXAMPLE") && !fits("*@agents", "sip:a@agents.example")
        );
        assert!(fits("*", "") && fits("a*b*c", "a-b-b-c") && !fits("a*b*c", "a-b-b-"));
        assert!("".parse::<AorPattern>().is_err());
    }

    proptest! {
        #[test]
        fn as_the_plain_definition_says(pattern in "[ab*?]{1,6}", aor in "[ab]{0,7}") {
            fn plain(pattern: &[u8], aor: &[u8]) -> bool {
                match (pattern.split_first(), aor.split_first()) {
                    (None, rest) => rest.is_none(),
                    (Some((b'*', rest)), _) => (0..=aor.len()).any(|skip| plain(rest, &aor[skip..])),
                    (Some((wanted, rest)), Some((letter, tail))) => {
                        (*wanted == b'?' || wanted == letter) && plain(rest, tail)
                    }
                    (Some(_), None) => false,
                }
            }
            prop_assert_eq!(fits(&pattern, &aor), plain(pattern.as_bytes(), aor.as_bytes()));
        }
    }
}
