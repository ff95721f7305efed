//! Speaker models: what turns features into an embedding, and all facts that travel with it.
//!
//! [`SpeakerModel`] is the door. [`OnnxSpeakerModel`] opens any ONNX network that a `model.toml`
//! describes, on the [`OnnxRuntime`] library found at run time.

mod description;
mod file;
mod fingerprint;
mod front_end;
mod onnx;
mod raw_description;
mod runtime;
mod session_pool;
mod verification;
mod voice_gate;

use earmark_voiceprint::ModelId;
use ndarray::ArrayView2;

use crate::AudioError;

pub(crate) use description::{Described, read, weights};
pub(crate) use file::VerifiedFile;
pub use front_end::{FrontEnd, MeanNormalization};
pub use onnx::OnnxSpeakerModel;
pub use runtime::OnnxRuntime;
pub(crate) use session_pool::{GraphTensor, SessionPool};
pub use verification::{ModelVerification, SelfTest};

/// A network that maps a stretch of one person's speech to a point, near to that person's others.
///
/// Shared by all streams; every method may be called from any thread at once.
pub trait SpeakerModel: Send + Sync {
    /// Which space its embeddings live in.
    fn id(&self) -> &ModelId;

    /// How audio must be prepared for it.
    fn front_end(&self) -> &FrontEnd;

    /// How many numbers an embedding has.
    fn dimension(&self) -> usize;

    /// Embeds `features` of shape `[frames, mel_bins]`, already normalized as
    /// [`SpeakerModel::front_end`] asks. May wait for a free session.
    ///
    /// # Errors
    /// [`AudioError::Inference`] if the network fails on it, [`AudioError::ModelGraph`] if what it
    /// gives is not [`SpeakerModel::dimension`] finite numbers.
    fn embed(&self, features: ArrayView2<'_, f32>) -> Result<Vec<f32>, AudioError>;

    /// Whether an embedding is of one person's speech, as far as the model can tell; what is not never
    /// becomes part of a voiceprint.
    fn is_one_voice(&self, embedding: &[f32]) -> bool {
        let _ = embedding;
        true
    }
}
