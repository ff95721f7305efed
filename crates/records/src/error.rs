use std::fmt;
use std::path::PathBuf;

use earmark_voiceprint::SealError;

use crate::VoiceprintId;

/// What kind of record an error speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordKind {
    /// An institution.
    Tenant,
    /// A customer.
    Customer,
    /// A listed proxy.
    Proxy,
    /// A call.
    Call,
    /// An evidence update of a call, named `call id/sequence`.
    EvidenceUpdate,
    /// The result of a request that may be sent again.
    Request,
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Customer => "customer",
            Self::Proxy => "proxy",
            Self::Call => "call",
            Self::EvidenceUpdate => "evidence update",
            Self::Request => "request",
        })
    }
}

/// What is wrong with a field of a request. Never repeats the field's content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldProblem {
    /// It must be given.
    #[error("is empty")]
    Empty,
    /// More bytes, or more items, than the limit.
    #[error("has a size of {got}; at most {max} is allowed")]
    TooLong {
        /// The size given.
        got: usize,
        /// The most that is allowed.
        max: usize,
    },
    /// A control character or white space at an end where a printable text is needed.
    #[error("holds a control character or starts or ends with white space")]
    Unprintable,
    /// A code is 1 to 64 lowercase ASCII letters, digits and underscores.
    #[error("is not a code: use lowercase letters, digits and underscores")]
    NotACode,
    /// NaN, an infinity, or outside the range the field's doc gives.
    #[error("is not a number in the range this field allows")]
    OutOfRange,
}

/// Why records could not be read or kept. Nothing of a failed request was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// The id is taken: choose another, or change the record that has it.
    #[error("{kind} {id} already exists")]
    AlreadyExists {
        /// What it is.
        kind: RecordKind,
        /// The id that is taken.
        id: String,
    },
    /// No record has this id under this tenant: check the id and the tenant.
    #[error("{kind} {id} was not found")]
    NotFound {
        /// What was looked for.
        kind: RecordKind,
        /// The id looked for.
        id: String,
    },
    /// A field breaks a rule: correct it and send the request again.
    #[error("{field} {problem}")]
    InvalidField {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        problem: FieldProblem,
    },
    /// The customer refused voiceprints: no enrollment until they opt in.
    #[error("customer {id} has opted out of voiceprints; record their consent with an opt-in first")]
    OptedOut {
        /// The customer.
        id: String,
    },
    /// The request id was used for a request with another content: use a new request id.
    #[error("request id {id} was used for a different request; use a new request id")]
    RequestIdReused {
        /// The request id.
        id: String,
    },
    /// The call is over: no evidence can be added to it and it can't be finished again.
    #[error("call {id} is finished; begin a new call for new audio")]
    CallFinished {
        /// The call.
        id: String,
    },
    /// The page token is damaged, or belongs to another list, tenant or filter: start without one.
    #[error("page token does not belong to this list; ask for the first page again")]
    BadPageToken,
    /// The audit trail was altered: keep the files for an investigation and compare with a backup.
    #[error("audit trail of tenant {tenant} is broken at entry {sequence}; compare it with a backup")]
    AuditBroken {
        /// Whose trail.
        tenant: String,
        /// The first entry that does not fit, counted from 1.
        sequence: i64,
    },

    /// A sealed voiceprint does not open: restore the row from a backup, or delete its subject.
    #[error("stored voiceprint {id} can't be opened: {source}")]
    DamagedVoiceprint {
        /// The row.
        id: VoiceprintId,
        /// What its seal says.
        source: SealError,
    },
    /// A row holds something this program never writes: restore the database from a backup.
    #[error("stored {kind} {id} is damaged; restore the database from a backup")]
    DamagedRecord {
        /// What it is.
        kind: RecordKind,
        /// Which.
        id: String,
    },
    /// The cipher or the system's randomness failed while sealing.
    #[error("voiceprint can't be sealed: {0}")]
    Seal(#[source] SealError),

    /// The database holds sealed voiceprints and their key file is not there. No new key is made.
    #[error("key file {path} is missing but the database holds sealed voiceprints; bring the key file back")]
    KeyFileMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Sealed voiceprints in the database are of a key that is not at hand.
    #[error(
        "the database holds voiceprints sealed under key {key_id}, which the key file lacks; bring the key file that has it"
    )]
    KeyMissing {
        /// The id of the key that is needed.
        key_id: String,
    },
    /// Others than the owner may read or write it.
    #[error("{path} has mode {mode:o}; only its owner may have access: chmod {wanted:o} it")]
    TooOpen {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits it must have.
        wanted: u32,
    },
    /// The key file is not one this program wrote, or it was cut or altered: restore it.
    #[error("key file {path} is malformed at line {line}; restore it from its copy")]
    KeyFileMalformed {
        /// The file.
        path: PathBuf,
        /// The first line that is wrong, counted from 1.
        line: usize,
    },

    /// Another process serves this data folder: stop it first, or use another folder.
    #[error("data folder of {path} is in use by another process; stop it or choose another folder")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// No space: nothing was kept of this request. Free some space and try again.
    #[error("no space is left for the database; free some and try again")]
    DiskFull,
    /// Another program holds the database: try again, and find out who opens it.
    #[error("database is locked by another program; try again")]
    Busy,
    /// The database file is damaged: restore it from a backup.
    #[error("database is damaged ({detail}); restore it from a backup")]
    Corrupt {
        /// What the database says.
        detail: String,
    },
    /// A newer program wrote this database: run that version, or restore an older backup.
    #[error("database has schema {version}, newer than this program knows; run the newer program")]
    NewerSchema {
        /// The first schema version this program does not know.
        version: String,
    },
    /// The files of the data folder can't be used: check the path, its owner and its disk.
    #[error("{path} can't be used: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Anything else the database says; it is a defect or a failing disk.
    #[error("database failed: {detail}")]
    Database {
        /// What the database says.
        detail: String,
    },
}

impl RecordsError {
    /// Whether it lies with the store and not with what was to be kept, so that the same may be kept
    /// later: once there is space, or nobody else holds the database.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::DiskFull | Self::Busy | Self::Io { .. } | Self::Database { .. })
    }

    pub(crate) fn not_found(kind: RecordKind, id: &dyn fmt::Display) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    pub(crate) fn already_exists(kind: RecordKind, id: &dyn fmt::Display) -> Self {
        Self::AlreadyExists { kind, id: id.to_string() }
    }

    pub(crate) fn damaged(kind: RecordKind, id: &dyn fmt::Display) -> Self {
        Self::DamagedRecord { kind, id: id.to_string() }
    }

    pub(crate) fn field(field: &'static str, problem: FieldProblem) -> Self {
        Self::InvalidField { field, problem }
    }
}
