//! Tests of the whole crate and what they share.

mod concurrency;
mod crash;
mod exactness;
mod histories;
pub(crate) mod keyring;

use earmark_voiceprint::{ModelId, NetSpeech, Voiceprint};

use crate::GalleryOptions;

pub(crate) fn space() -> ModelId {
    ModelId::new("test", "0")
}

pub(crate) fn voice(values: &[f32]) -> Voiceprint {
    spoken(values, 5.0)
}

pub(crate) fn spoken(values: &[f32], seconds: f32) -> Voiceprint {
    Voiceprint::from_embedding(space(), values, NetSpeech::from_seconds(seconds)).unwrap()
}

/// So small that a few writes go through delta, sealing, merging, rewriting and splitting.
pub(crate) fn tiny() -> GalleryOptions {
    GalleryOptions { delta_rows: 3, segment_rows: 8, parallel_rows: 6, search_threads: 2, max_entries: 1000 }
}

/// Voices in all directions, the same in every run (SplitMix64, sums of 4 for a bell shape).
pub(crate) fn voices(seed: u64, dimension: usize) -> impl Iterator<Item = Voiceprint> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(move || {
        let values: Vec<f32> = (0..dimension).map(|_| random() + random() + random() + random()).collect();
        voice(&values)
    })
}
