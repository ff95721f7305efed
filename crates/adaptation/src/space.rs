//! The spaces that are tried, fitted on a set of calls.

use earmark_scoring::Plda;
use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::material::Material;
use crate::{AdaptationError, AdaptationOptions, Shape};

/// Variances below this part of the largest count as this: no direction is free of noise.
const LEAST_VARIANCE: f64 = 1e-6;

/// What all shapes are fitted from: the domain's mean, how one speaker's calls differ, and how
/// speakers differ.
pub(crate) struct Moments {
    mean: DVector<f64>,
    /// Covariance of what differs between one speaker's calls, of unit-length centered voiceprints.
    within: Option<DMatrix<f64>>,
    /// Covariance of the speakers' means.
    between: DMatrix<f64>,
    /// The calls that both are from, by speaker.
    groups: Vec<Vec<usize>>,
}

/// A fitted map to the space in which calls are compared.
pub(crate) struct Space {
    pub(crate) mean: DVector<f64>,
    pub(crate) projection: Option<DMatrix<f64>>,
    /// The variances between and within speakers, where PLDA scores.
    pub(crate) variances: Option<(Vec<f64>, Vec<f64>)>,
    pub(crate) plda: Option<Plda>,
}

impl Moments {
    /// Of these calls. Each speaker counts once in the mean, however many calls.
    pub(crate) fn of(
        material: &Material,
        options: &AdaptationOptions,
        calls: &[usize],
    ) -> Result<Self, AdaptationError> {
        let mut by_speaker: Vec<Vec<usize>> = vec![Vec::new(); material.speakers.len()];
        calls.iter().for_each(|c| by_speaker[material.calls[*c].speaker].push(*c));
        by_speaker.retain(|own| !own.is_empty());
        if by_speaker.len() < 2 {
            return Err(AdaptationError::TooLittle("at least two speakers are needed".into()));
        }
        let means = by_speaker.iter().map(|own| column_mean(&material.vectors, own));
        let mean =
            means.fold(DVector::zeros(material.dimension()), |sum, m| sum + m) / by_speaker.len() as f64;
        // As it will be stored.
        let mean = mean.map(|v| f64::from(v as f32));
        let speakers: Vec<DVector<f64>> = by_speaker
            .iter()
            .map(|own| column_mean(&centered_unit(&material.vectors, own, &mean), &all(own.len())))
            .collect();
        let between = covariance(&DMatrix::from_columns(&speakers));
        let groups: Vec<Vec<usize>> = by_speaker
            .into_iter()
            .filter(|own| material.speakers[material.calls[own[0]].speaker].several_sessions)
            .map(|own| {
                own.into_iter().filter(|c| material.calls[*c].seconds >= options.min_training_s).collect()
            })
            .filter(|own: &Vec<usize>| own.len() > 1)
            .collect();
        let within = within(material, &mean, &groups);
        Ok(Self { mean, within, between, groups })
    }

    /// The map of one shape.
    pub(crate) fn space(&self, material: &Material, shape: Shape) -> Result<Space, AdaptationError> {
        let mean = self.mean.clone();
        let plain = |projection| Space { mean: mean.clone(), projection, variances: None, plda: None };
        match shape {
            Shape::Mean => Ok(plain(None)),
            Shape::Wccn { shrinkage } => Ok(plain(Some(stored(self.whitening(shrinkage)?)))),
            Shape::Lda { dimensions, shrinkage } => {
                Ok(plain(Some(stored(self.discriminants(dimensions, shrinkage)?))))
            }
            Shape::Plda { dimensions, shrinkage } => {
                let projection = self.discriminants(dimensions, shrinkage)?;
                self.plda(material, projection)
            }
        }
    }

    fn whitening(&self, shrinkage: f64) -> Result<DMatrix<f64>, AdaptationError> {
        let Some(within) = &self.within else {
            let what = "no speaker with several sessions; the channel's share can't be told from the voice's";
            return Err(AdaptationError::TooLittle(what.into()));
        };
        let n = within.nrows();
        let identity = DMatrix::identity(n, n) * (within.trace() / n as f64);
        let eigen = SymmetricEigen::new(within * (1.0 - shrinkage) + identity * shrinkage);
        let largest = eigen.eigenvalues.max();
        if !(largest.is_finite() && largest > 0.0) {
            return Err(AdaptationError::Numeric("one speaker's calls don't differ at all".into()));
        }
        let scale = eigen.eigenvalues.map(|v| 1.0 / v.max(LEAST_VARIANCE * largest).sqrt());
        let scaled = &eigen.eigenvectors * DMatrix::from_diagonal(&scale);
        Ok(scaled * eigen.eigenvectors.transpose())
    }

    /// The directions that tell speakers apart best, the best first, within-class variance one.
    fn discriminants(&self, dimensions: usize, shrinkage: f64) -> Result<DMatrix<f64>, AdaptationError> {
        let whitening = self.whitening(shrinkage)?;
        let eigen = SymmetricEigen::new(&whitening * &self.between * &whitening);
        let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        order.truncate(dimensions);
        let rows: Vec<_> = order.iter().map(|i| eigen.eigenvectors.column(*i).transpose()).collect();
        Ok(DMatrix::from_rows(&rows) * whitening)
    }

