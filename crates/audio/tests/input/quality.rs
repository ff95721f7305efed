//! The quality meter on real speech with the real voice activity detector: known noise, known bands,
//! known clipping.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use earmark_audio::{
    Encoding, QualityMeter, SpeechDetector, VAD_CHUNK, VadOptions, VoiceActivityModel, Warning,
};
use earmark_voiceprint::Quality;

use crate::fixtures::{companded, development_speech, recordings, telephone_band};

struct Bench {
    vad: Arc<VoiceActivityModel>,
    speech: Vec<Vec<f32>>,
    noises: Vec<Vec<f32>>,
}

impl Bench {
    fn new() -> Option<Self> {
        let folder = development_speech()?;
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/silero-vad-8k");
        let vad = Arc::new(VoiceActivityModel::open(&model).unwrap());
        // At -26 dBFS.
        let load = |paths: Vec<PathBuf>| paths.iter().map(|path| telephone_band(path, 0.05)).collect();
        // The development set with the least noise of its own.
        let speech = load(recordings(&folder.join("manifest.csv"), "librispeech,", 3));
        let noises = load(recordings(&folder.join("noise/manifest.csv"), ",noise,", 1));
        Some(Self { vad, speech, noises })
    }

    fn decisions(&self, samples: &[f32]) -> Vec<bool> {
        let mut detector = SpeechDetector::new(Arc::clone(&self.vad), &VadOptions::default()).unwrap();
        let mut decisions = Vec::new();
        detector.accept(samples, &mut decisions);
        detector.finish(&mut decisions);
        decisions
    }

    fn quality(&self, samples: &[f32]) -> Quality {
        let mut meter = QualityMeter::new();
        meter.observe_decoded(samples);
        for (chunk, is_speech) in samples.chunks(VAD_CHUNK).zip(self.decisions(samples)) {
            meter.observe_chunk(chunk, is_speech);
        }
        meter.quality()
    }
}

/// The power of the samples whose chunk the detector took for speech.
fn power_in_speech(samples: &[f32], decisions: &[bool]) -> f64 {
    let chunks = samples.chunks(VAD_CHUNK).zip(decisions).filter(|(_, is_speech)| **is_speech);
    let (mut sum, mut count) = (0.0, 0usize);
    for (chunk, _) in chunks {
        sum += chunk.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
        count += chunk.len();
    }
    sum / count.max(1) as f64
}

/// The mean, the standard deviation and the largest of errors.
fn summary(errors: &[f64]) -> (f64, f64, f64) {
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let spread = (errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / errors.len() as f64).sqrt();
    (mean, spread, errors.iter().map(|e| e.abs()).fold(0.0, f64::max))
}

/// The estimate's error for speech in noise at this ratio over the detector's speech; none when the
/// detector finds too little.
fn snr_error(bench: &Bench, speech: &[f32], noise: &[f32], snr_db: f64) -> Option<f64> {
    let clean = bench.decisions(speech);
    let noise: Vec<f32> = noise.iter().cycle().take(speech.len()).copied().collect();
    let ratio = power_in_speech(speech, &clean) / power_in_speech(&noise, &clean);
    let gain = (ratio / 10f64.powf(snr_db / 10.0)).sqrt() as f32;
    let noise: Vec<f32> = noise.iter().map(|n| gain * n).collect();
    let mixed: Vec<f32> = speech.iter().zip(&noise).map(|(s, n)| s + n).collect();
    let decisions = bench.decisions(&mixed);
    if decisions.iter().filter(|is_speech| **is_speech).count() < 30 {
        return None;
    }
    // The truth is over the same chunks: in others there may be less speech or more noise.
    let truth = 10.0 * (power_in_speech(speech, &decisions) / power_in_speech(&noise, &decisions)).log10();
    Some(f64::from(bench.quality(&mixed).snr_db) - truth)
}

#[test]
fn known_noise_is_estimated_within_a_few_decibels() {
    let Some(bench) = Bench::new() else { return };
    // The last three noises are babble, which the detector takes for speech.
    let (noises, babble) = bench.noises.split_at(bench.noises.len() - 3);
    println!("error of the ratio in dB: mean ± standard deviation, largest");
    for (snr_db, most_bias, most_spread) in
        [(0.0, 4.0, 6.0), (5.0, 3.0, 5.5), (10.0, 2.0, 4.5), (15.0, 2.0, 4.5), (20.0, 3.0, 5.0)]
    {
        let errors = |noises: &[Vec<f32>]| -> Vec<f64> {
            let numbered = bench.speech.iter().enumerate();
            numbered
                .filter_map(|(n, speech)| snr_error(&bench, speech, &noises[n % noises.len()], snr_db))
                .collect()
        };
        let (mean, spread, most) = summary(&errors(noises));
        let (babble_mean, babble_spread, _) = summary(&errors(babble));
        println!(
            "{snr_db:>4} dB: {mean:+.1} ± {spread:.1}, {most:.1}; in babble {babble_mean:+.1} ± {babble_spread:.1}"
        );
        assert!(mean.abs() < most_bias && spread < most_spread, "{snr_db} dB: {mean:+.1} ± {spread:.1}");
        assert!(snr_db < 15.0 || babble_mean.abs() < 4.0, "{snr_db} dB in babble: {babble_mean:+.1}");
    }
}

