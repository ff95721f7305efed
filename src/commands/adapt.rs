use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use earmark_adaptation::{
    Adaptation, AdaptationOptions, Call, CallSide, Look, Purpose, Source, adapt_labelled, adapt_unlabelled,
};
use earmark_scoring::BackEndBundle;
use serde::Deserialize;

use crate::exit::Done;
use crate::models::ModelArgs;
use crate::output;
use crate::prints::{Heard, Prints, PrintsArgs};

/// Seconds of speech at which a live call is looked at for the live false match curve; the product
/// looks each second.
const LOOKS: [f32; 12] = [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0];
/// Only calls with this much speech are listened to look by look: they have most looks.
const LIVE_SPEECH: f32 = 13.0;
/// The most calls that are.
const MAX_LIVE_CALLS: usize = 400;
/// The most recordings of one list.
const MAX_ROWS: usize = 200_000;

/// Train a back end on your own recordings, with or without knowing who speaks
#[derive(Args)]
#[command(after_help = "Example:
  earmark adapt --recordings list.csv --out new-back-end --report report.md

list.csv has a column `recording` (paths, relative to the list), and optional ones:
  speaker   who speaks; for all recordings or for none
  session   recordings of one session are never tried against each other (also: half)
  side      enroll or probe; empty for both
  use       report (default), train (never in a reported figure) or test (never trained on) (also: role)
  set       the collection: strangers of one set set the alarm thresholds
  gender, codec   for the calibration and the tables

With speakers, every way of scoring is cross-validated over speakers, and the report has all that was
tried. Without, the domain's mean and the cohort are made anew and the rest is kept from --base.
To use the result: put the folder in the model's place `backend/` and start `earmark serve`; no new
enrollment is needed. docs/adaptation.md says what to look at before. The cohort and the kept
voiceprints are biometric data.")]
pub(crate) struct Adapt {
    /// List of recordings: CSV with a column `recording`
    #[arg(long, value_name = "CSV")]
    recordings: PathBuf,
    /// Folder to write the back end to: backend.toml and its files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Name of the back end
    #[arg(long, default_value = "adapted", value_name = "NAME")]
    name: String,
    /// Back end to start from; by default the model's own
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// Where to write the report (Markdown); by default report.md beside the back end's files
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Don't listen to long calls look by look (quicker; the live false match rates are then taken
    /// from those of one look)
    #[arg(long)]
    no_live: bool,
    /// Take this way of scoring whatever the cross-validation says, named as in the report
    #[arg(long, value_name = "NAME")]
    candidate: Option<String>,
    /// Prior of "the same person" that the calibration is weighted for: lower serves decisions about
    /// longer lists
    #[arg(long, default_value_t = AdaptationOptions::default().prior, value_name = "P")]
    prior: f64,
    /// Sets whose speakers are only tested on, whatever their `use` says
    #[arg(long, value_name = "SET", num_args = 1..)]
    test_only: Vec<String>,
    /// TOML with `[[data]]` tables (name, license, attribution): whose speech it is
    #[arg(long, value_name = "TOML")]
    sources: Option<PathBuf>,
    #[command(flatten)]
    prints: PrintsArgs,
    #[command(flatten)]
    models: ModelArgs,
}

#[derive(Deserialize)]
struct Row {
    recording: PathBuf,
    #[serde(default)]
    speaker: Option<String>,
    #[serde(default)]
    session: Option<String>,
    #[serde(default)]
    half: Option<String>,
    #[serde(default)]
    side: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    set: Option<String>,
    #[serde(default)]
    gender: Option<String>,
    #[serde(default)]
    codec: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    data: Vec<RawSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    name: String,
    license: String,
    attribution: String,
}

impl Adapt {
    pub(crate) fn run(self) -> Result<Done> {
        let rows = self.rows()?;
        let labelled = rows.iter().any(|r| r.speaker.as_deref().is_some_and(|s| !s.is_empty()));
        let base = self.base()?;
        let sources = self.sources(rows.len())?;
        let prints = Prints::open(&self.models, &self.prints)?;
        let folder = self.recordings.parent().unwrap_or(Path::new("."));
        let paths: Vec<PathBuf> = rows.iter().map(|row| folder.join(&row.recording)).collect();
        let heard = prints.of(&paths)?;
        let unheard = heard.iter().filter(|h| h.voiceprint.is_none()).count();
        let mut calls = self.calls(&rows, heard)?;
        if labelled && !self.no_live {
            listen_live(&prints, folder, &mut calls)?;
        }
        output::note(&format!("{} recordings heard, {unheard} gave no voiceprint; training", calls.len()));
        let options = AdaptationOptions {
            threads: prints.threads(),
            prior: self.prior,
            candidate: self.candidate.clone(),
            ..AdaptationOptions::default()
        };
        let made = if labelled {
            let live = base.as_ref().map(|b| b.calibration().fit());
            adapt_labelled(&calls, &options, live)?
        } else {
            let Some(base) = &base else {
                bail!("without speakers a back end to start from is needed: --base")
            };
            adapt_unlabelled(&calls, &options, base)?
        };
        self.write(&made, &sources)?;
        Ok(if unheard > 0 { Done::Part } else { Done::All })
    }

