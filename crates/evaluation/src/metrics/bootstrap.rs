use std::num::NonZeroUsize;

use super::SplitMix64;
use crate::EvaluationError;

/// The most resamples one may ask for.
pub const MAX_RESAMPLES: usize = 100_000;
/// With fewer speakers than this resampling says nothing about other speakers.
const MIN_SPEAKERS: usize = 5;

/// How confidence intervals are made: speakers are drawn with replacement, and every figure is
/// computed anew with each trial weighted by how often its speakers were drawn (Poh, Martin and
/// Bengio 2007: resampling trials alone is far too sure of itself, for one person's trials go together).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// How many times speakers are drawn anew. 0 gives no intervals.
    pub resamples: usize,
    /// Where the random numbers start; the same seed gives the same intervals.
    pub seed: u64,
    /// Confidence level of the intervals, between 0 and 1.
    pub level: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 200, seed: 20_261_122, level: 0.95 }
    }
}

impl Bootstrap {
    /// # Errors
    /// When the level is not between 0 and 1 or there are more than [`MAX_RESAMPLES`].
    pub(crate) fn check(&self) -> Result<(), EvaluationError> {
        let bad = |text: String| Err(EvaluationError::BadSetting(text));
        if !(self.level > 0.0 && self.level < 1.0) {
            return bad(format!("the confidence level is {}, it must be between 0 and 1", self.level));
        }
        if self.resamples > MAX_RESAMPLES {
            return bad(format!("{} resamples are more than {MAX_RESAMPLES}", self.resamples));
        }
        Ok(())
    }

    /// How often each of `speakers` is drawn in resample `index`: as many draws as speakers, by
    /// [`SplitMix64::stream`] of the seed and the index.
    #[must_use]
    pub fn draw(&self, index: usize, speakers: usize) -> Vec<u32> {
        let mut random = SplitMix64::stream(self.seed, index as u64);
        let mut counts = vec![0; speakers];
        for _ in 0..speakers {
            counts[random.below(speakers)] += 1;
        }
        counts
    }

    /// What `figure` gives for each resample, in their order, on all cores. Resamples that give
    /// none are left out; with too few speakers there are none at all.
    pub(crate) fn run<T: Send>(
        &self,
        speakers: usize,
        figure: impl Fn(&[u32]) -> Option<T> + Sync,
    ) -> Vec<T> {
        if speakers < MIN_SPEAKERS || self.resamples == 0 {
            return Vec::new();
        }
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let share = self.resamples.div_ceil(threads);
        let part = |start: usize| -> Vec<T> {
            let end = (start + share).min(self.resamples);
            (start..end).filter_map(|index| figure(&self.draw(index, speakers))).collect()
        };
        std::thread::scope(|scope| {
            let part = &part;
            let starts = (0..self.resamples).step_by(share);
            let workers: Vec<_> = starts.map(|start| scope.spawn(move || part(start))).collect();
            let results = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
            results.flat_map(|r| r.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_as_many_as_there_are_and_repeats_itself() {
        let bootstrap = Bootstrap::default();
        let counts = bootstrap.draw(3, 40);
        assert_eq!(counts.iter().sum::<u32>(), 40);
        assert_eq!(counts, bootstrap.draw(3, 40));
        assert_ne!(counts, bootstrap.draw(4, 40));
        assert_ne!(counts, Bootstrap { seed: 1, ..bootstrap }.draw(3, 40));
    }

    #[test]
    fn keeps_the_order_over_threads() {
        let bootstrap = Bootstrap { resamples: 37, ..Bootstrap::default() };
        let all = bootstrap.run(10, |counts| Some(counts.to_vec()));
        let expect: Vec<_> = (0..37).map(|i| bootstrap.draw(i, 10)).collect();
        assert_eq!(all, expect);
        assert!(bootstrap.run(4, |_| Some(1)).is_empty());
    }
}
