use std::fmt;

use earmark_voiceprint::{MAX_DIMENSION, Voiceprint};

use crate::plda::PldaTerms;
use crate::{Plda, RawScore, ScoringError};

/// The most voices a cohort may have.
pub const MAX_COHORT: usize = 20_000;

/// A standard deviation below this says that the cohort's nearest voices are one voice; it bounds
/// the normalized score.
const LEAST_DEVIATION: f64 = 1e-3;

/// Other people's voiceprints in a back end's space. How alike a voice is to those nearest to it
/// says how common it is, and adaptive symmetric score normalization takes that out of a score.
///
/// Cumani et al. 2011, "Comparison of speaker recognition approaches for real applications";
/// Matějka et al. 2017, "Analysis of score normalization in multilingual speaker recognition"
/// (each side's own nearest voices, AS-norm1).
#[derive(Clone)]
pub struct Cohort {
    dimension: usize,
    /// One unit vector after the other.
    values: Box<[f32]>,
    /// What PLDA needs of each voice; empty where scores are cosines.
    terms: Box<[PldaTerms]>,
    top: usize,
}

/// How alike a voice is to the cohort's voices nearest to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CohortStatistics {
    /// The mean of its scores with them.
    pub mean: f64,
    /// Their standard deviation (divided by n); never below a thousandth.
    pub deviation: f64,
}

impl Cohort {
    /// Of `values`, one voiceprint of `dimension` numbers after the other, each of unit length in
    /// the back end's space; `top` of them, those nearest to a voice, are its cohort.
    ///
    /// # Errors
    /// [`ScoringError::BadFit`] for numbers that are no voiceprints, too many voices, or a `top`
    /// that is not 2 to the number of voices.
    pub fn new(
        dimension: usize,
        values: &[f32],
        top: usize,
        plda: Option<&Plda>,
    ) -> Result<Self, ScoringError> {
        let bad = |detail: String| Err(ScoringError::BadFit(format!("cohort: {detail}")));
        if !(1..=MAX_DIMENSION).contains(&dimension) || !values.len().is_multiple_of(dimension) {
            return bad(format!("{} numbers are no voiceprints of {dimension}", values.len()));
        }
        let voices = values.len() / dimension;
        if voices > MAX_COHORT || !(2..=voices).contains(&top) {
            return bad(format!("the nearest {top} of {voices} voices, {MAX_COHORT} at most"));
        }
        let norm = |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
        // A NaN is refused as well.
        if !values.chunks_exact(dimension).all(|v| (norm(v) - 1.0).abs() < 1e-3) {
            return bad("a voice is not of unit length".into());
        }
        let terms =
            plda.map_or_else(Vec::new, |p| values.chunks_exact(dimension).map(|v| p.terms(v)).collect());
        Ok(Self { dimension, values: values.into(), terms: terms.into(), top })
    }

    /// How many voices it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.dimension
    }

    /// Always false: there are two voices at least.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many of its voices, the nearest, stand beside one voice.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top
    }

    /// How many numbers a voice has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The statistics of one voiceprint of the back end's space, which must have the cohort's
    /// dimension; with `plda` of its scores instead of its cosines. The sums are in one order,
    /// so that the same voice gives the same numbers.
    pub(crate) fn statistics(
        &self,
        print: &Voiceprint,
        plda: Option<(&Plda, &PldaTerms)>,
    ) -> CohortStatistics {
        let cosines = self.values.chunks_exact(self.dimension).map(|v| f64::from(dot(v, print.values())));
        let mut scores: Vec<f64> = match plda {
            Some((plda, own)) => {
                cosines.zip(&self.terms).map(|(cosine, voice)| plda.score(cosine, own, voice)).collect()
            }
            None => cosines.collect(),
        };
        CohortStatistics::of_top(&mut scores, self.top)
    }
}

impl CohortStatistics {
    /// Of the `top` largest scores; reorders them. `scores` must not be empty.
    #[must_use]
    pub fn of_top(scores: &mut [f64], top: usize) -> Self {
        let top = top.min(scores.len());
        if (1..scores.len()).contains(&top) {
            scores.select_nth_unstable_by(top - 1, |a, b| b.total_cmp(a));
        }
        let nearest = &mut scores[..top];
        nearest.sort_unstable_by(f64::total_cmp);
        let n = top.max(1) as f64;
        let mean = nearest.iter().sum::<f64>() / n;
        let variance = nearest.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n;
        Self { mean, deviation: variance.sqrt().max(LEAST_DEVIATION) }
    }

