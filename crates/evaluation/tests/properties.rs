//! What must hold for any scores, and cases worked by hand.

#![allow(clippy::unwrap_used, reason = "a test, its helpers included")]

use earmark_evaluation::EvaluationError;
use earmark_evaluation::metrics::{
    Bootstrap, IdentificationOptions, OperatingPoint, ProbeOutcome, RankedTrials, ScoredTrial, Tally,
    VerificationOptions, identification_figures, verification_figures,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn near(found: f64, expect: f64) {
    assert!((found - expect).abs() < 1e-12, "{found}, expected {expect}");
}

#[test]
fn a_case_worked_by_hand() {
    // Targets 1, 3, 4, 5; non-targets 0, 1, 2, 3 with ties at 1 and 3.
    let tally = Tally::from_scores(&[1.0, 3.0, 4.0, 5.0], &[0.0, 1.0, 2.0, 3.0]).unwrap();
    let rates: Vec<_> = tally.rates().map(|r| (r.threshold, r.miss, r.false_match)).collect();
    assert_eq!(
        rates,
        [
            (0.0, 0.0, 1.0),
            (1.0, 0.0, 0.75),
            (2.0, 0.25, 0.5),
            (3.0, 0.25, 0.25),
            (4.0, 0.5, 0.0),
            (5.0, 0.75, 0.0),
            (f64::INFINITY, 1.0, 0.0),
        ]
    );
    near(tally.eer(), 0.25);
    // The hull goes through (0.75, 0), (0.25, 0.25) and (0, 0.5).
    near(tally.eer_rocch(), 0.25);
    let blocks: Vec<_> = tally.pav().iter().map(|b| (b.low, b.high, b.targets, b.nontargets)).collect();
    assert_eq!(
        blocks,
        [(0.0, 0.0, 0.0, 1.0), (1.0, 2.0, 1.0, 2.0), (3.0, 3.0, 1.0, 1.0), (4.0, 5.0, 2.0, 0.0)]
    );
    // Targets: one at odds 1/2, one at 1, two sure; non-targets: one sure, two at 1/2, one at 1.
    let expect = ((3f64.log2() + 1.0) / 4.0 + (2.0 * 1.5f64.log2() + 1.0) / 4.0) / 2.0;
    near(tally.min_cllr(), expect);
    // At a prior of 1/2 the cost is twice the mean of both rates.
    let even = OperatingPoint::new(0.5, 1.0, 1.0).unwrap();
    let (cost, at) = tally.min_dcf(even);
    assert_eq!((cost, at.threshold), (0.5, 3.0));
    // At the Bayes threshold of 0 everything is accepted: no misses, all false matches.
    near(tally.actual_dcf(even).0, 1.0);
}

#[test]
fn scores_that_know_nothing_and_scores_that_know_all() {
    let nothing = Tally::from_scores(&[0.0; 5], &[0.0; 7]).unwrap();
    near(nothing.cllr(), 1.0);
    near(nothing.min_cllr(), 1.0);
    near(nothing.eer(), 0.5);
    near(nothing.eer_rocch(), 0.5);
    near(nothing.min_dcf(OperatingPoint::SHIPPED[0]).0, 1.0);
    let all = Tally::from_scores(&[9.0, 8.0], &[-9.0, -8.0]).unwrap();
    assert_eq!((all.eer(), all.eer_rocch(), all.min_cllr()), (0.0, 0.0, 0.0));
    assert_eq!(all.min_dcf(OperatingPoint::SHIPPED[1]).0, 0.0);
    assert_eq!(all.actual_dcf(OperatingPoint::SHIPPED[0]).0, 0.0);
}

#[test]
fn what_is_missing_is_a_typed_error() {
    let nothing = |r: Result<Tally, EvaluationError>| matches!(r, Err(EvaluationError::Nothing(_)));
    assert!(nothing(Tally::from_scores(&[], &[1.0])) && nothing(Tally::from_scores(&[1.0], &[])));
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let found = Tally::from_scores(&[0.0, bad], &[1.0]);
        assert!(matches!(found, Err(EvaluationError::NotFinite { index: 1, .. })));
    }
    let unscored = |target| ScoredTrial { score: None, target, speakers: [0, 0] };
    let found = RankedTrials::new(&[unscored(true), unscored(false)], false);
    assert!(matches!(found, Err(EvaluationError::Nothing(_))));
    let probes = identification_figures(&[], &IdentificationOptions::default());
    assert!(matches!(probes, Err(EvaluationError::Nothing("probes"))));
}

