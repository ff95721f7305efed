//! Adaptation on made-up voices whose channel is known: what is trained must take it away, be read
//! back by scoring, and come out the same whatever the threads.
#![allow(clippy::unwrap_used, reason = "a test, its helpers included")]

use std::collections::BTreeMap;
use std::ffi::OsString;

use earmark_adaptation::{
    Adaptation, AdaptationError, AdaptationOptions, Call, CallSide, Look, Purpose, Source, adapt_labelled,
    adapt_unlabelled, figures,
};
use earmark_scoring::{BackEndBundle, Matcher};
use earmark_voiceprint::{ModelId, NetSpeech, Quality, Voiceprint};

const DIMENSION: usize = 24;

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    fn vector(&mut self, scale: f64) -> Vec<f64> {
        (0..DIMENSION).map(|_| scale * self.normal()).collect()
    }
}

fn print(values: &[f64], seconds: f32) -> Voiceprint {
    let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
    Voiceprint::from_embedding(ModelId::new("toy", "0"), &values, NetSpeech::from_seconds(seconds)).unwrap()
}

/// Speakers with eight calls each in two sessions. Along three directions the channel moves a call
/// far more than voices differ, and everybody shares an offset.
fn calls(speakers: usize, seed: u64, purpose: Purpose, looks: bool) -> Vec<Call> {
    let mut random = Random(seed);
    let mut calls = Vec::new();
    for s in 0..speakers {
        let voice = random.vector(1.0);
        for c in 0..8 {
            let seconds = [24.0, 3.0, 9.0, 20.0][c % 4] as f32;
            let side = if c % 4 == 0 { CallSide::Enroll } else { CallSide::Probe };
            let channel: Vec<f64> = (0..3).map(|_| 3.0 * random.normal()).collect();
            let mut heard = |seconds: f32| {
                let noise = random.vector(f64::from(1.2 / seconds.sqrt()));
                let at = |d: usize| {
                    voice[d]
                        + noise[d]
                        + if d < 3 { channel[d] } else { 0.0 }
                        + if d == 5 { 2.0 } else { 0.0 }
                };
                print(&(0..DIMENSION).map(at).collect::<Vec<_>>(), seconds)
            };
            let voiceprint = heard(seconds);
            let wanted: &[f32] = if looks && seconds == 20.0 { &[3.0, 5.0, 10.0, 20.0] } else { &[] };
            let looks: Vec<Look> =
                wanted.iter().map(|s| Look { voiceprint: heard(*s), quality: None }).collect();
            let quality = Quality {
                snr_db: 15.0 + random.normal() as f32,
                clipped_fraction: 0.0,
                level_dbfs: -20.0,
                bandwidth_hz: 3400.0,
            };
            calls.push(Call {
                recording: format!("{seed}-{s}-{c}.wav"),
                speaker: Some(format!("{seed}-{s:03}")),
                session: Some((c / 4).to_string()),
                side,
                purpose,
                set: ["a", "b"][s % 2].into(),
                gender: ["f", "m"][s / 2 % 2].into(),
                codec: String::new(),
                voiceprint,
                quality: Some(quality),
                looks,
            });
        }
    }
    calls
}

fn options(threads: usize) -> AdaptationOptions {
    AdaptationOptions { threads, ..AdaptationOptions::default() }
}

fn written(made: &Adaptation) -> (tempfile::TempDir, BackEndBundle) {
    let folder = tempfile::tempdir().unwrap();
    let source =
        Source { name: "toy \"speech\"\n".into(), license: "CC0-1.0".into(), attribution: "nobody".into() };
    made.fitted.write(folder.path(), "toy", &[source]).unwrap();
    let bundle = BackEndBundle::open(folder.path()).unwrap();
    (folder, bundle)
}

/// All files of a folder by name.
fn files(folder: &std::path::Path) -> BTreeMap<OsString, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap());
    files.map(|f| (f.file_name(), std::fs::read(f.path()).unwrap())).collect()
}

/// EER of an enrollment of one call against the calls of the other session.
fn eer(matcher: &Matcher, calls: &[Call]) -> f64 {
    let ready = |c: &Call| matcher.prepare(&c.voiceprint, c.quality).unwrap();
    let (mut targets, mut others) = (Vec::new(), Vec::new());
    for e in calls.iter().filter(|c| c.side == CallSide::Enroll) {
        for p in calls.iter().filter(|c| c.side == CallSide::Probe) {
            let llr = matcher.score(&ready(e), &ready(p)).unwrap().llr.nats();
            match (e.speaker == p.speaker, e.session == p.session) {
                (true, true) => {}
                (true, false) => targets.push(llr),
                _ => others.push(llr),
            }
        }
    }
    figures(&targets, &others).unwrap().eer
}