    /// A score seen from both sides: the mean of its distances to what each side's nearest voices
    /// score, in their standard deviations.
    #[must_use]
    pub fn normalize(score: f64, enrolled: &Self, probe: &Self) -> RawScore {
        let seen_by = |s: &Self| (score - s.mean) / s.deviation;
        RawScore::new(0.5 * (seen_by(enrolled) + seen_by(probe)))
    }
}

/// The dot product of two vectors of one length, in sixteen sums, which the compiler keeps in vector
/// registers.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (a16, a_rest) = a.as_chunks::<LANES>();
    let (b16, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (x, y) in a16.iter().zip(b16) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f32>()
}

impl fmt::Debug for Cohort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cohort({} voices, nearest {})", self.len(), self.top)
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::{ModelId, NetSpeech};
    use proptest::prelude::*;

    use super::*;

    fn print(values: &[f32]) -> Voiceprint {
        Voiceprint::from_embedding(ModelId::new("toy", "0"), values, NetSpeech::ZERO).unwrap()
    }

    #[test]
    fn of_known_angles() {
        // Cosines to (1, 0): 0.6, 0.8, 0 and -1.
        let voices = [0.6, 0.8, 0.8, -0.6, 0.0, 1.0, -1.0, 0.0];
        let of = |top| Cohort::new(2, &voices, top, None).unwrap().statistics(&print(&[1.0, 0.0]), None);
        let near = |s: CohortStatistics, mean: f64, deviation: f64| {
            assert!((s.mean - mean).abs() < 1e-6 && (s.deviation - deviation).abs() < 1e-6, "{s:?}");
        };
        near(of(2), 0.7, 0.1);
        near(of(4), 0.1, 0.7);
        let (e, p) = (of(2), of(4));
        // (0.9 - 0.7)/0.1 = 2 and (0.9 - 0.1)/0.7 = 8/7.
        assert!((CohortStatistics::normalize(0.9, &e, &p).value() - 11.0 / 7.0).abs() < 1e-5);
    }

    #[test]
    fn one_voice_twice_is_no_infinite_score() {
        let cohort = Cohort::new(2, &[0.6, 0.8, 0.6, 0.8], 2, None).unwrap();
        let s = cohort.statistics(&print(&[1.0, 0.0]), None);
        assert_eq!(s.deviation, LEAST_DEVIATION);
    }

    #[test]
    fn refuses_what_is_no_cohort() {
        let bad = |dimension, values: &[f32], top| Cohort::new(dimension, values, top, None).is_err();
        assert!(bad(2, &[], 1) && bad(0, &[1.0], 1) && bad(2, &[1.0, 0.0, 0.0], 2));
        assert!(bad(2, &[1.0, 0.0, 0.0, 1.0], 3) && bad(2, &[1.0, 0.0, 0.0, 1.0], 1));
        assert!(bad(2, &[1.0, 0.0, 0.0, 0.5], 2) && bad(2, &[1.0, 0.0, f32::NAN, 1.0], 2));
    }

    proptest! {
        #[test]
        fn the_top_is_what_sorting_gives(mut scores in prop::collection::vec(-1.0f64..1.0, 1..60), top in 1usize..70) {
            let got = CohortStatistics::of_top(&mut scores.clone(), top);
            scores.sort_by(|a, b| b.total_cmp(a));
            scores.truncate(top);
            let n = scores.len() as f64;
            let mean = scores.iter().sum::<f64>() / n;
            let variance = scores.iter().map(|s| s * s).sum::<f64>() / n - mean * mean;
            prop_assert!((got.mean - mean).abs() < 1e-9);
            prop_assert!((got.deviation - variance.max(0.0).sqrt().max(LEAST_DEVIATION)).abs() < 1e-6);
        }

        #[test]
        fn the_kernel_is_the_plain_sum(a in prop::collection::vec(-1.0f32..1.0, 0..80)) {
            let b: Vec<f32> = a.iter().rev().copied().collect();
            let plain: f64 = a.iter().zip(&b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
            prop_assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-4);
        }
    }
}
