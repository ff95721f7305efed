use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use anyhow::{Context, Result};
use clap::Args;
use earmark_audio::{
    AudioError, ChannelChoice, ChannelPicker, Evidence, ExtractOptions, Extractor, Limits, OnnxSpeakerModel,
    RecordingReader, VoiceActivityModel,
};
use earmark_engine::EngineError;
use earmark_voiceprint::{ModelId, NetSpeech, Quality, Voiceprint};
use serde_json::{Value, json};

use crate::exit::Done;
use crate::models::ModelArgs;
use crate::{progress, setup};

/// Make voiceprints of recordings: one JSON object a line
#[derive(Args)]
#[command(after_help = "Example:
  earmark extract --recordings list.csv --out prints.jsonl

list.csv has a column `recording`: paths, relative to the list. Each line of the output has
recording, model, net_speech_s, snr_db, clipped_fraction, voiceprint (192 numbers of unit length).
Where a recording gave no voiceprint, voiceprint is null and error says why; the exit code is then 3.
Voiceprints are biometric data: keep the output as such.")]
pub(crate) struct Extract {
    /// List of recordings: CSV with a column `recording`
    #[arg(long, value_name = "CSV")]
    recordings: PathBuf,
    /// Where to write; made readable for its owner only
    #[arg(long, value_name = "JSONL")]
    out: PathBuf,
    /// Threads; by default one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Channel of the customer in recordings with several, from 0
    #[arg(long, value_name = "N")]
    channel: Option<u16>,
    /// Use the voiceprint that a live call has after so many seconds of speech (3 at least), as its
    /// updates use it, instead of the one of the whole recording
    #[arg(long, value_name = "S")]
    live_at: Option<f32>,
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
        let extractor = self.extractor()?;
        let mut out = BufWriter::new(self.create()?);
        let bar = progress::bar(rows.len());
        let mut failed = false;
        self.work(&rows, &extractor, |row, line| {
            bar.inc(1);
            let value = line.unwrap_or_else(|error| failure(row, &extractor, error));
            failed |= value["voiceprint"].is_null();
            Ok(writeln!(out, "{value}")?)
        })?;
        out.flush()?;
        bar.finish_and_clear();
        Ok(if failed { Done::Part } else { Done::All })
    }

    fn rows(&self) -> Result<Vec<Row>> {
        let what = || format!("can't read {}; it needs a column `recording`", self.recordings.display());
        let mut reader = csv::Reader::from_path(&self.recordings).with_context(what)?;
        reader.deserialize().collect::<Result<_, _>>().with_context(what)
    }

    fn extractor(&self) -> Result<Extractor> {
        let runtime = self.models.runtime()?;
        let (speaker, activity) = (self.models.speaker()?, self.models.voice_activity()?);
        let open = || {
            let speaker = OnnxSpeakerModel::open(&speaker, &runtime, self.threads())?;
            let activity = VoiceActivityModel::open(&activity)?;
            Extractor::new(Arc::new(speaker), Arc::new(activity), ExtractOptions::default())
        };
        Ok(open().map_err(EngineError::from)?)
    }

    fn threads(&self) -> usize {
        self.threads.unwrap_or_else(setup::cores).max(1)
    }

    fn create(&self) -> Result<File> {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&self.out).with_context(|| format!("can't write {}", self.out.display()))
    }

    /// Extracts on all threads and hands the lines on in the order of the list.
    fn work(
        &self,
        rows: &[Row],
        extractor: &Extractor,
        mut take: impl FnMut(&Row, Result<Value, AudioError>) -> Result<()>,
    ) -> Result<()> {
        let folder = self.recordings.parent().unwrap_or(Path::new("."));
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let (sender, lines) = mpsc::sync_channel(2 * self.threads());
            for _ in 0..self.threads() {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(row) = rows.get(at) else { return };
                        if sender.send((at, self.extract(row, folder, extractor))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let mut waiting = BTreeMap::new();
            let mut due = 0;
            for (at, line) in lines {
                waiting.insert(at, line);
                while let Some(line) = waiting.remove(&due) {
                    take(&rows[due], line)?;
                    due += 1;
                }
            }
            Ok(())
        })
    }

    fn extract(&self, row: &Row, folder: &Path, extractor: &Extractor) -> Result<Value, AudioError> {
        let source = File::open(folder.join(&row.recording))?;
        let channel = self.channel.map_or(ChannelChoice::Mono, ChannelChoice::Index);
        let model = extractor.model();
        if let Some(seconds) = self.live_at {
            let nothing = Quality { snr_db: 0.0, clipped_fraction: 0.0, level_dbfs: 0.0, bandwidth_hz: 0.0 };
            return Ok(match live(extractor, source, channel, seconds)? {
                Some(e) => as_json(row, model, e.net_speech, &e.quality, Some(&e.voiceprint)),
                None => too_short(as_json(row, model, NetSpeech::ZERO, &nothing, None)),
            });
        }
        let whole = extractor.recording(source, channel, &Limits::default())?;
        let value = as_json(row, model, whole.net_speech, &whole.quality, whole.voiceprint());
        Ok(if whole.voiceprint().is_some() { value } else { too_short(value) })
    }
}

/// The last voiceprint of a live call with at most so much speech.
fn live(
    extractor: &Extractor,
    source: File,
    channel: ChannelChoice,
    seconds: f32,
) -> Result<Option<Evidence>, AudioError> {
    let mut reader = RecordingReader::new(source, &Limits::default())?;
    let picker = ChannelPicker::new(channel, reader.info().channels)?;
    let mut stream = extractor.live_samples(reader.info().sample_rate_hz)?;
    let (mut samples, mut last) = (Vec::new(), None);
    while let Some(block) = reader.next_block()? {
        samples.clear();
        picker.pick_planar(block.channels(), &mut samples);
        stream.accept(&samples)?;
        while let Some(evidence) = stream.evidence() {
            if evidence.net_speech.seconds() > seconds + 0.01 {
                return Ok(last);
            }
            last = Some(evidence);
        }
    }
    Ok(last)
}

fn as_json(
    row: &Row,
    model: &ModelId,
    speech: NetSpeech,
    quality: &Quality,
    print: Option<&Voiceprint>,
) -> Value {
    json!({
        "recording": row.recording,
        "model": model.as_str(),
        "net_speech_s": speech.seconds(),
        "snr_db": quality.snr_db,
        "clipped_fraction": quality.clipped_fraction,
        "level_dbfs": quality.level_dbfs,
        "bandwidth_hz": quality.bandwidth_hz,
        "voiceprint": print.map(Voiceprint::values),
    })
}

/// Adds why there is no voiceprint.
fn with_error(mut value: Value, reason: &str, error: &str) -> Value {
    value["reason"] = reason.into();
    value["error"] = error.into();
    value
}

fn too_short(value: Value) -> Value {
    with_error(value, "INSUFFICIENT_SPEECH", "too little speech for a voiceprint")
}

fn failure(row: &Row, extractor: &Extractor, error: AudioError) -> Value {
    let value = json!({
        "recording": row.recording, "model": extractor.model().as_str(), "net_speech_s": null,
        "snr_db": null, "clipped_fraction": null, "voiceprint": null,
    });
    let error = EngineError::from(error);
    with_error(value, error.reason(), &error.to_string())
}
