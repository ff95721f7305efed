//! Error rates, costs and calibration of scores, with confidence intervals over speakers.
//!
//! Scores rise with likeness; a calibrated one is a natural-log likelihood ratio. At a threshold a
//! trial is accepted when its score is at least the threshold. A *miss* is a target that is not
//! accepted, a *false match* a non-target that is.

mod bootstrap;
mod clusters;
mod det;
mod estimate;
mod identification;
mod operating_point;
mod pav;
mod probit;
mod random;
mod ranked;
mod share;
mod tally;
mod verification;

pub use bootstrap::{Bootstrap, MAX_RESAMPLES};
pub use clusters::{Clusters, speaker_clusters};
pub use det::{DetBand, DetPoint};
pub use estimate::{Estimate, quantile};
pub use identification::{
    IdentificationFigures, IdentificationOptions, ProbeOutcome, TpirFigures, identification_figures,
};
pub use operating_point::OperatingPoint;
pub use pav::PavBlock;
pub use probit::{probit, softplus};
pub use random::SplitMix64;
pub use ranked::{MAX_TRIALS, RankedTrials, ScoredTrial};
pub use share::{Share, share};
pub use tally::{Rates, Tally};
pub use verification::{
    CostFigures, CountedAsErrors, VerificationFigures, VerificationOptions, verification_figures,
};
