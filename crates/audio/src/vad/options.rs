use super::{VAD_CHUNK, VAD_RATE_HZ};
use crate::AudioError;

/// The longest that a duration may be, in milliseconds. It bounds the look-ahead.
const MAX_MS: u32 = 2_000;

/// How probabilities become decisions. Durations are rounded up to whole chunks of 32 ms.
///
/// The look-ahead, how late a decision can be, is
/// `max(pad_before_ms, min_silence_ms - hangover_ms) + min_speech_ms` less one chunk: 160 ms by
/// default, and only at the onset of speech. Within speech a chunk is decided as soon as it is whole.
#[derive(Clone, Debug, PartialEq)]
pub struct VadOptions {
    /// Speech begins at a chunk with at least this probability.
    pub enter_probability: f32,
    /// Speech goes on while chunks have at least this probability; below `enter_probability`, so
    /// that a soft sound does not cut a word.
    pub exit_probability: f32,
    /// Shorter bursts are no speech, in milliseconds: clicks and coughs.
    pub min_speech_ms: u32,
    /// Shorter pauses within speech are kept as speech, in milliseconds.
    pub min_silence_ms: u32,
    /// This much before an onset is kept, in milliseconds: the first consonant.
    pub pad_before_ms: u32,
    /// This much after speech is kept, in milliseconds: the last one.
    pub hangover_ms: u32,
}

impl Default for VadOptions {
    fn default() -> Self {
        Self {
            // Silero's own thresholds.
            enter_probability: 0.5,
            exit_probability: 0.35,
            min_speech_ms: 160,
            min_silence_ms: 96,
            pad_before_ms: 32,
            hangover_ms: 64,
        }
    }
}

impl VadOptions {
    /// Refuses options that no decisions can be made with.
    ///
    /// # Errors
    /// [`AudioError::BadOptions`] names the rule that is broken.
    pub fn check(&self) -> Result<(), AudioError> {
        let durations = [self.min_speech_ms, self.min_silence_ms, self.pad_before_ms, self.hangover_ms];
        let rules = [
            (
                0.0 < self.exit_probability
                    && self.exit_probability <= self.enter_probability
                    && self.enter_probability < 1.0,
                "exit_probability must be above 0 and at most enter_probability, and that below 1",
            ),
            (durations.iter().all(|ms| *ms <= MAX_MS), "a duration of voice activity is at most 2,000 ms"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(AudioError::BadOptions { rule }),
            None => Ok(()),
        }
    }

    /// The most chunks that can be undecided.
    #[must_use]
    pub fn look_ahead_chunks(&self) -> usize {
        let gap = chunks(self.min_silence_ms).saturating_sub(chunks(self.hangover_ms) + 1);
        chunks(self.pad_before_ms).max(gap) + chunks(self.min_speech_ms).max(1) - 1
    }
}

/// Whole chunks that hold so many milliseconds.
pub(super) fn chunks(ms: u32) -> usize {
    (ms as usize * VAD_RATE_HZ as usize / 1_000).div_ceil(VAD_CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_nonsense() {
        let good = VadOptions::default;
        assert!(good().check().is_ok());
        for bad in [
            VadOptions { enter_probability: 1.0, ..good() },
            VadOptions { enter_probability: 0.2, ..good() },
            VadOptions { exit_probability: 0.0, ..good() },
            VadOptions { exit_probability: f32::NAN, ..good() },
            VadOptions { hangover_ms: 2_001, ..good() },
            VadOptions { min_speech_ms: u32::MAX, ..good() },
        ] {
            assert!(matches!(bad.check(), Err(AudioError::BadOptions { .. })), "{bad:?}");
        }
    }

    #[test]
    fn rounds_up_to_chunks() {
        assert_eq!([0, 1, 32, 33, 160].map(chunks), [0, 1, 1, 2, 5]);
        assert_eq!(VadOptions::default().look_ahead_chunks(), 5);
    }
}
