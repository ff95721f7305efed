//! A model that is unlike the shipped one in every setting: 8 kHz, 40 bands, 24 dimensions.

use std::sync::Arc;

use earmark_audio::{
    ExtractOptions, Extractor, Fbank, ModelVerification, OnnxSpeakerModel, SelfTest, SpeakerModel,
};

use crate::corpus;

fn tiny() -> Option<Arc<OnnxSpeakerModel>> {
    let runtime = corpus::runtime()?;
    Some(Arc::new(OnnxSpeakerModel::open(&corpus::tiny_model_folder(), &runtime, 2).unwrap()))
}

#[test]
fn runs_by_its_own_description() {
    let Some(model) = tiny() else { return };
    assert!(model.id().as_str().starts_with("tiny-8k/"), "{}", model.id());
    assert_eq!((model.dimension(), model.front_end().fbank.mel_bins), (24, 40));
    let speaker: Arc<dyn SpeakerModel> = Arc::clone(&model) as Arc<dyn SpeakerModel>;
    let extractor = Extractor::new(speaker, corpus::vad(), ExtractOptions::default()).unwrap();
    // At 16 kHz, so that the way to the model's rate differs from the shipped model's too.
    let speech = corpus::resampled(&corpus::voice("carlo")[..6 * 8_000], 8_000, 16_000);
    let mut stream = extractor.samples(16_000).unwrap();
    stream.accept(&speech).unwrap();
    let extraction = stream.finish().unwrap();
    let print = extraction.voiceprint().unwrap();
    assert_eq!((print.dimension(), print.model()), (24, model.id()));

    // By definition: 16 bit numbers, no mean taken off, all frames in one pass.
    let narrow: Vec<f32> = corpus::resampled(&speech, 16_000, 8_000).iter().map(|s| s * 32_768.0).collect();
    let features = Fbank::whole(&model.front_end().fbank, &narrow).unwrap();
    let speaks = |frame: usize| {
        let center_s = (80 * frame + 100) as f64 / 8_000.0;
        extraction.speech.iter().any(|s| s.start_s <= center_s && center_s < s.end_s)
    };
    let kept: Vec<usize> = (0..features.nrows()).filter(|frame| speaks(*frame)).collect();
    let embedding = model.embed(features.select(ndarray::Axis(0), &kept).view()).unwrap();
    let norm = embedding.iter().map(|v| v * v).sum::<f32>().sqrt();
    assert!((norm - 1.0).abs() > 0.01, "the model must leave its output's length alone");
    for (a, b) in embedding.iter().zip(print.values()) {
        assert!((a / norm - b).abs() < 1e-5);
    }
}

#[test]
fn sessions_are_shared_by_more_callers_than_there_are() {
    let Some(model) = tiny() else { return };
    let features = ndarray::Array2::from_shape_fn((50, 40), |(t, m)| (t * m) as f32 / 2_000.0);
    let alone = model.embed(features.view()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(model.embed(features.view()).unwrap(), alone);
                }
            });
        }
    });
}

#[test]
fn self_test_is_the_same_each_time_and_tells_models_apart() {
    let (Some(model), Some(runtime)) = (tiny(), corpus::runtime()) else { return };
    let fingerprint = SelfTest::run(&*model).unwrap().fingerprint();
    let folder = corpus::tiny_model_folder();
    let verified = ModelVerification::run(&folder, &runtime, Some(&fingerprint)).unwrap();
    assert_eq!((verified.as_expected, verified.dimension), (Some(true), 24));
    assert_eq!(verified.model, *model.id());
    let other = "00".repeat(24);
    assert_eq!(ModelVerification::run(&folder, &runtime, Some(&other)).unwrap().as_expected, Some(false));
    assert_eq!(ModelVerification::run(&folder, &runtime, None).unwrap().as_expected, None);
}
