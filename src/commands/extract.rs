use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use earmark_voiceprint::Voiceprint;
use serde_json::{Value, json};

use crate::exit::Done;
use crate::models::ModelArgs;
use crate::prints::{Heard, Prints, PrintsArgs};

/// Make voiceprints of recordings: one JSON object a line
#[derive(Args)]
#[command(after_help = "Example:
  earmark extract --recordings list.csv --out prints.jsonl

list.csv has a column `recording`: paths, relative to the list. Each line of the output has
recording, model, net_speech_s, snr_db, clipped_fraction, voiceprint (192 numbers of unit length).
Where a recording gave no voiceprint, voiceprint is null and error says why; the exit code is then 3.
Voiceprints are biometric data: keep the output, and the folder --cache, as such.")]
pub(crate) struct Extract {
    /// List of recordings: CSV with a column `recording`
    #[arg(long, value_name = "CSV")]
    recordings: PathBuf,
    /// Where to write; made readable for its owner only
    #[arg(long, value_name = "JSONL")]
    out: PathBuf,
    /// Use the voiceprint that a live call has after so many seconds of speech (3 at least), as its
    /// updates use it, instead of the one of the whole recording
    #[arg(long, value_name = "S")]
    live_at: Option<f32>,
    #[command(flatten)]
    prints: PrintsArgs,
    #[command(flatten)]
    models: ModelArgs,
}

#[derive(serde::Deserialize)]
struct Row {
    recording: PathBuf,
}

impl Extract {
    pub(crate) fn run(self) -> Result<Done> {
        let rows = self.rows()?;
        let prints = Prints::open(&self.models, &self.prints)?;
        let mut out = BufWriter::new(self.create()?);
        let folder = self.recordings.parent().unwrap_or(Path::new("."));
        let paths: Vec<PathBuf> = rows.iter().map(|row| folder.join(&row.recording)).collect();
        let mut failed = false;
        let mut write = |at: usize, heard: Heard| {
            let value = as_json(&rows[at], prints.model().as_str(), &heard);
            failed |= heard.voiceprint.is_none();
            Ok(writeln!(out, "{value}")?)
        };
        match self.live_at {
            Some(seconds) => prints.each_live(&paths, seconds, &mut write)?,
            None => prints.each(&paths, &mut write)?,
        }
        out.flush()?;
        Ok(if failed { Done::Part } else { Done::All })
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let what = || format!("can't read {}; it needs a column `recording`", self.recordings.display());
        let mut reader = csv::Reader::from_path(&self.recordings).with_context(what)?;
        reader.deserialize().collect::<Result<_, _>>().with_context(what)
    }

    fn create(&self) -> Result<File> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&self.out).with_context(|| format!("can't write {}", self.out.display()))
    }
}

fn as_json(row: &Row, model: &str, heard: &Heard) -> Value {
    let quality = heard.quality;
    let mut value = json!({
        "recording": row.recording,
        "model": model,
        "net_speech_s": quality.map(|_| heard.net_speech.seconds()),
        "snr_db": quality.map(|q| q.snr_db),
        "clipped_fraction": quality.map(|q| q.clipped_fraction),
        "level_dbfs": quality.map(|q| q.level_dbfs),
        "bandwidth_hz": quality.map(|q| q.bandwidth_hz),
        "voiceprint": heard.voiceprint.as_ref().map(Voiceprint::values),
    });
    // Why there is no voiceprint.
    if let (Some(reason), Some(error)) = (&heard.reason, &heard.error) {
        value["reason"] = reason.as_str().into();
        value["error"] = error.as_str().into();
    }
    value
}
