use earmark_records::{Customer, Proxy};
use earmark_voiceprint::{CustomerId, NetSpeech, ProxyId, Quality, Voiceprint};

use crate::SpeechSummary;

/// Whom to enroll, and how sternly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrollment {
    /// The customer.
    pub customer: CustomerId,
    /// Makes the request safe to send again.
    pub request_id: Option<String>,
    /// Enroll although the voice is listed or unlike the history.
    pub force: bool,
    /// Who asks for it, for the audit trail.
    pub actor: Option<String>,
}

/// What became of an enrollment.
#[derive(Clone, Debug)]
pub struct EnrollmentReport {
    /// The customer after it.
    pub customer: Customer,
    /// What was heard in each recording, in their order; empty for a repeated request.
    pub speech: Vec<SpeechSummary>,
    /// What force overrode.
    pub overridden: Vec<EnrollmentWarning>,
    /// Whether it was done before under the same request id.
    pub replayed: bool,
}

/// A finding that would have refused an enrollment without force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnrollmentWarning {
    /// The voice resembles a listed proxy.
    ProxyMatch(ProxyId),
    /// The voice is unlike the customer's history.
    UnlikeHistory,
}

/// A voice to put on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyListing {
    /// The institution's key of it.
    pub proxy: ProxyId,
    /// What a desktop may show; the id if empty.
    pub label: String,
    /// Why the voice may be held.
    pub legal_basis: String,
    /// Free text.
    pub note: Option<String>,
    /// When the listing ends.
    pub expires_at: Option<earmark_records::Timestamp>,
    /// Makes the request safe to send again.
    pub request_id: Option<String>,
    /// Who asks for it, for the audit trail.
    pub actor: Option<String>,
}

/// What became of a listing.
#[derive(Clone, Debug)]
pub struct ListingReport {
    /// The listing.
    pub proxy: Proxy,
    /// Proxies listed before whose voice is probably the same.
    pub similar: Vec<ProxyId>,
    /// Whether it was done before under the same request id.
    pub replayed: bool,
}

/// A voiceprint made for somebody who keeps it.
#[derive(Clone, Debug)]
pub struct Extracted {
    /// The voiceprint.
    pub voiceprint: Voiceprint,
    /// What was heard.
    pub speech: SpeechSummary,
}

/// A voiceprint from outside with what is known of its audio.
#[derive(Clone, Debug)]
pub struct PrintWithQuality {
    /// The voiceprint.
    pub voiceprint: Voiceprint,
    /// How good its audio was.
    pub quality: Option<Quality>,
}

impl EnrollmentWarning {
    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ProxyMatch(_) => "PROXY_MATCH",
            Self::UnlikeHistory => "UNLIKE_HISTORY",
        }
    }
}

/// The total of what several summaries heard.
pub(crate) fn total_speech<'a>(parts: impl Iterator<Item = &'a SpeechSummary>) -> NetSpeech {
    parts.fold(NetSpeech::ZERO, |sum, part| sum + part.net_speech)
}
