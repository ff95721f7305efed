use earmark_voiceprint::Cosine;

/// What a calibration takes: a number that rises with how alike two voices are. A back end says
/// which: the cosine itself, a score of [`crate::Plda`], or either of them normalized by a
/// [`crate::Cohort`]. Without a calibration it says nothing about probability.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct RawScore(f64);

/// Beyond this no score of voiceprints lies; the bound keeps every LLR finite.
const LARGEST: f64 = 1e6;

impl RawScore {
    /// From a number; what is not finite becomes the lowest score there is.
    #[must_use]
    pub fn new(value: f64) -> Self {
        Self(if value.is_nan() { -LARGEST } else { value.clamp(-LARGEST, LARGEST) })
    }

    /// The number itself.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

impl From<Cosine> for RawScore {
    fn from(cosine: Cosine) -> Self {
        Self::new(f64::from(cosine.value()))
    }
}
