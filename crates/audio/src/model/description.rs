use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::file::read_limited;
use super::raw_description::RawSpeaker;
use super::{FrontEnd, VerifiedFile};
use crate::AudioError;

/// The file in a model's folder that holds all facts about it.
const FILE: &str = "model.toml";

/// The largest `model.toml` that is read.
const MAX_BYTES: u64 = 64 << 10;

/// What a `model.toml` says, checked.
pub(super) struct ModelDescription {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) sha256: String,
    pub(super) input: InputDescription,
    pub(super) front_end: FrontEnd,
    pub(super) output: OutputDescription,
    /// File and sha256 of the voice gate.
    pub(super) gate: Option<(String, String)>,
}

/// The graph's input.
pub(super) struct InputDescription {
    pub(super) name: String,
}

/// The graph's output, float32 `[batch, dimension]`.
pub(super) struct OutputDescription {
    pub(super) name: String,
    pub(super) dimension: usize,
    pub(super) l2_normalize: bool,
}

impl ModelDescription {
    /// Reads and checks `folder/model.toml`, which must describe a speaker model.
    pub(super) fn read_speaker(folder: &Path) -> Result<Self, AudioError> {
        let raw: RawSpeaker = read(folder)?;
        let refused = |what| AudioError::ModelDescription { path: folder.join(FILE), what };
        raw.checked().map_err(refused)
    }

    /// Reads the weights and checks their hash.
    pub(crate) fn weights(&self, folder: &Path) -> Result<VerifiedFile, AudioError> {
        weights(folder, &self.file, &self.sha256)
    }

    /// Reads the voice gate, where there is one, and checks its hash.
    pub(super) fn voice_gate(&self, folder: &Path) -> Result<Option<VerifiedFile>, AudioError> {
        self.gate.as_ref().map(|(file, sha256)| weights(folder, file, sha256)).transpose()
    }
}

/// The weights beside a `model.toml`.
pub(crate) fn weights(folder: &Path, file: &str, sha256: &str) -> Result<VerifiedFile, AudioError> {
    // A name, not a path: a description must not point out of its folder.
    let is_name = PathBuf::from(file).file_name().is_some_and(|name| name == file);
    if !is_name {
        let what = format!("file {file:?} must be the name of a file in the same folder");
        return Err(AudioError::ModelDescription { path: folder.join(FILE), what });
    }
    VerifiedFile::read(folder.join(file), sha256)
}

/// Parses `folder/model.toml` and checks its kind.
pub(crate) fn read<T: DeserializeOwned + Described>(folder: &Path) -> Result<T, AudioError> {
    let path = folder.join(FILE);
    let bytes = read_limited(&path, MAX_BYTES)?;
    let refused = |what: String| AudioError::ModelDescription { path: path.clone(), what };
    let text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8 text".into()))?;
    let raw: T = toml::from_str(&text).map_err(|e| refused(e.to_string().trim_end().to_owned()))?;
    if raw.kind() == T::KIND {
        return Ok(raw);
    }
    Err(refused(format!("its kind is {:?}, not {:?}", raw.kind(), T::KIND)))
}

/// A `model.toml` of one kind.
pub(crate) trait Described {
    const KIND: &'static str;
    fn kind(&self) -> &str;
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../tests/data/speaker-8k/model.toml");

    fn parsed(text: &str) -> Result<ModelDescription, AudioError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        ModelDescription::read_speaker(folder.path())
    }

    fn refusal(from: &str, to: &str) -> String {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD, "{from} is not in the file");
        match parsed(&text).map(|_| ()) {
            Err(e @ AudioError::ModelDescription { .. }) => e.to_string(),
            other => panic!("{from} -> {to}: {other:?}"),
        }
    }

    #[test]
    fn reads_every_setting() {
        let good = parsed(GOOD).unwrap();
        let front_end = &good.front_end;
        assert_eq!((front_end.band_rate_hz, front_end.fbank.sample_rate_hz), (0, 8_000));
        assert_eq!((front_end.fbank.mel_bins, good.output.dimension), (40, 24));
        assert!(!good.output.l2_normalize);
    }

    #[test]
    fn refuses_unknown_missing_and_impossible_settings_by_name() {
        for (from, to, says) in [
            ("[input]", "colour = 1\n[input]", "colour"),
            ("mels = 40", "mels = 40\nfft = 9", "fft"),
            ("l2_normalize = false", "", "l2_normalize"),
            ("dither = 0.0", "dither = 1.0", "dither"),
            ("snip_edges = true", "snip_edges = false", "snip_edges"),
            ("window = \"hamming\"", "window = \"kaiser\"", "kaiser"),
            ("variance_normalization = false", "variance_normalization = true", "variance_normalization"),
            ("fft_points = 256", "fft_points = 512", "fft_points must be 256"),
            ("dimension = 24", "dimension = 100000", "dimension"),
            ("sample_rate_hz = 8000", "sample_rate_hz = 22050", "sample_rate_hz"),
            ("kind = \"speaker-embedding\"", "kind = \"voice-activity\"", "voice-activity"),
            ("name = \"tiny", "name = \"a/tiny", "name"),
        ] {
            let text = refusal(from, to);
            assert!(text.contains(says), "{to}: {text}");
        }
    }

    #[test]
    fn weights_must_lie_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["../x.onnx", "/etc/passwd", "", "..", "a/b"] {
            let refused = weights(folder.path(), file, "");
            assert!(matches!(refused, Err(AudioError::ModelDescription { .. })), "{file}");
        }
        assert!(matches!(weights(folder.path(), "x.onnx", ""), Err(AudioError::ModelFile { .. })));
    }
}