#[test]
fn labels_take_the_channel_away_for_people_it_never_heard() {
    let mut material = calls(40, 1, Purpose::Report, true);
    material.extend(calls(20, 2, Purpose::Train, false));
    let made = adapt_labelled(&material, &options(2), None).unwrap();
    let (folder, bundle) = written(&made);
    assert_eq!(bundle.name(), "toy");
    assert_eq!(bundle.attributions(), ["toy \"speech\"\n (CC0-1.0): nobody"]);
    // The shapes that compensate must have won over the mean alone.
    assert!(bundle.back_end().projection().is_some(), "{}", made.report);
    let strangers = calls(30, 3, Purpose::Report, false);
    let with = eer(&Matcher::new(bundle.clone()).unwrap(), &strangers);
    let mean = earmark_scoring::BackEnd::new(ModelId::new("toy", "0"), &[0.0; DIMENSION], None).unwrap();
    let fit = bundle.calibration().fit().clone();
    let plain = earmark_scoring::Calibration::new(mean.space().clone(), "", fit).unwrap();
    let plain = Matcher::new(BackEndBundle::new("", mean, None, None, plain)).unwrap();
    let without = eer(&plain, &strangers);
    assert!(with < 0.6 * without, "{with} {without}\n{}", made.report);
    for part in [
        "## What was tried",
        "AS-norm",
        "PLDA",
        "## Calibrated",
        "## Proxy list",
        "any look of a live call: measured",
    ] {
        assert!(made.report.contains(part), "{part} in\n{}", made.report);
    }
    let cohort = folder.path().join("cohort.f32");
    if cohort.exists() {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(cohort).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_on_any_number_of_threads() {
    let material = calls(24, 4, Purpose::Report, true);
    let bytes = |threads| {
        let made = adapt_labelled(&material, &options(threads), None).unwrap();
        let (folder, _) = written(&made);
        (files(folder.path()), made.report)
    };
    assert_eq!(bytes(1), bytes(3));
}

#[test]
fn speakers_for_tests_change_nothing_that_is_shipped() {
    let material = calls(24, 5, Purpose::Train, true);
    let shipped = |test: Vec<Call>| {
        let all: Vec<Call> = material.iter().cloned().chain(test).collect();
        let made = adapt_labelled(&all, &options(2), None).unwrap();
        let (folder, _) = written(&made);
        (files(folder.path()), made.report)
    };
    let (alone, report) = shipped(vec![]);
    let (beside, tested) = shipped(calls(12, 6, Purpose::Test, false));
    assert_eq!(alone, beside);
    assert!(report.contains("for lack of others") && tested.contains("use report and test"));
}

#[test]
fn without_labels_the_mean_moves_and_false_matches_stay_rare() {
    let material = calls(40, 7, Purpose::Report, true);
    let base = written(&adapt_labelled(&material, &options(2), None).unwrap()).1;
    // Another line, and people who are harder to tell apart: half of the dimensions say little.
    let moved = |c: &Call| {
        let mut values: Vec<f64> = c.voiceprint.values().iter().map(|v| f64::from(*v)).collect();
        values[12..].iter_mut().for_each(|v| *v *= 0.05);
        values[7] += 0.6;
        Call { voiceprint: print(&values, c.voiceprint.net_speech().seconds()), speaker: None, ..c.clone() }
    };
    let enrollments =
        calls(120, 8, Purpose::Report, false).into_iter().filter(|c| c.side == CallSide::Enroll);
    let new: Vec<Call> = enrollments.step_by(2).map(|c| moved(&c)).collect();
    let made = adapt_unlabelled(&new, &options(2), &base).unwrap();
    let (_, bundle) = written(&made);
    assert_ne!(bundle.back_end().fingerprint(), base.back_end().fingerprint());
    let strangers = |bundle: &BackEndBundle| {
        let matcher = Matcher::new(bundle.clone()).unwrap();
        let ready: Vec<_> = new.iter().map(|c| matcher.prepare(&c.voiceprint, c.quality).unwrap()).collect();
        let llrs = ready.iter().enumerate().flat_map(|(i, a)| ready[i + 1..].iter().map(move |b| (a, b)));
        let mut llrs: Vec<f64> = llrs.map(|(a, b)| matcher.score(a, b).unwrap().llr.nats()).collect();
        llrs.sort_by(f64::total_cmp);
        llrs[llrs.len() * 99 / 100]
    };
    let wanted = base.calibration().false_matches().llr_for(0.01);
    let (before, after) = (strangers(&base), strangers(&bundle));
    assert!(after < wanted + 0.7 && before > wanted + 2.0, "{before} {after} {wanted}\n{}", made.report);
    let offset = |b: &BackEndBundle| b.calibration().fit().offset;
    assert!((-4.0..=0.0).contains(&(offset(&bundle) - offset(&base))));
}

#[test]
fn what_can_not_be_adapted_is_refused() {
    let few = adapt_labelled(&calls(4, 9, Purpose::Report, false), &options(1), None);
    assert!(matches!(few, Err(AdaptationError::TooLittle(_))));
    assert!(matches!(adapt_labelled(&[], &options(1), None), Err(AdaptationError::TooLittle(_))));
    let mut nameless = calls(12, 9, Purpose::Report, false);
    nameless[3].speaker = None;
    assert!(matches!(adapt_labelled(&nameless, &options(1), None), Err(AdaptationError::Inconsistent(_))));
    let mut two_uses = calls(12, 9, Purpose::Report, false);
    two_uses[3].purpose = Purpose::Train;
    assert!(matches!(adapt_labelled(&two_uses, &options(1), None), Err(AdaptationError::Inconsistent(_))));
    let mut other = calls(12, 9, Purpose::Report, false);
    let speech = NetSpeech::from_seconds(9.0);
    other[3].voiceprint =
        Voiceprint::from_embedding(ModelId::new("other", "0"), &[1.0; DIMENSION], speech).unwrap();
    assert!(matches!(adapt_labelled(&other, &options(1), None), Err(AdaptationError::Inconsistent(_))));
    let bad = AdaptationOptions { outer_folds: 1, ..options(1) };
    assert!(matches!(
        adapt_labelled(&calls(12, 9, Purpose::Report, false), &bad, None),
        Err(AdaptationError::BadOption(_))
    ));
}
