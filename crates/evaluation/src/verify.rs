mod scores;
mod values;

use std::path::Path;

use crate::breakdown::{Group, groups};
use crate::files::Folder;
use crate::lists::Columns;
use crate::metrics::{Clusters, ScoredTrial, VerificationFigures, speaker_clusters, verification_figures};
use crate::{EvaluationError, EvaluationOptions, report};

/// One trial with what the shipped system said.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyTrial {
    /// The enrolled model.
    pub model: String,
    /// The recording, as the list names it.
    pub recording: String,
    /// The same person.
    pub target: bool,
    /// Raw similarity; none where a side gave no voiceprint.
    pub cosine: Option<f64>,
    /// Calibrated natural-log likelihood ratio; none where a side gave no voiceprint.
    pub llr: Option<f64>,
    /// The recording's net speech in seconds, where it was measured.
    pub net_speech_s: Option<f64>,
    /// What the list says of the recording.
    pub columns: Columns,
}

/// Another system's scores on the same trials: a peer or a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemScores {
    /// Short and stable: its key in metrics.json (`peer`, `mfcc`).
    pub name: String,
    /// For people.
    pub title: String,
    /// One a trial, in their order; none where it has none.
    pub scores: Vec<Option<f64>>,
    /// Whether they are natural-log likelihood ratios.
    pub calibrated: bool,
}

/// All that a verification result is made of.
#[derive(Clone, Debug, Default)]
pub struct VerifyInput {
    /// The shipped system's title, for people.
    pub title: String,
    /// The trials with its scores.
    pub trials: Vec<VerifyTrial>,
    /// Who is enrolled with which recording, `(model, recording)`: joins speakers. May be empty.
    pub enrollments: Vec<(String, String)>,
    /// Other systems on the same trials.
    pub others: Vec<SystemScores>,
    /// What was run, `(name, value)`: model, back end, command. Shown as it is.
    pub facts: Vec<(String, String)>,
    /// How it is counted.
    pub options: EvaluationOptions,
}

/// A system and its figures.
#[derive(Clone, Debug)]
pub struct SystemVerification {
    /// Its key in metrics.json; the shipped one's is `earmark`.
    pub name: String,
    /// For people.
    pub title: String,
    /// How good it is.
    pub figures: VerificationFigures,
}

/// The shipped system on the trials that share a value of a column.
#[derive(Clone, Debug)]
pub struct VerifyBreakdown {
    /// The column.
    pub column: &'static str,
    /// Its value, or the band.
    pub value: String,
    /// Target trials, with or without a score.
    pub targets: usize,
    /// Non-target trials, with or without a score.
    pub nontargets: usize,
    /// How good; none when one kind of trials has no score.
    pub figures: Option<VerificationFigures>,
}

/// What a verification test came to.
#[derive(Clone, Debug)]
pub struct VerifyResult {
    input: VerifyInput,
    speakers: usize,
    systems: Vec<SystemVerification>,
    breakdowns: Vec<VerifyBreakdown>,
}

impl VerifyResult {
    /// Counts the trials.
    ///
    /// # Errors
    /// When no target or no non-target has a score, a score is not finite, a system has another
    /// number of scores than there are trials, or an option is out of range.
    pub fn new(input: VerifyInput) -> Result<Self, EvaluationError> {
        let clusters = clusters(&input);
        let shipped: Vec<_> = input.trials.iter().map(|t| t.llr).collect();
        let mut systems = vec![system("earmark", &input.title, &shipped, true, &clusters, &input)?];
        for other in &input.others {
            systems.push(system(
                &other.name,
                &other.title,
                &other.scores,
                other.calibrated,
                &clusters,
                &input,
            )?);
        }
        let groups = groups(input.trials.iter().map(|t| (&t.columns, t.net_speech_s)));
        let breakdowns = groups.iter().map(|g| breakdown(g, &clusters, &input)).collect::<Result<_, _>>()?;
        Ok(Self { speakers: clusters.speakers, systems, breakdowns, input })
    }

