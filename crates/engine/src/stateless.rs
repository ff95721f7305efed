use earmark_scoring::{Llr, Prepared};
use earmark_voiceprint::{NetSpeech, Quality, Voiceprint};

use crate::engine::Engine;
use crate::{Cancellation, EngineError, Extracted, PrintWithQuality, RecordingInput};

/// The most pairs one comparison makes: some milliseconds of work and a reply of under 1 MiB.
pub const MAX_COMPARISONS: usize = 100_000;

impl Engine {
    /// Makes a voiceprint of a recording and keeps nothing.
    ///
    /// # Errors
    /// What is wrong with the recording, or too little speech.
    pub fn extract(
        &self,
        recording: &RecordingInput,
        cancel: &Cancellation,
    ) -> Result<Extracted, EngineError> {
        let heard = self.hear(recording, 0, false, cancel)?;
        let (what, got) = (heard.title.clone(), heard.speech.net_speech);
        let needed = self.min_voiceprint_speech();
        let voiceprint = heard.voiceprint.ok_or(EngineError::InsufficientSpeech { what, got, needed })?;
        Ok(Extracted { voiceprint, speech: heard.speech })
    }

    /// The calibrated LLR of every enrolled voiceprint (rows) with every probe (columns).
    ///
    /// # Errors
    /// Too many pairs, or a voiceprint of another model.
    pub fn compare(
        &self,
        enrolled: &[PrintWithQuality],
        probes: &[PrintWithQuality],
    ) -> Result<Vec<Vec<Llr>>, EngineError> {
        let got = enrolled.len().saturating_mul(probes.len());
        if got > MAX_COMPARISONS {
            return Err(EngineError::TooManyComparisons { got, max: MAX_COMPARISONS });
        }
        let (enrolled, probes) = (self.probes_of(enrolled)?, self.probes_of(probes)?);
        let llr = |e, p| Ok(self.scorer().matcher.score(e, p)?.llr);
        enrolled.iter().map(|e| probes.iter().map(|p| llr(e, p)).collect()).collect()
    }

    /// The mean of voiceprints of one person, weighted by their speech.
    ///
    /// # Errors
    /// No voiceprints, none with speech, or voiceprints of several models.
    pub fn merge(&self, prints: &[PrintWithQuality]) -> Result<PrintWithQuality, EngineError> {
        let weighted = prints.iter().map(|p| (&p.voiceprint, p.voiceprint.net_speech().seconds()));
        let voiceprint = Voiceprint::weighted_mean(weighted)?;
        Ok(PrintWithQuality { voiceprint, quality: merged_quality(prints) })
    }

    fn probes_of(&self, prints: &[PrintWithQuality]) -> Result<Vec<Prepared>, EngineError> {
        let matcher = &self.scorer().matcher;
        prints.iter().map(|p| Ok(matcher.prepare(&p.voiceprint, p.quality)?)).collect()
    }
}

fn merged_quality(prints: &[PrintWithQuality]) -> Option<Quality> {
    let parts: Vec<(NetSpeech, Option<Quality>)> =
        prints.iter().map(|p| (p.voiceprint.net_speech(), p.quality)).collect();
    earmark_scoring::Side::merged(&parts)?.quality
}
