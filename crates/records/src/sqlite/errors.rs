//! What SQLite says, as this crate's errors.

use diesel::result::Error;

use crate::RecordsError;

/// diesel hands on SQLite's message but not its result code, so the messages are what there is to
/// tell by; they are fixed texts (`sqlite3ErrStr` in SQLite's main.c).
pub(super) fn from_message(message: &str) -> RecordsError {
    let detail = message.to_owned();
    let says = |text: &str| message.contains(text);
    if says("database or disk is full") {
        RecordsError::DiskFull
    } else if says("is locked") {
        RecordsError::Busy
    } else if says("disk image is malformed") || says("file is not a database") {
        RecordsError::Corrupt { detail }
    } else {
        RecordsError::Database { detail }
    }
}

impl From<Error> for RecordsError {
    fn from(error: Error) -> Self {
        match error {
            Error::RollbackErrorOnCommit { commit_error, .. } => Self::from(*commit_error),
            Error::DatabaseError(_, information) => from_message(information.message()),
            other => from_message(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_own_error() {
        assert!(matches!(from_message("database or disk is full"), RecordsError::DiskFull));
        assert!(matches!(from_message("database is locked"), RecordsError::Busy));
        assert!(matches!(from_message("database table is locked"), RecordsError::Busy));
        for text in ["database disk image is malformed", "file is not a database"] {
            assert!(matches!(from_message(text), RecordsError::Corrupt { .. }), "{text}");
        }
        assert!(matches!(from_message("no such table: customers"), RecordsError::Database { .. }));
    }
}
