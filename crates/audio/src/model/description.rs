use std::path::{Path, PathBuf};

use earmark_voiceprint::MAX_DIMENSION;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::file::read_limited;
use super::{FrontEnd, MeanNormalization, VerifiedFile};
use crate::{AudioError, FbankOptions, WindowShape};

/// The file in a model's folder that holds all facts about it.
const FILE: &str = "model.toml";

/// The largest `model.toml` that is read.
const MAX_BYTES: u64 = 64 << 10;

/// What a `model.toml` says, checked.
pub(super) struct ModelDescription {
    pub(super) name: String,
    file: String,
    sha256: String,
    pub(super) input: InputDescription,
    pub(super) front_end: FrontEnd,
    pub(super) output: OutputDescription,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpeaker {
    name: String,
    kind: String,
    file: String,
    sha256: String,
    #[serde(rename = "licence")]
    _licence: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "languages")]
    _languages: Vec<String>,
    input: RawInput,
    front_end: RawFrontEnd,
    output: RawOutput,
}

impl Described for RawSpeaker {
    const KIND: &'static str = "speaker-embedding";

    fn kind(&self) -> &str {
        &self.kind
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput {
    name: String,
    band_hz: u32,
    sample_rate_hz: u32,
    amplitude: f32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFrontEnd {
    frame_length_ms: f32,
    frame_shift_ms: f32,
    window: RawWindow,
    preemphasis: f32,
    remove_dc: bool,
    fft_points: usize,
    snip_edges: bool,
    dither: f32,
    mels: usize,
    low_hz: f32,
    high_hz: f32,
    log_floor: f32,
    use_power: bool,
    mean_normalization: RawMean,
    variance_normalization: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawWindow {
    Povey,
    Hamming,
    Hanning,
    Rectangular,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawMean {
    Utterance,
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOutput {
    name: String,
    dimension: usize,
    l2_normalize: bool,
}

impl RawSpeaker {
    fn checked(self) -> Result<ModelDescription, String> {
        let front_end = self.front_end.checked(&self.input)?;
        if self.name.is_empty() || self.name.contains(|c: char| c.is_control() || c == '/') {
            return Err("name must be printable text without a slash".into());
        }
        if !(1..=MAX_DIMENSION).contains(&self.output.dimension) {
            return Err(format!("output.dimension must be 1 to {MAX_DIMENSION}"));
        }
        let RawOutput { name, dimension, l2_normalize } = self.output;
        Ok(ModelDescription {
            name: self.name,
            file: self.file,
            sha256: self.sha256,
            input: InputDescription { name: self.input.name },
            front_end,
            output: OutputDescription { name, dimension, l2_normalize },
        })
    }
}

impl RawFrontEnd {
    fn checked(self, input: &RawInput) -> Result<FrontEnd, String> {
        if self.dither != 0.0 {
            return Err("front_end.dither must be 0: it would make voiceprints random".into());
        }
        if !self.snip_edges {
            return Err("front_end.snip_edges must be true: frames lie within the signal".into());
        }
        if self.variance_normalization {
            return Err("front_end.variance_normalization must be false: it is not supported".into());
        }
        let front_end = self.front_end(input);
        front_end.check().map_err(|e| e.to_string())?;
        let fft_points = front_end.fbank.fft_samples();
        if self.fft_points == fft_points {
            return Ok(front_end);
        }
        Err(format!("front_end.fft_points must be {fft_points}: the frame, padded to a power of two"))
    }

    fn front_end(&self, input: &RawInput) -> FrontEnd {
        let fbank = FbankOptions {
            sample_rate_hz: input.sample_rate_hz,
            frame_length_ms: self.frame_length_ms,
            frame_shift_ms: self.frame_shift_ms,
            window: match self.window {
                RawWindow::Povey => WindowShape::Povey,
                RawWindow::Hamming => WindowShape::Hamming,
                RawWindow::Hanning => WindowShape::Hanning,
                RawWindow::Rectangular => WindowShape::Rectangular,
            },
            preemphasis: self.preemphasis,
            remove_dc_offset: self.remove_dc,
            mel_bins: self.mels,
            low_hz: self.low_hz,
            high_hz: self.high_hz,
            use_power: self.use_power,
            log_floor: self.log_floor,
        };
        let mean_normalization = match self.mean_normalization {
            RawMean::Utterance => MeanNormalization::Segment,
            RawMean::None => MeanNormalization::None,
        };
        FrontEnd { band_rate_hz: input.band_hz, amplitude: input.amplitude, fbank, mean_normalization }
    }
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
