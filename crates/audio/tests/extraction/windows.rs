//! What evidence and voiceprints are made of, computed a second time by definition.

use std::sync::atomic::Ordering;

use earmark_audio::{ExtractOptions, Extraction, Fbank, Outcome, SampleStream, SpeakerModel};
use earmark_voiceprint::Voiceprint;
use ndarray::{Array2, ArrayView2, Axis, s};

use crate::corpus;
use crate::fake_speaker::{MeanOfFeatures, extractor};

/// The frames whose center lies in speech, of a recording at 8 kHz.
fn speech_frames(model: &MeanOfFeatures, samples: &[f32], extraction: &Extraction) -> Array2<f32> {
    let wide = corpus::resampled(samples, 8_000, 16_000);
    let features = Fbank::whole(&model.front_end().fbank, &wide).unwrap();
    let in_speech = |frame: usize| {
        let center_s = (160 * frame + 200) as f64 / 16_000.0;
        extraction.speech.iter().any(|s| s.start_s <= center_s && center_s < s.end_s)
    };
    let kept: Vec<usize> = (0..features.nrows()).filter(|frame| in_speech(*frame)).collect();
    features.select(Axis(0), &kept)
}

/// The direction of a mean of means, each scaled by its weight.
fn direction(parts: &[(ArrayView2<'_, f32>, f64)]) -> Vec<f32> {
    let mut sum = vec![0.0f64; parts[0].0.ncols()];
    for (part, weight) in parts {
        let mean = part.mean_axis(Axis(0)).unwrap();
        sum.iter_mut().zip(&mean).for_each(|(sum, v)| *sum += weight * f64::from(*v));
    }
    let norm = sum.iter().map(|v| v * v).sum::<f64>().sqrt();
    sum.iter().map(|v| (v / norm) as f32).collect()
}

#[track_caller]
fn assert_near(found: &Voiceprint, expected: &[f32]) {
    for (a, b) in found.values().iter().zip(expected) {
        assert!((a - b).abs() < 1e-5, "{a} is not {b}");
    }
}

fn two_voices(seconds: usize) -> Vec<f32> {
    let mut samples = corpus::voice("june");
    samples.extend(corpus::voice("paola"));
    samples.extend(corpus::voice("allison"));
    samples.truncate(seconds * 8_000);
    samples
}

fn fed(mut stream: SampleStream, samples: &[f32]) -> (Vec<earmark_audio::Evidence>, Extraction) {
    stream.accept(samples).unwrap();
    let evidence = std::iter::from_fn(|| stream.evidence()).collect();
    (evidence, stream.finish().unwrap())
}

#[test]
fn evidence_is_the_running_mean_of_windows() {
    let model = MeanOfFeatures::new(8_000, 16_000);
    let options = ExtractOptions { windows: true, ..ExtractOptions::default() };
    let samples = two_voices(20);
    let extractor = extractor(&model, options);
    let (evidence, extraction) = fed(extractor.live_samples(8_000).unwrap(), &samples);
    let frames = speech_frames(&model, &samples, &extraction);
    assert_eq!(evidence.len(), (frames.nrows() - 300) / 100 + 1);
    for (n, update) in evidence.iter().enumerate() {
        let windows: Vec<_> = (0..=n).map(|w| (frames.slice(s![100 * w..100 * w + 300, ..]), 1.0)).collect();
        assert_near(&update.voiceprint, &direction(&windows));
        assert_eq!(update.net_speech.seconds(), 3.0 + n as f32);
        assert_eq!(update.voiceprint.net_speech(), update.net_speech);
    }
    assert!(evidence.is_sorted_by(|a, b| a.audio_s < b.audio_s));
    assert!(evidence.iter().all(|e| e.audio_s <= 20.0));
    // Without live evidence the windows to compare are the same.
    let (none, recording) = fed(extractor.samples(8_000).unwrap(), &samples);
    assert!(none.is_empty());
    assert_eq!(extraction.windows.len(), frames.nrows() / 300);
    for (n, (a, b)) in extraction.windows.iter().zip(&recording.windows).enumerate() {
        assert_eq!(a.voiceprint.values(), b.voiceprint.values());
        assert_eq!(a.span, b.span);
        assert!(a.span.end_s - a.span.start_s >= 2.9 && a.span.end_s <= 20.0, "{:?}", a.span);
        assert_near(&a.voiceprint, &direction(&[(frames.slice(s![300 * n..300 * n + 300, ..]), 1.0)]));
    }
}

#[test]
fn up_to_thirteen_seconds_are_one_pass_and_more_are_weighted_segments() {
    for (seconds, segments) in [(14, 1), (60, 3)] {
        let model = MeanOfFeatures::new(8_000, 16_000);
        let samples = two_voices(seconds);
        let extractor = extractor(&model, ExtractOptions::default());
        let (_, extraction) = fed(extractor.samples(8_000).unwrap(), &samples);
        let frames = speech_frames(&model, &samples, &extraction);
        let (mut parts, mut at) = (Vec::new(), 0);
        while frames.nrows() - at >= 1_300 {
            parts.push((frames.slice(s![at..at + 1_000, ..]), 1_000.0));
            at += 1_000;
        }
        parts.push((frames.slice(s![at.., ..]), (frames.nrows() - at) as f64));
        assert!(parts.len() >= segments, "{} parts of {} frames", parts.len(), frames.nrows());
        assert_near(extraction.voiceprint().unwrap(), &direction(&parts));
        assert_eq!(model.frames.load(Ordering::Relaxed), frames.nrows());
        assert!(model.most.load(Ordering::Relaxed) < 1_300);
        assert!((extraction.net_speech.seconds() - frames.nrows() as f32 / 100.0).abs() < 1e-3);
    }
}

#[test]
fn speech_beyond_the_cap_is_counted_and_not_embedded() {
    let model = MeanOfFeatures::new(8_000, 16_000);
    let options = ExtractOptions { max_net_speech_s: 5.0, ..ExtractOptions::default() };
    let samples = two_voices(20);
    let (evidence, extraction) = fed(extractor(&model, options).live_samples(8_000).unwrap(), &samples);
    assert!(extraction.net_speech.seconds() > 8.0);
    assert_eq!(extraction.voiceprint().unwrap().net_speech().seconds(), 5.0);
    assert_eq!(evidence.len(), 3);
    assert_eq!(model.most.load(Ordering::Relaxed), 500);
    let frames = speech_frames(&model, &samples, &extraction);
    assert_near(extraction.voiceprint().unwrap(), &direction(&[(frames.slice(s![..500, ..]), 1.0)]));
}

#[test]
fn too_little_speech_is_an_outcome() {
    let extractor = extractor(&MeanOfFeatures::new(8_000, 16_000), ExtractOptions::default());
    for samples in [vec![], vec![0.0; 3], vec![0.0; 80_000]] {
        let (evidence, extraction) = fed(extractor.live_samples(8_000).unwrap(), &samples);
        assert!(evidence.is_empty() && extraction.voiceprint().is_none());
        assert!(matches!(extraction.outcome, Outcome::TooLittleSpeech { needed } if needed.seconds() == 0.5));
        assert_eq!(extraction.duration_s, samples.len() as f64 / 8_000.0);
    }
}
