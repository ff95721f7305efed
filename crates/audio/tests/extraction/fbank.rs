//! The filterbank against two independent implementations of Kaldi's.

use earmark_audio::{Fbank, FbankOptions, WindowShape};
use kaldi_native_fbank::fbank::{FbankComputer, FbankOptions as KaldiOptions};
use kaldi_native_fbank::online::{FeatureComputer, OnlineFeature};
use ndarray::Array2;

use crate::{corpus, python};

/// How far apart two sets of features are: the largest difference and the mean one.
fn differences(ours: &Array2<f32>, theirs: &Array2<f32>) -> (f64, f64) {
    assert_eq!(ours.dim(), theirs.dim());
    let each = ours.iter().zip(theirs).map(|(a, b)| f64::from((a - b).abs()));
    (each.clone().fold(0.0, f64::max), each.sum::<f64>() / ours.len() as f64)
}

fn check(name: &str, ours: &Array2<f32>, theirs: &Array2<f32>) {
    let (largest, mean) = differences(ours, theirs);
    println!("{name}: {} frames, largest difference {largest:.1e}, mean {mean:.1e}", ours.nrows());
    assert!(largest <= 1e-3 && mean <= 1e-5, "{name}: largest {largest}, mean {mean}");
}

/// Float32 carries seven digits of amplitude: in a band this far below the loudest of its frame (80 dB,
/// in nats of power) any two implementations differ in how they round.
const ROUNDING: f32 = 18.4;

/// For a telephone's narrow band brought to 16 kHz: the upper bands are all but empty. There the
/// difference counts where there is a sound, and on average.
fn check_narrow_band(name: &str, ours: &Array2<f32>, theirs: &Array2<f32>, use_power: bool) {
    let (_, mean) = differences(ours, theirs);
    let rounding = if use_power { ROUNDING } else { ROUNDING / 2.0 };
    let mut largest = 0.0f32;
    for (a, b) in ours.rows().into_iter().zip(theirs.rows()) {
        let loudest = b.fold(f32::NEG_INFINITY, |x, y| x.max(*y));
        let sounding = a.iter().zip(b).filter(|(_, b)| **b > loudest - rounding);
        largest = sounding.map(|(a, b)| (a - b).abs()).fold(largest, f32::max);
    }
    println!("{name}: {} frames, largest difference {largest:.1e}, mean {mean:.1e}", ours.nrows());
    assert!(largest <= 1e-3 && mean <= 1e-5, "{name}: largest {largest}, mean {mean}");
}

/// The features of the crate kaldi-native-fbank. It floors energies at 1e-20 where Kaldi's own float
/// epsilon belongs.
fn by_the_crate(options: &FbankOptions, signal: &[f32]) -> Array2<f32> {
    let mut kaldi = KaldiOptions { use_energy: false, ..KaldiOptions::default() };
    kaldi.frame_opts.samp_freq = options.sample_rate_hz as f32;
    kaldi.frame_opts.frame_length_ms = options.frame_length_ms;
    kaldi.frame_opts.frame_shift_ms = options.frame_shift_ms;
    kaldi.frame_opts.dither = 0.0;
    kaldi.frame_opts.preemph_coeff = options.preemphasis;
    kaldi.frame_opts.remove_dc_offset = options.remove_dc_offset;
    kaldi.frame_opts.window_type = match options.window {
        WindowShape::Povey => "povey",
        WindowShape::Hamming => "hamming",
        WindowShape::Hanning => "hanning",
        WindowShape::Rectangular => "rectangular",
    }
    .into();
    kaldi.mel_opts.num_bins = options.mel_bins;
    kaldi.mel_opts.low_freq = options.low_hz;
    kaldi.mel_opts.high_freq = options.high_hz;
    kaldi.use_power = options.use_power;
    let computer = FbankComputer::new(kaldi).unwrap();
    let mut online = OnlineFeature::new(FeatureComputer::Fbank(computer));
    online.accept_waveform(options.sample_rate_hz as f32, signal);
    online.input_finished();
    let floor = options.log_floor.ln();
    let values = online.features.concat().into_iter().map(|v| v.max(floor)).collect();
    Array2::from_shape_vec((online.features.len(), options.mel_bins), values).unwrap()
}

