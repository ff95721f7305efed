/// The cosine of the angle between two voiceprints, in [-1, 1].
///
/// A raw similarity: it has no meaning as a probability and there is no conversion to or from an
/// LLR. A calibration (crate `scoring`) is the only way from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Cosine(f32);

impl Cosine {
    /// From a dot product of unit vectors; rounding beyond ±1 is clamped, NaN becomes -1.
    #[must_use]
    pub fn from_dot(dot: f32) -> Self {
        if dot.is_nan() { Self(-1.0) } else { Self(dot.clamp(-1.0, 1.0)) }
    }

    /// The number itself.
    #[must_use]
    pub fn value(self) -> f32 {
        self.0
    }
}
