//! What a recording must have before a voice may stand for somebody: enough speech, a fair line,
//! one voice in it, and the same voice in all of them.

use earmark_audio::SpeechWindow;
use earmark_records::NewVoiceprint;
use earmark_scoring::Prepared;
use earmark_voiceprint::{NetSpeech, Quality, Voiceprint};

use crate::call::WarningCode;
use crate::scorer::Scorer;
use crate::views::total_speech;
use crate::voices::Voices;
use crate::{EngineError, EnrollmentRules, SpeechSummary};

/// What was heard in one recording or stream.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// What errors call it.
    pub(crate) title: String,
    /// The name it came with.
    pub(crate) name: Option<String>,
    /// None if there was too little speech for one.
    pub(crate) voiceprint: Option<Voiceprint>,
    pub(crate) speech: SpeechSummary,
    /// Voiceprints of its non-overlapping 3 s windows, in order.
    pub(crate) windows: Vec<SpeechWindow>,
}

impl Heard {
    /// Nothing at all.
    pub(crate) fn nothing() -> Self {
        let speech = SpeechSummary::nothing();
        Self { title: String::new(), name: None, voiceprint: None, speech, windows: Vec::new() }
    }

    fn voiceprint(&self) -> Result<&Voiceprint, EngineError> {
        self.voiceprint.as_ref().ok_or_else(|| self.too_short(NetSpeech::from_seconds(1.0)))
    }

    /// As the records keep it: weighted by its speech, so that a long recording counts for more.
    pub(crate) fn to_record(&self) -> Result<NewVoiceprint, EngineError> {
        let voiceprint = self.voiceprint()?.clone();
        let weight = voiceprint.net_speech().seconds();
        let quality = self.quality()?;
        Ok(NewVoiceprint { voiceprint, quality, weight, channel: None, source: self.name.clone() })
    }

    fn quality(&self) -> Result<Quality, EngineError> {
        self.speech.quality.ok_or_else(|| self.too_short(NetSpeech::from_seconds(1.0)))
    }

    fn too_short(&self, needed: NetSpeech) -> EngineError {
        EngineError::InsufficientSpeech { what: self.title.clone(), got: self.speech.net_speech, needed }
    }

    fn poor(&self, problem: String) -> EngineError {
        EngineError::LowQuality { what: self.title.clone(), problem }
    }
}

/// Checks the number of recordings in a request.
pub(crate) fn check_count(got: usize, max: usize) -> Result<(), EngineError> {
    if (1..=max).contains(&got) { Ok(()) } else { Err(EngineError::RecordingCount { got, max }) }
}

/// Checks all that was heard of one person and gives their mean.
pub(crate) fn admit(
    scorer: &Scorer,
    rules: &EnrollmentRules,
    heard: &[Heard],
) -> Result<Prepared, EngineError> {
    heard.iter().try_for_each(|h| check_recording(scorer, rules, h))?;
    let total = total_speech(heard.iter().map(|h| &h.speech));
    if total < rules.min_total_speech {
        let what =
            if heard.len() == 1 { heard[0].title.clone() } else { "all recordings together".to_owned() };
        return Err(EngineError::InsufficientSpeech { what, got: total, needed: rules.min_total_speech });
    }
    let probes = heard
        .iter()
        .map(|h| Ok(scorer.matcher.prepare(h.voiceprint()?, h.speech.quality)?))
        .collect::<Result<Vec<_>, EngineError>>()?;
    check_cohesion(scorer, rules, heard, &probes)?;
    Ok(scorer.matcher.merge(&probes)?)
}

fn check_recording(scorer: &Scorer, rules: &EnrollmentRules, heard: &Heard) -> Result<(), EngineError> {
    // A mix of both parties is refused as such, whatever could be made out in it.
    if heard.speech.warnings.contains(&WarningCode::MIXED_CHANNELS) {
        return Err(EngineError::SeveralVoices { what: heard.title.clone() });
    }
    if heard.speech.net_speech < rules.min_recording_speech {
        return Err(heard.too_short(rules.min_recording_speech));
    }
    let quality = heard.quality()?;
    if quality.snr_db < rules.min_snr_db {
        let (got, needed) = (quality.snr_db, rules.min_snr_db);
        return Err(heard.poor(format!("its signal-to-noise ratio is {got:.0} dB, {needed:.0} dB is needed")));
    }
    if quality.clipped_fraction > rules.max_clipped_fraction {
        let (got, allowed) = (100.0 * quality.clipped_fraction, 100.0 * rules.max_clipped_fraction);
        return Err(heard.poor(format!("{got:.0} % of its samples are clipped, {allowed:.0} % may be")));
    }
    if holds_several_voices(scorer, rules, &heard.windows)? {
        return Err(EngineError::SeveralVoices { what: heard.title.clone() });
    }
    Ok(())
}

/// Whether the windows split into two voices, or two of them are too little alike for one.
fn holds_several_voices(
    scorer: &Scorer,
    rules: &EnrollmentRules,
    windows: &[SpeechWindow],
) -> Result<bool, EngineError> {
    let back_end = scorer.matcher.bundle().back_end();
    let voices = Voices::of(back_end, windows)?;
    let under = |cosine: Option<f32>, limit| cosine.is_some_and(|cosine| cosine < limit);
    Ok(under(voices.split_cosine()?, rules.min_split_cosine)
        || under(voices.least_cosine(), rules.min_window_cosine))
}

/// Each recording against all others together: the one that fits least is named.
fn check_cohesion(
    scorer: &Scorer,
    rules: &EnrollmentRules,
    heard: &[Heard],
    probes: &[Prepared],
) -> Result<(), EngineError> {
    if probes.len() < 2 {
        return Ok(());
    }
    let mut worst = None;
    for (i, probe) in probes.iter().enumerate() {
        let others = probes.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, p)| p);
        let llr = scorer.matcher.score(&scorer.matcher.merge(others)?, probe)?.llr.nats();
        if worst.is_none_or(|(_, least)| llr < least) {
            worst = Some((i, llr));
        }
    }
    match worst {
        Some((i, llr)) if llr < rules.min_cohesion_llr => {
            Err(EngineError::OutlierRecording { recording: heard[i].title.clone() })
        }
        _ => Ok(()),
    }
}
