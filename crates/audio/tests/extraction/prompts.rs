//! Registered prompts are no speech; everything else is what it was without them.

use std::path::PathBuf;
use std::sync::Arc;

use earmark_audio::{AudioError, ExtractOptions, Extraction, PromptLibrary};

use crate::corpus;
use crate::fake_speaker::{MeanOfFeatures, extractor};

fn clips(voice: &str) -> Vec<PathBuf> {
    let mut clips = corpus::files(&corpus::project().join("tests/data/voices").join(voice), "flac");
    clips.sort();
    clips
}

fn heard(samples: &[f32], prompts: Option<Arc<PromptLibrary>>, pieces: usize) -> Extraction {
    let model = MeanOfFeatures::new(8_000, 16_000);
    let options = ExtractOptions { prompts, ..ExtractOptions::default() };
    let mut stream = extractor(&model, options).samples(8_000).unwrap();
    samples.chunks(pieces).for_each(|piece| stream.accept(piece).unwrap());
    stream.finish().unwrap()
}

/// Another line: a resonance, an echo, noise at some 18 dB, a coarse A-law-like rounding.
fn through_a_line(samples: &[f32]) -> Vec<f32> {
    let (mut last, mut before, mut seed) = (0.0, 0.0, 7u32);
    let delayed = |n: usize, by: usize| if n >= by { samples[n - by] } else { 0.0 };
    (0..samples.len())
        .map(|n| {
            let x = samples[n] + 0.4 * delayed(n, 400) - 0.3 * delayed(n, 950);
            let y = x + 0.9 * last - 0.4 * before;
            (before, last) = (last, y);
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noisy = 0.4 * y + 0.008 * ((seed >> 8) as f32 / (1 << 23) as f32 - 1.0);
            (noisy * 512.0).round() / 512.0
        })
        .collect()
}

#[test]
fn a_prompt_alone_leaves_no_speech() {
    let files = clips("allison");
    let library = Arc::new(PromptLibrary::read(&files[..3]).unwrap());
    assert_eq!(library.len(), 3);
    for file in &files[..3] {
        // Somewhere in a call, not at a frame's border.
        let mut samples = vec![0.0; 4_321];
        samples.extend(corpus::samples(file).0);
        samples.extend(vec![0.0; 8_000]);
        let line = through_a_line(&samples);
        let without = heard(&line, None, line.len()).net_speech.seconds();
        let with = heard(&line, Some(Arc::clone(&library)), 333).net_speech.seconds();
        assert!(without > 6.0 && with < 0.6, "{without} s, with the prompt known {with} s");
    }
}

#[test]
fn the_caller_after_the_prompt_is_heard_whole() {
    let library = Arc::new(PromptLibrary::read(&clips("allison")[..1]).unwrap());
    let caller = corpus::voice("june");
    let alone = heard(&caller, Some(Arc::clone(&library)), 160);
    let free = heard(&caller, None, 160);
    // Not a chunk less, although it waited.
    assert_eq!(alone.speech, free.speech);
    assert_eq!(alone.voiceprint().unwrap().values(), free.voiceprint().unwrap().values());
    let mut both = corpus::samples(&clips("allison")[0]).0;
    both.extend(vec![0.0; 8_000]);
    both.extend(&caller);
    let after = heard(&through_a_line(&both), Some(library), 160).net_speech.seconds();
    let expected = free.net_speech.seconds();
    assert!((after / expected - 1.0).abs() < 0.06, "{after} s, not {expected} s");
}

#[test]
fn a_call_may_begin_within_a_prompt() {
    let files = clips("june");
    let library = Arc::new(PromptLibrary::read(&files[..2]).unwrap());
    let prompt = corpus::samples(&files[1]).0;
    for begin in [0, 8_000, 21_345] {
        let found = heard(&prompt[begin..], Some(Arc::clone(&library)), 160).net_speech.seconds();
        assert!(found < 0.6, "from sample {begin}: {found} s");
    }
}

#[test]
fn the_same_voice_with_other_words_is_no_prompt() {
    let files = clips("allison");
    let library = Arc::new(PromptLibrary::read(&files[..2]).unwrap());
    let other = corpus::samples(&files[3]).0;
    let (with, without) = (heard(&other, Some(library), 160), heard(&other, None, 160));
    assert_eq!(with.speech, without.speech);
}

#[test]
fn decisions_do_not_depend_on_how_audio_arrives() {
    let library = Arc::new(PromptLibrary::read(&clips("carlo")[..2]).unwrap());
    let mut samples = corpus::voice("paola");
    samples.extend(corpus::samples(&clips("carlo")[1]).0);
    let whole = heard(&samples, Some(Arc::clone(&library)), samples.len());
    for pieces in [160, 1_001, 40_000] {
        assert_eq!(heard(&samples, Some(Arc::clone(&library)), pieces).speech, whole.speech);
    }
}

#[test]
fn refuses_what_can_be_no_prompt() {
    let refusal = |files: &[PathBuf]| match PromptLibrary::read(files) {
        Err(e @ AudioError::Prompt { .. }) => e.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refusal(&["nowhere.wav".into()]).contains("nowhere.wav"));
    assert!(refusal(&vec![clips("june")[0].clone(); 200]).contains("in all"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.wav"), b"no audio").unwrap();
    assert!(matches!(PromptLibrary::read_folder(folder.path()), Err(AudioError::Prompt { .. })));
    assert!(PromptLibrary::read(&[]).unwrap().is_empty());
}
