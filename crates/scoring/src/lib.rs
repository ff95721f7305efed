//! From a cosine to a decision: the back end that compensates the telephone channel, the
//! calibration that turns a cosine into a log-likelihood ratio, the posterior over three
//! hypotheses, and the verdict with its risk tier and reasons.
//!
//! ```text
//! Voiceprint --BackEnd--> Voiceprint' --cosine--> Cosine --(Plda, Cohort)--> RawScore
//!     --Calibration--> Llr --posterior--> Posterior --Decider / EvidenceTrack--> Decision
//! ```
//!
//! [`Matcher`] goes this way up to the LLR. Knows no gallery: candidates arrive as `(key, Llr)` pairs, the key being whatever the caller
//! uses. All LLRs are natural logarithms, and only a [`Calibration`] makes one.

mod back_end;
mod bundle;
mod calibration;
mod cohort;
mod decider;
mod decision;
mod error;
mod false_matches;
mod input;
mod judge;
mod llr;
mod manifest;
mod matcher;
mod plda;
mod policy;
mod posterior;
mod priors;
mod raw_score;
mod reason;
mod side;
mod track;
mod verdict;

pub use back_end::{BackEnd, Projection};
pub use bundle::{BackEndBundle, FORMAT, MAX_MANIFEST_BYTES};
pub use calibration::{Calibration, CalibrationFit, Term};
pub use cohort::{Cohort, CohortStatistics, MAX_COHORT, dot};
pub use decider::Decider;
pub use decision::{CustomerEvidence, Decision, Evidence};
pub use error::ScoringError;
pub use false_matches::FalseMatches;
pub use input::Input;
pub use llr::Llr;
pub use matcher::{Matcher, Prepared, Profile, Score};
pub use plda::{Plda, PldaTerms};
pub use policy::{Policy, PolicyOptions};
pub use posterior::{Posterior, posterior};
pub use priors::Priors;
pub use raw_score::RawScore;
pub use reason::Reason;
pub use side::Side;
pub use track::EvidenceTrack;
pub use verdict::{RiskTier, Text, Verdict};
