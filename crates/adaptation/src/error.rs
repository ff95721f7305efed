use earmark_scoring::ScoringError;
use earmark_voiceprint::VoiceprintError;
use std::path::PathBuf;

/// Why a back end could not be trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdaptationError {
    /// Not enough to learn from: the text says what is missing.
    #[error("too little material: {0}")]
    TooLittle(String),
    /// The list contradicts itself: the text says where.
    #[error("the list is inconsistent: {0}")]
    Inconsistent(String),
    /// More recordings than one run takes: adapt on a part of them.
    #[error("{got} recordings, and {max} are allowed; adapt on a part of them")]
    TooMany {
        /// How many there are.
        got: usize,
        /// How many are allowed.
        max: usize,
    },
    /// An option outside its range: the text says which and what it may be.
    #[error("{0}")]
    BadOption(String),
    /// A sum that has no solution, such as a covariance that is not positive: check the recordings.
    #[error("the fit failed: {0}")]
    Numeric(String),
    /// A file of the new back end could not be written.
    #[error("can't write {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A part of the back end that scoring refuses.
    #[error(transparent)]
    Scoring(#[from] ScoringError),
    /// Voiceprints that can't be averaged.
    #[error(transparent)]
    Voiceprint(#[from] VoiceprintError),
}
