use std::fmt;
use std::sync::Arc;

use earmark_voiceprint::{MAX_DIMENSION, ModelId, Voiceprint};
use sha2::{Digest, Sha256};

use crate::ScoringError;

/// How many hexadecimal digits of the sha256 name a back end in a space's id.
const FINGERPRINT_DIGITS: usize = 16;

/// Moves a model's voiceprints to the space in which calls are compared: the domain's mean is
/// subtracted, an optional linear map compensates the channel (LDA, WCCN), the result is scaled to
/// unit length.
///
/// The mean matters more than its simplicity suggests: all telephone voiceprints share a component
/// that says "telephone", and it differs with the codec (docs/evaluation.md has the figures).
/// Cheap to clone.
#[derive(Clone)]
pub struct BackEnd {
    model: ModelId,
    space: ModelId,
    fingerprint: Arc<str>,
    mean: Arc<[f32]>,
    projection: Option<Arc<Projection>>,
}

/// A linear map from the model's dimension to `rows` dimensions, row after row.
#[derive(Clone, PartialEq)]
pub struct Projection {
    rows: usize,
    columns: usize,
    values: Box<[f32]>,
}

impl Projection {
    /// A matrix of `rows` x `columns` numbers, row after row.
    ///
    /// # Errors
    /// [`ScoringError::BadFit`] if the count is not rows x columns, a dimension is out of range or
    /// a number is not finite.
    pub fn new(rows: usize, columns: usize, values: &[f32]) -> Result<Self, ScoringError> {
        let dimensions = 1..=MAX_DIMENSION;
        if !dimensions.contains(&rows) || !dimensions.contains(&columns) || values.len() != rows * columns {
            let got = values.len();
            let detail = format!("a projection of {rows} x {columns} can't have {got} numbers");
            return Err(ScoringError::BadFit(detail));
        }
        check_finite("projection", values)?;
        Ok(Self { rows, columns, values: values.into() })
    }

    /// How many dimensions it gives.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many dimensions it takes.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The numbers, row after row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    fn apply(&self, centered: &[f64]) -> Vec<f32> {
        self.values
            .chunks_exact(self.columns)
            .map(|row| row.iter().zip(centered).map(|(a, x)| f64::from(*a) * x).sum::<f64>() as f32)
            .collect()
    }
}

impl BackEnd {
    /// For the voiceprints of `model`, which have as many dimensions as `mean`.
    ///
    /// # Errors
    /// [`ScoringError::BadFit`] if dimensions do not fit together or a number is not finite.
    pub fn new(model: ModelId, mean: &[f32], projection: Option<Projection>) -> Result<Self, ScoringError> {
        if !(1..=MAX_DIMENSION).contains(&mean.len()) {
            return Err(ScoringError::BadFit(format!("a mean of {} dimensions", mean.len())));
        }
        check_finite("mean", mean)?;
        if let Some(p) = projection.as_ref().filter(|p| p.columns != mean.len()) {
            let detail = format!("a projection of {} columns for a mean of {}", p.columns, mean.len());
            return Err(ScoringError::BadFit(detail));
        }
        let fingerprint: Arc<str> = fingerprint(mean, projection.as_ref()).into();
        let space = model.with_back_end(&fingerprint);
        Ok(Self { model, space, fingerprint, mean: mean.into(), projection: projection.map(Arc::new) })
    }

    /// The model whose voiceprints it takes.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// The space of the voiceprints it gives.
    #[must_use]
    pub fn space(&self) -> &ModelId {
        &self.space
    }

    /// Names the numbers of this back end: 16 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The linear map, where there is one.
    #[must_use]
    pub fn projection(&self) -> Option<&Projection> {
        self.projection.as_deref()
    }

    /// How many numbers a voiceprint of its space has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.projection.as_ref().map_or(self.mean.len(), |p| p.rows)
    }

    /// Moves one voiceprint to the compensated space; net speech is kept.
    ///
    /// # Errors
    /// [`ScoringError::OtherModel`] for another model's voiceprint (also one that was moved
    /// already); [`ScoringError::Voiceprint`] for one that is the domain's mean itself.
    pub fn apply(&self, print: &Voiceprint) -> Result<Voiceprint, ScoringError> {
        if *print.model() != self.model || print.dimension() != self.mean.len() {
            let (bound, given) = (self.model.clone(), print.model().clone());
            return Err(ScoringError::OtherModel { bound, given });
        }
        let centered: Vec<f64> =
            print.values().iter().zip(&*self.mean).map(|(v, m)| f64::from(*v) - f64::from(*m)).collect();
        let moved = match &self.projection {
            Some(projection) => projection.apply(&centered),
            None => centered.iter().map(|v| *v as f32).collect(),
        };
        Ok(Voiceprint::from_embedding(self.space.clone(), &moved, print.net_speech())?)
    }
}

impl fmt::Debug for BackEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackEnd").field("space", &self.space).finish_non_exhaustive()
    }
}

