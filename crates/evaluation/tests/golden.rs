//! The figures against an independent implementation: scripts/golden/metrics.py wrote
//! the golden file with NumPy and SciPy, from the same random scores.

#![allow(clippy::unwrap_used, reason = "a test, its helpers included")]

use earmark_evaluation::MfccGaussian;
use earmark_evaluation::metrics::{
    Bootstrap, Estimate, IdentificationOptions, OperatingPoint, ProbeOutcome, RankedTrials, ScoredTrial,
    SplitMix64, VerificationOptions, identification_figures, probit, verification_figures,
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("data/metrics_golden.json")).unwrap()
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn close(found: f64, expect: f64, what: &str) {
    assert!((found - expect).abs() < 1e-9 * (1.0 + expect.abs()), "{what}: {found}, expected {expect}");
}

fn bootstrap(golden: &Value) -> Bootstrap {
    Bootstrap {
        resamples: number(&golden["resamples"]),
        seed: golden["seed"].as_u64().unwrap(),
        level: golden["level"].as_f64().unwrap(),
    }
}

/// Every speaker's model against every speaker's two recordings, as the script makes them.
fn trials(case: &Value) -> Vec<ScoredTrial> {
    let mut random = SplitMix64::new(case["seed"].as_u64().unwrap());
    let speakers = case["speakers"].as_u64().unwrap() as u32;
    let step = case["step"].as_f64().unwrap();
    let mut trials = Vec::new();
    for model in 0..speakers {
        for other in 0..speakers {
            for _ in 0..2 {
                let target = model == other;
                let spread = floats(&case[if target { "target" } else { "nontarget" }]);
                let mut score = spread[0] + spread[1] * random.normal();
                if step > 0.0 {
                    score = (score / step).floor() * step;
                }
                trials.push(ScoredTrial { score: Some(score), target, speakers: [model, other] });
            }
        }
    }
    trials
}

fn check(found: &Estimate, expect: &Value, interval: &Value, what: &str) {
    close(found.value, expect.as_f64().unwrap(), what);
    let [low, high] = found.interval.unwrap();
    let interval = floats(interval);
    close(low, interval[0], &format!("low end of {what}"));
    close(high, interval[1], &format!("high end of {what}"));
}

#[test]
fn verification_figures_and_their_intervals() {
    let golden = golden();
    let points = golden["points"].as_array().unwrap().iter().map(floats);
    let points = points.map(|p| OperatingPoint::new(p[0], p[1], p[2]).unwrap()).collect();
    let options = VerificationOptions { points, bootstrap: bootstrap(&golden) };
    for case in golden["verification"].as_array().unwrap() {
        let (expect, intervals) = (&case["figures"], &case["intervals"]);
        let figures = verification_figures(&trials(case), true, &options).unwrap();
        check(&figures.eer, &expect["eer"], &intervals["eer"], "eer");
        check(&figures.eer_rocch, &expect["eer_rocch"], &intervals["eer_rocch"], "eer on the hull");
        check(&figures.cllr.unwrap(), &expect["cllr"], &intervals["cllr"], "cllr");
        check(&figures.min_cllr, &expect["min_cllr"], &intervals["min_cllr"], "min cllr");
        for (i, cost) in figures.costs.iter().enumerate() {
            check(&cost.min, &expect["min_dcf"][i], &intervals["min_dcf"][i], "min dcf");
            check(&cost.actual.unwrap(), &expect["actual_dcf"][i], &intervals["actual_dcf"][i], "actual dcf");
        }
    }
}

#[test]
fn misses_at_false_match_rates_and_the_best_calibration() {
    for case in golden()["verification"].as_array().unwrap() {
        let ranked = RankedTrials::new(&trials(case), false).unwrap();
        let tally = ranked.tally();
        for (rate, miss) in floats(&case["rates"]).iter().zip(floats(&case["figures"]["miss_at"])) {
            close(tally.rates_at_false_match(*rate).miss, miss, "misses");
        }
        let (targets, nontargets) = tally.totals();
        let blocks = tally.pav();
        let expect = case["pav"].as_array().unwrap();
        assert_eq!(blocks.len(), expect.len());
        for (block, expect) in blocks.iter().zip(expect) {
            close(block.low, expect[0].as_f64().unwrap(), "low end of a block");
            close(block.high, expect[1].as_f64().unwrap(), "high end of a block");
            let llr = block.llr(targets, nontargets);
            match expect[2].as_f64() {
                Some(expect) => close(llr, expect, "llr of a block"),
                None => assert!(llr.is_infinite()),
            }
        }
    }
}

#[test]
fn identification_figures_and_their_intervals() {
    let golden = golden();
    let case = &golden["identification"];
    let mut random = SplitMix64::new(case["seed"].as_u64().unwrap());
    let speakers = case["speakers"].as_u64().unwrap() as u32;
    let probes: Vec<ProbeOutcome> = (0..case["probes"].as_u64().unwrap() as u32)
        .map(|i| {
            let speaker = i % speakers;
            let listed = speaker.is_multiple_of(2);
            let (u, v) = (random.uniform(), random.uniform());
            let score = if listed { 3.0 } else { -2.0 } + 2.5 * random.normal();
            ProbeOutcome { listed, best: (v >= 0.02).then_some(score), right: listed && u < 0.95, speaker }
        })
        .collect();
    let options = IdentificationOptions { fpirs: floats(&case["fpirs"]), bootstrap: bootstrap(&golden) };
    let figures = identification_figures(&probes, &options).unwrap();
    close(figures.rank1.value, case["rank1"].as_f64().unwrap(), "rank 1");
    assert_eq!(figures.tpir.len(), options.fpirs.len());
    for (i, found) in figures.tpir.iter().enumerate() {
        let what = format!("found at {}", found.fpir);
        close(found.tpir.value, case["tpir"][i].as_f64().unwrap(), &what);
        let ([low, high], expect) = (found.tpir.interval.unwrap(), floats(&case["intervals"][i]));
        close(low, expect[0], &what);
        close(high, expect[1], &what);
        assert_eq!(found.few, found.fpir * 750.0 < 30.0);
    }
}

#[test]
fn the_baselines_score() {
    let golden = golden();
    let case = &golden["baseline"];
    let (mels, rows) = (number(&case["mels"]), number(&case["rows"]));
    let gaussian = |seed: &Value| {
        let mut random = SplitMix64::new(seed.as_u64().unwrap());
        let scale: Vec<f64> = (0..mels).map(|_| 0.5 + random.uniform()).collect();
        let frames: Vec<f32> = (0..rows * mels).map(|i| (scale[i % mels] * random.normal()) as f32).collect();
        MfccGaussian::from_log_mels(&frames, mels).unwrap()
    };
    let [a, b] = [gaussian(&case["seeds"][0]), gaussian(&case["seeds"][1])];
    let expect = case["score"].as_f64().unwrap();
    assert!((a.score(&b) - expect).abs() < 1e-7, "{} for {expect}", a.score(&b));
}

#[test]
fn probits() {
    for pair in golden()["probit"].as_array().unwrap() {
        let pair = floats(pair);
        close(probit(pair[0]), pair[1], "probit");
    }
}
