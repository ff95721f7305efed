//! However audio arrives, the numbers are the same to the bit.

use std::io::Cursor;
use std::sync::Arc;

use earmark_audio::{
    ChannelChoice, Encoding, Evidence, ExtractOptions, Extraction, Extractor, Limits, SpeakerModel,
    StreamFormat,
};
use proptest::prelude::*;

use crate::corpus;
use crate::fake_speaker::{MeanOfFeatures, extractor};

/// All that must not depend on how audio arrives.
#[derive(Debug, PartialEq)]
struct Numbers {
    evidence: Vec<(f32, f64, Vec<f32>, String)>,
    last: LastNumbers,
}

#[derive(Debug, PartialEq)]
struct LastNumbers {
    voiceprint: Option<Vec<f32>>,
    windows: Vec<Vec<f32>>,
    rest: String,
}

fn of_evidence(evidence: &Evidence) -> (f32, f64, Vec<f32>, String) {
    let Evidence { net_speech, voiceprint, windows, quality, audio_s, warnings } = evidence;
    (
        net_speech.seconds(),
        *audio_s,
        voiceprint.values().to_vec(),
        format!("{windows} {quality:?} {warnings:?}"),
    )
}

fn of_extraction(extraction: &Extraction) -> LastNumbers {
    let Extraction { net_speech, quality, duration_s, warnings, speech, windows, .. } = extraction;
    LastNumbers {
        voiceprint: extraction.voiceprint().map(|v| v.values().to_vec()),
        windows: windows
            .iter()
            .map(|w| [w.voiceprint.values(), &[w.span.start_s as f32, w.span.end_s as f32]].concat())
            .collect(),
        rest: format!("{net_speech:?} {quality:?} {duration_s} {warnings:?} {speech:?}"),
    }
}

/// A call in chunks of these sizes, over and over; evidence is taken after every chunk.
fn streamed(extractor: &Extractor, format: StreamFormat, bytes: &[u8], sizes: &[usize]) -> Numbers {
    let mut stream = extractor.stream(format).unwrap();
    let (mut rest, mut evidence) = (bytes, Vec::new());
    for size in sizes.iter().cycle() {
        let (chunk, tail) = rest.split_at(rest.len().min(*size));
        stream.accept(chunk).unwrap();
        while let Some(update) = stream.evidence() {
            evidence.push(of_evidence(&update));
        }
        assert!(!stream.ready());
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    Numbers { evidence, last: of_extraction(&stream.finish().unwrap()) }
}

fn recorded(extractor: &Extractor, wav: Vec<u8>) -> LastNumbers {
    let recording = extractor.recording(Cursor::new(wav), ChannelChoice::Mono, &Limits::default());
    of_extraction(&recording.unwrap())
}

fn pcm16(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|s| ((s * 32_767.0) as i16).to_le_bytes()).collect()
}

fn wav(pcm: &[u8], rate: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let sample_format = hound::SampleFormat::Int;
    let spec = hound::WavSpec { channels: 1, sample_rate: rate, bits_per_sample: 16, sample_format };
    let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
    for sample in pcm.as_chunks::<2>().0 {
        writer.write_sample(i16::from_le_bytes(*sample)).unwrap();
    }
    writer.finalize().unwrap();
    bytes.into_inner()
}

/// Speech, a pause, other speech: about 20 s.
fn call() -> Vec<f32> {
    let mut call = corpus::voice("june");
    call.truncate(12 * 8_000);
    call.extend(vec![0.0; 8_000]);
    let other = corpus::voice("carlo");
    call.extend_from_slice(&other[..8 * 8_000]);
    call
}

fn with_windows() -> ExtractOptions {
    ExtractOptions { windows: true, ..ExtractOptions::default() }
}

#[test]
fn chunks_of_one_byte_and_of_four_megabytes_and_recordings_agree() {
    let extractor = extractor(&MeanOfFeatures::new(8_000, 16_000), with_windows());
    for rate in [8_000, 11_025, 48_000] {
        let mut samples = call();
        if rate != 8_000 {
            // A rate for its own sake: what it sounds like does not matter.
            samples = samples.iter().flat_map(|s| std::iter::repeat_n(*s, rate as usize / 8_000)).collect();
        }
        let (pcm, format) = (pcm16(&samples), StreamFormat::mono(Encoding::Pcm16Le, rate));
        let whole = streamed(&extractor, format, &pcm, &[4 << 20]);
        assert!(whole.evidence.len() >= 5, "{} updates", whole.evidence.len());
        assert!(whole.last.windows.len() >= 2 && whole.last.voiceprint.is_some());
        for sizes in [&[1][..], &[320], &[7, 4_096, 33, 1 << 17]] {
            assert_eq!(streamed(&extractor, format, &pcm, sizes), whole, "{rate} Hz, {sizes:?}");
        }
        assert_eq!(recorded(&extractor, wav(&pcm, rate)), whole.last, "{rate} Hz, recording");
    }
}

#[test]
fn the_shipped_model_agrees_too() {
    let Some(model) = corpus::campplus() else { return };
    let speaker: Arc<dyn SpeakerModel> = model;
    let extractor = Extractor::new(speaker, corpus::vad(), with_windows()).unwrap();
    let (pcm, format) = (pcm16(&call()[..9 * 8_000]), StreamFormat::mono(Encoding::Pcm16Le, 8_000));
    let whole = streamed(&extractor, format, &pcm, &[4 << 20]);
    assert!(whole.evidence.len() >= 3);
    assert_eq!(streamed(&extractor, format, &pcm, &[1, 333, 5_000]), whole);
    assert_eq!(recorded(&extractor, wav(&pcm, 8_000)), whole.last);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn random_chunks_agree(sizes in prop::collection::vec(1usize..40_000, 1..12), wide: bool) {
        let model = MeanOfFeatures::new(if wide { 0 } else { 8_000 }, 16_000);
        let extractor = extractor(&model, ExtractOptions::default());
        let call = pcm16(&call());
        let format = StreamFormat::mono(Encoding::Pcm16Le, 8_000);
        prop_assert_eq!(
            streamed(&extractor, format, &call, &sizes),
            streamed(&extractor, format, &call, &[usize::MAX])
        );
    }
}
