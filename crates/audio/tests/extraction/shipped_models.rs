//! The models that the project ships.

use earmark_audio::SpeakerModel;

use crate::corpus;

#[test]
fn open_and_say_what_they_are() {
    assert_eq!(corpus::vad().name(), "silero-vad-8k");
    let Some(model) = corpus::campplus() else { return };
    assert!(model.id().as_str().starts_with("campplus-zh-en-192/"), "{}", model.id());
    let front_end = model.front_end();
    assert_eq!((model.dimension(), front_end.fbank.mel_bins, front_end.band_rate_hz), (192, 80, 8_000));
}

#[test]
fn embeddings_are_of_unit_length_whatever_the_number_of_frames() {
    let Some(model) = corpus::campplus() else { return };
    for frames in [10, 50, 99, 100, 101, 300, 1_299] {
        let features =
            ndarray::Array2::from_shape_fn((frames, 80), |(t, m)| ((t * 7 + m * 3) % 11) as f32 - 5.0);
        let embedding = model.embed(features.view()).unwrap();
        let norm: f32 = embedding.iter().map(|v| v * v).sum();
        assert!(embedding.len() == 192 && (norm - 1.0).abs() < 1e-5, "{frames} frames: {norm}");
    }
}
