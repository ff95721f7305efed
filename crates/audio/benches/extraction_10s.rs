//! The whole way from 10 s of a call at 8 kHz to its voiceprint on one thread, and its parts.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use earmark_audio::{
    ExtractOptions, Extractor, Fbank, Limits, OnnxRuntime, OnnxSpeakerModel, QualityMeter, RecordingReader,
    Resampler, SpeakerModel, SpeechDetector, VadOptions, VoiceActivityModel,
};
use ndarray::Array2;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// 10 s of a voice that the project ships, at 8 kHz.
fn call() -> Vec<f32> {
    let mut samples = Vec::new();
    for clip in ["01.flac", "02.flac", "03.flac", "04.flac", "05.flac"] {
        let path = project().join("tests/data/voices/june").join(clip);
        let mut reader = RecordingReader::open(&path, &Limits::default()).unwrap();
        while let Some(block) = reader.next_block().unwrap() {
            samples.extend_from_slice(&block.channels()[0]);
        }
    }
    samples.truncate(80_000);
    assert_eq!(samples.len(), 80_000);
    samples
}

fn extraction_10s(criterion: &mut Criterion) {
    let runtime = OnnxRuntime::load(None).unwrap();
    let folder = project().join("models/campplus-phone-192");
    let speaker: Arc<dyn SpeakerModel> = Arc::new(OnnxSpeakerModel::open(&folder, &runtime, 1).unwrap());
    let vad = Arc::new(VoiceActivityModel::open(&project().join("models/silero-vad-8k")).unwrap());
    let extractor =
        Extractor::new(Arc::clone(&speaker), Arc::clone(&vad), ExtractOptions::default()).unwrap();
    let call = call();
    let mut group = criterion.benchmark_group("extraction_10s");
    group.sample_size(20);
    group.bench_function("whole", |bencher| {
        bencher.iter(|| {
            let mut stream = extractor.samples(8_000).unwrap();
            stream.accept(&call).unwrap();
            stream.finish().unwrap()
        });
    });
    let features = Array2::from_shape_fn((1_000, 80), |(t, m)| ((t * 7 + m * 3) % 11) as f32 - 5.0);
    group.bench_function("network, 1,000 frames", |b| b.iter(|| speaker.embed(features.view()).unwrap()));
    let window = features.slice(ndarray::s![..300, ..]);
    group.bench_function("network, 300 frames", |b| b.iter(|| speaker.embed(window).unwrap()));
    group.bench_function("voice activity", |bencher| {
        bencher.iter(|| {
            let mut detector = SpeechDetector::new(Arc::clone(&vad), &VadOptions::default()).unwrap();
            let mut decisions = Vec::new();
            detector.accept(&call, &mut decisions);
            decisions
        });
    });
    group.bench_function("8 to 16 kHz", |bencher| {
        bencher.iter(|| {
            let mut resampler = Resampler::new(8_000, 16_000).unwrap();
            let mut wide = Vec::new();
            resampler.accept(&call, &mut wide);
            wide
        });
    });
    let wide: Vec<f32> = call.iter().flat_map(|sample| [*sample; 2]).collect();
    let options = &speaker.front_end().fbank;
    group.bench_function("fbank", |bencher| bencher.iter(|| Fbank::whole(options, &wide).unwrap()));
    group.bench_function("quality", |bencher| {
        bencher.iter(|| {
            let mut meter = QualityMeter::new();
            for (n, chunk) in call.chunks(256).enumerate() {
                meter.observe_decoded(chunk);
                meter.observe_chunk(chunk, n % 4 != 0);
            }
            meter.quality()
        });
    });
    group.finish();
}

criterion_group!(benches, extraction_10s);
criterion_main!(benches);
