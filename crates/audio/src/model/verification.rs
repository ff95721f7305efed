use std::path::{Path, PathBuf};

use earmark_voiceprint::{ModelId, NetSpeech, Voiceprint};

use super::file::hex;
use super::{OnnxRuntime, OnnxSpeakerModel, SpeakerModel};
use crate::{AudioError, Fbank};

/// How near the self test's outcome must be to the recorded one: CPUs round differently, and eight
/// bits a number are recorded.
const MIN_AGREEMENT: f32 = 0.999;

/// Length of the self test's signal, in seconds.
const SIGNAL_S: usize = 3;

/// What was found when a model was checked from its file to its numbers.
#[derive(Clone, Debug)]
pub struct ModelVerification {
    /// The model's id: its name and the fingerprint of weights and settings.
    pub model: ModelId,
    /// The folder it was read from.
    pub folder: PathBuf,
    /// SHA-256 of the weights, equal to the one in `model.toml`.
    pub weights_sha256: String,
    /// Sample rate of the front end, in Hz.
    pub sample_rate_hz: u32,
    /// Numbers a frame of features.
    pub mel_bins: usize,
    /// Numbers a voiceprint.
    pub dimension: usize,
    /// What the network makes of the fixed signal.
    pub self_test: SelfTest,
    /// Whether that is what was expected; none if nothing was.
    pub as_expected: Option<bool>,
}

impl ModelVerification {
    /// Opens the model in `folder`, which checks hash and shapes, and runs the self test on it.
    ///
    /// # Errors
    /// As [`OnnxSpeakerModel::open`] and [`SelfTest::run`].
    pub fn run(folder: &Path, runtime: &OnnxRuntime, expected: Option<&str>) -> Result<Self, AudioError> {
        let model = OnnxSpeakerModel::open(folder, runtime, 1)?;
        let self_test = SelfTest::run(&model)?;
        Ok(Self {
            model: model.id().clone(),
            folder: folder.to_owned(),
            weights_sha256: model.weights_sha256.clone(),
            sample_rate_hz: model.front_end().fbank.sample_rate_hz,
            mel_bins: model.front_end().fbank.mel_bins,
            dimension: model.dimension(),
            as_expected: expected.map(|expected| self_test.agrees_with(expected)),
            self_test,
        })
    }
}

/// What a model makes of a fixed synthetic signal. It is nobody's voice, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTest {
    values: Vec<i8>,
}

impl SelfTest {
    /// Embeds the signal: three seconds of a gliding pulse train over noise, made by arithmetic.
    ///
    /// # Errors
    /// As [`SpeakerModel::embed`].
    pub fn run(model: &dyn SpeakerModel) -> Result<Self, AudioError> {
        let front_end = model.front_end();
        let mut features = Fbank::whole(&front_end.fbank, &signal(front_end))?;
        front_end.normalize(features.view_mut());
        let embedding = model.embed(features.view())?;
        let unit = Voiceprint::from_embedding(model.id().clone(), &embedding, NetSpeech::ZERO)?;
        let largest = unit.values().iter().fold(0.0f32, |a, b| a.max(b.abs()));
        Ok(Self { values: unit.values().iter().map(|v| (v / largest * 127.0).round() as i8).collect() })
    }

    /// The outcome as text: two hex digits a number.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let bytes: Vec<u8> = self.values.iter().map(|v| v.cast_unsigned()).collect();
        hex(&bytes)
    }

    /// Whether `fingerprint` is this outcome but for rounding. Anything that is no fingerprint is not.
    #[must_use]
    pub fn agrees_with(&self, fingerprint: &str) -> bool {
        let digits = fingerprint.trim().as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let expected: Option<Vec<i8>> = digits.chunks(2).map(|p| byte(p).map(u8::cast_signed)).collect();
        match expected {
            Some(expected) if digits.len() == 2 * self.values.len() => {
                cosine(&self.values, &expected) >= MIN_AGREEMENT
            }
            _ => false,
        }
    }
}

fn cosine(a: &[i8], b: &[i8]) -> f32 {
    let dot =
        |x: &[i8], y: &[i8]| -> f32 { x.iter().zip(y).map(|(x, y)| f32::from(*x) * f32::from(*y)).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f32::MIN_POSITIVE)
}

/// A pulse train gliding from 100 to 200 Hz, a little noise, and a slow swell: broadband and
/// changing, as speech is.
fn signal(front_end: &super::FrontEnd) -> Vec<f32> {
    let rate = front_end.fbank.sample_rate_hz as usize;
    let length = SIGNAL_S * rate;
    let (mut phase, mut noise) = (0.0f64, 1u32);
    let sample = |n: usize| {
        let at = n as f64 / length as f64;
        phase += (100.0 + 100.0 * at) / rate as f64;
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let pulse = (-20.0 * phase.fract()).exp();
        let hiss = f64::from(noise >> 8) / f64::from(1 << 24) - 0.5;
        let swell = 0.6 + 0.4 * (std::f64::consts::TAU * 4.0 * at).sin();
        ((0.5 * pulse + 0.02 * hiss) * swell) as f32 * front_end.amplitude
    };
    (0..length).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_forgives_rounding_and_nothing_else() {
        let test = SelfTest { values: vec![127, -64, 3, 90, -127, 15] };
        assert_eq!(test.fingerprint(), "7fc0035a810f");
        assert!(test.agrees_with("7fc0035a810f") && test.agrees_with(" 7FC1045A810E\n"));
        for other in ["", "7fc0035a81", "7fc0035a810f00", "810f7fc0035a", "zz c0035a810f", "7fc0035a81é"] {
            assert!(!test.agrees_with(other), "{other}");
        }
    }
}
