use std::io;
use std::path::PathBuf;

/// Why a list could not be read, figures not be computed, or a report not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// A list could not be read: check that it is there and readable.
    #[error("can't read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A result could not be written: check the folder's rights and the disk's space.
    #[error("can't write {path}: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A list goes past a limit: split it.
    #[error("{path} has more than {max} {what}; split the list")]
    TooLarge {
        /// The list.
        path: PathBuf,
        /// What there is too much of: bytes, rows or columns.
        what: &'static str,
        /// The most there may be.
        max: u64,
    },
    /// A line is longer than any that a list needs: it is not a list, or it is damaged.
    #[error("{path} line {line} is longer than {max} bytes; is it a list?")]
    LineTooLong {
        /// The list.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The most bytes a line may have.
        max: u64,
    },
    /// A line cannot be understood: the text says what was expected; mend the line.
    #[error("{path} line {line}: {problem}")]
    Malformed {
        /// The list.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// A table lacks a column: add it to the header and to every row.
    #[error("{path} has no column {column}; its header needs {needed}")]
    MissingColumn {
        /// The list.
        path: PathBuf,
        /// The column that is missing.
        column: &'static str,
        /// All columns it needs.
        needed: String,
    },
    /// None of the formats read: say which one it is, or bring it into one of them.
    #[error(
        "{path} is no trial list that is known: expected a CSV with the header model,recording,label, kaldi \
         lines `model utterance target|nontarget`, or voxceleb lines `1 path1 path2`"
    )]
    UnknownFormat {
        /// The list.
        path: PathBuf,
    },
    /// A command pipe stands where a path must: convert the recordings to files first.
    #[error(
        "{path} line {line} is a command pipe, which is not run; write the audio to a file and name that"
    )]
    Pipe {
        /// The list.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
    },
    /// A list has no rows at all.
    #[error("{path} has no rows")]
    EmptyList {
        /// The list.
        path: PathBuf,
    },
    /// A further list is needed for this format: the text says which option names it.
    #[error("{0}")]
    MissingList(String),
    /// No trial of this kind has a score, so there is no error rate: add such trials, or look at
    /// why the recordings gave no voiceprint.
    #[error("there are no {0} with a score; the figures need at least one")]
    Nothing(&'static str),
    /// A score is not a number: the system that made it is at fault.
    #[error("score {index} of {system} is not a finite number")]
    NotFinite {
        /// Whose scores they are.
        system: String,
        /// Which one, from 0.
        index: usize,
    },
    /// A system has another number of scores than there are trials.
    #[error("{system} has {found} scores for {expected} trials")]
    Length {
        /// Whose scores they are.
        system: String,
        /// How many it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A setting outside its range: the text says which and what it may be.
    #[error("{0}")]
    BadSetting(String),
}
