//! Random draws that stay the same whatever else is drawn.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

use crate::plan::Span;

/// A generator of its own for each thing drawn (ChaCha8, Bernstein 2008: the same numbers on every
/// machine), its key the SHA-256 of the seed and of the thing's name.
pub(crate) struct Draw(ChaCha8Rng);

impl Draw {
    /// For what `name` says, part by part.
    pub(crate) fn of(seed: u64, name: &[&str]) -> Self {
        Self(ChaCha8Rng::from_seed(key(seed, name)))
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits: all that an f64 holds.
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in the span.
    pub(crate) fn between(&mut self, span: Span) -> f64 {
        span.low + (span.high - span.low) * self.unit()
    }

    /// Uniform in the logarithm, for frequencies and times. The span is positive.
    pub(crate) fn log_between(&mut self, span: Span) -> f64 {
        (span.low.ln() + (span.high.ln() - span.low.ln()) * self.unit()).exp()
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Uniform in 0 .. n; 0 for n = 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// Normal with mean 0 and variance 1 (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// An index with probability in proportion to its weight; none when no weight is positive.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> Option<usize> {
        let mut point = self.unit() * weights.iter().sum::<f64>();
        let mut last = None;
        for (index, &weight) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
            last = Some(index);
            if point < weight {
                break;
            }
            point -= weight;
        }
        last
    }

    /// One of them; none when there is none.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let index = self.below(of.len());
        of.get(index)
    }

    /// In random order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The generators of one call: each stage has its own, so that a change of one stage's settings
/// leaves the draws of the others as they were.
#[derive(Clone, Copy)]
pub(crate) struct CallDraws<'a> {
    seed: u64,
    call: &'a str,
}

impl<'a> CallDraws<'a> {
    pub(crate) fn new(seed: u64, call: &'a str) -> Self {
        Self { seed, call }
    }

    pub(crate) fn stage(&self, stage: &str) -> Draw {
        Draw::of(self.seed, &["call", self.call, stage])
    }

    /// Puts others in an order drawn for this call. Each one's place hangs on its own name, so that
    /// one more in the list moves none of the others before another.
    pub(crate) fn order<'b>(&self, stage: &str, names: impl Iterator<Item = &'b str>) -> Vec<&'b str> {
        let mut keyed: Vec<([u8; 32], &str)> =
            names.map(|name| (key(self.seed, &["order", self.call, stage, name]), name)).collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, name)| name).collect()
    }
}

/// A key for a seed and a name; the parts' lengths keep ("ab", "c") and ("a", "bc") apart.
pub(crate) fn key(seed: u64, name: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for part in name {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_spread_as_they_should() {
        let mut draw = Draw::of(1, &["test"]);
        let n = 100_000;
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean((0..n).map(|_| draw.unit()).collect()) - 0.5).abs() < 0.005);
        let normal: Vec<f64> = (0..n).map(|_| draw.normal()).collect();
        assert!(mean(normal.clone()).abs() < 0.015);
        assert!((mean(normal.iter().map(|x| x * x).collect()) - 1.0).abs() < 0.02);
        let counts = (0..n).fold([0; 3], |mut counts, _| {
            counts[draw.weighted(&[1.0, 0.0, 3.0]).unwrap()] += 1;
            counts
        });
        assert_eq!(counts[1], 0);
        assert!((f64::from(counts[2]) / f64::from(n) - 0.75).abs() < 0.01);
        assert!((0..1000).all(|_| draw.below(7) < 7));
        assert_eq!((draw.below(0), draw.weighted(&[0.0]), draw.weighted(&[])), (0, None, None));
    }

    #[test]
    fn the_first_numbers_stay_what_they_are() {
        // A change here changes every call ever made from a seed.
        let mut draw = Draw::of(1, &["call", "x"]);
        let first: Vec<usize> = (0..6).map(|_| draw.below(1000)).collect();
        assert_eq!(first, [975, 824, 51, 722, 294, 202]);
    }

    #[test]
    fn names_and_seeds_keep_draws_apart() {
        let first = |seed, name: &[&str]| Draw::of(seed, name).unit().to_bits();
        assert_ne!(first(1, &["ab", "c"]), first(1, &["a", "bc"]));
        assert_ne!(first(1, &["a"]), first(2, &["a"]));
        assert_eq!(first(1, &["a"]), first(1, &["a"]));
    }

    #[test]
    fn one_more_name_leaves_the_order_of_the_others() {
        let draws = CallDraws::new(1, "call");
        let names = ["a", "b", "c", "d", "e"];
        let without = draws.order("x", names.into_iter());
        let with = draws.order("x", names.into_iter().chain(["f"]));
        assert_eq!(without, with.into_iter().filter(|name| *name != "f").collect::<Vec<_>>());
    }

    #[test]
    fn a_shuffle_keeps_all() {
        let mut items: Vec<usize> = (0..50).collect();
        Draw::of(3, &["shuffle"]).shuffle(&mut items);
        assert!(!items.is_sorted());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