    /// What it was made of.
    #[must_use]
    pub fn input(&self) -> &VerifyInput {
        &self.input
    }

    /// Speakers found behind the trials.
    #[must_use]
    pub fn speakers(&self) -> usize {
        self.speakers
    }

    /// The figures of all systems, the shipped one first.
    #[must_use]
    pub fn systems(&self) -> &[SystemVerification] {
        &self.systems
    }

    /// The shipped system by each column's values.
    #[must_use]
    pub fn breakdowns(&self) -> &[VerifyBreakdown] {
        &self.breakdowns
    }

    /// The shipped system's scored trials, `(llr, target)`.
    pub fn llrs(&self) -> impl Iterator<Item = (f64, bool)> {
        self.input.trials.iter().filter_map(|t| t.llr.map(|llr| (llr, t.target)))
    }

    /// Writes scores.csv, metrics.json, det.svg, calibration.svg and report.html into `folder`,
    /// which is made when it is not there.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), EvaluationError> {
        let folder = Folder::create(folder)?;
        scores::write(&self.input.trials, &folder)?;
        folder.json("metrics.json", &values::metrics(self))?;
        folder.text("det.svg", &report::det_chart(self))?;
        folder.text("calibration.svg", &report::calibration_chart(self))?;
        folder.text("report.html", &report::verify_page(self))
    }
}

fn clusters(input: &VerifyInput) -> Clusters {
    let trials = input
        .trials
        .iter()
        .map(|t| (&*t.model, &*t.recording, t.target, t.columns.get("speaker").map(String::as_str)));
    speaker_clusters(trials, input.enrollments.iter().map(|(m, r)| (&**m, &**r)))
}

fn scored(input: &VerifyInput, clusters: &Clusters, scores: &[Option<f64>]) -> Vec<ScoredTrial> {
    let trials = input.trials.iter().zip(&clusters.trials).zip(scores);
    trials
        .map(|((t, speakers), score)| ScoredTrial { score: *score, target: t.target, speakers: *speakers })
        .collect()
}

fn system(
    name: &str,
    title: &str,
    scores: &[Option<f64>],
    calibrated: bool,
    clusters: &Clusters,
    input: &VerifyInput,
) -> Result<SystemVerification, EvaluationError> {
    let (found, expected) = (scores.len(), input.trials.len());
    if found != expected {
        return Err(EvaluationError::Length { system: name.to_owned(), found, expected });
    }
    let trials = scored(input, clusters, scores);
    let figures = verification_figures(&trials, calibrated, &input.options.verification()).map_err(
        |error| match error {
            EvaluationError::NotFinite { index, .. } => {
                EvaluationError::NotFinite { system: name.to_owned(), index }
            }
            other => other,
        },
    )?;
    Ok(SystemVerification { name: name.to_owned(), title: title.to_owned(), figures })
}

fn breakdown(
    group: &Group,
    clusters: &Clusters,
    input: &VerifyInput,
) -> Result<VerifyBreakdown, EvaluationError> {
    let trial = |i: &usize| {
        let (trial, speakers) = (input.trials.get(*i)?, *clusters.trials.get(*i)?);
        Some(ScoredTrial { score: trial.llr, target: trial.target, speakers })
    };
    let trials: Vec<ScoredTrial> = group.rows.iter().filter_map(trial).collect();
    let figures = match verification_figures(&trials, true, &input.options.verification()) {
        Ok(figures) => Some(figures),
        Err(EvaluationError::Nothing(_)) => None,
        Err(error) => return Err(error),
    };
    let number = |target| trials.iter().filter(|t| t.target == target).count();
    let (targets, nontargets) = (number(true), number(false));
    Ok(VerifyBreakdown { column: group.column, value: group.value.clone(), targets, nontargets, figures })
}
