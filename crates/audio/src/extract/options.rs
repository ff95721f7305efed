use std::sync::Arc;

use crate::{AudioError, PromptLibrary, VadOptions};

/// What is asked of an [`crate::Extractor`].
#[derive(Clone, Debug, PartialEq)]
pub struct ExtractOptions {
    /// How speech is told from everything else.
    pub vad: VadOptions,
    /// With less speech there is no voiceprint, in seconds; at least 0.1.
    pub min_net_speech_s: f32,
    /// No more speech than this is embedded, in seconds; at least 3. What comes after is still
    /// counted and measured. It bounds the compute of an endless call.
    pub max_net_speech_s: f32,
    /// Whether an [`crate::Extraction`] of a recording also has, as that of a live call does, a voiceprint of every 3 s of speech, to see whether
    /// they are all of one voice.
    pub windows: bool,
    /// Prompts that the call center itself plays: they are no speech. With a library, evidence of a
    /// live call comes 1.8 s later, when it is sure that what was heard is none of them.
    pub prompts: Option<Arc<PromptLibrary>>,
}

impl Default for ExtractOptions {
    fn default() -> Self {
        Self {
            vad: VadOptions::default(),
            min_net_speech_s: 0.5,
            // Beyond two minutes a voiceprint hardly moves.
            max_net_speech_s: 120.0,
            windows: false,
            prompts: None,
        }
    }
}

impl ExtractOptions {
    /// Refuses options that make no sense.
    ///
    /// # Errors
    /// [`AudioError::BadOptions`] names the rule that is broken.
    pub fn check(&self) -> Result<(), AudioError> {
        self.vad.check()?;
        let rules = [
            (
                (0.1..=self.max_net_speech_s).contains(&self.min_net_speech_s),
                "min_net_speech_s must be 0.1 to max_net_speech_s",
            ),
            ((3.0..=3_600.0).contains(&self.max_net_speech_s), "max_net_speech_s must be 3 to 3,600"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(AudioError::BadOptions { rule }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_nonsense() {
        let good = ExtractOptions::default;
        assert!(good().check().is_ok());
        for bad in [
            ExtractOptions { min_net_speech_s: 0.0, ..good() },
            ExtractOptions { min_net_speech_s: f32::NAN, ..good() },
            ExtractOptions { min_net_speech_s: 121.0, ..good() },
            ExtractOptions { max_net_speech_s: f32::INFINITY, ..good() },
            ExtractOptions { max_net_speech_s: 2.0, ..good() },
        ] {
            assert!(matches!(bad.check(), Err(AudioError::BadOptions { .. })), "{bad:?}");
        }
    }
}