#[test]
fn trials_without_a_score_count_as_errors_beside() {
    let trial = |score, target| ScoredTrial { score, target, speakers: [0, 0] };
    let trials = [
        trial(Some(6.0), true),
        trial(Some(7.0), true),
        trial(None, true),
        trial(None, true),
        trial(Some(-6.0), false),
        trial(None, false),
    ];
    let options = VerificationOptions {
        points: vec![OperatingPoint::new(0.5, 1.0, 1.0).unwrap()],
        bootstrap: Bootstrap::default(),
    };
    let figures = verification_figures(&trials, true, &options).unwrap();
    assert_eq!((figures.unscored_targets, figures.unscored_nontargets), (2, 1));
    assert_eq!((figures.eer.value, figures.eer.interval), (0.0, None));
    let errors = figures.counted_as_errors.unwrap();
    // Half of the targets missed, no false match.
    assert_eq!((errors.costs[0].1, errors.costs[0].2), (0.5, Some(0.5)));
    assert!(errors.eer > 0.0);
}

#[test]
fn found_at_a_false_tag_rate_by_hand() {
    let probe = |listed, best, right| ProbeOutcome { listed, best, right, speaker: 0 };
    let mut probes: Vec<_> = (0..10).map(|i| probe(false, Some(f64::from(i)), false)).collect();
    probes.extend([
        probe(true, Some(9.5), true),
        probe(true, Some(8.5), true),
        probe(true, Some(9.9), false),
        probe(true, None, false),
    ]);
    let options = IdentificationOptions { fpirs: vec![0.0, 0.1, 0.5, 1.0], bootstrap: Bootstrap::default() };
    let figures = identification_figures(&probes, &options).unwrap();
    let found: Vec<_> = figures.tpir.iter().map(|t| (t.threshold, t.tpir.count)).collect();
    assert_eq!(found, [(Some(9.5), 1), (Some(8.5), 2), (Some(5.0), 2), (Some(0.0), 2)]);
    assert!(figures.tpir.iter().all(|t| t.few && t.tpir.total == 4));
    assert_eq!((figures.rank1.count, figures.unscored_listed), (2, 1));
}

fn scores() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let score = prop_oneof![-30.0..30.0, (-4i32..4).prop_map(f64::from), -1e300..1e300];
    (vec(score.clone(), 1..60), vec(score, 1..60))
}

proptest! {
    #[test]
    fn what_holds_for_any_scores((targets, nontargets) in scores()) {
        let tally = Tally::from_scores(&targets, &nontargets).unwrap();
        let (eer, hull) = (tally.eer(), tally.eer_rocch());
        prop_assert!((0.0..=1.0).contains(&eer) && (0.0..=0.5 + 1e-12).contains(&hull));
        prop_assert!(hull <= eer + 1e-12);
        let (cllr, least) = (tally.cllr(), tally.min_cllr());
        prop_assert!(cllr.is_finite() && least <= cllr + 1e-9 && (-1e-12..=1.0 + 1e-9).contains(&least));
        for point in OperatingPoint::SHIPPED {
            let (min, actual) = (tally.min_dcf(point).0, tally.actual_dcf(point).0);
            prop_assert!(min <= actual + 1e-12 && (0.0..=1.0).contains(&min) && actual.is_finite());
        }
    }

    #[test]
    fn pooled_ratios_rise_and_pool_all((targets, nontargets) in scores()) {
        let tally = Tally::from_scores(&targets, &nontargets).unwrap();
        let (t, n) = tally.totals();
        let blocks = tally.pav();
        prop_assert!(blocks.windows(2).all(|w| w[0].llr(t, n) < w[1].llr(t, n) && w[0].high < w[1].low));
        prop_assert_eq!(blocks.iter().map(|b| b.targets).sum::<f64>(), targets.len() as f64);
        prop_assert_eq!(blocks.iter().map(|b| b.nontargets).sum::<f64>(), nontargets.len() as f64);
    }

    #[test]
    fn rates_fall_and_rise_between_all_and_nothing((targets, nontargets) in scores()) {
        let tally = Tally::from_scores(&targets, &nontargets).unwrap();
        let rates: Vec<_> = tally.rates().collect();
        prop_assert!(rates.windows(2).all(|w| w[0].miss <= w[1].miss && w[0].false_match >= w[1].false_match));
        prop_assert_eq!((rates[0].miss, rates[0].false_match), (0.0, 1.0));
        let last = rates[rates.len() - 1];
        prop_assert!((last.miss - 1.0).abs() < 1e-12 && last.false_match < 1e-12);
        for r in &rates {
            let at = tally.rates_at(r.threshold);
            prop_assert!((at.miss - r.miss).abs() < 1e-12 && (at.false_match - r.false_match).abs() < 1e-12);
        }
    }

    #[test]
    fn a_weight_of_one_changes_nothing((targets, nontargets) in scores()) {
        let trial = |target| move |s: &f64| ScoredTrial { score: Some(*s), target, speakers: [0, 1] };
        let trials: Vec<_> =
            targets.iter().map(trial(true)).chain(nontargets.iter().map(trial(false))).collect();
        let ranked = RankedTrials::new(&trials, false).unwrap();
        let weighted = ranked.weighted(&[1, 1]).unwrap();
        prop_assert_eq!(weighted.eer(), ranked.tally().eer());
        prop_assert_eq!(weighted.min_cllr(), ranked.tally().min_cllr());
        prop_assert!(ranked.weighted(&[0, 1]).is_none());
    }
}
