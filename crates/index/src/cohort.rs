use earmark_voiceprint::{ModelId, Voiceprint};

use crate::{EntryId, GalleryOptions, IndexError, Snapshot};

/// A fixed set of other people's voiceprints: how alike a voice is to those nearest to it tells how
/// common it is, which adaptive score normalization takes out of a raw cosine.
///
/// Source: Matějka et al., "Analysis of Score Normalization in Multilingual Speaker Recognition",
/// Interspeech 2017 (adaptive s-norm: the cohort's top scores, chosen for each side).
#[derive(Debug)]
pub struct Cohort {
    voices: Snapshot,
}

/// The cosines between one voiceprint and those of the cohort most like it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CohortStatistics {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation (divided by n, not n - 1); 0 for one, so check before dividing.
    pub std: f64,
    /// How many there were: `top_n`, or the whole cohort if it is smaller.
    pub n: usize,
}

impl Cohort {
    /// A cohort of `space`'s voiceprints, all of one dimension.
    ///
    /// # Errors
    /// [`IndexError::EmptyCohort`], or a voiceprint of another model or dimension.
    pub fn new(space: ModelId, voiceprints: Vec<Voiceprint>) -> Result<Self, IndexError> {
        let dimension = voiceprints.first().ok_or(IndexError::EmptyCohort)?.dimension();
        let numbered = (0u64..).map(EntryId).zip(voiceprints);
        let numbered: Vec<_> = numbered.collect();
        let empty = Snapshot::empty(space, dimension, GalleryOptions::default());
        let (voices, _) = empty.changed(&numbered, &[])?;
        Ok(Self { voices })
    }

    /// Mean and standard deviation of the `top_n` highest cosines to the cohort, exactly, in float64.
    ///
    /// # Errors
    /// As [`Snapshot::search`] with `top_n` as its `k`; [`IndexError::EmptyCohort`] for a `top_n` of 0.
    pub fn statistics(&self, probe: &Voiceprint, top_n: usize) -> Result<CohortStatistics, IndexError> {
        let hits = self.voices.search(probe, top_n)?;
        if hits.is_empty() {
            return Err(IndexError::EmptyCohort);
        }
        let n = hits.len();
        let cosines = || hits.iter().map(|hit| f64::from(hit.cosine.value()));
        let mean = cosines().sum::<f64>() / n as f64;
        let variance = cosines().map(|cosine| (cosine - mean).powi(2)).sum::<f64>() / n as f64;
        Ok(CohortStatistics { mean, std: variance.sqrt(), n })
    }

    /// How many voiceprints it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.voices.len()
    }

    /// Always false: a cohort is made of at least one voiceprint.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.voices.is_empty()
    }

    /// Which model's voiceprints it holds.
    #[must_use]
    pub fn space(&self) -> &ModelId {
        self.voices.space()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{space, voice, voices};

    #[test]
    fn of_known_angles() {
        // Cosines to (1, 0): 0.6, 0.8, 0 and -1.
        let voices = [[0.6, 0.8], [0.8, -0.6], [0.0, 1.0], [-1.0, 0.0]].map(|v: [f32; 2]| voice(&v));
        let cohort = Cohort::new(space(), voices.to_vec()).unwrap();
        let probe = voice(&[1.0, 0.0]);
        let of = |top_n| cohort.statistics(&probe, top_n).unwrap();
        let near = |got: CohortStatistics, mean: f64, std: f64, n| {
            assert!((got.mean - mean).abs() < 1e-7 && (got.std - std).abs() < 1e-7 && got.n == n, "{got:?}");
        };
        near(of(1), 0.8, 0.0, 1);
        near(of(2), 0.7, 0.1, 2);
        near(of(4), 0.1, 0.7, 4);
        near(of(1000), 0.1, 0.7, 4);
    }

    #[test]
    fn as_sorting_all_cosines_gives() {
        let voices: Vec<_> = voices(1, 192).take(3001).collect();
        let (probe, cohort) = (&voices[3000], Cohort::new(space(), voices[..3000].to_vec()).unwrap());
        let mut all: Vec<f64> =
            voices[..3000].iter().map(|v| f64::from(probe.cosine(v).unwrap().value())).collect();
        all.sort_by(|a, b| b.total_cmp(a));
        for n in [1, 300, 3000] {
            let mean = all[..n].iter().sum::<f64>() / n as f64;
            let squares = all[..n].iter().map(|c| c * c).sum::<f64>() / n as f64;
            let got = cohort.statistics(probe, n).unwrap();
            assert!(
                (got.mean - mean).abs() < 1e-12 && (got.std - (squares - mean * mean).sqrt()).abs() < 1e-9
            );
        }
    }

    #[test]
    fn refuses_what_has_no_statistics() {
        assert!(matches!(Cohort::new(space(), vec![]), Err(IndexError::EmptyCohort)));
        let (a, b) = (voice(&[1.0, 0.0]), voice(&[1.0, 0.0, 0.0]));
        let mixed = Cohort::new(space(), vec![a.clone(), b.clone()]);
        assert!(matches!(mixed, Err(IndexError::OtherDimension { expected: 2, got: 3 })));
        let cohort = Cohort::new(space(), vec![a.clone()]).unwrap();
        assert!(matches!(cohort.statistics(&a, 0), Err(IndexError::EmptyCohort)));
        assert!(matches!(cohort.statistics(&b, 1), Err(IndexError::OtherDimension { .. })));
        let other = Cohort::new(ModelId::new("other", "0"), vec![a]);
        assert!(matches!(other, Err(IndexError::OtherModel { .. })));
    }
}
