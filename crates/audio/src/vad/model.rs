use std::path::Path;

use serde::Deserialize;

use super::silero::{CONTEXT, STATE, Silero, SileroState};
use super::{VAD_CHUNK, VAD_RATE_HZ};
use crate::AudioError;
use crate::model::{Described, VerifiedFile, read, weights};

/// The network that tells speech from everything else, and the facts in its `model.toml`.
///
/// Only weights are shared: every stream has its own memory, and any number run at once.
#[derive(Debug)]
pub struct VoiceActivityModel {
    name: String,
    weights_sha256: String,
    network: Silero,
}

/// What the network remembers of one stream. A new one stands at a recording's start.
#[derive(Clone, Debug, Default)]
pub struct VoiceActivityState(SileroState);

impl VoiceActivityModel {
    /// Opens the model in `folder`: reads `model.toml`, checks the weights' hash and shapes.
    ///
    /// # Errors
    /// [`AudioError::ModelFile`] for a file that can't be read, [`AudioError::ModelDescription`] for
    /// a `model.toml` with unknown, missing or impossible settings, [`AudioError::CorruptModel`] for
    /// weights with another hash, [`AudioError::ModelGraph`] for another network.
    pub fn open(folder: &Path) -> Result<Self, AudioError> {
        let raw: RawModel = read(folder)?;
        let refused = |what| AudioError::ModelDescription { path: folder.join("model.toml"), what };
        raw.check().map_err(refused)?;
        let VerifiedFile { path, sha256, bytes } = weights(folder, &raw.file, &raw.sha256)?;
        let network = Silero::read(&bytes).map_err(|what| AudioError::ModelGraph { path, what })?;
        Ok(Self { name: raw.name, weights_sha256: sha256, network })
    }

    /// The model's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the weights, in hex.
    #[must_use]
    pub fn weights_sha256(&self) -> &str {
        &self.weights_sha256
    }

    /// The probability, 0 to 1, that the next chunk of a stream at 8 kHz is speech; samples in
    /// [-1, 1].
    #[must_use]
    pub fn probability(&self, state: &mut VoiceActivityState, chunk: &[f32; VAD_CHUNK]) -> f32 {
        self.network.probability(&mut state.0, chunk)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    name: String,
    kind: String,
    file: String,
    sha256: String,
    #[serde(rename = "licence")]
    _licence: String,
    #[serde(rename = "source")]
    _source: String,
    input: RawInput,
    #[serde(rename = "output")]
    _output: RawOutput,
}

/// The names of the graph's inputs are for those who run it with ONNX Runtime.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInput {
    #[serde(rename = "samples")]
    _samples: String,
    #[serde(rename = "state")]
    _state: String,
    sample_rate_hz: u32,
    amplitude: f32,
    context_samples: usize,
    chunk_samples: usize,
    state_size: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOutput {
    #[serde(rename = "probability")]
    _probability: String,
    #[serde(rename = "state")]
    _state: String,
}

impl Described for RawModel {
    const KIND: &'static str = "voice-activity";

    fn kind(&self) -> &str {
        &self.kind
    }
}

impl RawModel {
    /// One network is known, so its sizes are.
    fn check(&self) -> Result<(), String> {
        let input = &self.input;
        if input.amplitude != 1.0 {
            return Err("input.amplitude must be 1".into());
        }
        let sizes = [
            ("sample_rate_hz", input.sample_rate_hz as usize, VAD_RATE_HZ as usize),
            ("context_samples", input.context_samples, CONTEXT),
            ("chunk_samples", input.chunk_samples, VAD_CHUNK),
            ("state_size", input.state_size, STATE),
        ];
        match sizes.iter().find(|(_, found, wanted)| found != wanted) {
            Some((name, _, wanted)) => Err(format!("input.{name} must be {wanted}")),
            None => Ok(()),
        }
    }
}
