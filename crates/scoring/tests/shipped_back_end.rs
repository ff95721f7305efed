//! The shipped back end opens and gives what scripts/golden/back_end.py works out from the same
//! files on its own (double precision, another language, no shared code).
#![allow(clippy::unwrap_used, reason = "a test, its helpers included")]

use std::path::{Path, PathBuf};

use earmark_scoring::{BackEndBundle, Decider, Matcher, Policy, Priors, Side};
use earmark_voiceprint::{NetSpeech, Quality, Voiceprint};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/campplus-phone-192/backend")
}

/// The same formula stands in back_end.py.
fn made_up(bundle: &BackEndBundle, seed: f64) -> Voiceprint {
    let values: Vec<f32> =
        (0..192).map(|i| (seed + 0.37 * f64::from(i) * (1.0 + 0.01 * seed)).sin() as f32).collect();
    let model = bundle.back_end().model().clone();
    let print = Voiceprint::from_embedding(model, &values, NetSpeech::from_seconds(10.0)).unwrap();
    bundle.back_end().apply(&print).unwrap()
}

fn side(seconds: &str, snr: &str, recordings: &str) -> Side {
    let quality = (!snr.is_empty()).then(|| Quality {
        snr_db: snr.parse().unwrap(),
        clipped_fraction: 0.0,
        level_dbfs: -20.0,
        bandwidth_hz: 3400.0,
    });
    let net_speech = NetSpeech::from_seconds(seconds.parse().unwrap());
    Side { net_speech, quality, recordings: recordings.parse().unwrap() }
}

#[test]
fn agrees_with_the_independent_implementation() {
    let bundle = BackEndBundle::open(&folder()).unwrap();
    let matcher = Matcher::new(bundle.clone()).unwrap();
    let golden = include_str!("data/golden.csv");
    let mut seen = 0;
    for line in golden.lines().skip(1) {
        let cell: Vec<&str> = line.split(',').collect();
        let probe = (made_up(&bundle, cell[0].parse().unwrap()), side(cell[2], cell[3], "1"));
        let enrolled = (made_up(&bundle, cell[1].parse().unwrap()), side(cell[4], cell[5], cell[6]));
        let of = |(print, side): &(Voiceprint, Side)| matcher.profile(print, *side).unwrap();
        let cosine = probe.0.cosine(&enrolled.0).unwrap();
        let llr = matcher.score_cosine(cosine, &of(&enrolled), &of(&probe)).llr;
        let cosine = f64::from(cosine.value());
        let expect: Vec<f64> = cell[7..].iter().map(|c| c.parse().unwrap()).collect();
        assert!((cosine - expect[0]).abs() < 1e-5, "{line}: cosine {cosine}");
        assert!((llr.nats() - expect[1]).abs() < 1e-3, "{line}: llr {llr}");
        seen += 1;
    }
    assert_eq!(seen, 20);
}

#[test]
fn says_whose_speech_it_was_fitted_on() {
    let bundle = BackEndBundle::open(&folder()).unwrap();
    for collection in ["speechocean762", "DSPSpeech-20", "LibriSpeech"] {
        assert!(bundle.attributions().iter().any(|a| a.starts_with(collection)), "{collection}");
    }
    assert_eq!(bundle.back_end().dimension(), 192);
}

#[test]
fn thresholds_are_sane_for_real_lists() {
    let bundle = BackEndBundle::open(&folder()).unwrap();
    let decider = Decider::new(Policy::default(), Priors::default(), bundle.calibration());
    let mut last = 0.0;
    for n in [1, 10, 100, 1000] {
        let (once, live) = (decider.tag_threshold(n), decider.live_tag_threshold(n));
        assert!(once >= last && live >= once, "{n}: {once} {live}");
        assert!(live <= decider.llr_max(), "{n}: {live} can't be reached");
        last = once;
    }
}
