//! Trains a back end on an institution's own recordings: the domain's mean, what compensates the
//! channel, a cohort for score normalization, the calibration and the false match curves.
//!
//! ```text
//! Calls (voiceprint, speaker, conditions) --adapt_labelled--> candidates, cross-validated over
//! speakers --selection--> Fitted --Fitted::write--> a folder that BackEndBundle::open reads
//! ```
//!
//! [`adapt_labelled`] needs to know who speaks in which recording; [`adapt_unlabelled`] only that most of
//! them are different people. The same input gives the same bytes, on any number of threads.

mod calibrate;
mod call;
mod candidate;
mod cohort_voices;
mod crossval;
mod curves;
mod error;
mod fitted;
mod folds;
#[cfg(test)]
mod golden;
mod labelled;
mod material;
mod metrics;
mod options;
mod report;
mod score;
mod selection;
mod space;
mod tail;
mod trials;
mod unlabelled;
mod workers;

pub use call::{Call, CallSide, Look, Purpose};
pub use candidate::{Candidate, CohortKind, Normalization, Shape};
pub use error::AdaptationError;
pub use fitted::{Fitted, Source};
pub use labelled::{Adaptation, adapt_labelled};
pub use metrics::{Figures, figures};
pub use options::AdaptationOptions;
pub use unlabelled::adapt_unlabelled;
