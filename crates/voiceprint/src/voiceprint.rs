use std::fmt;
use std::sync::Arc;

use zeroize::Zeroize;

use crate::{Cosine, ModelId, NetSpeech, VoiceprintError};

/// The most numbers a voiceprint may have: four times the widest network in use, and a limit on
/// what a stranger can make us hold.
pub const MAX_DIMENSION: usize = 2048;

/// How far from 1 the length of a voiceprint from outside may be: room for float32 text.
const UNIT_TOLERANCE: f32 = 1e-3;

/// Wiped when the last holder lets go.
struct Values(Box<[f32]>);

impl Drop for Values {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Where a voice points in a model's space: unit-norm, finite, with the model and the amount of
/// speech it stands for. Cheap to clone; its `Debug` hides the numbers.
#[derive(Clone)]
pub struct Voiceprint {
    model: ModelId,
    values: Arc<Values>,
    net_speech: NetSpeech,
}

impl Voiceprint {
    /// From a network's output of any length: it is scaled to unit length.
    ///
    /// # Errors
    /// No or too many numbers, a number that is not finite, or no length at all.
    pub fn from_embedding(
        model: ModelId,
        embedding: &[f32],
        net_speech: NetSpeech,
    ) -> Result<Self, VoiceprintError> {
        let norm = checked_norm(embedding)?;
        let values = embedding.iter().map(|v| (f64::from(*v) / norm) as f32).collect();
        Ok(Self { model, values: Arc::new(Values(values)), net_speech })
    }

    /// From a stored or sent voiceprint, taken bit for bit.
    ///
    /// # Errors
    /// As [`Voiceprint::from_embedding`], and [`VoiceprintError::NotUnitNorm`].
    pub fn from_unit(model: ModelId, values: &[f32], net_speech: NetSpeech) -> Result<Self, VoiceprintError> {
        let norm = checked_norm(values)?;
        if (norm - 1.0).abs() > f64::from(UNIT_TOLERANCE) {
            return Err(VoiceprintError::NotUnitNorm);
        }
        Ok(Self { model, values: Arc::new(Values(values.into())), net_speech })
    }

    /// The weighted mean direction of several voiceprints of one model; its net speech is the sum.
    /// Weights that are not positive and finite are skipped.
    ///
    /// # Errors
    /// [`VoiceprintError::NothingToMerge`], a model mismatch, or voiceprints that cancel out.
    pub fn weighted_mean<'a>(
        parts: impl IntoIterator<Item = (&'a Voiceprint, f32)>,
    ) -> Result<Self, VoiceprintError> {
        let mut sum: Option<(&Voiceprint, Vec<f64>, NetSpeech)> = None;
        for (part, weight) in parts {
            if !(weight.is_finite() && weight > 0.0) {
                continue;
            }
            let (first, total, speech) =
                sum.get_or_insert_with(|| (part, vec![0.0; part.dimension()], NetSpeech::ZERO));
            first.check_same_space(part)?;
            for (t, v) in total.iter_mut().zip(part.values()) {
                *t += f64::from(weight) * f64::from(*v);
            }
            *speech = *speech + part.net_speech;
        }
        let (first, total, speech) = sum.ok_or(VoiceprintError::NothingToMerge)?;
        let mean: Vec<f32> = total.iter().map(|v| *v as f32).collect();
        Self::from_embedding(first.model.clone(), &mean, speech)
    }

    /// Which model's space it lives in.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// The unit vector. Biometric: never log it, never put it in an error.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values.0
    }

    /// How many numbers it has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.values.0.len()
    }

    /// How much speech it was made from.
    #[must_use]
    pub fn net_speech(&self) -> NetSpeech {
        self.net_speech
    }

    /// How alike two voices are.
    ///
    /// # Errors
    /// [`VoiceprintError::ModelMismatch`] for voiceprints of different models.
    pub fn cosine(&self, other: &Self) -> Result<Cosine, VoiceprintError> {
        self.check_same_space(other)?;
        let dot: f64 =
            self.values().iter().zip(other.values()).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        Ok(Cosine::from_dot(dot as f32))
    }

    fn check_same_space(&self, other: &Self) -> Result<(), VoiceprintError> {
        if self.model == other.model && self.dimension() == other.dimension() {
            return Ok(());
        }
        Err(VoiceprintError::ModelMismatch { left: self.model.clone(), right: other.model.clone() })
    }
}