    fn write(&self, made: &Adaptation, sources: &[Source]) -> Result<()> {
        made.fitted.write(&self.out, &self.name, sources)?;
        // What was written is read as the engine will read it.
        let bundle = BackEndBundle::open(&self.out)?;
        let report = self.report.clone().unwrap_or_else(|| self.out.join("report.md"));
        std::fs::write(&report, &made.report).with_context(|| format!("can't write {}", report.display()))?;
        output::line(&format!("{} ({})", bundle.name(), bundle.calibration().id()));
        output::note(&format!("back end in {}, report in {}", self.out.display(), report.display()));
        Ok(())
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let what = || format!("can't read {}; it needs a column `recording`", self.recordings.display());
        let mut reader = csv::Reader::from_path(&self.recordings).with_context(what)?;
        let rows =
            reader.deserialize().take(MAX_ROWS + 1).collect::<Result<Vec<Row>, _>>().with_context(what)?;
        if rows.len() > MAX_ROWS {
            bail!(
                "{} lists more than {MAX_ROWS} recordings; adapt on a part of them",
                self.recordings.display()
            );
        }
        let mut seen = HashSet::new();
        if let Some(twice) = rows.iter().find(|r| !seen.insert(&r.recording)) {
            bail!("{} is in the list twice", twice.recording.display());
        }
        Ok(rows)
    }

    /// The back end to start from, if there is one.
    fn base(&self) -> Result<Option<BackEndBundle>> {
        if let Some(folder) = &self.base {
            return Ok(Some(BackEndBundle::open(folder)?));
        }
        let own = self.models.speaker()?.join("backend");
        if !own.is_dir() {
            return Ok(None);
        }
        Ok(Some(BackEndBundle::open(&own)?))
    }

    fn sources(&self, recordings: usize) -> Result<Vec<Source>> {
        let Some(path) = &self.sources else {
            let attribution = format!("{recordings} recordings of the institution's own");
            let (name, license) = ("own recordings".to_owned(), "not for release".to_owned());
            return Ok(vec![Source { name, license, attribution }]);
        };
        let what =
            || format!("can't read {}; it needs [[data]] with name, license, attribution", path.display());
        let text = std::fs::read_to_string(path).with_context(what)?;
        let sources: Sources = toml::from_str(&text).with_context(what)?;
        let of = |s: RawSource| Source { name: s.name, license: s.license, attribution: s.attribution };
        Ok(sources.data.into_iter().map(of).collect())
    }

    fn calls(&self, rows: &[Row], heard: Vec<Heard>) -> Result<Vec<Call>> {
        let mut calls = Vec::with_capacity(rows.len());
        for (row, heard) in rows.iter().zip(heard) {
            let text = |field: &Option<String>| field.as_deref().unwrap_or_default().trim().to_owned();
            let (side, mut purpose) = (
                side(&text(&row.side))?,
                purpose(&text(row.purpose.as_ref().map_or(&row.role, |_| &row.purpose)))?,
            );
            if self.test_only.contains(&text(&row.set)) {
                purpose = Purpose::Test;
            }
            let Some(voiceprint) = heard.voiceprint else { continue };
            calls.push(Call {
                recording: row.recording.display().to_string(),
                speaker: Some(text(&row.speaker)).filter(|s| !s.is_empty()),
                session: Some(text(row.session.as_ref().map_or(&row.half, |_| &row.session)))
                    .filter(|s| !s.is_empty()),
                side,
                purpose,
                set: text(&row.set),
                gender: text(&row.gender),
                codec: text(&row.codec),
                voiceprint,
                quality: heard.quality,
                looks: Vec::new(),
            });
        }
        Ok(calls)
    }
}

fn side(text: &str) -> Result<CallSide> {
    match text {
        "" | "both" => Ok(CallSide::Both),
        "enroll" => Ok(CallSide::Enroll),
        "probe" => Ok(CallSide::Probe),
        other => bail!("side is {other:?}; it may be enroll, probe or empty"),
    }
}

fn purpose(text: &str) -> Result<Purpose> {
    // A speaker of one recording has nothing to report of.
    let text = if text == "single" { "train" } else { text };
    match Purpose::named(text) {
        Some(purpose) => Ok(purpose),
        None => bail!("use is {text:?}; it may be report, train, test or empty"),
    }
}

/// Listens to long calls look by look: those of speakers who are reported, or else all.
fn listen_live(prints: &Prints, folder: &Path, calls: &mut [Call]) -> Result<()> {
    let long = |c: &Call| c.side != CallSide::Enroll && c.voiceprint.net_speech().seconds() >= LIVE_SPEECH;
    let of = |calls: &[Call], wanted: &dyn Fn(&Call) -> bool| -> Vec<usize> {
        (0..calls.len()).filter(|i| long(&calls[*i]) && wanted(&calls[*i])).collect()
    };
    let mut chosen = of(calls, &|c| c.purpose == Purpose::Report);
    if chosen.is_empty() {
        chosen = of(calls, &|c| c.purpose == Purpose::Train);
    }
    let every = chosen.len().div_ceil(MAX_LIVE_CALLS).max(1);
    let chosen: Vec<usize> = chosen.into_iter().step_by(every).collect();
    let paths: Vec<PathBuf> = chosen.iter().map(|i| folder.join(&calls[*i].recording)).collect();
    let last = LOOKS[LOOKS.len() - 1];
    for (at, heard) in chosen.into_iter().zip(prints.live(&paths, last)?) {
        calls[at].looks = heard.into_iter().filter_map(look).collect();
    }
    Ok(())
}

/// The looks of the list, one a second as they are.
fn look(heard: Heard) -> Option<Look> {
    let voiceprint = heard.voiceprint?;
    let seconds = heard.net_speech.seconds();
    let listed = LOOKS.iter().any(|l| (seconds - l).abs() < 0.5);
    listed.then_some(Look { voiceprint, quality: heard.quality })
}
