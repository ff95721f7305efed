//! How often two different people reach an LLR: the tail that alarm thresholds stand on.

use std::collections::BTreeSet;

use crate::tail::NormalTail;

const STEP: f64 = 0.5;
/// The rule of thirty (Doddington 2000): no rate is measured on fewer errors.
const FEWEST: usize = 30;
/// Nor on fewer pairs of people: one pair of like voices makes errors in all its calls.
const FEWEST_PAIRS: usize = 10;
/// Groups that are measured nearly as far as the furthest speak for what lies beyond, in nats.
const NEAR: f64 = 1.0;

/// A caller against a list of other people: the largest LLR, with a number for the two people, and how
/// many were listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stranger {
    pub(crate) llr: f64,
    pub(crate) pair: u64,
    pub(crate) listed: usize,
}

/// A false match curve with what there is to say of it.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(crate) points: Vec<(f64, f64)>,
    /// The last LLR with errors enough to count on; none where there nowhere are.
    pub(crate) measured_to: Option<f64>,
    /// The least slope of the fitted tails on normal-deviate paper, in standard deviations a nat.
    pub(crate) slope: f64,
}

/// The curve up to `last` of several groups of trials: at each LLR the worst group's rate.
pub(crate) fn curve(groups: &[Vec<Stranger>], last: f64) -> Curve {
    let llrs: Vec<f64> = (0..).map(|i| f64::from(i) * STEP).take_while(|t| *t <= last + STEP).collect();
    let fitted: Vec<Measured> = groups.iter().filter_map(|g| Measured::new(g, &llrs)).collect();
    // Where one group is measured and another is not, the measurement speaks.
    let furthest = fitted.iter().map(Measured::last).fold(f64::NEG_INFINITY, f64::max);
    if fitted.is_empty() {
        // Nothing could be measured: what holds of every calibrated likelihood ratio (Markov).
        let points = llrs.iter().map(|t| (*t, (-t).exp())).collect();
        return Curve { points, measured_to: None, slope: 0.0 };
    }
    let mut points: Vec<(f64, f64)> = Vec::new();
    for llr in &llrs {
        let rate = |m: &Measured| m.rate(*llr, m.last() >= furthest - NEAR);
        let worst = fitted.iter().map(rate).fold(0.0, f64::max);
        // The places that a threshold can tell apart.
        let worst: f64 = format!("{worst:.4e}").parse().unwrap_or(worst);
        if worst > 1e-300 && points.last().is_none_or(|(_, before)| worst < *before) {
            points.push((*llr, worst));
        }
    }
    let speaking = fitted.iter().filter(|m| m.last() >= furthest - NEAR);
    let slope = speaking.map(|m| m.tail.slope()).fold(f64::INFINITY, f64::min);
    let counted_to = fitted.iter().filter_map(|m| m.counted_to).max_by(f64::total_cmp);
    Curve { points, measured_to: counted_to, slope }
}

/// What a group of trials says.
struct Measured {
    /// `(llr, rate)` as far as there are errors, and one further.
    points: Vec<(f64, f64)>,
    /// Up to here there are errors enough; none where there nowhere are.
    counted_to: Option<f64>,
    tail: NormalTail,
}

impl Measured {
    fn new(group: &[Stranger], llrs: &[f64]) -> Option<Self> {
        let mut sorted: Vec<Stranger> = group.to_vec();
        sorted.sort_unstable_by(|a, b| b.llr.total_cmp(&a.llr).then(a.pair.cmp(&b.pair)));
        let count = |t: f64| sorted.partition_point(|s| s.llr >= t);
        let enough = |t: f64| {
            let errors = &sorted[..count(t)];
            let pairs: BTreeSet<u64> = errors.iter().take(100_000).map(|s| s.pair).collect();
            errors.len() >= FEWEST && pairs.len() >= FEWEST_PAIRS
        };
        let measured = llrs.iter().take_while(|t| enough(**t)).count();
        if sorted.len() < FEWEST {
            return None;
        }
        // With fewer errors than can be counted on, down to none, what they can be at most.
        let known = llrs.iter().position(|t| count(*t) == 0).map_or(llrs.len(), |first| first + 1);
        let at = |(i, t): (usize, &f64)| {
            let hits = if i < measured { count(*t) as f64 } else { at_most(count(*t)) };
            (*t, rate(&sorted, hits))
        };
        let mut points: Vec<(f64, f64)> = llrs[..known.max(measured)].iter().enumerate().map(at).collect();
        let mut least = f64::INFINITY;
        points.retain(|(_, rate)| {
            let falls = *rate < least;
            least = least.min(*rate);
            falls
        });
        let tail = NormalTail::fit(&points)?;
        Some(Self { counted_to: measured.checked_sub(1).map(|last| llrs[last]), points, tail })
    }