fn checked_norm(values: &[f32]) -> Result<f64, VoiceprintError> {
    if values.is_empty() || values.len() > MAX_DIMENSION {
        return Err(VoiceprintError::Dimension { got: values.len() });
    }
    if values.iter().any(|v| !v.is_finite()) {
        return Err(VoiceprintError::NotFinite);
    }
    let norm = values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    if norm < 1e-12 { Err(VoiceprintError::ZeroNorm) } else { Ok(norm) }
}

impl fmt::Debug for Voiceprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voiceprint")
            .field("model", &self.model)
            .field("dimension", &self.dimension())
            .field("net_speech", &self.net_speech)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn print(model: &str, values: &[f32]) -> Voiceprint {
        let speech = NetSpeech::from_seconds(5.0);
        Voiceprint::from_embedding(ModelId::new(model, "0"), values, speech).unwrap()
    }

    #[test]
    fn different_models_never_meet() {
        let (a, b) = (print("a", &[1.0, 0.0]), print("b", &[1.0, 0.0]));
        assert!(matches!(a.cosine(&b), Err(VoiceprintError::ModelMismatch { .. })));
        let mean = Voiceprint::weighted_mean([(&a, 1.0), (&b, 1.0)]);
        assert!(matches!(mean, Err(VoiceprintError::ModelMismatch { .. })));
    }

    #[test]
    fn debug_hides_the_numbers() {
        let shown = format!("{:?}", print("a", &[0.123_456, 0.654_321]));
        assert!(!shown.contains("0.1") && !shown.contains("0.9"), "{shown}");
        assert!(shown.contains("dimension: 2"));
    }

    #[test]
    fn refuses_what_has_no_direction() {
        let model = ModelId::new("a", "0");
        let make = |v: &[f32]| Voiceprint::from_embedding(model.clone(), v, NetSpeech::ZERO).unwrap_err();
        assert_eq!(make(&[]), VoiceprintError::Dimension { got: 0 });
        assert_eq!(make(&[0.0, 0.0]), VoiceprintError::ZeroNorm);
        assert_eq!(make(&[f32::NAN, 1.0]), VoiceprintError::NotFinite);
        let long = Voiceprint::from_unit(model.clone(), &[1.0, 1.0], NetSpeech::ZERO).unwrap_err();
        assert_eq!(long, VoiceprintError::NotUnitNorm);
    }

    #[test]
    fn mean_leans_to_the_heavier_side_and_sums_speech() {
        let (a, b) = (print("a", &[1.0, 0.0]), print("a", &[0.0, 1.0]));
        let mean = Voiceprint::weighted_mean([(&a, 3.0), (&b, 1.0)]).unwrap();
        assert!((mean.values()[0] / mean.values()[1] - 3.0).abs() < 1e-5);
        assert_eq!(mean.net_speech(), NetSpeech::from_seconds(10.0));
    }

    proptest! {
        #[test]
        fn unit_norm_and_symmetric(a in prop::collection::vec(-1e3f32..1e3, 8), b in prop::collection::vec(-1e3f32..1e3, 8)) {
            prop_assume!(a.iter().any(|v| v.abs() > 1e-3) && b.iter().any(|v| v.abs() > 1e-3));
            let (a, b) = (print("m", &a), print("m", &b));
            let norm: f32 = a.values().iter().map(|v| v * v).sum();
            prop_assert!((norm - 1.0).abs() < 1e-5);
            prop_assert_eq!(a.cosine(&b).unwrap(), b.cosine(&a).unwrap());
            prop_assert!((a.cosine(&a).unwrap().value() - 1.0).abs() < 1e-6);
        }
    }
}
