//! Voiceprints against the independent reference, given the same speech.

use std::fmt::Write;
use std::sync::Arc;

use earmark_audio::{ExtractOptions, Extraction, Extractor, SpeakerModel};
use serde_json::{Value, json};

use crate::{corpus, python};

/// The frames that lie in speech: those whose center does.
fn speech_frames(extraction: &Extraction, frames: usize) -> Vec<[usize; 2]> {
    let mut ranges: Vec<[usize; 2]> = Vec::new();
    for frame in 0..frames {
        let center_s = (160 * frame + 200) as f64 / 16_000.0;
        let inside = extraction.speech.iter().any(|s| s.start_s <= center_s && center_s < s.end_s);
        match ranges.last_mut() {
            Some(last) if inside && last[1] == frame => last[1] += 1,
            _ if inside => ranges.push([frame, frame + 1]),
            _ => {}
        }
    }
    ranges
}

#[test]
fn equal_the_reference_on_twenty_recordings() {
    let (Some(python), Some(model)) = (python::reference(), corpus::campplus()) else { return };
    let mut signals: Vec<(String, Vec<f32>, u32)> = Vec::new();
    for voice in ["allison", "armelle", "carlo", "ivrvoice", "june", "paola"] {
        let clips = corpus::voice(voice);
        signals.push((voice.into(), clips[..clips.len().min(12 * 8_000)].to_vec(), 8_000));
    }
    for recording in corpus::development_recordings(20).unwrap_or_default() {
        let (samples, rate) = corpus::samples(&recording);
        signals.push((recording.display().to_string(), samples, rate));
    }
    let speaker: Arc<dyn SpeakerModel> = model;
    let extractor = Extractor::new(speaker, corpus::vad(), ExtractOptions::default()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut requests, mut ours) = (String::new(), Vec::new());
    for (n, (_, samples, rate)) in signals.iter().enumerate() {
        let mut stream = extractor.samples(*rate).unwrap();
        stream.accept(samples).unwrap();
        let extraction = stream.finish().unwrap();
        let wide = corpus::resampled(&corpus::resampled(samples, *rate, 8_000), 8_000, 16_000);
        let wav = folder.path().join(format!("{n}.wav"));
        python::write_wav(&wav, &wide, 16_000);
        let speech = speech_frames(&extraction, (wide.len() - 400) / 160 + 1);
        writeln!(requests, "{}", json!({ "recording": wav, "speech": speech })).unwrap();
        ours.push(extraction);
    }
    let replies = python.run(&["voiceprints", "-"], &requests);
    let replies: Vec<Value> = replies.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(replies.len(), ours.len());
    let mut worst = 1.0f64;
    for ((reply, extraction), (name, ..)) in replies.iter().zip(&ours).zip(&signals) {
        let frames = reply["frames"].as_u64().unwrap() as f32;
        assert!((extraction.net_speech.seconds() - frames / 100.0).abs() < 1e-3, "{name}: {frames} frames");
        let theirs = reply["voiceprint"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap());
        let print = extraction.voiceprint().unwrap_or_else(|| panic!("{name}: no voiceprint"));
        let cosine: f64 = theirs.zip(print.values()).map(|(a, b)| a * f64::from(*b)).sum();
        assert!(cosine >= 0.99999, "{name}: {cosine}");
        worst = worst.min(cosine);
    }
    println!("{} recordings, smallest cosine {worst:.8}", ours.len());
}
