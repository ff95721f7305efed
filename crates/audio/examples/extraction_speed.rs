//! How long extraction takes: `extraction_speed RECORDING...` prints one JSON line a recording, then
//! one with the totals; models loaded and warm, on one thread. `benches/extraction_speed.py` at the
//! project's root runs it beside the Python recipe.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use earmark_audio::{
    ChannelChoice, ExtractOptions, Extraction, Extractor, Limits, OnnxRuntime, OnnxSpeakerModel,
    VoiceActivityModel,
};

fn extractor() -> Result<Extractor, Box<dyn Error>> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let runtime = OnnxRuntime::load(None)?;
    let speaker = OnnxSpeakerModel::open(&models.join("campplus-zh-en-192"), &runtime, 1)?;
    let vad = VoiceActivityModel::open(&models.join("silero-vad-8k"))?;
    Ok(Extractor::new(Arc::new(speaker), Arc::new(vad), ExtractOptions::default())?)
}

fn extract(extractor: &Extractor, path: &Path) -> Result<Extraction, Box<dyn Error>> {
    Ok(extractor.recording(File::open(path)?, ChannelChoice::Mono, &Limits::default())?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let recordings: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let first = recordings.first().ok_or("usage: extraction_speed RECORDING...")?;
    let extractor = extractor()?;
    extract(&extractor, first)?;
    let mut out = std::io::stdout().lock();
    let (mut total_audio, mut total) = (0.0, 0.0);
    for path in &recordings {
        let start = Instant::now();
        let extraction = extract(&extractor, path)?;
        let seconds = start.elapsed().as_secs_f64();
        total_audio += extraction.duration_s;
        total += seconds;
        let frames = (extraction.net_speech.seconds() * 100.0).round();
        let (path, audio) = (path.display(), extraction.duration_s);
        writeln!(
            out,
            r#"{{"recording": {:?}, "audio_seconds": {audio:.3}, "speech_frames": {frames}, "seconds": {seconds:.6}}}"#,
            path.to_string()
        )?;
    }
    let count = recordings.len();
    writeln!(out, r#"{{"recordings": {count}, "audio_seconds": {total_audio:.3}, "seconds": {total:.6}}}"#)?;
    Ok(())
}
