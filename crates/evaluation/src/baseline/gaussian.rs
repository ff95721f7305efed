use std::fmt;

use super::MFCC_DIMENSION as N;
use super::cepstra::Cepstra;
use super::symmetric::Symmetric;

/// Fewest frames that give a covariance: half a second at 10 ms a frame.
pub const MIN_FRAMES: usize = 50;
/// Added to each variance, as a share of the mean one: keeps the inverse well behaved.
const REGULARIZATION: f64 = 1e-3;
/// Added besides, for recordings without any variation.
const FLOOR: f64 = 1e-6;

/// How a recording's cepstra spread around their mean: a single Gaussian, as speaker recognition
/// had it in the 1980s. The mean is the line's as much as the voice's and is not compared.
#[derive(Clone, PartialEq)]
pub struct MfccGaussian {
    frames: usize,
    covariance: Symmetric,
    inverse: Symmetric,
}

impl MfccGaussian {
    /// From the log-mel frames of a recording's speech, one row of `mels` values after another, as
    /// of 8 kHz telephone speech. None with fewer than [`MIN_FRAMES`] rows, with too few mels for
    /// the cepstra, or with a value that is not finite.
    #[must_use]
    pub fn from_log_mels(frames: &[f32], mels: usize) -> Option<Self> {
        if mels <= N || !frames.iter().all(|x| x.is_finite()) {
            return None;
        }
        let cepstra = Cepstra::new(mels);
        let rows: Vec<[f64; N]> = frames.chunks_exact(mels).map(|frame| cepstra.of(frame)).collect();
        if rows.len() < MIN_FRAMES {
            return None;
        }
        let mean: [f64; N] =
            std::array::from_fn(|i| rows.iter().map(|r| r[i]).sum::<f64>() / rows.len() as f64);
        let mut covariance = Symmetric::ZERO;
        for row in &rows {
            let off: [f64; N] = std::array::from_fn(|i| row[i] - mean[i]);
            for (sums, a) in covariance.0.iter_mut().zip(off) {
                sums.iter_mut().zip(off).for_each(|(sum, b)| *sum += a * b);
            }
        }
        covariance.0.iter_mut().flatten().for_each(|v| *v /= rows.len() as f64);
        Self::new(rows.len(), covariance)
    }

    /// Several recordings of one voice as one: the mean of their covariances, weighted by frames,
    /// each around its own recording's mean. None of none.
    #[must_use]
    pub fn pool(recordings: &[Self]) -> Option<Self> {
        let frames: usize = recordings.iter().map(|r| r.frames).sum();
        let mut covariance = Symmetric::ZERO;
        for recording in recordings {
            let weight = recording.frames as f64 / frames as f64;
            for (sum, value) in covariance.0.iter_mut().flatten().zip(recording.covariance.0.iter().flatten())
            {
                *sum += weight * value;
            }
        }
        if recordings.is_empty() { None } else { Self::new(frames, covariance) }
    }

    fn new(frames: usize, covariance: Symmetric) -> Option<Self> {
        let mut regular = covariance.clone();
        regular.lift(REGULARIZATION * covariance.trace() / N as f64 + FLOOR);
        let inverse = regular.inverse()?;
        Some(Self { frames, covariance: regular, inverse })
    }

    /// How many frames it was made of.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Likeness of two voices: minus the arithmetic-harmonic sphericity measure of their
    /// covariances (Bimbot, Magrin-Chagnolleau and Mathan 1995). 0 for the same, else below; the
    /// same either way round, and blind to a level or a line that only adds to the log spectrum.
    #[must_use]
    pub fn score(&self, other: &Self) -> f64 {
        let there = self.covariance.trace_of_product(&other.inverse);
        let back = other.covariance.trace_of_product(&self.inverse);
        // The product is at least N squared; rounding may take a hair off.
        -((there * back).max(1.0).ln() - 2.0 * (N as f64).ln()).max(0.0)
    }
}

impl fmt::Debug for MfccGaussian {
    /// Hides the numbers: they are of a person's voice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MfccGaussian").field("frames", &self.frames).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::SplitMix64;

    const MELS: usize = 40;

    /// Frames whose cepstra spread differently for each voice.
    fn frames(voice: u64, seed: u64, rows: usize) -> Vec<f32> {
        let (mut voices, mut random) = (SplitMix64::new(voice), SplitMix64::new(seed));
        let spread: Vec<f64> = (0..MELS).map(|_| 0.3 + 2.0 * voices.uniform()).collect();
        (0..rows)
            .flat_map(|_| spread.iter().map(|s| (s * random.normal()) as f32).collect::<Vec<_>>())
            .collect()
    }

    fn gaussian(voice: u64, seed: u64) -> MfccGaussian {
        MfccGaussian::from_log_mels(&frames(voice, seed, 800), MELS).unwrap()
    }

    #[test]
    fn the_same_voice_is_liker_than_another() {
        let (a, again, other) = (gaussian(1, 10), gaussian(1, 11), gaussian(2, 12));
        assert!(a.score(&a).abs() < 1e-12);
        assert!(a.score(&again) > a.score(&other) && a.score(&again) <= 0.0);
        assert_eq!(a.score(&other), other.score(&a));
    }

    #[test]
    fn a_line_that_adds_a_constant_is_not_seen() {
        let rows = frames(3, 4, 300);
        let louder: Vec<f32> =
            rows.iter().enumerate().map(|(i, x)| x + 2.0 + (i % MELS) as f32 * 0.25).collect();
        let [a, b] = [rows, louder].map(|r| MfccGaussian::from_log_mels(&r, MELS).unwrap());
        assert!(a.score(&b).abs() < 1e-6, "{}", a.score(&b));
    }

    #[test]
    fn pooling_one_changes_little_and_none_gives_none() {
        let a = gaussian(1, 10);
        let pooled = MfccGaussian::pool(std::slice::from_ref(&a)).unwrap();
        assert!(pooled.score(&a).abs() < 1e-4);
        assert_eq!(MfccGaussian::pool(&[a.clone(), a]).unwrap().frames(), 1600);
        assert!(MfccGaussian::pool(&[]).is_none());
    }

    #[test]
    fn refuses_what_gives_no_covariance() {
        assert!(MfccGaussian::from_log_mels(&frames(1, 1, MIN_FRAMES - 1), MELS).is_none());
        assert!(MfccGaussian::from_log_mels(&[f32::NAN; 4000], MELS).is_none());
        assert!(MfccGaussian::from_log_mels(&[0.0; 4000], N).is_none());
        assert!(MfccGaussian::from_log_mels(&[], 0).is_none());
        // No variation at all: regularized, finite.
        let still = MfccGaussian::from_log_mels(&[1.0; 4000], MELS).unwrap();
        assert!(still.score(&gaussian(1, 1)).is_finite());
    }
}
