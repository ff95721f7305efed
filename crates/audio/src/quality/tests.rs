use super::*;
use crate::{VAD_CHUNK, VAD_RATE_HZ};

/// White noise of a given root mean square, from a fixed seed.
fn noise(rms: f32, length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    // A uniform of width w has a root mean square of w / sqrt(12).
    (0..length).map(|_| uniform() * rms * 12f32.sqrt()).collect()
}

fn tone(hz: f32, amplitude: f32, length: usize) -> Vec<f32> {
    let step = std::f32::consts::TAU * hz / VAD_RATE_HZ as f32;
    (0..length).map(|n| amplitude * (step * n as f32).sin()).collect()
}

fn measure(samples: &[f32], is_speech: impl Fn(usize) -> bool) -> QualityMeter {
    let mut meter = QualityMeter::new();
    meter.observe_decoded(samples);
    for (n, chunk) in samples.chunks(VAD_CHUNK).enumerate() {
        meter.observe_chunk(chunk, is_speech(n));
    }
    meter
}

#[test]
fn the_ratio_of_loud_to_quiet_is_found() {
    for snr_db in [3.0f32, 10.0, 20.0, 40.0] {
        let quiet = 0.2 * 10f32.powf(-snr_db / 20.0);
        let (speech, hiss) = (noise(0.2, 100 * VAD_CHUNK, 1), noise(quiet, 200 * VAD_CHUNK, 2));
        let mixed: Vec<f32> =
            hiss.iter().enumerate().map(|(n, h)| h + speech.get(n).copied().unwrap_or(0.0)).collect();
        let found = measure(&mixed, |n| n < 100).quality();
        assert!((found.snr_db - snr_db).abs() < 0.7, "{} for {snr_db}", found.snr_db);
        let loud = 20.0 * 0.2f32.hypot(quiet).log10();
        assert!((found.level_dbfs - loud).abs() < 0.3, "{} for {loud}", found.level_dbfs);
    }
}

#[test]
fn without_pauses_the_quietest_speech_stands_for_the_noise() {
    let samples: Vec<f32> = (0..100)
        .flat_map(|n| noise(if n % 5 == 0 { 0.01 } else { 0.1 }, VAD_CHUNK, n))
        .collect();
    let found = measure(&samples, |_| true).quality().snr_db;
    assert!((found - 19.0).abs() < 1.5, "{found}");
}

#[test]
fn a_clipped_tone_is_clipped_and_a_whole_one_is_not() {
    let whole = tone(200.0, 0.9, 8000);
    assert_eq!(measure(&whole, |_| true).quality().clipped_fraction, 0.0);
    for limit in [1.0f32, 0.5] {
        let cut: Vec<f32> =
            tone(200.0, 4.0 * limit, 8000).iter().map(|s| s.clamp(-limit, limit)).collect();
        let meter = measure(&cut, |_| true);
        // |sin| is above a quarter for 1 - asin(1/4) 2/pi of the time.
        let (found, true_part) = (meter.quality().clipped_fraction, 1.0 - 2.0 / std::f32::consts::PI * 0.25f32.asin());
        assert!((found - true_part).abs() < 0.05, "{found} at {limit}");
        assert!(meter.warnings().iter().any(|w| matches!(w, Warning::Clipping { .. })));
    }
}

#[test]
fn silence_and_offset_are_noticed() {
    let silent = measure(&[0.0; 8000], |_| false);
    assert_eq!(silent.warnings(), [Warning::DigitalSilence { fraction: 1.0 }]);
    assert_eq!(silent.quality().clipped_fraction, 0.0);
    let shifted: Vec<f32> = noise(0.1, 80_000, 3).iter().map(|s| s + 0.1).collect();
    let warnings = measure(&shifted, |_| true).warnings();
    assert!(matches!(warnings.as_slice(), [Warning::DcOffset { offset }] if (offset - 0.1).abs() < 0.01));
    assert!(measure(&noise(0.1, 80_000, 3), |_| true).warnings().is_empty());
}

#[test]
fn the_band_ends_where_the_energy_does() {
    let broad = measure(&noise(0.1, 80_000, 4), |_| true).quality().bandwidth_hz;
    assert!(broad > 3900.0, "{broad}");
    let narrow: Vec<f32> = (1..=15).fold(vec![0.0; 80_000], |mut sum, k| {
        sum.iter_mut().zip(tone(100.0 * k as f32, 0.05, 80_000)).for_each(|(s, t)| *s += t);
        sum
    });
    let narrow = measure(&narrow, |_| true).quality().bandwidth_hz;
    assert!((1450.0..1750.0).contains(&narrow), "{narrow}");
}

#[test]
fn nothing_seen_gives_numbers() {
    let quality = QualityMeter::new().quality();
    let all = [quality.snr_db, quality.clipped_fraction, quality.level_dbfs, quality.bandwidth_hz];
    assert!(all.iter().all(|v| v.is_finite()));
}

#[test]
fn splits_change_nothing() {
    let samples = tone(200.0, 3.0, 4000).iter().map(|s| s.clamp(-1.0, 1.0)).collect::<Vec<_>>();
    let whole = measure(&samples, |_| true).quality().clipped_fraction;
    let mut meter = QualityMeter::new();
    samples.chunks(7).for_each(|piece| meter.observe_decoded(piece));
    assert_eq!(meter.quality().clipped_fraction, whole);
}
