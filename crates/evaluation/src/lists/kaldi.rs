use std::collections::HashMap;
use std::path::Path;

use super::line::{Lines, shown};
use super::recording::folder_of;
use super::trials::label;
use super::{Columns, EnrollmentRow, Recording, TrialRow};
use crate::EvaluationError;

/// The recordings of a wav.scp by utterance id.
pub(super) struct Utterances(HashMap<String, Recording>);

impl Utterances {
    /// Reads `utterance path`, paths relative to the list's folder or to `root`.
    ///
    /// # Errors
    /// When it cannot be read, a line has no path, or a line is a command pipe: those are not run.
    pub(super) fn read(path: &Path, root: Option<&Path>) -> Result<Self, EvaluationError> {
        let root = root.unwrap_or(folder_of(path));
        let mut lines = Lines::open(path)?;
        let mut recordings = HashMap::new();
        while let Some((line, text)) = lines.next()? {
            let text = text.trim();
            if text.ends_with('|') {
                return Err(EvaluationError::Pipe { path: path.to_owned(), line });
            }
            let Some((id, file)) = text.split_once(char::is_whitespace) else {
                return Err(lines.malformed(line, format!("{}, expected `utterance path`", shown(text))));
            };
            let recording = Recording::named(id, file.trim(), root);
            if recordings.insert(id.to_owned(), recording).is_some() {
                return Err(lines.malformed(line, format!("utterance {} stands twice", shown(id))));
            }
        }
        Ok(Self(recordings))
    }

    fn find(&self, lines: &Lines, line: u64, id: &str) -> Result<Recording, EvaluationError> {
        self.0
            .get(id)
            .cloned()
            .ok_or_else(|| lines.malformed(line, format!("utterance {} is not in wav.scp", shown(id))))
    }
}

/// Reads `model utterance target|nontarget`.
pub(super) fn read_trials(path: &Path, utterances: &Utterances) -> Result<Vec<TrialRow>, EvaluationError> {
    let mut lines = Lines::open(path)?;
    let mut trials = Vec::new();
    while let Some((line, text)) = lines.next()? {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (&[model, id, _], Some(target)) = (&fields[..], fields.get(2).and_then(|l| label(l))) else {
            let problem = format!("{}, expected `model utterance target|nontarget`", shown(&text));
            return Err(lines.malformed(line, problem));
        };
        let recording = utterances.find(&lines, line, id)?;
        trials.push(TrialRow { line, model: model.to_owned(), recording, target, columns: Columns::new() });
    }
    Ok(trials)
}

/// Reads enrollments: `model utterance utterance ...` (spk2utt), or `utterance model` when the
/// file's name says utt2spk.
pub(super) fn read_enrollments(
    path: &Path,
    utterances: &Utterances,
) -> Result<Vec<EnrollmentRow>, EvaluationError> {
    let utt2spk = path.file_name().is_some_and(|n| n.to_string_lossy().contains("utt2spk"));
    let mut lines = Lines::open(path)?;
    let mut rows = Vec::new();
    while let Some((line, text)) = lines.next()? {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let (model, ids) = match fields[..] {
            [id, model] if utt2spk => (model, vec![id]),
            [model, ref ids @ ..] if !utt2spk && !ids.is_empty() => (model, ids.to_vec()),
            _ => {
                let expected = if utt2spk { "`utterance model`" } else { "`model utterance ...`" };
                return Err(lines.malformed(line, format!("{}, expected {expected}", shown(&text))));
            }
        };
        for id in ids {
            let recording = utterances.find(&lines, line, id)?;
            rows.push(EnrollmentRow { model: model.to_owned(), recording, columns: Columns::new() });
        }
    }
    if rows.is_empty() {
        return Err(EvaluationError::EmptyList { path: path.to_owned() });
    }
    Ok(rows)
}
