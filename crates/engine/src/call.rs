use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use earmark_audio::Warning;
use earmark_records::{CallAmendment, Excerpt, Outcome, StoredOutcome, Timestamp};
use earmark_scoring::{Reason, RiskTier, Verdict};
use earmark_voiceprint::{CallId, CustomerId, ModelId, NetSpeech, ProxyId, Quality, TenantId};

/// What is known of a call beside its audio.
#[derive(Clone, PartialEq, Eq)]
pub struct CallInfo {
    /// The telephony system's own key; one screening a call.
    pub call_id: CallId,
    /// Whom the caller says they are.
    pub claimed: Option<CustomerId>,
    /// The number the call came from.
    pub caller_number: Option<String>,
    /// Who answers.
    pub agent: Option<String>,
    /// What the call is about: `hotline`, `collections`, `complaint`, or the institution's own word.
    pub scene: Option<String>,
}

/// A number is a person's: that there is one is all that is shown.
impl fmt::Debug for CallInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call_id, claimed, caller_number, agent, scene } = self;
        f.debug_struct("CallInfo")
            .field("call_id", call_id)
            .field("claimed", claimed)
            .field("caller_number", &caller_number.as_ref().map(|_| "hidden"))
            .field("agent", agent)
            .field("scene", scene)
            .finish()
    }
}

impl CallInfo {
    /// A call of which nothing but its key is known.
    #[must_use]
    pub fn unknown(call_id: CallId) -> Self {
        Self { call_id, claimed: None, caller_number: None, agent: None, scene: None }
    }

    /// Takes over what `amendment` says.
    pub(crate) fn amend(&mut self, amendment: &CallAmendment) {
        let CallAmendment { claimed_customer, caller_number, agent, scene } = amendment.clone();
        self.claimed = claimed_customer.or_else(|| self.claimed.take());
        self.caller_number = caller_number.or_else(|| self.caller_number.take());
        self.agent = agent.or_else(|| self.agent.take());
        self.scene = scene.or_else(|| self.scene.take());
    }
}

/// What was heard so far.
#[derive(Clone, Debug, PartialEq)]
pub struct SpeechSummary {
    /// Audio taken in, in seconds.
    pub audio_s: f64,
    /// The speech in it.
    pub net_speech: NetSpeech,
    /// How good it is; none where nothing was heard.
    pub quality: Option<Quality>,
    /// What was noticed.
    pub warnings: Vec<WarningCode>,
}

impl SpeechSummary {
    /// Nothing was heard.
    pub(crate) fn nothing() -> Self {
        Self { audio_s: 0.0, net_speech: NetSpeech::ZERO, quality: None, warnings: Vec::new() }
    }
}

/// The stable name of something noticed about the audio, such as `CLIPPING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WarningCode(pub(crate) &'static str);

impl WarningCode {
    pub(crate) const MIXED_CHANNELS: Self = Self("MIXED_CHANNELS");

    const ALL: [&'static str; 7] = [
        "MIXED_CHANNELS",
        "LIKELY_WRONG_ENCODING",
        "END_MARK_MISSING",
        "UNREAD_BYTES",
        "DIGITAL_SILENCE",
        "DC_OFFSET",
        "CLIPPING",
    ];

    /// The code as text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The warning with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known == code).map(Self)
    }
}

impl From<&Warning> for WarningCode {
    fn from(warning: &Warning) -> Self {
        Self(match warning {
            Warning::MixedChannels { .. } => "MIXED_CHANNELS",
            Warning::LikelyWrongEncoding { .. } => "LIKELY_WRONG_ENCODING",
            Warning::EndMarkMissing => "END_MARK_MISSING",
            Warning::UnreadBytes { .. } => "UNREAD_BYTES",
            Warning::DigitalSilence { .. } => "DIGITAL_SILENCE",
            Warning::DcOffset { .. } => "DC_OFFSET",
            Warning::Clipping { .. } => "CLIPPING",
            _ => "OTHER",
        })
    }
}

/// The comparison with one listed proxy.
#[derive(Clone, Debug, PartialEq)]
pub struct ProxyEvidence {
    /// The listing.
    pub proxy: ProxyId,
    /// What a desktop may show of it.
    pub label: Arc<str>,
    /// "This proxy" against "somebody else": a calibrated LLR, in nats.
    pub llr: f64,
    /// The probability that the caller is this proxy, given the priors.
    pub posterior: f64,
}