    fn last(&self) -> f64 {
        self.points.last().map_or(f64::NEG_INFINITY, |p| p.0)
    }

    /// The rate at an LLR; beyond what was measured by the tail, if this group may speak for it.
    fn rate(&self, llr: f64, speaks: bool) -> f64 {
        if llr > self.last() {
            return if speaks { self.tail.rate(llr) } else { 0.0 };
        }
        // Between points the rate before holds: it is not lower.
        self.points.iter().rev().find(|(t, _)| *t <= llr).map_or(1.0, |(_, rate)| *rate)
    }
}

/// The upper 95 % bound of a count (Garwood 1936, by the approximation of Wilson & Hilferty 1931).
fn at_most(count: usize) -> f64 {
    let n = count as f64 + 1.0;
    n * (1.0 - 1.0 / (9.0 * n) + 1.644_854 / (3.0 * n.sqrt())).powi(3)
}

/// The rate of one comparison with which lists of these sizes give so many callers with a hit:
/// FPIR = 1 - (1 - FMR)^N. A caller who is like many listed people counts once, as a tag does.
fn rate(callers: &[Stranger], hits: f64) -> f64 {
    let expected =
        |fmr: f64| callers.iter().map(|c| -(c.listed as f64 * (-fmr).ln_1p()).exp_m1()).sum::<f64>();
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if expected(middle) < hits { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` callers whose best of `listed` others is at `llr`, each of its own pair.
    fn at(llr: f64, count: usize, listed: usize) -> impl Iterator<Item = Stranger> {
        (0..count).map(move |i| Stranger { llr, pair: (llr * 1e6) as u64 * 1_000_000 + i as u64, listed })
    }

    #[test]
    fn stands_on_thirty_callers_of_ten_pairs_and_on_the_worst_group() {
        let hard: Vec<_> = at(-1.0, 9000, 1).chain(at(0.7, 970, 1)).chain(at(1.7, 30, 1)).collect();
        let easy: Vec<_> = at(-1.0, 9900, 1).chain(at(0.7, 100, 1)).collect();
        let c = curve(std::slice::from_ref(&hard), 8.0);
        let rate = |t: f64| c.points.iter().find(|p| p.0 == t).unwrap().1;
        assert!((rate(0.0) - 0.1).abs() < 1e-9 && (rate(1.0) - 0.003).abs() < 1e-9);
        assert_eq!(c.measured_to, Some(1.5));
        let both = curve(&[hard.clone(), easy], 8.0);
        assert!(both.points.iter().zip(&c.points).all(|(b, h)| b.1 >= h.1));
        assert_eq!(both.measured_to, Some(1.5));
        assert!(rate(2.5) < 0.003 && rate(8.0) > 0.0 && rate(8.0) < rate(7.5));
        // One pair of people alone measures nothing.
        let one: Vec<_> = hard.iter().map(|s| Stranger { pair: 7, ..*s }).collect();
        assert_eq!(curve(&[one], 8.0).measured_to, None);
    }

    #[test]
    fn no_error_is_not_no_rate() {
        // Poisson: of none there are at most 3.0, of ten 16.96, at 95 %.
        assert!((at_most(0) - 2.996).abs() < 0.06 && (at_most(10) - 16.962).abs() < 0.02);
    }

    #[test]
    fn lists_of_many_tell_the_rate_of_one() {
        // One caller in ten has a hit in a list of 100: 1 - 0.9^(1/100).
        let callers: Vec<_> = at(1.0, 100, 100).chain(at(-1.0, 900, 100)).collect();
        assert!((super::rate(&callers, 100.0) - (1.0 - 0.9f64.powf(0.01))).abs() < 1e-12);
    }

    #[test]
    fn without_any_measurement_markov_holds() {
        let c = curve(&[vec![]], 5.0);
        assert!(c.points.iter().all(|(t, rate)| (rate - (-t).exp()).abs() < 1e-12));
    }
}
