//! Where the recordings and models that tests use are.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use earmark_audio::{
    ChannelChoice, ChannelPicker, Limits, OnnxRuntime, OnnxSpeakerModel, RecordingReader, Resampler,
    VoiceActivityModel,
};

pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Samples of a file's first channel, and its rate.
pub(crate) fn samples(path: &Path) -> (Vec<f32>, u32) {
    let mut reader = RecordingReader::open(path, &Limits::default()).unwrap();
    let rate = reader.info().sample_rate_hz;
    let picker = ChannelPicker::new(ChannelChoice::Index(0), reader.info().channels).unwrap();
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        picker.pick_planar(block.channels(), &mut samples);
    }
    (samples, rate)
}

/// The clips of a voice that the project ships, at 8 kHz, one after the other.
pub(crate) fn voice(name: &str) -> Vec<f32> {
    let mut clips = files(&project().join("tests/data/voices").join(name), "flac");
    clips.sort();
    assert!(!clips.is_empty(), "no clips of {name}");
    let join = |clip: PathBuf| {
        let (samples, rate) = samples(&clip);
        assert_eq!(rate, 8_000);
        samples
    };
    clips.into_iter().flat_map(join).collect()
}

pub(crate) fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|e| e == extension)).collect()
}

/// The development speech, if it is there: `EARMARK_SPEECH`, or `shared/speech` beside the project.
pub(crate) fn development_speech() -> Option<PathBuf> {
    let folder = std::env::var_os("EARMARK_SPEECH").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| project().join("../shared/speech"));
    if folder.join("manifest.csv").is_file() {
        return Some(folder);
    }
    println!("skipped: no development speech in {} (set EARMARK_SPEECH)", folder.display());
    None
}

/// Recordings of development speech, `count` of them spread over all sets.
pub(crate) fn development_recordings(count: usize) -> Option<Vec<PathBuf>> {
    let folder = development_speech()?;
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).unwrap();
    let paths: Vec<&str> = manifest.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let step = paths.len() / count;
    Some(paths.iter().step_by(step).take(count).map(|path| folder.join(path)).collect())
}

pub(crate) fn resampled(samples: &[f32], from_hz: u32, to_hz: u32) -> Vec<f32> {
    let mut resampler = Resampler::new(from_hz, to_hz).unwrap();
    let mut out = Vec::new();
    resampler.accept(samples, &mut out);
    resampler.finish(&mut out);
    out
}

pub(crate) fn vad() -> Arc<VoiceActivityModel> {
    static MODEL: OnceLock<Arc<VoiceActivityModel>> = OnceLock::new();
    let open = || Arc::new(VoiceActivityModel::open(&project().join("models/silero-vad-8k")).unwrap());
    Arc::clone(MODEL.get_or_init(open))
}

/// ONNX Runtime, if it is there.
pub(crate) fn runtime() -> Option<OnnxRuntime> {
    match OnnxRuntime::load(None) {
        Ok(runtime) => Some(runtime),
        Err(error) => {
            println!("skipped: {error}");
            None
        }
    }
}

/// The shipped speaker model, if ONNX Runtime is there.
pub(crate) fn campplus() -> Option<Arc<OnnxSpeakerModel>> {
    static MODEL: OnceLock<Option<Arc<OnnxSpeakerModel>>> = OnceLock::new();
    let open = || {
        let folder = project().join("models/campplus-zh-en-192");
        Some(Arc::new(OnnxSpeakerModel::open(&folder, &runtime()?, 1).unwrap()))
    };
    MODEL.get_or_init(open).clone()
}

pub(crate) fn tiny_model_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/speaker-8k")
}