/// The comparison with the claimed customer's history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CustomerComparison {
    /// "The customer" against "somebody else": a calibrated LLR, in nats.
    Llr(f64),
    /// The customer has no voiceprint.
    NotEnrolled,
    /// The customer does not want voiceprints.
    OptedOut,
    /// The call names no customer.
    NotClaimed,
    /// Too little speech for a voiceprint.
    TooShort,
}

/// How likely each hypothesis is; they sum to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hypotheses {
    /// It is the customer.
    pub customer: f64,
    /// It is somebody on the proxy list, whoever of them.
    pub listed_proxy: f64,
    /// It is somebody else.
    pub somebody_else: f64,
}

/// The evidence at one moment of a call, as it is told and as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct CallUpdate {
    /// The call.
    pub call: CallInfo,
    /// Counts a call's updates from 1.
    pub sequence: u32,
    /// Set on the last one only.
    pub is_final: bool,
    /// Who of those that spoke on the caller's leg one after the other it is about, from 1: at a
    /// transfer the evidence begins anew.
    pub speaker: u32,
    /// What was heard so far.
    pub speech: SpeechSummary,
    /// The call's time by then, in seconds, as of the excerpts: it runs on over holds and lost audio.
    pub call_s: f64,
    /// The 1:1 evidence.
    pub customer: CustomerComparison,
    /// The best hits of the proxy library, best first, at most [`MAX_PROXIES_SHOWN`].
    pub proxies: Vec<ProxyEvidence>,
    /// None where there was too little speech to score.
    pub posterior: Option<Hypotheses>,
    /// What it amounts to.
    pub verdict: Verdict,
    /// How much care it needs.
    pub risk: RiskTier,
    /// Why, the weightiest first.
    pub reasons: Vec<Reason>,
    /// The seconds worth listening to, by the call's time: what speaks most for the verdict. At most
    /// [`MAX_EXCERPTS`], in order.
    pub excerpts: Vec<Excerpt>,
    /// The model behind the voiceprints.
    pub model: ModelId,
    /// The back end and calibration behind the LLRs.
    pub calibration: Arc<str>,
    /// Processor time this update took.
    pub compute: Duration,
    /// When it was made.
    pub at: Timestamp,
}

/// What a call's end brings.
#[derive(Clone, Debug, PartialEq)]
pub struct LastUpdates {
    /// Those that could not be kept before, and so were not told before, in order.
    pub waited: Vec<CallUpdate>,
    /// The final one.
    pub last: CallUpdate,
}

/// The most excerpts an update names.
pub const MAX_EXCERPTS: usize = 3;

/// The most listed proxies an update shows.
pub const MAX_PROXIES_SHOWN: usize = 5;

/// The record of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// What was known when it began.
    pub call: CallInfo,
    /// When screening began.
    pub started_at: Timestamp,
    /// When it ended; none while it runs.
    pub ended_at: Option<Timestamp>,
    /// All updates in order, as they were kept.
    pub updates: Vec<CallUpdate>,
    /// What it turned out to be: the last report.
    pub outcome: Option<StoredOutcome>,
}

/// A report on what a call turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeReport {
    /// What it was.
    pub outcome: Outcome,
    /// The reporter's words.
    pub note: Option<String>,
    /// Who says so.
    pub reported_by: Option<String>,
}

/// Hears of every update of every call, as desktops and risk teams want.
///
/// Called on the threads that do the work: no method may block.
pub trait CallObserver: Send + Sync {
    /// A call is being screened from now on; its first update comes later.
    fn began(&self, _tenant: &TenantId, _call: &CallInfo, _at: Timestamp) {}

    /// There is more evidence; it is in the records by now.
    fn updated(&self, tenant: &TenantId, update: &CallUpdate);

    /// A call is not screened any more: told once of every call, after its last update. `concluded` is
    /// false where its end could not be kept: there is no final update then, and its record stays
    /// unfinished until the program starts again.
    fn ended(&self, _tenant: &TenantId, _call: &CallInfo, _concluded: bool) {}

    /// Somebody reported what a call turned out to be; it is in the records by now.
    fn reported(&self, _tenant: &TenantId, _call: &CallInfo, _outcome: &StoredOutcome) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_number_is_not_shown() {
        let call = CallInfo::unknown(CallId::new("c-1").unwrap());
        let shown = format!("{:?}", CallInfo { caller_number: Some("13812345678".to_owned()), ..call });
        assert!(!shown.contains("138") && shown.contains("hidden"), "{shown}");
    }
}
