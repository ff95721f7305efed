//! The use cases of Earmark: enroll a customer, list a proxy, screen a recording or a live call.
//!
//! [`Engine`] is the door. A call goes this way, a little more speech at a time:
//!
//! ```text
//! bytes -> Listener (audio) -> voiceprint -> Scorer (back end, galleries, calibration)
//!       -> EvidenceTrack (scoring) -> CallUpdate -> records, observers, the caller
//! ```
//!
//! Everything here blocks and nothing opens a socket; the server runs it on its own threads.

mod admission;
mod call;
mod call_record;
mod cancellation;
mod customers;
mod desk;
mod engine;
mod enrollment;
mod error;
mod error_kind;
mod galleries;
mod input;
mod library;
mod listening;
mod lost_calls;
mod options;
mod recorded;
mod scorer;
mod session;
mod stateless;
mod store;
mod time;
mod views;
mod voices;

pub use call::{
    CallInfo, CallObserver, CallRecord, CallUpdate, CustomerComparison, Hypotheses, LastUpdates,
    MAX_EXCERPTS, MAX_PROXIES_SHOWN, OutcomeReport, ProxyEvidence, SpeechSummary, WarningCode,
};
pub use cancellation::Cancellation;
pub use desk::CallLine;
pub use engine::{Engine, EngineStatistics};
pub use enrollment::EnrollmentStream;
pub use error::{EngineError, ErrorKind};
pub use input::{RecordingInput, RecordingSource};
pub use options::{EngineOptions, EnrollmentRules};
pub use recorded::RecordedScreening;
pub use session::CallSession;
pub use stateless::MAX_COMPARISONS;
pub use views::{
    Enrollment, EnrollmentReport, EnrollmentWarning, Extracted, ListingReport, PrintWithQuality, ProxyListing,
};

pub use earmark_audio::{
    AudioError, ChannelChoice, ChannelRole, Encoding, ExtractOptions, Limits, ModelVerification, OnnxRuntime,
    PromptLibrary, StreamFormat,
};
pub use earmark_records::{
    Actor, CallAmendment, CallFilter, CallTally, Customer, CustomerStatus, Excerpt, MAX_TALLY_STEPS, Outcome,
    OutcomeTally, Page, PageRequest, PageSize, PageToken, Proxy, ProxyHistory, RecordsError, StepTally,
    StoredOutcome, TallySpan, Timestamp, VoiceprintInfo, check_call_line,
};
pub use earmark_scoring::{
    Llr, Policy, PolicyOptions, Priors, Reason, RiskTier, ScoringError, Text, Verdict,
};
