//! How often two different people reach an LLR: the tail that alarm thresholds stand on.

use std::collections::BTreeSet;

use crate::tail::ParetoTail;

const STEP: f64 = 0.5;
/// The rule of thirty (Doddington 2000): no rate is measured on fewer errors.
const FEWEST: usize = 30;
/// Nor on fewer pairs of people: one pair of like voices makes errors in all its calls.
const FEWEST_PAIRS: usize = 10;
/// The part of the trials that the tail is fitted on.
const TAIL: f64 = 0.02;
/// But none that lies further below the last measured rate than this, in nats: LLRs pile up at the
/// calibration's lower limit, and that is no tail.
const TAIL_REACH: f64 = 4.0;

/// One LLR between two different people, with a number for the two.
pub(crate) type Stranger = (f64, u64);

/// A false match curve with what there is to say of it.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(crate) points: Vec<(f64, f64)>,
    /// The last LLR whose rate was measured; beyond it stands a fitted tail.
    pub(crate) measured_to: Option<f64>,
    /// The largest shape of the groups' fitted tails; 0 is exponential.
    pub(crate) shape: f64,
}

/// The curve up to `last` of several groups of trials: at each LLR the worst group's rate.
pub(crate) fn curve(groups: &[Vec<Stranger>], last: f64) -> Curve {
    let llrs: Vec<f64> = (0..).map(|i| f64::from(i) * STEP).take_while(|t| *t <= last + STEP).collect();
    let fitted: Vec<_> = groups.iter().filter_map(|g| extended(g, &llrs)).collect();
    if fitted.is_empty() {
        // Nothing could be measured: what holds of every calibrated likelihood ratio (Markov).
        let points = llrs.iter().map(|t| (*t, (-t).exp())).collect();
        return Curve { points, measured_to: None, shape: 0.0 };
    }
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (i, llr) in llrs.iter().enumerate() {
        let worst = fitted.iter().map(|(rates, _, _)| rates[i]).fold(0.0, f64::max);
        // The places that a threshold can tell apart.
        let worst: f64 = format!("{worst:.4e}").parse().unwrap_or(worst);
        if worst > 1e-300 && points.last().is_none_or(|(_, before)| worst < *before) {
            points.push((*llr, worst));
        }
    }
    let measured_to = fitted.iter().map(|(_, to, _)| *to).fold(f64::INFINITY, f64::min);
    let shape = fitted.iter().map(|(_, _, tail)| tail.shape()).fold(0.0, f64::max);
    Curve { points, measured_to: Some(measured_to), shape }
}

/// A group's rates at these LLRs: measured while there are errors enough, then by its fitted tail.
fn extended(group: &[Stranger], llrs: &[f64]) -> Option<(Vec<f64>, f64, ParetoTail)> {
    let mut sorted: Vec<Stranger> = group.to_vec();
    sorted.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let count = |t: f64| sorted.partition_point(|(llr, _)| *llr >= t);
    let enough = |t: f64| {
        let errors = &sorted[..count(t)];
        let pairs: BTreeSet<u64> = errors.iter().take(100_000).map(|(_, pair)| *pair).collect();
        errors.len() >= FEWEST && pairs.len() >= FEWEST_PAIRS
    };
    let measured = llrs.iter().take_while(|t| enough(**t)).count();
    if measured < 2 {
        return None;
    }
    let last = llrs[measured - 1];
    let values: Vec<f64> = sorted.iter().map(|(llr, _)| *llr).collect();
    let from = values[((values.len() as f64 * TAIL) as usize).clamp(FEWEST, values.len() - 1)];
    let tail = ParetoTail::fit(&values, from.max(last - TAIL_REACH).min(last), FEWEST)?;
    let total = values.len() as f64;
    let rate = |t: &f64| {
        if *t <= last {
            return count(*t) as f64 / total;
        }
        count(last) as f64 / total * tail.survival(*t) / tail.survival(last)
    };
    Some((llrs.iter().map(rate).collect(), last, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` LLRs at `llr`, each of its own pair.
    fn at(llr: f64, count: usize) -> impl Iterator<Item = Stranger> {
        (0..count).map(move |i| (llr, (llr * 1e6) as u64 * 1_000_000 + i as u64))
    }

    #[test]
    fn stands_on_thirty_errors_of_ten_pairs_and_on_the_worst_group() {
        let hard: Vec<_> = at(-1.0, 9000).chain(at(0.7, 970)).chain(at(1.7, 30)).collect();
        let easy: Vec<_> = at(-1.0, 9900).chain(at(0.7, 100)).collect();
        let c = curve(std::slice::from_ref(&hard), 8.0);
        let rate = |t: f64| c.points.iter().find(|p| p.0 == t).unwrap().1;
        assert_eq!((rate(0.0), rate(1.0), c.measured_to), (0.1, 0.003, Some(1.5)));
        let both = curve(&[hard.clone(), easy], 8.0);
        assert!(both.points.iter().zip(&c.points).all(|(b, h)| b.1 >= h.1));
        assert_eq!(both.measured_to, Some(0.5));
        assert!(rate(2.5) < 0.003 && rate(8.0) > 0.0 && rate(8.0) < rate(7.5));
        // One pair of people alone measures nothing.
        let one: Vec<_> = hard.iter().map(|(llr, _)| (*llr, 7)).collect();
        assert_eq!(curve(&[one], 8.0).measured_to, None);
    }

    #[test]
    fn without_any_measurement_markov_holds() {
        let c = curve(&[vec![]], 5.0);
        assert!(c.points.iter().all(|(t, rate)| (rate - (-t).exp()).abs() < 1e-12));
    }
}
