use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use earmark_voiceprint::{ModelId, SealError, VoiceprintError};

/// Why a gallery could not do what was asked. Never holds any number of a voiceprint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// A voiceprint of another model: extract it again with this gallery's model.
    #[error(
        "a voiceprint of model {got} can't meet a gallery of model {expected}; extract it with that model"
    )]
    OtherModel {
        /// The gallery's model.
        expected: ModelId,
        /// The voiceprint's model.
        got: ModelId,
    },
    /// The right model's name with another number of dimensions: one of the two model files lies.
    #[error("a voiceprint of {got} dimensions can't meet a gallery of {expected}; check the model file")]
    OtherDimension {
        /// The gallery's dimension.
        expected: usize,
        /// The voiceprint's or the file's dimension.
        got: usize,
    },
    /// More entries than the gallery was set up to hold: raise `max_entries` if memory allows.
    #[error("a gallery holds at most {limit} voiceprints; remove some or raise the limit")]
    GalleryFull {
        /// The limit reached.
        limit: usize,
    },
    /// More voiceprints in one customer's history than are allowed: remove an old one first.
    #[error("a history holds at most {limit} voiceprints; remove an old one first")]
    HistoryFull {
        /// The limit reached.
        limit: usize,
    },
    /// More hits asked for than one search gives: ask for fewer.
    #[error("a search gives at most {limit} hits, {asked} were asked for")]
    TooManyHits {
        /// How many were asked for.
        asked: usize,
        /// The most a search gives.
        limit: usize,
    },
    /// A weight that is not a positive finite number: fix the caller.
    #[error("a voiceprint's weight must be positive and finite")]
    BadWeight,
    /// The voiceprints of a history have no mean (they cancel out): they aren't one person's.
    #[error("the voiceprints of a history have no mean")]
    NoMean(#[source] VoiceprintError),
    /// A cohort without voiceprints, or statistics over none: give some.
    #[error("cohort statistics need at least one voiceprint")]
    EmptyCohort,
    /// faiss refused or ran out of memory.
    #[error("the vector search library failed")]
    Faiss(#[from] faiss::error::Error),
    /// The system could not read or write a file: see the cause (disk full, permissions, no file).
    #[error("can't {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A gallery's file is damaged: restore it from a backup or build it again from the records.
    #[error("gallery file {path} is damaged ({part}); restore it or build it again from the records")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where the damage shows.
        part: FilePart,
    },
    /// A later release wrote this file: open it with that release.
    #[error("gallery file {path} has format {found}, this release reads up to {known}; use a newer release")]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format's version in the file.
        found: u32,
        /// The newest version this release reads.
        known: u32,
    },
    /// The file holds another model's gallery: open it with that model, or build a new one.
    #[error("gallery file {path} is of model {found}, not of {expected}")]
    OtherGallery {
        /// The file.
        path: PathBuf,
        /// The model asked for.
        expected: ModelId,
        /// The model in the file.
        found: ModelId,
    },
    /// The file could not be sealed or opened, most likely for want of its key.
    #[error("can't seal or open gallery file {path}")]
    Seal {
        /// The file.
        path: PathBuf,
        /// Which key is needed, or what failed.
        #[source]
        source: SealError,
    },
    /// A store elsewhere failed; the same request can be sent again.
    #[error("the vector store failed")]
    Store(#[source] Box<dyn Error + Send + Sync>),
}

/// Where damage in a gallery's file shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilePart {
    /// Too short to be a gallery's file.
    Length,
    /// The first bytes aren't a gallery's.
    Magic,
    /// The bytes don't add up to the checksum at the end.
    Checksum,
    /// The checksum holds but the header makes no sense.
    Header,
    /// The checksum holds but this chunk of voiceprints was altered or moved.
    Chunk(u64),
}

impl std::fmt::Display for FilePart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Length => f.write_str("it is cut short"),
            Self::Magic => f.write_str("it doesn't start as a gallery does"),
            Self::Checksum => f.write_str("its checksum doesn't match"),
            Self::Header => f.write_str("its header makes no sense"),
            Self::Chunk(n) => write!(f, "chunk {n} was altered"),
        }
    }
}

impl IndexError {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_path_buf(), source }
    }

    pub(crate) fn corrupt(path: &Path, part: FilePart) -> Self {
        Self::Corrupt { path: path.to_path_buf(), part }
    }
}
