use std::path::Path;

use super::line::{Lines, shown};
use super::table::Table;
use super::{Columns, EnrollmentRow, Recording};
use crate::EvaluationError;

/// One trial: a model, a recording, and whether both are the same person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialRow {
    /// Line in the list, from 1.
    pub line: u64,
    /// The enrolled model.
    pub model: String,
    /// The recording it is compared with.
    pub recording: Recording,
    /// The same person.
    pub target: bool,
    /// What else the list says of the recording.
    pub columns: Columns,
}

/// Reads trials.csv, `model,recording,label`.
pub(super) fn read_csv(path: &Path, root: &Path) -> Result<Vec<TrialRow>, EvaluationError> {
    let mut table = Table::open(path, ["model", "recording", "label"])?;
    let mut rows = Vec::new();
    while let Some(row) = table.next()? {
        table.filled(&row, &[0, 1])?;
        let Some(target) = label(&row.fields[2]) else {
            return Err(table.unexpected(&row, 2, "target or nontarget"));
        };
        let recording = Recording::new(&row.fields[1], root);
        let line = row.line;
        let [model, ..] = row.fields;
        rows.push(TrialRow { line, model, recording, target, columns: row.columns });
    }
    Ok(rows)
}

/// Reads VoxCeleb's `1 path1 path2`: path1's recording is the model. Gives the enrollments too.
pub(super) fn read_voxceleb(
    path: &Path,
    root: &Path,
) -> Result<(Vec<EnrollmentRow>, Vec<TrialRow>), EvaluationError> {
    let mut lines = Lines::open(path)?;
    let (mut trials, mut models) = (Vec::new(), std::collections::BTreeSet::new());
    while let Some((line, text)) = lines.next()? {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (target, first, second) = match fields[..] {
            ["1", first, second] => (true, first, second),
            ["0", first, second] => (false, first, second),
            _ => {
                let problem = format!("{}, expected `1 path1 path2` or `0 path1 path2`", shown(&text));
                return Err(lines.malformed(line, problem));
            }
        };
        models.insert(first.to_owned());
        let recording = Recording::new(second, root);
        trials.push(TrialRow { line, model: first.to_owned(), recording, target, columns: Columns::new() });
    }
    let enroll = |model: String| {
        let recording = Recording::new(&model, root);
        EnrollmentRow { model, recording, columns: Columns::new() }
    };
    Ok((models.into_iter().map(enroll).collect(), trials))
}

/// A label as all three formats write it.
pub(super) fn label(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "target" => Some(true),
        "nontarget" => Some(false),
        _ => None,
    }
}
