//! How good are scores? Natural logarithms in, the field's figures out.

/// The figures of one set of trials.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Target trials behind them.
    pub targets: usize,
    /// Non-target trials behind them.
    pub nontargets: usize,
    /// Where miss and false match rates are equal, 0 to 1.
    pub eer: f64,
    /// Normalized minimum detection cost at a prior of 0.01, unit costs.
    pub min_dcf_01: f64,
    /// The same at 0.05.
    pub min_dcf_05: f64,
    /// Cllr in bits with the best monotone calibration (pool adjacent violators).
    pub min_cllr: f64,
    /// Cllr in bits (Brümmer & du Preez 2006) of the scores as LLRs.
    pub cllr: f64,
    /// Actual detection cost of the scores as LLRs at 0.01.
    pub act_dcf_01: f64,
    /// The same at 0.05.
    pub act_dcf_05: f64,
}

/// A trial's score and whether it is a target trial.
pub(crate) type Scored = (f64, bool);

/// All figures of target and non-target scores (or LLRs); none if one kind is missing or a score is
/// not a number.
#[must_use]
pub fn figures(targets: &[f64], nontargets: &[f64]) -> Option<Figures> {
    let all = targets.iter().map(|s| (*s, true)).chain(nontargets.iter().map(|s| (*s, false)));
    let mut all: Vec<Scored> = all.collect();
    sort(&mut all);
    of_sorted(&all)
}

/// Rising; at equal scores targets first, so that ties pool.
pub(crate) fn sort(trials: &mut [Scored]) {
    trials.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
}

/// All figures of trials in the order of [`sort`].
pub(crate) fn of_sorted(trials: &[Scored]) -> Option<Figures> {
    let targets = trials.iter().filter(|t| t.1).count();
    let nontargets = trials.len() - targets;
    if targets == 0 || nontargets == 0 || trials.iter().any(|t| t.0.is_nan()) {
        return None;
    }
    let (eer, [min_dcf_01, min_dcf_05]) = rates(trials, targets as f64, nontargets as f64);
    let actual = |prior: f64| {
        let threshold = ((1.0 - prior) / prior).ln();
        let misses = trials.iter().filter(|t| t.1 && t.0 < threshold).count() as f64;
        let false_matches = trials.iter().filter(|t| !t.1 && t.0 >= threshold).count() as f64;
        cost(prior, misses / targets as f64, false_matches / nontargets as f64)
    };
    Some(Figures {
        targets,
        nontargets,
        eer,
        min_dcf_01,
        min_dcf_05,
        min_cllr: min_cllr(trials, targets as f64, nontargets as f64),
        cllr: cllr(trials.iter().copied(), targets as f64, nontargets as f64),
        act_dcf_01: actual(0.01),
        act_dcf_05: actual(0.05),
    })
}

fn cost(prior: f64, miss: f64, false_match: f64) -> f64 {
    (prior * miss + (1.0 - prior) * false_match) / prior.min(1.0 - prior)
}

/// EER on the line between the thresholds around it, and the least costs.
fn rates(trials: &[Scored], targets: f64, nontargets: f64) -> (f64, [f64; 2]) {
    let priors = [0.01, 0.05];
    let (mut missed, mut rejected) = (0.0, 0.0);
    let mut before = (0.0, 1.0);
    let mut least = priors.map(|p| cost(p, 0.0, 1.0));
    let mut eer = None;
    for (i, (score, target)) in trials.iter().enumerate() {
        if *target {
            missed += 1.0
        } else {
            rejected += 1.0
        }
        if trials.get(i + 1).is_some_and(|next| next.0 <= *score) {
            continue;
        }
        let (miss, false_match) = (missed / targets, 1.0 - rejected / nontargets);
        for (best, prior) in least.iter_mut().zip(priors) {
            *best = f64::min(*best, cost(prior, miss, false_match));
        }
        if eer.is_none() && miss >= false_match {
            let (d0, d1) = (before.1 - before.0, miss - false_match);
            let t = if d0 + d1 > 0.0 { d0 / (d0 + d1) } else { 0.0 };
            eer = Some(before.0 + t * (miss - before.0));
        }
        before = (miss, false_match);
    }
    (eer.unwrap_or(1.0), least)
}

fn cllr(trials: impl Iterator<Item = Scored>, targets: f64, nontargets: f64) -> f64 {
    let (mut of_targets, mut of_others) = (0.0, 0.0);
    for (llr, target) in trials {
        if target { of_targets += log1pexp(-llr) } else { of_others += log1pexp(llr) }
    }
    (of_targets / targets + of_others / nontargets) / (2.0 * std::f64::consts::LN_2)
}

/// ln(1 + e^x) without overflow.
pub(crate) fn log1pexp(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

/// Pool adjacent violators: blocks of (targets, trials) whose share of targets rises.
fn min_cllr(trials: &[Scored], targets: f64, nontargets: f64) -> f64 {
    let mut blocks: Vec<(f64, f64)> = Vec::new();
    for (_, target) in trials {
        blocks.push((if *target { 1.0 } else { 0.0 }, 1.0));
        while let [.., a, b] = blocks.as_slice()
            && a.0 * b.1 >= b.0 * a.1
        {
            let pooled = (a.0 + b.0, a.1 + b.1);
            blocks.truncate(blocks.len() - 2);
            blocks.push(pooled);
        }
    }
    let odds = (targets / nontargets).ln();
    let (mut of_targets, mut of_others) = (0.0, 0.0);
    for (hits, size) in blocks {
        let llr = (hits / (size - hits)).ln() - odds;
        if hits > 0.0 {
            of_targets += hits * log1pexp(-llr);
        }
        if size > hits {
            of_others += (size - hits) * log1pexp(llr);
        }
    }
    (of_targets / targets + of_others / nontargets) / (2.0 * std::f64::consts::LN_2)
}
