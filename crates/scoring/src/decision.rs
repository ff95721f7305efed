use earmark_voiceprint::{NetSpeech, Quality};

use crate::{Llr, Posterior, Reason, RiskTier, Verdict};

/// What is known about the claimed customer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CustomerEvidence {
    /// The voice was compared with the customer's history.
    Scored(Llr),
    /// The customer has no voiceprint.
    NotEnrolled,
    /// The customer does not want voiceprints.
    OptedOut,
    /// The call names no customer.
    NotClaimed,
    /// The customer is enrolled, but there is too little speech for a voiceprint to compare.
    TooShort,
}

impl CustomerEvidence {
    /// The LLR, where there is one.
    #[must_use]
    pub fn llr(self) -> Option<Llr> {
        match self {
            Self::Scored(llr) => Some(llr),
            _ => None,
        }
    }
}

/// All that speaks for or against the hypotheses at one moment of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence<'a, K> {
    /// The claimed customer's side.
    pub customer: CustomerEvidence,
    /// The best hits in the proxy list, in any order. Leave it empty, with a `list_size` of 0, for
    /// a caller whose voice may not be compared with the list.
    pub listed: &'a [(K, Llr)],
    /// How many proxies were searched.
    pub list_size: usize,
    /// The caller's speech so far.
    pub net_speech: NetSpeech,
    /// The quality of the caller's audio.
    pub quality: Option<Quality>,
    /// Whether more than one voice was heard on the caller's channel: nothing firm can then be said
    /// of "the caller".
    pub several_voices: bool,
}

/// A verdict with all that led to it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Decision<K> {
    /// What the call comes to.
    pub verdict: Verdict,
    /// How much care it needs.
    pub risk: RiskTier,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
    /// How likely each hypothesis is. With too little speech these are numbers all the same, but
    /// nothing was decided on them.
    pub posterior: Posterior<K>,
    /// The claimed customer's side, as it was given.
    pub customer: CustomerEvidence,
    /// The best listed hit and its LLR.
    pub best_listed: Option<(K, Llr)>,
    /// The LLR, in nats, that a listed hit needed for a tag at this look. None without a list.
    pub tag_threshold: Option<f64>,
    /// The speech it rests on.
    pub net_speech: NetSpeech,
}
