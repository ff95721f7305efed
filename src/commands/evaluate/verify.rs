use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use earmark_evaluation::lists::{ListFormat, TrialSources, VerificationList, read_verification};
use earmark_evaluation::{SystemScores, VerifyInput, VerifyResult, VerifyTrial};

use super::systems::{Baseline, Earmark, Peer, Plain};
use super::{Common, Recordings, Shipped, by_model, command_line, percent, tell};
use crate::exit::Done;
use crate::prints::Prints;

/// Verification (1:1): is it the same person?
#[derive(Args)]
#[command(after_help = "Example:
  earmark evaluate verify --enroll enroll.csv --trials trials.csv --out result

enroll.csv: model,recording (several rows a model); trials.csv: model,recording,label
(target or nontarget). Paths are relative to the list. Optional columns codec, snr_db, gender,
language, set, speaker give breakdowns. Kaldi and VoxCeleb trial lists are read too.
Written are scores.csv, metrics.json, det.svg, calibration.svg, report.html.")]
pub(crate) struct Verify {
    /// Enrollments: CSV `model,recording`, or Kaldi's spk2utt or utt2spk; VoxCeleb lists need none
    #[arg(long, value_name = "CSV")]
    enroll: Option<PathBuf>,
    /// Trials: CSV `model,recording,label`, Kaldi or VoxCeleb
    #[arg(long, value_name = "CSV")]
    trials: PathBuf,
    /// How the trials are written
    #[arg(long, value_enum, default_value = "detect")]
    format: Format,
    /// Kaldi's wav.scp; by default the one beside the trials
    #[arg(long, value_name = "FILE")]
    wav_scp: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Detect,
    Csv,
    Kaldi,
    Voxceleb,
}

impl From<Format> for ListFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Detect => Self::Detect,
            Format::Csv => Self::Csv,
            Format::Kaldi => Self::Kaldi,
            Format::Voxceleb => Self::VoxCeleb,
        }
    }
}

impl Verify {
    pub(crate) fn run(self) -> Result<Done> {
        let list = read_verification(&TrialSources {
            trials: &self.trials,
            enroll: self.enroll.as_deref(),
            wav_scp: self.wav_scp.as_deref(),
            root: self.common.root.as_deref(),
            format: self.format.into(),
        })?;
        let common = &self.common;
        let prints = Prints::open(&common.models, &common.prints)?;
        let shipped = Shipped::open(&common.models, &prints)?;
        let recordings = Recordings::hear(&prints, paths(&list))?;
        let some_failed = recordings.tell_failures();
        let mut others = Vec::new();
        if common.peer {
            others.push(plain(&Peer::hear(&common.models, &common.prints, paths(&list))?, &list));
        }
        if !common.no_baseline {
            others.push(plain(&Baseline::hear(paths(&list), common.prints.threads()), &list));
        }
        let input = VerifyInput {
            title: "Earmark".to_owned(),
            trials: trials(&shipped, &recordings, &list)?,
            enrollments: list
                .enrollments
                .iter()
                .map(|e| (e.model.clone(), e.recording.name().to_owned()))
                .collect(),
            others,
            facts: shipped.facts(&prints, &command_line()),
            ..VerifyInput::default()
        };
        let result = VerifyResult::new(input)?;
        result.write(&common.out)?;
        tell(table(&result), &common.out);
        Ok(if some_failed { Done::Part } else { Done::All })
    }
}

fn paths(list: &VerificationList) -> impl Iterator<Item = &Path> {
    let enrolled = list.enrollments.iter().map(|e| e.recording.path());
    enrolled.chain(list.trials.iter().map(|t| t.recording.path()))
}

fn trials(shipped: &Shipped, recordings: &Recordings, list: &VerificationList) -> Result<Vec<VerifyTrial>> {
    let system = Earmark { matcher: &shipped.matcher, recordings };
    let models = by_model(&list.enrollments)
        .into_iter()
        .map(|(model, paths)| Ok((model, system.enroll(&paths)?)))
        .collect::<Result<HashMap<_, _>>>()?;
    let mut probes = HashMap::new();
    let mut rows = Vec::with_capacity(list.trials.len());
    for trial in &list.trials {
        let path = trial.recording.path();
        if !probes.contains_key(path) {
            probes.insert(path, system.probe(path)?);
        }
        let sides =
            models.get(&*trial.model).and_then(Option::as_ref).zip(probes.get(path).and_then(Option::as_ref));
        let score = sides.map(|(e, p)| system.score(e, p)).transpose()?;
        rows.push(VerifyTrial {
            model: trial.model.clone(),
            recording: trial.recording.name().to_owned(),
            target: trial.target,
            cosine: score.map(|s| f64::from(s.cosine.value())),
            llr: score.map(|s| s.llr.nats()),
            net_speech_s: recordings.get(path).map(|h| f64::from(h.net_speech.seconds())),
            columns: trial.columns.clone(),
        });
    }
    Ok(rows)
}

/// Another system's scores of the same trials.
fn plain<S: Plain>(system: &S, list: &VerificationList) -> SystemScores {
    let models: HashMap<_, _> =
        by_model(&list.enrollments).into_iter().map(|(model, paths)| (model, system.side(&paths))).collect();
    let mut probes = HashMap::new();
    let scores = list.trials.iter().map(|trial| {
        let path = trial.recording.path();
        let probe = probes.entry(path).or_insert_with(|| system.side(&[path]));
        system.score(models.get(&*trial.model)?.as_ref()?, probe.as_ref()?)
    });
    let scores = scores.collect();
    SystemScores { name: S::NAME.to_owned(), title: S::TITLE.to_owned(), scores, calibrated: false }
}

fn table(result: &VerifyResult) -> Vec<Vec<String>> {
    let points = &result.input().options.points;
    let head = ["system", "EER", "95 %"].map(str::to_owned).into_iter();
    let costs =
        points.iter().flat_map(|p| [format!("minDCF({})", p.prior()), format!("actual({})", p.prior())]);
    let head = head.chain(costs).chain(["Cllr".to_owned(), "min Cllr".to_owned()]).collect();
    let rows = result.systems().iter().map(|system| {
        let f = &system.figures;
        let interval = f
            .eer
            .interval
            .map_or(String::new(), |[low, high]| format!("{} to {}", percent(low), percent(high)));
        let mut row = vec![system.name.clone(), percent(f.eer.value), interval];
        for cost in &f.costs {
            row.push(format!("{:.3}", cost.min.value));
            row.push(cost.actual.as_ref().map_or(String::new(), |a| format!("{:.3}", a.value)));
        }
        row.push(f.cllr.as_ref().map_or(String::new(), |c| format!("{:.3}", c.value)));
        row.push(format!("{:.3}", f.min_cllr.value));
        row
    });
    std::iter::once(head).chain(rows).collect()
}
