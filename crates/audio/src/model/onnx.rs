use std::path::Path;

use earmark_voiceprint::ModelId;
use ndarray::ArrayView2;
use ort::value::TensorRef;

use super::description::{ModelDescription, OutputDescription};
use super::fingerprint::fingerprint;
use super::voice_gate::VoiceGate;
use super::{FrontEnd, GraphTensor, OnnxRuntime, SessionPool, SpeakerModel};
use crate::AudioError;

/// Any ONNX speaker network that a `model.toml` describes.
///
/// Input float32 `[batch, frames, mel_bins]`, output float32 `[batch, dimension]`.
pub struct OnnxSpeakerModel {
    id: ModelId,
    front_end: FrontEnd,
    input: String,
    output: OutputDescription,
    pool: SessionPool,
    gate: Option<VoiceGate>,
    pub(super) weights_sha256: String,
}

impl OnnxSpeakerModel {
    /// Opens the model in `folder`: reads `model.toml`, checks the weights' hash and the graph, and
    /// loads it `sessions` times. That many embeddings run at once, each on its caller's thread.
    ///
    /// # Errors
    /// [`AudioError::ModelFile`] for a file that can't be read, [`AudioError::ModelDescription`]
    /// for a `model.toml` with unknown, missing or impossible settings, [`AudioError::CorruptModel`]
    /// for weights with another hash, [`AudioError::ModelGraph`] for a network of another shape.
    pub fn open(folder: &Path, runtime: &OnnxRuntime, sessions: usize) -> Result<Self, AudioError> {
        let description = ModelDescription::read_speaker(folder)?;
        let file = description.weights(folder)?;
        let pool = SessionPool::new(&file, runtime, sessions)?;
        let refused = |what| AudioError::ModelGraph { path: file.path.clone(), what };
        let (input, output) = (&description.input, &description.output);
        let mels = description.front_end.fbank.mel_bins;
        check_tensor("input", &input.name, pool.inputs(), &[None, None, Some(mels)]).map_err(refused)?;
        check_tensor("output", &output.name, pool.outputs(), &[None, Some(output.dimension)])
            .map_err(refused)?;

        let gate = description.voice_gate(folder)?;
        let gate = gate.map(|file| VoiceGate::read(&file, output.dimension)).transpose()?;
        let gate_sha256 = gate.as_ref().map(|gate| &*gate.sha256);
        let print = fingerprint(&file.sha256, &description.front_end, output.l2_normalize, gate_sha256);
        Ok(Self {
            id: ModelId::new(&description.name, &print),
            front_end: description.front_end,
            input: description.input.name,
            output: description.output,
            pool,
            gate,
            weights_sha256: file.sha256,
        })
    }

    fn run(&self, features: ArrayView2<'_, f32>) -> Result<Vec<f32>, ort::Error> {
        let features = features.as_standard_layout();
        let (frames, mels) = features.dim();
        let values = features.as_slice().unwrap_or_default();
        let input = TensorRef::from_array_view(([1, frames, mels], values))?;
        self.pool.with(|session| {
            let outputs = session.run(ort::inputs! { self.input.as_str() => input })?;
            let (_, embedding) = outputs[self.output.name.as_str()].try_extract_tensor::<f32>()?;
            Ok(embedding.to_vec())
        })
    }
}

impl SpeakerModel for OnnxSpeakerModel {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn front_end(&self) -> &FrontEnd {
        &self.front_end
    }

    fn dimension(&self) -> usize {
        self.output.dimension
    }

    fn embed(&self, features: ArrayView2<'_, f32>) -> Result<Vec<f32>, AudioError> {
        let failed = |cause| AudioError::Inference { model: self.id.clone(), cause };
        let mut embedding = self.run(features).map_err(|e| failed(e.to_string()))?;
        if embedding.len() != self.output.dimension {
            return Err(failed(format!("it gave {} numbers", embedding.len())));
        }
        if embedding.iter().any(|v| !v.is_finite()) {
            return Err(failed("it gave a number that is not finite".into()));
        }
        if self.output.l2_normalize {
            scale_to_unit(&mut embedding);
        }
        Ok(embedding)
    }

    fn is_one_voice(&self, embedding: &[f32]) -> bool {
        self.gate.as_ref().is_none_or(|gate| gate.passes(embedding))
    }
}

fn scale_to_unit(embedding: &mut [f32]) {
    let norm = embedding.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    if norm > 0.0 {
        embedding.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
    }
}

/// Checks that `tensors` has `name` and that it can take `shape`, where `None` must be free or 1.
pub(crate) fn check_tensor(
    role: &str,
    name: &str,
    tensors: &[GraphTensor],
    shape: &[Option<usize>],
) -> Result<(), String> {
    let Some(tensor) = tensors.iter().find(|t| t.name == name) else {
        let names: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
        return Err(format!("it has no {role} {name}, but {}", names.join(", ")));
    };
    let Some(found) = &tensor.shape else {
        return Err(format!("its {role} {name} is not of float32"));
    };
    let fits = |(found, wanted): (&i64, &Option<usize>)| match wanted {
        Some(wanted) => *found < 0 || usize::try_from(*found) == Ok(*wanted),
        None => *found < 0 || *found == 1,
    };
    if found.len() == shape.len() && found.iter().zip(shape).all(fits) {
        return Ok(());
    }
    let wanted: Vec<String> = shape.iter().map(|s| s.map_or("any".into(), |s| s.to_string())).collect();
    Err(format!("its {role} {name} has shape {found:?}, not [{}]", wanted.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, shape: Option<Vec<i64>>) -> GraphTensor {
        GraphTensor { name: name.into(), shape }
    }

    #[test]
    fn checks_names_types_and_shapes() {
        let check = |shape: Option<Vec<i64>>| {
            check_tensor("input", "features", &[tensor("features", shape)], &[None, None, Some(80)])
        };
        assert_eq!(check(Some(vec![-1, -1, 80])), Ok(()));
        assert_eq!(check(Some(vec![1, -1, -1])), Ok(()));
        assert!(check(Some(vec![-1, -1, 40])).unwrap_err().contains("[-1, -1, 40], not [any, any, 80]"));
        assert!(check(Some(vec![-1, 300, 80])).is_err());
        assert!(check(Some(vec![-1, 80])).is_err());
        assert!(check(None).unwrap_err().contains("not of float32"));
        let other = check_tensor("output", "embedding", &[tensor("y", None)], &[None]);
        assert_eq!(other.unwrap_err(), "it has no output embedding, but y");
    }
}
