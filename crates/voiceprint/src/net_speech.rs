use std::fmt;
use std::ops::Add;

/// How much speech, in seconds, silence and everything else taken out. Finite and never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct NetSpeech(f32);

impl NetSpeech {
    /// No speech at all.
    pub const ZERO: Self = Self(0.0);

    /// From seconds; anything that is not a positive finite number is no speech.
    #[must_use]
    pub fn from_seconds(seconds: f32) -> Self {
        if seconds.is_finite() && seconds > 0.0 { Self(seconds) } else { Self::ZERO }
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> f32 {
        self.0
    }
}

impl Add for NetSpeech {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::from_seconds(self.0 + other.0)
    }
}

impl fmt::Display for NetSpeech {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0)
    }
}
