use std::path::Path;

use super::recording::folder_of;
use super::table::Table;
use super::{Columns, Recording};
use crate::EvaluationError;

/// One recording of a model: of an enrolled customer or of an entry of the watch-list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrollmentRow {
    /// Whose voice: a customer or a listed voice. Several rows may name the same.
    pub model: String,
    /// The recording.
    pub recording: Recording,
    /// What else the list says of the recording.
    pub columns: Columns,
}

/// Reads `model,recording`: enroll.csv, watchlist.csv or customers.csv. Paths are relative to the
/// list's folder, or to `root` where given.
///
/// # Errors
/// When the list cannot be read, has no rows, goes past a limit, or a line is malformed.
pub fn read_enrollments(path: &Path, root: Option<&Path>) -> Result<Vec<EnrollmentRow>, EvaluationError> {
    let root = root.unwrap_or(folder_of(path));
    let mut table = Table::open(path, ["model", "recording"])?;
    let mut rows = Vec::new();
    while let Some(row) = table.next()? {
        table.filled(&row, &[0, 1])?;
        let recording = Recording::new(&row.fields[1], root);
        let [model, _] = row.fields;
        rows.push(EnrollmentRow { model, recording, columns: row.columns });
    }
    if rows.is_empty() {
        return Err(EvaluationError::EmptyList { path: path.to_owned() });
    }
    Ok(rows)
}
