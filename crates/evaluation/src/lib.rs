//! How good is it: trial lists in, error rates with confidence intervals, charts and report pages
//! out.
//!
//! ```text
//! lists --(the caller makes voiceprints and scores)--> trials with scores
//!     --> VerifyResult | IdentifyResult | CallsResult --> metrics.json, scores.csv, charts, report.html
//! ```
//!
//! Does no audio and knows no model: scores are plain numbers. Only a trivial baseline is made here,
//! from log-mel frames ([`MfccGaussian`]).

mod baseline;
mod breakdown;
mod calls;
mod error;
mod files;
mod identify;
mod json;
pub mod lists;
pub mod metrics;
mod options;
mod report;
mod tags;
mod verify;

pub use baseline::{MFCC_DIMENSION, MIN_FRAMES, MfccGaussian};
pub use calls::{
    CallKind, CallRow, CallsFigures, CallsInput, CallsResult, PriorWhatIf, Seconds, ThresholdWhatIf,
};
pub use error::EvaluationError;
pub use identify::{
    Best, Candidate, IdentifyInput, IdentifyProbe, IdentifyResult, IdentifySystem, SystemIdentification,
};
pub use options::EvaluationOptions;
pub use tags::{TagBreakdown, TagFigures};
pub use verify::{SystemScores, SystemVerification, VerifyBreakdown, VerifyInput, VerifyResult, VerifyTrial};
