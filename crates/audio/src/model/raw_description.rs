//! A speaker model's `model.toml`, key by key, before it is checked.

use earmark_voiceprint::MAX_DIMENSION;
use serde::Deserialize;

use super::description::{Described, InputDescription, ModelDescription, OutputDescription};
use super::{FrontEnd, MeanNormalization};
use crate::{FbankOptions, WindowShape};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSpeaker {
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
    voice_gate: Option<RawGate>,
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
struct RawGate {
    file: String,
    sha256: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOutput {
    name: String,
    dimension: usize,
    l2_normalize: bool,
}

impl RawSpeaker {
    pub(super) fn checked(self) -> Result<ModelDescription, String> {
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
            gate: self.voice_gate.map(|gate| (gate.file, gate.sha256)),
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
