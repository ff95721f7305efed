//! Features of 10 s of audio at 16 kHz: this crate's, and those of the crate kaldi-native-fbank.

#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use criterion::{Criterion, criterion_group, criterion_main};
use earmark_audio::{Fbank, FbankOptions};
use kaldi_native_fbank::fbank::{FbankComputer, FbankOptions as KaldiOptions};
use kaldi_native_fbank::online::{FeatureComputer, OnlineFeature};

fn signal() -> Vec<f32> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..160_000).map(|_| next()).collect()
}

fn fbank_10s(criterion: &mut Criterion) {
    let signal = signal();
    let mut group = criterion.benchmark_group("fbank_10s");
    let options = FbankOptions::default();
    group.bench_function("earmark", |bencher| bencher.iter(|| Fbank::whole(&options, &signal)));
    group.bench_function("kaldi-native-fbank crate", |bencher| {
        bencher.iter(|| {
            let mut kaldi = KaldiOptions { use_energy: false, ..KaldiOptions::default() };
            kaldi.frame_opts.dither = 0.0;
            kaldi.mel_opts.num_bins = 80;
            let computer = FbankComputer::new(kaldi).unwrap();
            let mut online = OnlineFeature::new(FeatureComputer::Fbank(computer));
            online.accept_waveform(16_000.0, &signal);
            online.input_finished();
            online.num_frames_ready()
        });
    });
    group.finish();
}

criterion_group!(benches, fbank_10s);
criterion_main!(benches);
