use std::path::Path;

use super::VerifiedFile;
use crate::AudioError;

/// Tells stretches of one person's speech from what voice activity detection takes for speech and is
/// none: babble of a crowded room, a loudspeaker's announcement under music. A linear classifier on the
/// embedding, trained with the model (its card says on what).
pub(super) struct VoiceGate {
    weights: Vec<f32>,
    bias: f32,
    pub(super) sha256: String,
}

impl VoiceGate {
    /// Reads a file of `dimension` weights and the bias, float32, least significant byte first.
    pub(super) fn read(file: &VerifiedFile, dimension: usize) -> Result<Self, AudioError> {
        let (numbers, rest) = file.bytes.as_chunks::<4>();
        let mut weights: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let finite = weights.iter().all(|w| w.is_finite());
        match weights.pop() {
            Some(bias) if finite && rest.is_empty() && weights.len() == dimension => {
                Ok(Self { weights, bias, sha256: file.sha256.clone() })
            }
            _ => Err(refused(&file.path, dimension)),
        }
    }

    /// Whether an embedding is of one person's speech.
    pub(super) fn passes(&self, embedding: &[f32]) -> bool {
        let product: f64 =
            self.weights.iter().zip(embedding).map(|(w, v)| f64::from(*w) * f64::from(*v)).sum();
        product + f64::from(self.bias) >= 0.0
    }
}

fn refused(path: &Path, dimension: usize) -> AudioError {
    let what = format!("a voice gate must be {dimension} finite weights and a bias, of 4 bytes each");
    AudioError::ModelDescription { path: path.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(numbers: &[f32]) -> VerifiedFile {
        let bytes = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        VerifiedFile { path: "gate".into(), sha256: "0".into(), bytes }
    }

    #[test]
    fn is_a_plane() {
        let gate = VoiceGate::read(&file(&[1.0, -2.0, 0.5]), 2).unwrap();
        assert!(gate.passes(&[0.0, 0.25]) && gate.passes(&[1.0, 0.0]));
        assert!(!gate.passes(&[0.0, 0.26]));
    }

    #[test]
    fn refuses_other_shapes_and_numbers() {
        for bad in [&[1.0, 2.0][..], &[1.0, f32::NAN, 0.0], &[], &[1.0, 2.0, 3.0, 4.0]] {
            assert!(VoiceGate::read(&file(bad), 2).is_err());
        }
        let mut odd = file(&[1.0, 2.0, 3.0]);
        odd.bytes.pop();
        assert!(VoiceGate::read(&odd, 2).is_err());
    }
}
