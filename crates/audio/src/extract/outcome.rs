use earmark_voiceprint::{NetSpeech, Quality, Voiceprint};

use crate::Warning;

/// What is known about the voice so far, after one more second of speech.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The speech it stands on: 3 s the first time, then one more each time.
    pub net_speech: NetSpeech,
    /// The mean of the voiceprints of all windows of 3 s, one beginning each second of speech.
    pub voiceprint: Voiceprint,
    /// How many windows of the stream there were at that point, whatever came after it meanwhile.
    pub windows: usize,
    /// How good the audio is so far.
    pub quality: Quality,
    /// Where in the call the last of that speech ends, in seconds.
    pub audio_s: f64,
    /// What there is to doubt so far.
    pub warnings: Vec<Warning>,
}

/// What a whole recording or call gave.
#[derive(Clone, Debug)]
pub struct Extraction {
    /// The voiceprint, if there was enough speech.
    pub outcome: Outcome,
    /// All speech there was.
    pub net_speech: NetSpeech,
    /// How good the audio is.
    pub quality: Quality,
    /// Length of the audio, in seconds.
    pub duration_s: f64,
    /// What there is to doubt.
    pub warnings: Vec<Warning>,
    /// Of a live call, or if asked for: a voiceprint of each 3 s of speech, one after the other, up to the cap on speech.
    pub windows: Vec<SpeechWindow>,
    /// Where the speech is, in order; at most [`SpeechSegment::MAX`].
    pub speech: Vec<SpeechSegment>,
}

/// Whether there is a voiceprint.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// There is. Its net speech is what it was made from, at most the cap.
    Voiceprint(Voiceprint),
    /// There was too little speech to make one.
    TooLittleSpeech {
        /// The least that is needed.
        needed: NetSpeech,
    },
}

impl Extraction {
    /// The voiceprint, if there was enough speech.
    #[must_use]
    pub fn voiceprint(&self) -> Option<&Voiceprint> {
        match &self.outcome {
            Outcome::Voiceprint(voiceprint) => Some(voiceprint),
            Outcome::TooLittleSpeech { .. } => None,
        }
    }
}

/// The voiceprint of 3 s of speech, and where in the audio they are.
#[derive(Clone, Debug)]
pub struct SpeechWindow {
    /// The voiceprint.
    pub voiceprint: Voiceprint,
    /// From the first to the last frame of it; longer than 3 s where there is silence between.
    pub span: SpeechSegment,
}

/// A stretch of speech, by whole chunks of voice activity (32 ms).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeechSegment {
    /// Where it begins, in seconds.
    pub start_s: f64,
    /// Where it ends, in seconds.
    pub end_s: f64,
}

impl SpeechSegment {
    /// The most that are listed: hours of talk. Speech after them counts all the same.
    pub const MAX: usize = 10_000;
}
