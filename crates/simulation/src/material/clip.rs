//! A clean recording, ready to be spoken into a telephone.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use earmark_audio::{AudioError, ChannelChoice, Limits, read_samples};

use crate::activity::{FRAME, speech_frames, speech_power};
use crate::scene::REFERENCE;
use crate::signal::scale;
use crate::{RATE_HZ, SimulationError};

/// The longest recording read.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Samples at 8 kHz with the speech at the reference level, and where the speech is.
pub(crate) struct Clip {
    samples: Vec<f32>,
    frames: Vec<bool>,
}

impl Clip {
    pub(crate) fn read(path: &Path) -> Result<Self, SimulationError> {
        let samples = samples_of(path, ChannelChoice::Mono);
        samples.map(Self::new).map_err(|source| SimulationError::Recording { path: path.to_owned(), source })
    }

    pub(crate) fn new(mut samples: Vec<f32>) -> Self {
        samples.truncate(samples.len() / FRAME * FRAME);
        let frames = speech_frames(&samples);
        let level = speech_power(&samples, &frames).sqrt();
        if level > 0.0 {
            scale(&mut samples, REFERENCE / level);
        }
        Self { samples, frames }
    }

    /// Whole frames of 10 ms.
    pub(crate) fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Which of the frames are speech.
    pub(crate) fn frames(&self) -> &[bool] {
        &self.frames
    }
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clip({} samples)", self.samples.len())
    }
}

/// All samples of a recording at 8 kHz.
pub(super) fn samples_of(path: &Path, channel: ChannelChoice) -> Result<Vec<f32>, AudioError> {
    let limits = Limits { max_duration: LONGEST, ..Limits::default() };
    read_samples(path, channel, RATE_HZ as u32, &limits, usize::MAX)
}
