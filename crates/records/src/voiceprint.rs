use std::fmt;

use earmark_voiceprint::{ModelId, NetSpeech, Quality, Voiceprint};

use crate::text::check_line;
use crate::{FieldProblem, RecordsError, Timestamp};

/// The most voiceprints one customer or one proxy may have: more add nothing to a mean, and a
/// stranger must not fill the gallery.
pub const MAX_VOICEPRINTS_PER_SUBJECT: usize = 100;

const MAX_CHANNEL_BYTES: usize = 64;
const MAX_SOURCE_BYTES: usize = 512;

/// A stored voiceprint's number: positive, unique over all tenants, and never given out again,
/// so that a gallery can use it as its entry's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoiceprintId(i64);

impl VoiceprintId {
    /// The number, which fits an `i64` as well.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.unsigned_abs()
    }

    /// From a number that [`VoiceprintId::get`] gave; `None` if it can't be one.
    #[must_use]
    pub fn from_number(number: u64) -> Option<Self> {
        i64::try_from(number).ok().filter(|n| *n > 0).map(Self)
    }

    /// As the database holds it.
    pub(crate) fn from_stored(stored: i64) -> Self {
        Self(stored)
    }
}

impl fmt::Display for VoiceprintId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A voiceprint to keep, and what is known of the recording it came from.
#[derive(Clone, Debug)]
pub struct NewVoiceprint {
    /// The voiceprint, with its model and net speech. Stored sealed.
    pub voiceprint: Voiceprint,
    /// How good the audio was; all fields finite.
    pub quality: Quality,
    /// Its part in the weighted mean of its owner; positive and finite.
    pub weight: f32,
    /// Which channel of the recording was taken, or how it reached us; at most 64 bytes.
    pub channel: Option<String>,
    /// The name of the recording, at most 512 bytes. It stands beside biometrics: let it be the
    /// recording system's number, not a person's name.
    pub source: Option<String>,
}

impl NewVoiceprint {
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        check_quality(&self.quality)?;
        if !(self.weight.is_finite() && self.weight > 0.0) {
            return Err(RecordsError::field("weight", FieldProblem::OutOfRange));
        }
        if let Some(channel) = &self.channel {
            check_line("channel", channel, MAX_CHANNEL_BYTES)?;
        }
        if let Some(source) = &self.source {
            check_line("source recording", source, MAX_SOURCE_BYTES)?;
        }
        Ok(())
    }
}

pub(crate) fn check_quality(q: &Quality) -> Result<(), RecordsError> {
    if [q.snr_db, q.clipped_fraction, q.level_dbfs, q.bandwidth_hz].iter().all(|v| v.is_finite()) {
        return Ok(());
    }
    Err(RecordsError::field("quality", FieldProblem::OutOfRange))
}

/// One voiceprint at least, [`MAX_VOICEPRINTS_PER_SUBJECT`] at most, each sound.
pub(crate) fn check_voiceprints(voiceprints: &[NewVoiceprint]) -> Result<(), RecordsError> {
    check_count(voiceprints.len())?;
    voiceprints.iter().try_for_each(NewVoiceprint::check)
}

pub(crate) fn check_count(got: usize) -> Result<(), RecordsError> {
    let max = MAX_VOICEPRINTS_PER_SUBJECT;
    match got {
        0 => Err(RecordsError::field("voiceprints", FieldProblem::Empty)),
        _ if got > max => Err(RecordsError::field("voiceprints", FieldProblem::TooLong { got, max })),
        _ => Ok(()),
    }
}

/// What is known of a stored voiceprint without opening it.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiceprintInfo {
    /// Its number.
    pub id: VoiceprintId,
    /// The model that made it.
    pub model: ModelId,
    /// How much speech it was made from.
    pub net_speech: NetSpeech,
    /// How good the audio was.
    pub quality: Quality,
    /// Its part in the weighted mean of its owner.
    pub weight: f32,
    /// Which channel of the recording was taken.
    pub channel: Option<String>,
    /// The name of the recording.
    pub source: Option<String>,
    /// When it was kept.
    pub created_at: Timestamp,
}

/// A stored voiceprint, opened.
#[derive(Clone, Debug)]
pub struct StoredVoiceprint {
    /// What is known of it.
    pub info: VoiceprintInfo,
    /// The voiceprint itself.
    pub voiceprint: Voiceprint,
}
