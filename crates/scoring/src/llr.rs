use std::fmt;

/// A calibrated log-likelihood ratio, natural logarithm: how many times (e to the power of it) the
/// comparison is likelier if both sides are one person than if they are two.
///
/// Only a [`crate::Calibration`] makes one; there is no conversion from a cosine. Always finite.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Llr(f64);

impl Llr {
    /// `value` is finite: the calibration clamps it to its limits.
    pub(crate) fn new(value: f64) -> Self {
        debug_assert!(value.is_finite());
        Self(if value.is_finite() { value } else { 0.0 })
    }

    /// The ratio as a natural logarithm.
    #[must_use]
    pub fn nats(self) -> f64 {
        self.0
    }

    /// The ratio as a decimal logarithm, as forensic reports write it.
    #[must_use]
    pub fn log10(self) -> f64 {
        self.0 / std::f64::consts::LN_10
    }
}

impl fmt::Display for Llr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.2}", self.0)
    }
}
