//! `Debug` of the messages that carry a voice: it shows sizes and never the voice, so that no log
//! line and no error text can leak biometrics.

use std::fmt;

use super::v1::{EnrollRequest, Recording, ScreenCallRequest, Voiceprint};
use super::v1::{enroll_request, screen_call_request};
use super::{ringcx, webex};

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording")
            .field("content_bytes", &self.content.len())
            .field("channel", &self.channel)
            .field("mix", &self.mix)
            .field("role", &self.role)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Voiceprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Voiceprint")
            .field("model", &self.model)
            .field("dimension", &self.values.len())
            .field("net_speech_s", &self.net_speech_s)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for EnrollRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EnrollRequest").field(&self.request).finish()
    }
}

impl fmt::Debug for enroll_request::Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(config) => config.fmt(f),
            Self::Audio(audio) => write!(f, "Audio({} bytes)", audio.len()),
        }
    }
}

impl fmt::Debug for webex::AudioStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioStream")
            .field("audio_data_bytes", &self.audio_data.len())
            .field("encoding", &self.encoding)
            .field("sample_rate_hertz", &self.sample_rate_hertz)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ringcx::AudioContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudioContent")
            .field("payload_bytes", &self.payload.len())
            .field("seq", &self.seq)
            .field("duration", &self.duration)
            .finish()
    }
}

impl fmt::Debug for ScreenCallRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScreenCallRequest").field(&self.request).finish()
    }
}

impl fmt::Debug for screen_call_request::Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(config) => config.fmt(f),
            Self::Audio(audio) => write!(f, "Audio({} bytes)", audio.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_voice() {
        let print = Voiceprint { values: vec![0.123_456], ..Voiceprint::default() };
        let audio = screen_call_request::Request::Audio(vec![177; 3].into());
        let enroll = enroll_request::Request::Audio(vec![177; 3].into());
        let recording = Recording { content: vec![177; 3], ..Recording::default() };
        let shown = format!(
            "{print:?} {:?} {:?} {recording:?}",
            ScreenCallRequest { request: Some(audio) },
            EnrollRequest { request: Some(enroll) }
        );
        assert!(!shown.contains("0.12") && !shown.contains("177"), "{shown}");
        assert!(shown.contains("dimension: 1") && shown.contains("Audio(3 bytes)"), "{shown}");
    }
}
