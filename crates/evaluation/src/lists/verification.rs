use std::collections::BTreeSet;
use std::path::Path;

use super::kaldi::{self, Utterances};
use super::line::{Lines, shown};
use super::recording::folder_of;
use super::{EnrollmentRow, TrialRow, enrollment, trials};
use crate::EvaluationError;

/// How a trial list is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListFormat {
    /// Found from the first line.
    #[default]
    Detect,
    /// `model,recording,label` with a header, and an enroll.csv.
    Csv,
    /// `model utterance target|nontarget`, with a wav.scp and spk2utt or utt2spk enrollments.
    Kaldi,
    /// `1 path1 path2`: path1's recording is the model; no enrollments are needed.
    VoxCeleb,
}

/// Where the lists of a verification test lie.
#[derive(Clone, Copy, Debug)]
pub struct TrialSources<'a> {
    /// The trials.
    pub trials: &'a Path,
    /// The enrollments: enroll.csv, or Kaldi's spk2utt or utt2spk. VoxCeleb lists need none.
    pub enroll: Option<&'a Path>,
    /// Kaldi's wav.scp; where it is not given, the one beside the trials.
    pub wav_scp: Option<&'a Path>,
    /// The folder that relative paths start from; where it is not given, each list's own.
    pub root: Option<&'a Path>,
    /// How the trials are written.
    pub format: ListFormat,
}

/// A verification test: who is enrolled with what, and the trials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationList {
    /// The models' recordings.
    pub enrollments: Vec<EnrollmentRow>,
    /// The trials, in the list's order; every model is enrolled.
    pub trials: Vec<TrialRow>,
}

/// Reads the lists of a verification test.
///
/// # Errors
/// When a list cannot be read, is missing for its format, has no rows, goes past a limit, has a
/// malformed line, or a trial names a model that is not enrolled.
pub fn read_verification(sources: &TrialSources) -> Result<VerificationList, EvaluationError> {
    let path = sources.trials;
    let root = sources.root.unwrap_or(folder_of(path));
    let enroll = || {
        let problem = "this trial list needs the enrollments too (--enroll)";
        sources.enroll.ok_or_else(|| EvaluationError::MissingList(problem.to_owned()))
    };
    let format = if sources.format == ListFormat::Detect { detect(path)? } else { sources.format };
    let (enrollments, trials) = match format {
        ListFormat::Detect | ListFormat::Csv => {
            (enrollment::read_enrollments(enroll()?, sources.root)?, trials::read_csv(path, root)?)
        }
        ListFormat::Kaldi => {
            let beside = folder_of(path).join("wav.scp");
            let utterances = Utterances::read(sources.wav_scp.unwrap_or(&beside), sources.root)?;
            (kaldi::read_enrollments(enroll()?, &utterances)?, kaldi::read_trials(path, &utterances)?)
        }
        ListFormat::VoxCeleb => trials::read_voxceleb(path, root)?,
    };
    if trials.is_empty() {
        return Err(EvaluationError::EmptyList { path: path.to_owned() });
    }
    check_enrolled(path, &enrollments, &trials)?;
    Ok(VerificationList { enrollments, trials })
}

fn check_enrolled(
    path: &Path,
    enrollments: &[EnrollmentRow],
    trials: &[TrialRow],
) -> Result<(), EvaluationError> {
    let enrolled: BTreeSet<&str> = enrollments.iter().map(|e| e.model.as_str()).collect();
    match trials.iter().find(|t| !enrolled.contains(t.model.as_str())) {
        None => Ok(()),
        Some(trial) => Err(EvaluationError::Malformed {
            path: path.to_owned(),
            line: trial.line,
            problem: format!("model {} is not in the enrollments", shown(&trial.model)),
        }),
    }
}

/// What the first line looks like. Kaldi before VoxCeleb: a Kaldi model may be called `1`.
fn detect(path: &Path) -> Result<ListFormat, EvaluationError> {
    let Some((_, first)) = Lines::open(path)?.next()? else {
        return Err(EvaluationError::EmptyList { path: path.to_owned() });
    };
    let words: Vec<&str> = first.split_whitespace().collect();
    let columns = super::csv_line::split(&first).unwrap_or_default();
    if columns.iter().any(|c| c == "model" || c == "recording" || c == "label") {
        return Ok(ListFormat::Csv);
    }
    match words[..] {
        [_, _, third] if trials::label(third).is_some() => Ok(ListFormat::Kaldi),
        ["0" | "1", _, _] => Ok(ListFormat::VoxCeleb),
        _ => Err(EvaluationError::UnknownFormat { path: path.to_owned() }),
    }
}
