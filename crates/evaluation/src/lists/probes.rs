use std::collections::BTreeSet;
use std::path::Path;

use super::line::shown;
use super::recording::folder_of;
use super::table::Table;
use super::{Columns, EnrollmentRow, Recording};
use crate::EvaluationError;

/// One call to identify, and the truth about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRow {
    /// Line in the list, from 1.
    pub line: u64,
    /// The recording.
    pub recording: Recording,
    /// The true voice. A listed one has the name of its watch-list entry.
    pub speaker: String,
    /// The customer the caller claims to be, if any.
    pub claimed: Option<String>,
    /// Whether the true voice is on the watch-list.
    pub listed: bool,
    /// What else the list says of the recording.
    pub columns: Columns,
}

/// Reads `recording,speaker,claimed,listed`: probes.csv or calls.csv. Paths are relative to the
/// list's folder, or to `root` where given.
///
/// # Errors
/// When the list cannot be read, has no rows, goes past a limit, or a line is malformed.
pub fn read_probes(path: &Path, root: Option<&Path>) -> Result<Vec<ProbeRow>, EvaluationError> {
    let root = root.unwrap_or(folder_of(path));
    let mut table = Table::open(path, ["recording", "speaker", "claimed", "listed"])?;
    let mut rows = Vec::new();
    while let Some(row) = table.next()? {
        table.filled(&row, &[0, 1])?;
        let listed = match row.fields[3].to_ascii_lowercase().as_str() {
            "1" | "true" => true,
            "0" | "false" => false,
            _ => return Err(table.unexpected(&row, 3, "1 (on the watch-list) or 0")),
        };
        let recording = Recording::new(&row.fields[0], root);
        let line = row.line;
        let [_, speaker, claimed, _] = row.fields;
        let claimed = (!claimed.is_empty()).then_some(claimed);
        rows.push(ProbeRow { line, recording, speaker, claimed, listed, columns: row.columns });
    }
    if rows.is_empty() {
        return Err(EvaluationError::EmptyList { path: path.to_owned() });
    }
    Ok(rows)
}

/// Checks that the probes' truth and the watch-list agree: a listed voice is an entry, an unlisted
/// one is none. `path` is the probes' list, for the error.
///
/// # Errors
/// [`EvaluationError::Malformed`] with the first line that does not agree.
pub fn check_listed(
    path: &Path,
    probes: &[ProbeRow],
    watchlist: &[EnrollmentRow],
) -> Result<(), EvaluationError> {
    let entries: BTreeSet<&str> = watchlist.iter().map(|e| e.model.as_str()).collect();
    let Some(probe) = probes.iter().find(|p| p.listed != entries.contains(p.speaker.as_str())) else {
        return Ok(());
    };
    let speaker = shown(&probe.speaker);
    let problem = if probe.listed {
        format!("{speaker} is marked as listed but is no model of the watch-list")
    } else {
        format!("{speaker} is marked as not listed but is a model of the watch-list")
    };
    Err(EvaluationError::Malformed { path: path.to_owned(), line: probe.line, problem })
}
