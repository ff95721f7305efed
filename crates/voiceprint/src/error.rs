use crate::ModelId;

/// Why numbers could not become a voiceprint, or two voiceprints could not meet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoiceprintError {
    /// The model gave no numbers, or more than [`crate::MAX_DIMENSION`]: check the model file.
    #[error("a voiceprint has 1 to {max} dimensions, got {got}", max = crate::MAX_DIMENSION)]
    Dimension {
        /// How many numbers were given.
        got: usize,
    },
    /// A NaN or an infinity among the numbers: check the audio or the sender.
    #[error("voiceprint holds a number that is not finite")]
    NotFinite,
    /// All numbers are (nearly) zero, so there is no direction to keep: check the audio.
    #[error("voiceprint has no length, so no direction")]
    ZeroNorm,
    /// A voiceprint from outside must be unit-norm; this one was altered or is not a voiceprint.
    #[error("voiceprint is not of unit length")]
    NotUnitNorm,
    /// Voiceprints of different models are not comparable: extract both with the same model.
    #[error("voiceprints of models {left} and {right} can't be compared; extract both with one model")]
    ModelMismatch {
        /// The model of the one.
        left: ModelId,
        /// The model of the other.
        right: ModelId,
    },
    /// A mean over no voiceprints, or with no positive weight.
    #[error("a mean needs at least one voiceprint with a positive weight")]
    NothingToMerge,
}
