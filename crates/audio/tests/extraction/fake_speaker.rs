//! A speaker model that can be computed by hand: the mean of the features.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use earmark_audio::{
    AudioError, ExtractOptions, Extractor, FbankOptions, FrontEnd, MeanNormalization, SpeakerModel,
};
use earmark_voiceprint::ModelId;
use ndarray::{ArrayView2, Axis};

use crate::corpus;

pub(crate) struct MeanOfFeatures {
    id: ModelId,
    front_end: FrontEnd,
    /// How many frames it was ever given.
    pub(crate) frames: AtomicUsize,
    /// The most it was given at once.
    pub(crate) most: AtomicUsize,
}

impl MeanOfFeatures {
    pub(crate) fn new(band_rate_hz: u32, sample_rate_hz: u32) -> Arc<Self> {
        let fbank = FbankOptions { sample_rate_hz, mel_bins: 24, ..FbankOptions::default() };
        Arc::new(Self {
            id: ModelId::new("mean", "0"),
            front_end: FrontEnd {
                band_rate_hz,
                amplitude: 1.0,
                fbank,
                mean_normalization: MeanNormalization::None,
            },
            frames: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }
}

impl SpeakerModel for MeanOfFeatures {
    fn id(&self) -> &ModelId {
        &self.id
    }

    fn front_end(&self) -> &FrontEnd {
        &self.front_end
    }

    fn dimension(&self) -> usize {
        self.front_end.fbank.mel_bins
    }

    fn embed(&self, features: ArrayView2<'_, f32>) -> Result<Vec<f32>, AudioError> {
        self.frames.fetch_add(features.nrows(), Ordering::Relaxed);
        self.most.fetch_max(features.nrows(), Ordering::Relaxed);
        Ok(features.mean_axis(Axis(0)).expect("at least one frame").to_vec())
    }
}

pub(crate) fn extractor(model: &Arc<MeanOfFeatures>, options: ExtractOptions) -> Extractor {
    let speaker: Arc<dyn SpeakerModel> = Arc::clone(model) as Arc<dyn SpeakerModel>;
    Extractor::new(speaker, corpus::vad(), options).unwrap()
}
