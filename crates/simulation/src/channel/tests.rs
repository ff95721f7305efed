//! What each stage does, measured against what was drawn for it.

use std::path::Path;

use super::*;
use crate::draw::Draw;
use crate::material::{Clip, Materials};
use crate::plan::{Plan, Span};
use crate::signal::{fade_ends, rms};

/// A quiet line; each test turns on what it measures.
const CLEAN: &str = "based_on = \"clean\"\n";

fn speech() -> Clip {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/voices/carlo/01.flac");
    Clip::read(&path).unwrap()
}

/// A pause, speech, a pause; then music with the telephone muted.
fn scene() -> Scene {
    let (clip, mut scene) = (speech(), Scene::default());
    scene.pause("pause", 1.0);
    scene.speak(&clip, 0, clip.frames().len(), "clip");
    scene.pause("pause", 1.0);
    scene.play("music", (0..8_000).map(|i| (f64::from(i) * 0.3).sin() as f32).collect(), Value::Null);
    scene
}

fn with<T>(plan: &str, call: &str, run: impl FnOnce(&Setting<'_>) -> T) -> T {
    let plan = Plan::parse(&format!("{CLEAN}{plan}")).unwrap();
    let chain = Chain::draw(&["alaw".to_owned()], &mut Draw::of(1, &["chain"]));
    let draws = CallDraws::new(1, call);
    let materials = Materials::default();
    run(&Setting { plan: plan.settings(), draws, materials: &materials, speaker: Some("x"), chain: &chain })
}

fn telephoned(plan: &str, call: &str) -> (Scene, Vec<f32>, Map<String, Value>) {
    with(plan, call, |setting| {
        let scene = scene();
        let (near, drawn) = through_telephone(&scene, setting).unwrap();
        assert_eq!(near.len(), scene.len());
        (scene, near, drawn)
    })
}

#[test]
fn a_clean_line_changes_the_level_only() {
    let (scene, near, drawn) = telephoned("[level]\ndbfs = [-20.0, -20.0]", "a");
    let level = 10.0 * speech_power(&near, &scene.frames).log10();
    assert!((level + 20.0).abs() < 0.01, "{level}");
    let gain = from_db(-20.0) / crate::scene::REFERENCE;
    let speech = &scene.talker[8_000..40_000];
    assert!(
        near[8_000..40_000]
            .iter()
            .zip(speech)
            .all(|(a, b)| (f64::from(*b) * gain - f64::from(*a)).abs() < 1e-3)
    );
    assert_eq!(
        (&drawn["noise"], &drawn["room"], &drawn["handset"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    // The network's music lies within 6 dB of the speech.
    let music = to_db(rms(&near[near.len() - 8_000..])) + 20.0;
    assert!((music - drawn["network_db"].as_f64().unwrap()).abs() < 0.1 && music.abs() < 6.1, "{music}");
}

#[test]
fn the_snr_is_the_one_drawn() {
    for kind in NOISE_KINDS.into_iter().filter(|kind| !matches!(*kind, "file" | "babble")) {
        let plan = format!(
            "[noise]\nshare = 1.0\nsnr_db = [12.0, 12.0]\nweights = {{ {kind} = 1.0 }}\n[handset]\nshare = 1.0"
        );
        with(&plan, kind, |setting| {
            let scene = scene();
            let handset = handset::draw(setting);
            let mut clean = scene.talker.clone();
            handset.apply(&mut clean);
            let (mut noise, drawn) = noise::draw(scene.len(), setting).unwrap();
            assert_eq!(drawn["kind"], kind);
            handset.apply(&mut noise);
            let mut noisy = clean.clone();
            assert_eq!(noise::mix(&mut noisy, &noise, &scene, setting), Some(12.0));
            let added: Vec<f32> = noisy.iter().zip(&clean).map(|(a, b)| a - b).collect();
            let snr =
                10.0 * (speech_power(&clean, &scene.frames) / speech_power(&added, &scene.frames)).log10();
            assert!((snr - 12.0).abs() < 0.05, "{kind}: {snr:.2} dB");
            assert!(noise.iter().all(|sample| sample.is_finite()));
        });
    }
}

/// The power of a signal's band in dB, by a narrow filter.
fn band_db(samples: &[f32], hz: f64) -> f64 {
    let mut band = samples.to_vec();
    biquad::Biquad::band_pass(hz, 8.0).apply(&mut band);
    biquad::Biquad::band_pass(hz, 8.0).apply(&mut band);
    10.0 * power(&band[4_000..]).log10()
}

#[test]
fn colors_of_noise_fall_as_they_should() {
    let slope = |kind: &str| {
        let plan = format!("[noise]\nshare = 1.0\nweights = {{ {kind} = 1.0 }}");
        let noise = with(&plan, "color", |setting| noise::draw(160_000, setting).unwrap().0);
        // A band of constant relative width holds 3 dB more an octave of white noise.
        (band_db(&noise, 1_600.0) - band_db(&noise, 200.0)) / 3.0 - 3.0
    };
    for (kind, expected) in [("white", 0.0), ("pink", -3.0), ("brown", -6.0)] {
        let found = slope(kind);
        assert!((found - expected).abs() < 0.7, "{kind} falls by {found:.2} dB an octave");
    }
}

#[test]
fn a_handset_cuts_the_band_where_it_was_drawn() {
    let plan = "[handset]\nshare = 1.0\nlow_cut_hz = [300.0, 300.0]\nhigh_cut_hz = [3000.0, 3000.0]\ntilt_db = [0.0, 0.0]\nresonances = [0, 0]";
    with(plan, "handset", |setting| {
        let handset = handset::draw(setting);
        let gain = |hz| biquad::tests::gain_db(hz, |samples| handset.apply(samples));
        assert!((gain(300.0) + 3.0).abs() < 0.3 && (gain(3000.0) + 3.0).abs() < 0.3);
        assert!(gain(1000.0).abs() < 0.2 && gain(75.0) < -22.0 && gain(3800.0) < -15.0);
    });
    let drawn = with("[handset]\nshare = 1.0", "drawn", |setting| handset::draw(setting).to_json());
    let count = drawn["resonances"].as_array().unwrap().len();
    assert!((1..=3).contains(&count));
}

#[test]
fn agc_compresses_by_its_ratio() {
    let plan = "[agc]\nshare = 1.0\nattack_ms = [5.0, 5.0]\nrelease_ms = [100.0, 100.0]\nratio = [4.0, 4.0]";
    with(plan, "agc", |setting| {
        let tone = |gain: f64| (0..16_000).map(move |i| (gain * (f64::from(i) * 0.7).sin()) as f32);
        let mut near: Vec<f32> = tone(0.01).chain(tone(0.1)).collect();
        agc::apply(&mut near, &[true; 400], setting);
        let step = to_db(rms(&near[24_000..]) / rms(&near[8_000..16_000]));
        // 20 dB in, a quarter of it out.
        assert!((step - 5.0).abs() < 0.5, "{step:.2} dB");
    });
}

#[test]
fn overdrive_cuts_off_what_is_over() {
    with("[overdrive]\nshare = 1.0\nover_db = [6.0, 6.0]", "overdrive", |setting| {
        let mut near: Vec<f32> = (0..8_000).map(|i| (f64::from(i) * 0.1).sin() as f32).collect();
        overdrive::apply(&mut near, setting);
        let limit = near.iter().fold(0.0f32, |most, sample| most.max(*sample));
        assert!((to_db(f64::from(limit)) + 6.0).abs() < 0.1);
        // A sine is above half its peak for two thirds of the time.
        let clipped = near.iter().filter(|sample| sample.abs() > 0.999 * limit).count() as f64 / 8_000.0;
        assert!((clipped - 2.0 / 3.0).abs() < 0.02, "{clipped}");
    });
}

#[test]
fn a_carbon_microphone_has_even_harmonics_and_an_electret_has_not() {
    let harmonics = |carbon: &str| {
        let plan = format!("[transducer]\nshare = 1.0\ncarbon_share = {carbon}\ndistortion = [0.2, 0.2]");
        with(&plan, "transducer", |setting| {
            let mut near: Vec<f32> = (0..32_000)
                .map(|i| (std::f64::consts::TAU * 500.0 / 8000.0 * f64::from(i)).sin() as f32)
                .collect();
            transducer::apply(&mut near, &[true; 400], setting);
            let first = band_db(&near, 500.0);
            [band_db(&near, 1_000.0) - first, band_db(&near, 1_500.0) - first]
        })
    };
    let ([carbon_2, carbon_3], [electret_2, electret_3]) = (harmonics("1.0"), harmonics("0.0"));
    assert!(carbon_2 > -40.0 && carbon_3 > -60.0, "{carbon_2} {carbon_3}");
    // What is left at the second is the filter's skirt.
    assert!(carbon_2 > electret_2 + 10.0 && electret_3 > -50.0, "{electret_2} {electret_3}");
}

#[test]
fn a_suppressor_takes_noise_and_leaves_speech() {
    let plan = "[suppressor]\nshare = 1.0\nover_subtraction = [2.0, 2.0]\nfloor_db = [-20.0, -20.0]";
    with(plan, "suppressor", |setting| {
        let scene = scene();
        let mut draw = Draw::of(3, &["hiss"]);
        let hiss: Vec<f32> = (0..scene.len()).map(|_| (0.002 * draw.normal()) as f32).collect();
        let mut near = scene.talker.clone();
        add(&mut near, &hiss, 1.0);
        let noisy = near.clone();
        suppressor::apply(&mut near, setting);
        assert_eq!(near.len(), noisy.len());
        let change = |range: std::ops::Range<usize>| to_db(rms(&near[range.clone()]) / rms(&noisy[range]));
        let quieter = change(800..7_000);
        assert!(quieter < -6.0, "{quieter:.1} dB in the pause");
        let spoken =
            10.0 * (speech_power(&near, &scene.frames) / speech_power(&noisy, &scene.frames)).log10();
        assert!(spoken.abs() < 1.0, "{spoken:.1} dB in speech");
    });
}

#[test]
fn gaps_are_comfort_noise_and_speech_stays() {
    let (scene, near, drawn) = telephoned(
        "[gaps]\nshare = 1.0\n[noise]\nshare = 1.0\nsnr_db = [20.0, 20.0]\nweights = { hum = 1.0 }",
        "gaps",
    );
    assert_eq!(drawn["gaps"], true);
    // Hum has its own shape; white comfort noise does not.
    let pause = &near[800..7_200];
    assert!(rms(pause) > 1e-4);
    assert!((band_db(pause, 1_000.0) - band_db(pause, 2_000.0) + 3.0).abs() < 4.0);
    assert!(speech_power(&near, &scene.frames) > 50.0 * power(pause));
}

#[test]
fn nothing_is_heard_of_a_telephone_on_hold() {
    let (scene, near, _) =
        telephoned("[noise]\nshare = 1.0\nsnr_db = [5.0, 5.0]\nweights = { white = 1.0 }", "hold");
    let held = scene.len() - 8_000;
    let music = &scene.network[held..];
    let ratio = near[held + 100] / music[100];
    assert!(near[held..].iter().zip(music).all(|(a, b)| (a - ratio * b).abs() < 1e-5));
}

#[test]
fn cuts_are_faded() {
    let mut ones = vec![1.0; 100];
    fade_ends(&mut ones, 10);
    assert!(ones[0] < 0.1 && ones[99] < 0.1 && ones[50] == 1.0);
    fade_ends(&mut [1.0], 10);
    assert_eq!(Span::try_from([2.0, 1.0]).unwrap_err(), "[2, 1] is no range; write [lowest, highest]");
}
