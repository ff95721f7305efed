//! One query, the 10 best of 1 k, 100 k and 1 M voiceprints of 192 dimensions: a gallery on one
//! thread and on all, raw faiss, and a plain loop, in one run; a batch of 64 queries; a write; save and open.
//! First prints the memory a voiceprint takes.
//!
//! `OPENBLAS_NUM_THREADS=1 cargo bench -p earmark-index --bench search_192`
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a benchmark stops and reports on the terminal"
)]

#[path = "../src/tests/keyring.rs"]
mod keyring;

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use earmark_index::{EntryId, Gallery, GalleryOptions};
use earmark_voiceprint::{ModelId, NetSpeech, Voiceprint};
use faiss::index::flat::FlatIndexImpl;
use faiss::{ConcurrentIndex, Index};

const DIMENSION: usize = 192;
const K: usize = 10;
/// Largest first, so that memory freed by one is not counted for another.
const SIZES: [usize; 3] = [1_000_000, 100_000, 1_000];

struct Voices(u64);

impl Voices {
    fn number(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn next(&mut self) -> Voiceprint {
        let values: Vec<f32> = (0..DIMENSION).map(|_| self.number() + self.number()).collect();
        Voiceprint::from_embedding(space(), &values, NetSpeech::from_seconds(10.0)).unwrap()
    }
}

fn space() -> ModelId {
    ModelId::new("bench", "0")
}

fn gallery(size: usize, search_threads: usize) -> Gallery {
    let options = GalleryOptions { search_threads, ..GalleryOptions::default() };
    let (gallery, mut voices) = (Gallery::with_options(space(), DIMENSION, options), Voices(1));
    let mut next = 0;
    while next < size {
        let batch: Vec<_> =
            (next..size.min(next + 8192)).map(|id| (EntryId(id as u64), voices.next())).collect();
        next += batch.len();
        gallery.put_many(&batch).unwrap();
    }
    gallery
}

/// In bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn naive(rows: &[f32], probe: &[f32]) -> Vec<(f32, usize)> {
    let dot = |row: &[f32]| row.iter().zip(probe).map(|(a, b)| a * b).sum::<f32>();
    let mut scores: Vec<_> = rows.chunks_exact(DIMENSION).map(dot).zip(0..).collect();
    scores.select_nth_unstable_by(K, |a, b| b.0.total_cmp(&a.0));
    scores.truncate(K);
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    scores
}

fn search(c: &mut Criterion) {
    for size in SIZES {
        let before = resident();
        let (one, mut voices) = (gallery(size, 1), Voices(1));
        eprintln!("{size} voiceprints: {} bytes each", resident().saturating_sub(before) / size);
        let all = gallery(size, usize::MAX);
        let mut rows: Vec<f32> = Vec::with_capacity(size * DIMENSION);
        (0..size).for_each(|_| rows.extend(voices.next().values()));
        let mut raw = FlatIndexImpl::new_ip(DIMENSION as u32).unwrap();
        raw.add(&rows).unwrap();
        let probe = voices.next();
        let probes: Vec<_> = (0..64).map(|_| voices.next()).collect();
        let mut group = c.benchmark_group("search_192");
        group.sample_size(20).measurement_time(Duration::from_secs(4));
        let id = |name| BenchmarkId::new(name, size);
        group.bench_function(id("gallery_1_thread"), |b| {
            b.iter(|| one.snapshot().search(black_box(&probe), K).unwrap());
        });
        group.bench_function(id("gallery_all_threads"), |b| {
            b.iter(|| all.snapshot().search(black_box(&probe), K).unwrap());
        });
        group.bench_function(id("raw_faiss_flat_ip"), |b| {
            b.iter(|| ConcurrentIndex::search(&raw, black_box(probe.values()), K).unwrap());
        });
        group.bench_function(id("plain_loop"), |b| b.iter(|| naive(&rows, black_box(probe.values()))));
        group.bench_function(id("gallery_batch_of_64"), |b| {
            b.iter(|| one.snapshot().search_many(black_box(&probes), K).unwrap());
        });
        let mut next = 0;
        group.bench_function(id("replace_one"), |b| {
            b.iter(|| {
                next = (next + 7919) % size as u64;
                one.put(EntryId(next), black_box(&probe)).unwrap();
            });
        });
        group.finish();
    }
}

/// Saving and opening, sealed with AES-256-GCM, on the disk of the temporary folder.
fn file(c: &mut Criterion) {
    let (folder, keyring) = (tempfile::tempdir().unwrap(), keyring::Keyring::new("bench", 1));
    let (gallery, path) = (gallery(100_000, 1), folder.path().join("gallery"));
    let mut group = c.benchmark_group("file_192");
    group.sample_size(10).measurement_time(Duration::from_secs(4));
    group.bench_function("save/100000", |b| b.iter(|| gallery.save(&path, &keyring).unwrap()));
    group.bench_function("open/100000", |b| {
        b.iter(|| Gallery::open(&path, &space(), DIMENSION, &keyring).unwrap());
    });
    group.finish();
}

criterion_group!(benches, search, file);
criterion_main!(benches);
