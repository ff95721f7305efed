use earmark_scoring::{Plda, PldaTerms, dot};

use crate::CohortKind;
use crate::material::Material;
use crate::space::Space;
use crate::trials::spread;

/// The most calls in a cohort: more say nothing new, and every look at a call pays for them.
pub(crate) const MAX_COHORT_CALLS: usize = 2000;

/// The least speech of a call in a cohort, in seconds.
pub(crate) const MIN_SPEECH: f32 = 4.0;

/// The voices of a cohort in a space, one after the other.
pub(crate) struct CohortVoices {
    pub(crate) values: Vec<f32>,
    pub(crate) dimension: usize,
    terms: Vec<PldaTerms>,
}

impl CohortVoices {
    /// Of these calls.
    pub(crate) fn of(material: &Material, space: &Space, calls: &[usize], kind: CohortKind) -> Self {
        let long = |c: &usize| material.calls[*c].seconds >= MIN_SPEECH;
        let calls: Vec<usize> = calls.iter().copied().filter(long).collect();
        let dimension = space.dimension();
        let values: Vec<f32> = match kind {
            CohortKind::Calls => space.apply(&material.vectors, &spread(&calls, MAX_COHORT_CALLS)),
            CohortKind::Speakers => {
                let moved = space.apply(&material.vectors, &calls);
                let mut by_speaker: Vec<Vec<f64>> = vec![Vec::new(); material.speakers.len()];
                for (call, vector) in calls.iter().zip(moved.chunks_exact(dimension)) {
                    let sum = &mut by_speaker[material.calls[*call].speaker];
                    sum.resize(dimension, 0.0);
                    sum.iter_mut().zip(vector).for_each(|(s, v)| *s += f64::from(*v));
                }
                by_speaker.iter().filter(|sum| !sum.is_empty()).flat_map(|sum| unit(sum)).collect()
            }
        };
        let terms = space.plda.as_ref();
        let terms =
            terms.map_or_else(Vec::new, |p| values.chunks_exact(dimension).map(|v| p.terms(v)).collect());
        Self { values, dimension, terms }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// A voice's scores with all of the cohort.
    pub(crate) fn scores(&self, vector: &[f32], plda: Option<&Plda>) -> Vec<f64> {
        let cosines = self.values.chunks_exact(self.dimension).map(|voice| f64::from(dot(voice, vector)));
        match plda {
            Some(plda) => {
                let own = plda.terms(vector);
                cosines.zip(&self.terms).map(|(cosine, voice)| plda.score(cosine, &own, voice)).collect()
            }
            None => cosines.collect(),
        }
    }
}

pub(crate) fn unit(values: &[f64]) -> Vec<f32> {
    let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    values.iter().map(|v| (v / norm) as f32).collect()
}
