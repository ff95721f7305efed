//! What the benches' callers say, and when the server can know more.

#![allow(dead_code, reason = "each bench uses its part of it")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use earmark_audio::{
    ExtractOptions, Extractor, Limits, OnnxRuntime, OnnxSpeakerModel, RecordingReader, StreamFormat,
    VoiceActivityModel,
};

use earmark_server::proto::v1::Recording;

use crate::server;

/// Samples a second of everything here.
pub(crate) const RATE_HZ: usize = 8000;

/// So many seconds of each person of tests/data, from clips that nobody is enrolled with.
pub(crate) fn people(seconds: usize) -> Vec<Vec<i16>> {
    let mut people: BTreeMap<String, Vec<i16>> = BTreeMap::new();
    for (person, file) in clips("call") {
        people.entry(person).or_default().extend(samples(&file));
    }
    people.into_values().map(|audio| audio.into_iter().take(seconds * RATE_HZ).collect()).collect()
}

/// What a person is enrolled from.
pub(crate) fn recordings(person: &str) -> Vec<Recording> {
    let files = clips("enroll").into_iter().filter(|(who, _)| who == person).map(|(_, file)| file);
    let recording = |file: PathBuf| Recording {
        name: file.display().to_string(),
        content: std::fs::read(&file).expect("a clip"),
        ..Default::default()
    };
    files.map(recording).collect()
}

/// The clips for one part, with whose they are.
fn clips(part: &str) -> Vec<(String, PathBuf)> {
    let voices = server::root().join("tests/data/voices");
    let mut manifest = csv::Reader::from_path(voices.join("manifest.csv")).expect("a manifest");
    let rows = manifest.deserialize().map(|row: Result<HashMap<String, String>, _>| row.expect("a row"));
    let rows = rows.filter(|row| row["part"] == part);
    rows.map(|row| (row["person"].clone(), voices.join(&row["path"]))).collect()
}

fn samples(file: &Path) -> Vec<i16> {
    let mut reader = RecordingReader::open(file, &Limits::default()).expect("a clip");
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().expect("audio") {
        samples.extend(block.channels()[0].iter().map(|s| (s * 32767.0) as i16));
    }
    samples
}

/// The extractor that the server has too, with one thread.
pub(crate) fn extractor() -> Extractor {
    let models = server::models();
    let runtime = OnnxRuntime::load(None).expect("ONNX Runtime; run make setup");
    let speaker = OnnxSpeakerModel::open(&models.join("campplus-phone-192"), &runtime, 1).expect("a model");
    let activity = VoiceActivityModel::open(&models.join("silero-vad-8k")).expect("a model");
    Extractor::new(Arc::new(speaker), Arc::new(activity), ExtractOptions::default()).expect("options")
}

/// The frames, counted from 0, at which the next update becomes possible.
pub(crate) fn needed_frames(
    extractor: &Extractor,
    format: StreamFormat,
    audio: &[u8],
    frame: usize,
) -> Vec<usize> {
    let mut stream = extractor.stream(format).expect("a stream");
    let mut needed = Vec::new();
    for (n, frame) in audio.chunks(frame).enumerate() {
        stream.accept(frame).expect("audio");
        while stream.evidence().is_some() {
            needed.push(n);
        }
    }
    needed
}