fn noise(len: usize, amplitude: f32) -> Vec<f32> {
    let mut state = 12_345u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        amplitude * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
    };
    (0..len).map(|_| next()).collect()
}

/// The shipped model's settings, and others that differ in everything.
fn settings() -> Vec<(&'static str, FbankOptions)> {
    let shipped = FbankOptions::default();
    let eight = FbankOptions {
        sample_rate_hz: 8_000,
        frame_length_ms: 32.0,
        frame_shift_ms: 8.0,
        window: WindowShape::Hamming,
        preemphasis: 0.0,
        remove_dc_offset: false,
        mel_bins: 40,
        low_hz: 60.0,
        high_hz: -300.0,
        use_power: false,
        log_floor: 1e-10,
    };
    let hanning = FbankOptions { window: WindowShape::Hanning, mel_bins: 23, ..shipped.clone() };
    let rectangular = FbankOptions { window: WindowShape::Rectangular, high_hz: 7_600.0, ..shipped.clone() };
    vec![("shipped", shipped), ("8 kHz", eight), ("hanning", hanning), ("rectangular", rectangular)]
}

#[test]
fn equals_the_crate_on_shipped_voices_and_noise() {
    for (name, options) in settings() {
        for voice in ["allison", "carlo"] {
            let speech = corpus::resampled(&corpus::voice(voice), 8_000, options.sample_rate_hz);
            let ours = Fbank::whole(&options, &speech).unwrap();
            let theirs = by_the_crate(&options, &speech);
            check_narrow_band(&format!("{name}, {voice}"), &ours, &theirs, options.use_power);
        }
        for amplitude in [1.0, 0.01] {
            let noise = noise(32_000, amplitude);
            let ours = Fbank::whole(&options, &noise).unwrap();
            check(&format!("{name}, noise {amplitude}"), &ours, &by_the_crate(&options, &noise));
        }
    }
}

#[test]
fn equals_the_crate_on_development_speech() {
    let Some(recordings) = corpus::development_recordings(12) else { return };
    let options = FbankOptions::default();
    for recording in recordings {
        let (samples, rate) = corpus::samples(&recording);
        assert_eq!(rate, 16_000);
        let ours = Fbank::whole(&options, &samples).unwrap();
        let name = recording.file_name().unwrap().to_string_lossy().into_owned();
        check(&name, &ours, &by_the_crate(&options, &samples));
    }
}

#[test]
fn equals_kaldi_native_fbank_in_cpp() {
    let Some(python) = python::reference() else { return };
    let options = FbankOptions::default();
    let folder = tempfile::tempdir().unwrap();
    let mut signals = vec![("noise".to_owned(), noise(48_000, 0.3))];
    for voice in ["june", "allison"] {
        signals.push((voice.into(), corpus::resampled(&corpus::voice(voice), 8_000, 16_000)));
    }
    for recording in corpus::development_recordings(6).unwrap_or_default() {
        signals.push((recording.display().to_string(), corpus::samples(&recording).0));
    }
    for (name, signal) in signals {
        let (wav, out) = (folder.path().join("signal.wav"), folder.path().join("fbank.f32"));
        python::write_wav(&wav, &signal, 16_000);
        python.run(&["fbank", wav.to_str().unwrap(), out.to_str().unwrap()], "");
        let bytes = std::fs::read(&out).unwrap();
        let values = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let theirs = Array2::from_shape_vec((bytes.len() / 320, 80), values).unwrap();
        let ours = Fbank::whole(&options, &signal).unwrap();
        if ["june", "allison"].contains(&&*name) {
            check_narrow_band(&name, &ours, &theirs, true);
        } else {
            check(&name, &ours, &theirs);
        }
    }
}