#[test]
fn the_band_is_found() {
    let Some(bench) = Bench::new() else { return };
    for edge in [2000.0, 3000.0, 3400.0] {
        let found: Vec<f32> =
            bench.speech.iter().map(|speech| bench.quality(&low_pass(speech, edge)).bandwidth_hz).collect();
        let mean = found.iter().sum::<f32>() / found.len() as f32;
        let spread = (found.iter().map(|f| (f - mean).powi(2)).sum::<f32>() / found.len() as f32).sqrt();
        println!("band to {edge} Hz: found {mean:.0} ± {spread:.0} Hz");
        assert!((mean - edge).abs() < 250.0 && spread < 300.0, "{edge}: {mean} ± {spread}");
    }
}

/// A windowed-sinc low pass that is 70 dB down 250 Hz above the edge.
fn low_pass(samples: &[f32], edge_hz: f32) -> Vec<f32> {
    const HALF: i32 = 80;
    let cutoff = (edge_hz + 125.0) / 8000.0;
    let tap = |n: i32| {
        let x = std::f32::consts::PI * n as f32;
        let sinc = if n == 0 { 2.0 * cutoff } else { (2.0 * cutoff * x).sin() / x };
        let turn = std::f32::consts::PI * n as f32 / HALF as f32;
        sinc * (0.42 + 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos())
    };
    let taps: Vec<f32> = (-HALF..=HALF).map(tap).collect();
    samples.windows(taps.len()).map(|window| window.iter().zip(&taps).map(|(s, t)| s * t).sum()).collect()
}

#[test]
fn speech_is_not_taken_for_clipped_and_clipped_speech_is() {
    let Some(bench) = Bench::new() else { return };
    let clipped = |samples: &[f32]| {
        let mut meter = QualityMeter::new();
        meter.observe_decoded(samples);
        meter.quality().clipped_fraction
    };
    let (mut most_false, mut most_error) = (0.0f32, 0.0f32);
    for speech in &bench.speech {
        let peak = speech.iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
        for encoding in [Encoding::ALaw, Encoding::MuLaw] {
            let loud: Vec<f32> = speech.iter().map(|s| s * 0.9 / peak).collect();
            let coded: Vec<f32> = companded(encoding, &loud).iter().map(|(_, value)| *value).collect();
            most_false = most_false.max(clipped(&coded));
        }
        let cut: Vec<f32> = speech.iter().map(|s| (s * 8.0).clamp(-1.0, 1.0)).collect();
        let truth = cut.iter().filter(|s| s.abs() >= 1.0).count() as f32 / cut.len() as f32;
        for turned_down in [1.0, 0.4] {
            let found = clipped(&cut.iter().map(|s| s * turned_down).collect::<Vec<_>>());
            most_error = most_error.max((found - truth).abs());
        }
    }
    println!("falsely clipped: at most {most_false:.5}; error of the clipped part: at most {most_error:.4}");
    assert!(most_false < 0.002, "{most_false}");
    assert!(most_error < 0.04, "{most_error}");
}

#[test]
fn broken_lines_warn() {
    let warnings = |samples: &[f32]| {
        let mut meter = QualityMeter::new();
        meter.observe_decoded(samples);
        meter.warnings()
    };
    assert_eq!(warnings(&[0.0; 8000]), [Warning::DigitalSilence { fraction: 1.0 }]);
    let found = warnings(&[0.25; 8000]);
    assert_eq!(found, [Warning::DigitalSilence { fraction: 1.0 }, Warning::DcOffset { offset: 0.25 }]);
    let tone: Vec<f32> = (0..8000).map(|n| (n as f32 * 0.17).sin()).collect();
    assert_eq!(warnings(&tone.iter().map(|s| s * 0.5).collect::<Vec<_>>()), []);
    let offset = warnings(&tone.iter().map(|s| s * 0.5 - 0.1).collect::<Vec<_>>());
    assert!(
        matches!(offset[..], [Warning::DcOffset { offset }] if (offset + 0.1).abs() < 0.01),
        "{offset:?}"
    );
    let clipped = warnings(&tone.iter().map(|s| (s * 4.0).clamp(-1.0, 1.0)).collect::<Vec<_>>());
    assert!(matches!(clipped[..], [Warning::Clipping { fraction }] if fraction > 0.7), "{clipped:?}");
}

#[test]
fn no_speech_has_the_worst_quality() {
    let mut meter = QualityMeter::new();
    for _ in 0..100 {
        meter.observe_chunk(&[0.01; VAD_CHUNK], false);
    }
    let Quality { snr_db, clipped_fraction, level_dbfs, bandwidth_hz } = meter.quality();
    assert_eq!((snr_db, clipped_fraction, level_dbfs, bandwidth_hz), (-10.0, 0.0, -120.0, 0.0));
}
