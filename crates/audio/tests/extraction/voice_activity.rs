//! Speech is found; tones, music, noise and silence are not speech.

use earmark_audio::{SpeechDetector, VAD_CHUNK, VadOptions};

use crate::corpus;

/// Seconds of speech among samples at 8 kHz.
fn speech_s(samples: &[f32]) -> f64 {
    let mut detector = SpeechDetector::new(corpus::vad(), &VadOptions::default()).unwrap();
    let mut decisions = Vec::new();
    detector.accept(samples, &mut decisions);
    detector.finish(&mut decisions);
    assert_eq!(decisions.len(), samples.len().div_ceil(VAD_CHUNK));
    decisions.iter().filter(|speech| **speech).count() as f64 * 0.032
}

/// `seconds` of a function of time, at 8 kHz.
fn made(seconds: usize, mut sample: impl FnMut(f32) -> f32) -> Vec<f32> {
    (0..seconds * 8_000).map(|n| sample(n as f32 / 8_000.0)).collect()
}

fn sine(hz: f32, t: f32) -> f32 {
    (std::f32::consts::TAU * (hz * t).fract()).sin()
}

fn every(on_s: f32, off_s: f32, t: f32) -> f32 {
    f32::from(t % (on_s + off_s) < on_s)
}

#[test]
fn telephone_signals_are_no_speech() {
    let dtmf = |t: f32| {
        let digit = (t / 0.2) as usize;
        let low = [697.0, 770.0, 852.0, 941.0][digit % 4];
        let high = [1_209.0, 1_336.0, 1_477.0][digit % 3];
        (sine(low, t) + sine(high, t)) / 2.0 * every(0.1, 0.1, t)
    };
    let signals: [(&str, &dyn Fn(f32) -> f32); 9] = [
        ("silence", &|_| 0.0),
        ("direct current", &|_| 0.3),
        ("ringback 450 Hz", &|t| sine(450.0, t) * every(1.0, 4.0, t)),
        ("busy 450 Hz", &|t| sine(450.0, t) * every(0.35, 0.35, t)),
        ("ringback 440 + 480 Hz", &|t| (sine(440.0, t) + sine(480.0, t)) / 2.0 * every(2.0, 4.0, t)),
        ("dial tone 350 + 440 Hz", &|t| (sine(350.0, t) + sine(440.0, t)) / 2.0),
        ("fax 2,100 Hz", &|t| sine(2_100.0, t)),
        ("mains hum", &|t| sine(50.0, t) * 0.6 + sine(150.0, t) * 0.3),
        ("DTMF", &dtmf),
    ];
    for (name, signal) in signals {
        for level in [1.0, 0.3, 0.03] {
            let found = speech_s(&made(10, |t| level * signal(t)));
            assert!(found == 0.0, "{name} at {level}: {found} s");
        }
    }
}

#[test]
fn hold_music_is_hardly_speech() {
    for recording in corpus::files(&corpus::project().join("tests/data/music"), "flac") {
        let (samples, rate) = corpus::samples(&recording);
        let found = speech_s(&corpus::resampled(&samples, rate, 8_000));
        let seconds = samples.len() as f64 / f64::from(rate);
        println!("{}: {found:.2} s of {seconds:.1} s", recording.display());
        assert!(found < 0.5, "{}: {found} s of {seconds} s", recording.display());
    }
}

#[test]
fn noise_is_hardly_speech() {
    let mut seed = 3u32;
    let white = made(20, |_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.3 * ((seed >> 8) as f32 / (1 << 23) as f32 - 1.0)
    });
    assert_eq!(speech_s(&white), 0.0);
    let Some(folder) = corpus::development_speech() else { return };
    for recording in corpus::files(&folder.join("noise"), "flac") {
        let name = recording.file_name().unwrap().to_string_lossy().into_owned();
        // Babble is speech, of many.
        if name.starts_with("babble") {
            continue;
        }
        let (samples, rate) = corpus::samples(&recording);
        let found = speech_s(&corpus::resampled(&samples, rate, 8_000));
        println!("{name}: {found:.2} s of {:.1} s", samples.len() as f64 / f64::from(rate));
        assert!(found < 0.5, "{name}: {found} s");
    }
}

#[test]
fn speech_is_found_at_any_usual_level() {
    for voice in ["allison", "armelle", "carlo", "june", "paola"] {
        let speech = corpus::voice(voice);
        let loud = speech_s(&speech);
        let all = speech.len() as f64 / 8_000.0;
        assert!(loud > 0.6 * all, "{voice}: {loud} s of {all} s");
        let quiet: Vec<f32> = speech.iter().map(|s| s * 0.1).collect();
        assert!(speech_s(&quiet) > 0.85 * loud, "{voice}, 20 dB down");
        let mut padded = vec![0.0; 80_000];
        padded.extend_from_slice(&speech);
        let after = speech_s(&padded);
        assert!((after - loud).abs() < 0.02 * all, "{voice}, after 10 s of silence: {after} s, not {loud} s");
    }
}