impl fmt::Debug for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Projection({} x {})", self.rows, self.columns)
    }
}

fn check_finite(what: &str, values: &[f32]) -> Result<(), ScoringError> {
    if values.iter().all(|v| v.is_finite()) {
        return Ok(());
    }
    Err(ScoringError::BadFit(format!("the {what} holds a number that is not finite")))
}

/// Over the numbers alone, so that equal back ends give equal spaces wherever they are stored.
fn fingerprint(mean: &[f32], projection: Option<&Projection>) -> String {
    let mut hash = Sha256::new();
    hash.update(b"earmark back end 1: center, project, normalize\n");
    hash.update((mean.len() as u64).to_le_bytes());
    let mut take = |values: &[f32]| values.iter().for_each(|v| hash.update(v.to_le_bytes()));
    take(mean);
    if let Some(p) = projection {
        take(&p.values);
        hash.update((p.rows as u64).to_le_bytes());
    }
    let mut hex: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    hex.truncate(FINGERPRINT_DIGITS);
    hex
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::{NetSpeech, VoiceprintError};

    use super::*;

    fn model() -> ModelId {
        ModelId::new("toy", "0")
    }

    fn print(values: &[f32]) -> Voiceprint {
        Voiceprint::from_embedding(model(), values, NetSpeech::from_seconds(4.0)).unwrap()
    }

    #[test]
    fn centers_and_scales_to_unit_length() {
        let back_end = BackEnd::new(model(), &[0.6, 0.0], None).unwrap();
        let moved = back_end.apply(&print(&[0.6, 0.8])).unwrap();
        assert!((moved.values()[0]).abs() < 1e-6 && (moved.values()[1] - 1.0).abs() < 1e-6);
        assert_eq!(moved.net_speech(), NetSpeech::from_seconds(4.0));
        assert_eq!(moved.model(), &model().with_back_end(back_end.fingerprint()));
        assert_eq!(moved.model(), back_end.space());
    }

    #[test]
    fn projects_row_by_row() {
        // Rows (1, 1, 0) and (0, 0, 2) of (1, 2, 2)/3 give (3, 4)/3, so (0.6, 0.8).
        let projection = Projection::new(2, 3, &[1.0, 1.0, 0.0, 0.0, 0.0, 2.0]).unwrap();
        let back_end = BackEnd::new(model(), &[0.0; 3], Some(projection)).unwrap();
        assert_eq!(back_end.dimension(), 2);
        let moved = back_end.apply(&print(&[1.0, 2.0, 2.0])).unwrap();
        assert!((moved.values()[0] - 0.6).abs() < 1e-6 && (moved.values()[1] - 0.8).abs() < 1e-6);
    }

    #[test]
    fn refuses_other_models_and_its_own_output() {
        let back_end = BackEnd::new(model(), &[0.1, 0.0], None).unwrap();
        let moved = back_end.apply(&print(&[0.6, 0.8])).unwrap();
        assert!(matches!(back_end.apply(&moved), Err(ScoringError::OtherModel { .. })));
        let wide = print(&[0.6, 0.8, 0.0]);
        assert!(matches!(back_end.apply(&wide), Err(ScoringError::OtherModel { .. })));
        let mean_itself = BackEnd::new(model(), &[0.6, 0.8], None).unwrap();
        let none = mean_itself.apply(&Voiceprint::from_unit(model(), &[0.6, 0.8], NetSpeech::ZERO).unwrap());
        assert!(matches!(none, Err(ScoringError::Voiceprint(VoiceprintError::ZeroNorm))));
    }

    #[test]
    fn fingerprint_follows_the_numbers() {
        let of = |mean: &[f32], p| BackEnd::new(model(), mean, p).unwrap().fingerprint().to_owned();
        let identity = || Projection::new(2, 2, &[1.0, 0.0, 0.0, 1.0]).ok();
        assert_eq!(of(&[0.1, 0.2], None), of(&[0.1, 0.2], None));
        assert_ne!(of(&[0.1, 0.2], None), of(&[0.1, 0.200_000_02], None));
        assert_ne!(of(&[0.1, 0.2], None), of(&[0.1, 0.2], identity()));
        assert_eq!(of(&[0.1, 0.2], None).len(), FINGERPRINT_DIGITS);
    }

    #[test]
    fn refuses_numbers_that_are_no_back_end() {
        assert!(BackEnd::new(model(), &[], None).is_err());
        assert!(BackEnd::new(model(), &[f32::NAN], None).is_err());
        assert!(BackEnd::new(model(), &vec![0.0; MAX_DIMENSION + 1], None).is_err());
        assert!(Projection::new(2, 2, &[1.0; 3]).is_err());
        assert!(Projection::new(0, 0, &[]).is_err());
        assert!(Projection::new(1, 1, &[f32::INFINITY]).is_err());
        let one = Projection::new(1, 1, &[1.0]).unwrap();
        assert!(BackEnd::new(model(), &[0.1, 0.2], Some(one)).is_err());
    }
}