    /// Two-covariance PLDA in the discriminants' space, after length normalization there; both
    /// covariances are (nearly) diagonal in it, and taken as diagonal.
    fn plda(&self, material: &Material, projection: DMatrix<f64>) -> Result<Space, AdaptationError> {
        let before =
            Space { mean: self.mean.clone(), projection: Some(projection), variances: None, plda: None };
        let dimensions = before.dimension();
        let (mut within, mut total) = (DVector::zeros(dimensions), DVector::zeros(dimensions));
        let (mut calls, mut inverse) = (0.0, 0.0);
        for own in &self.groups {
            let moved = before.apply_f64(&material.vectors, own);
            let mean = column_mean(&moved, &all(own.len()));
            let n = own.len() as f64;
            for column in moved.column_iter() {
                within += (column - &mean).map(|v| v * v) * (n / (n - 1.0));
            }
            total += mean.map(|v| v * v);
            calls += n;
            inverse += 1.0 / n;
        }
        let speakers = self.groups.len().max(1) as f64;
        let within = within / calls.max(1.0);
        // The mean of n calls still holds an n-th of what differs between them.
        let between = total / speakers - &within * (inverse / speakers);
        let floor = 1e-4 / dimensions as f64;
        let variances = |v: DVector<f64>| v.iter().map(|x| x.max(floor)).collect::<Vec<f64>>();
        let (between, within) = (variances(between), variances(within));
        let plda = Plda::new(&between, &within)?;
        let projection = before.projection.unwrap_or_else(|| DMatrix::identity(dimensions, dimensions));
        let projection = DMatrix::from_diagonal(&DVector::from_row_slice(plda.scale())) * projection;
        let (variances, plda) = (Some((between, within)), Some(plda));
        Ok(Space { mean: self.mean.clone(), projection: Some(stored(projection)), variances, plda })
    }
}

impl Space {
    pub(crate) fn dimension(&self) -> usize {
        self.projection.as_ref().map_or(self.mean.len(), DMatrix::nrows)
    }

    /// These columns of a matrix of voiceprints in the space, one unit vector after the other.
    pub(crate) fn apply(&self, vectors: &DMatrix<f64>, columns: &[usize]) -> Vec<f32> {
        self.apply_f64(vectors, columns).iter().map(|v| *v as f32).collect()
    }

    fn apply_f64(&self, vectors: &DMatrix<f64>, columns: &[usize]) -> DMatrix<f64> {
        let mut centered = vectors.select_columns(columns);
        for mut column in centered.column_iter_mut() {
            column -= &self.mean;
        }
        let mut moved = match &self.projection {
            Some(projection) => projection * centered,
            None => centered,
        };
        normalize(&mut moved);
        moved
    }
}

/// As it is written to a file: brought near 1 (any multiple does the same) and rounded to float32.
fn stored(projection: DMatrix<f64>) -> DMatrix<f64> {
    let size = (projection.norm_squared() / projection.nrows() as f64).sqrt().max(f64::MIN_POSITIVE);
    projection.map(|v| f64::from((v / size) as f32))
}

fn within(material: &Material, mean: &DVector<f64>, groups: &[Vec<usize>]) -> Option<DMatrix<f64>> {
    let count: usize = groups.iter().map(Vec::len).sum();
    if count == 0 {
        return None;
    }
    let mut residuals = DMatrix::zeros(material.dimension(), count);
    let mut at = 0;
    for own in groups {
        let moved = centered_unit(&material.vectors, own, mean);
        let center = column_mean(&moved, &all(own.len()));
        let n = own.len() as f64;
        for column in moved.column_iter() {
            residuals.set_column(at, &((column - &center) * (n / (n - 1.0)).sqrt()));
            at += 1;
        }
    }
    Some(&residuals * residuals.transpose() / count as f64)
}

fn covariance(columns: &DMatrix<f64>) -> DMatrix<f64> {
    let mean = columns.column_mean();
    let mut centered = columns.clone();
    for mut column in centered.column_iter_mut() {
        column -= &mean;
    }
    &centered * centered.transpose() / columns.ncols() as f64
}

fn centered_unit(vectors: &DMatrix<f64>, columns: &[usize], mean: &DVector<f64>) -> DMatrix<f64> {
    let mut moved = vectors.select_columns(columns);
    for mut column in moved.column_iter_mut() {
        column -= mean;
    }
    normalize(&mut moved);
    moved
}

fn normalize(columns: &mut DMatrix<f64>) {
    for mut column in columns.column_iter_mut() {
        let norm = column.norm();
        if norm > 0.0 {
            column /= norm;
        }
    }
}

fn column_mean(vectors: &DMatrix<f64>, columns: &[usize]) -> DVector<f64> {
    let sum = columns.iter().fold(DVector::zeros(vectors.nrows()), |sum, c| sum + vectors.column(*c));
    sum / columns.len().max(1) as f64
}

fn all(count: usize) -> Vec<usize> {
    (0..count).collect()
}
