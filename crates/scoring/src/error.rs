use std::path::PathBuf;

use earmark_voiceprint::{ModelId, VoiceprintError};

/// Why a back end could not be loaded or applied, or a setting not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScoringError {
    /// A file of the back end could not be read: check that it is there and readable.
    #[error("can't read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is larger than any back end's: it is not one, or it is damaged.
    #[error("{path} is larger than the {max} bytes it may have")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes it may have.
        max: u64,
    },
    /// The manifest is not what this version writes: restore it or fit the back end again.
    #[error("{path} is malformed: {detail}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// Made by a newer version: upgrade Earmark, or use the back end of this version.
    #[error("{path} has format {found}, newer than {supported}; upgrade earmark")]
    NewerFormat {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format this version reads.
        supported: u32,
    },
    /// A file's sha256 is not the one in the manifest: restore it from the release.
    #[error("{path} is corrupt: its sha256 is not the one in the manifest")]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// The back end or calibration is bound to another model: bring the one fitted for this model.
    #[error("fitted for model {bound}, not for {given}; use the back end fitted for it")]
    OtherModel {
        /// The model or space it was fitted for.
        bound: ModelId,
        /// The model or space of what was given.
        given: ModelId,
    },
    /// Numbers that no fit can give: fit again.
    #[error("the back end is unusable: {0}")]
    BadFit(String),
    /// A setting outside its range: the text says which and what it may be.
    #[error("{0}")]
    BadSetting(String),
    /// A voiceprint that has no direction once the domain's mean is taken off.
    #[error(transparent)]
    Voiceprint(#[from] VoiceprintError),
}
