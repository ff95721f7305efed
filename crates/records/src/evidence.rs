use earmark_voiceprint::{ModelId, NetSpeech, ProxyId, Quality};

use crate::text::check_line;
use crate::voiceprint::check_quality;
use crate::{Code, FieldProblem, RecordsError, Timestamp};

/// The most evidence updates one call may have: one a second for over five hours.
pub const MAX_UPDATES_PER_CALL: u32 = 20_000;
/// The most excerpts one update may name.
pub const MAX_EXCERPTS_PER_UPDATE: usize = 16;
/// The most proxies one update may name.
pub const MAX_PROXIES_PER_UPDATE: usize = 32;
const MAX_REASONS: usize = 32;
const MAX_CALIBRATION_BYTES: usize = 256;
/// A week: no call is longer, and a nonsense number must not become a record.
const MAX_SECONDS: f64 = 7.0 * 24.0 * 3600.0;

/// How the voice compares with the claimed customer's own history.
#[derive(Clone, Debug, PartialEq)]
pub enum CustomerEvidence {
    /// The calibrated log-likelihood ratio, natural logarithm.
    Llr(f64),
    /// Why there is none: not enrolled, opted out, nobody claimed, not enough speech.
    None(Code),
}

/// How the voice compares with one listed proxy.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxyEvidence {
    /// Which. It may have been unlisted since.
    pub proxy: ProxyId,
    /// The calibrated log-likelihood ratio, natural logarithm.
    pub llr: f64,
    /// The probability that it is this proxy, 0 to 1.
    pub posterior: f64,
}

/// A stretch of the call, in seconds from its beginning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excerpt {
    /// Where it begins.
    pub start_s: f64,
    /// Where it ends; not before it begins.
    pub end_s: f64,
}

/// The probabilities of the hypotheses, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Posterior {
    /// The claimed customer; `None` if that was not among the hypotheses.
    pub customer: Option<f64>,
    /// Any listed proxy.
    pub listed_proxy: f64,
    /// Somebody else.
    pub somebody_else: f64,
}

/// What was known at one moment of a call, and what was decided from it.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceUpdate {
    /// Its number within the call, less than [`MAX_UPDATES_PER_CALL`]; each greater than the last.
    pub sequence: u32,
    /// When it was made.
    pub at: Timestamp,
    /// Who of those that spoke on the caller's leg one after the other it is about, from 1.
    pub speaker: u32,
    /// The speech heard so far.
    pub net_speech: NetSpeech,
    /// The audio heard so far, in seconds.
    pub audio_position_s: f64,
    /// The call's time by then, in seconds: it runs on over holds and lost audio.
    pub call_position_s: f64,
    /// How good the audio is so far, all fields finite; `None` where nothing was heard.
    pub quality: Option<Quality>,
    /// What was noticed about the audio; at most 32.
    pub warnings: Vec<Code>,
    /// Against the claimed customer.
    pub customer: CustomerEvidence,
    /// The likeliest listed proxies, best first; at most [`MAX_PROXIES_PER_UPDATE`].
    pub proxies: Vec<ProxyEvidence>,
    /// The probabilities; `None` where nothing could be compared.
    pub posterior: Option<Posterior>,
    /// What was decided.
    pub verdict: Code,
    /// The risk tier.
    pub risk: Code,
    /// Why, most important first; at most 32.
    pub reasons: Vec<Code>,
    /// The seconds worth listening to; at most [`MAX_EXCERPTS_PER_UPDATE`].
    pub excerpts: Vec<Excerpt>,
    /// The time spent computing it, in milliseconds.
    pub compute_ms: f64,
    /// Which calibration made the log-likelihood ratios; one line, at most 256 bytes.
    pub calibration: String,
    /// Which model made the voiceprint.
    pub model: ModelId,
}

impl EvidenceUpdate {
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        check_limit("evidence updates", self.sequence as usize + 1, MAX_UPDATES_PER_CALL as usize)?;
        check_limit("proxies", self.proxies.len(), MAX_PROXIES_PER_UPDATE)?;
        check_limit("reasons", self.reasons.len(), MAX_REASONS)?;
        check_limit("warnings", self.warnings.len(), MAX_REASONS)?;
        check_limit("excerpts", self.excerpts.len(), MAX_EXCERPTS_PER_UPDATE)?;
        for excerpt in &self.excerpts {
            check_seconds("excerpt", excerpt.start_s)?;
            check_seconds("excerpt", excerpt.end_s)?;
            check_range("excerpt", excerpt.start_s <= excerpt.end_s)?;
        }
        self.quality.as_ref().map_or(Ok(()), check_quality)?;
        check_line("calibration", &self.calibration, MAX_CALIBRATION_BYTES)?;
        check_seconds("audio position", self.audio_position_s)?;
        check_seconds("call position", self.call_position_s)?;
        check_range("compute time", self.compute_ms >= 0.0 && self.compute_ms.is_finite())?;
        if let CustomerEvidence::Llr(llr) = self.customer {
            check_range("customer llr", llr.is_finite())?;
        }
        for proxy in &self.proxies {
            check_range("proxy llr", proxy.llr.is_finite())?;
            check_probability(proxy.posterior)?;
        }
        if let Some(posterior) = self.posterior {
            posterior.customer.map_or(Ok(()), check_probability)?;
            check_probability(posterior.listed_proxy)?;
            check_probability(posterior.somebody_else)?;
        }
        Ok(())
    }
}

pub(crate) fn check_seconds(field: &'static str, seconds: f64) -> Result<(), RecordsError> {
    check_range(field, (0.0..=MAX_SECONDS).contains(&seconds))
}

fn check_probability(value: f64) -> Result<(), RecordsError> {
    check_range("posterior", (0.0..=1.0).contains(&value))
}

fn check_range(field: &'static str, good: bool) -> Result<(), RecordsError> {
    if good { Ok(()) } else { Err(RecordsError::field(field, FieldProblem::OutOfRange)) }
}

fn check_limit(field: &'static str, got: usize, max: usize) -> Result<(), RecordsError> {
    if got <= max { Ok(()) } else { Err(RecordsError::field(field, FieldProblem::TooLong { got, max })) }
}
