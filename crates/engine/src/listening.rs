use std::fs::File;
use std::io::{Cursor, Read};

use earmark_audio::{
    AudioError, ChannelPicker, ChannelRole, Evidence, Extraction, RecordingReader, SampleStream, Source,
    SpeechStream, SpeechWindow, StreamDecoder, StreamFormat, Warning,
};
use earmark_voiceprint::{NetSpeech, Voiceprint};

use crate::admission::Heard;
use crate::call::{SpeechSummary, WarningCode};
use crate::engine::Engine;
use crate::input::RecordingSource;
use crate::{Cancellation, EngineError, RecordingInput};

/// The bytes of a headerless recording decoded at once.
const PIECE_BYTES: usize = 1 << 16;

/// Hears a live stream, and makes voiceprints of it.
pub(crate) struct Listener {
    ear: Ear,
    role: ChannelRole,
}

enum Ear {
    /// Raw audio as it is spoken.
    Stream(Box<SpeechStream>),
    /// A recording that was heard whole.
    Whole(Box<Heard>),
    /// The caller's voice may not be processed: only time passes.
    Deaf { audio_s: f64, bytes_per_s: f64 },
}

impl Listener {
    /// For raw audio. `evidence` asks for a voiceprint every second of speech, or else of every 3 s
    /// window at the end, to see whether they are of one voice.
    pub(crate) fn stream(
        engine: &Engine,
        format: StreamFormat,
        role: ChannelRole,
        evidence: bool,
    ) -> Result<Self, EngineError> {
        let stream = match evidence {
            true => engine.extractor().stream(format)?,
            false => engine.enrollment_extractor().stream_to_end(format)?,
        };
        Ok(Self { ear: Ear::Stream(Box::new(stream)), role })
    }

    /// For a recording that was heard already.
    pub(crate) fn heard(heard: Heard, role: ChannelRole) -> Self {
        Self { ear: Ear::Whole(Box::new(heard)), role }
    }

    /// For a caller whose voice may not be processed.
    pub(crate) fn deaf(format: StreamFormat) -> Result<Self, EngineError> {
        format.check()?;
        let ear = Ear::Deaf { audio_s: 0.0, bytes_per_s: bytes_per_s(format) };
        Ok(Self { ear, role: ChannelRole::Customer })
    }

    /// The bytes from here on have another format.
    pub(crate) fn change_format(
        &mut self,
        format: StreamFormat,
        role: ChannelRole,
    ) -> Result<(), EngineError> {
        format.check()?;
        match &mut self.ear {
            Ear::Stream(stream) => stream.change_format(format)?,
            Ear::Whole(_) => {}
            Ear::Deaf { bytes_per_s: rate, .. } => *rate = bytes_per_s(format),
        }
        // Once both parties were in what was heard, they stay in it.
        if role == ChannelRole::Mixed {
            self.role = role;
        }
        Ok(())
    }

    /// So much audio is missing.
    pub(crate) fn accept_gap(&mut self, seconds: f64) -> Result<(), EngineError> {
        match &mut self.ear {
            Ear::Stream(stream) => stream.accept_gap(seconds)?,
            Ear::Whole(_) => {}
            Ear::Deaf { audio_s, .. } => *audio_s += seconds,
        }
        Ok(())
    }

    /// Length of the audio so far, in seconds.
    pub(crate) fn duration_s(&self) -> f64 {
        match &self.ear {
            Ear::Stream(stream) => stream.duration_s(),
            Ear::Whole(heard) => heard.speech.audio_s,
            Ear::Deaf { audio_s, .. } => *audio_s,
        }
    }

    /// Whether the caller's voice is not processed.
    pub(crate) fn is_deaf(&self) -> bool {
        matches!(self.ear, Ear::Deaf { .. })
    }

    pub(crate) fn accept(&mut self, chunk: &[u8]) -> Result<(), EngineError> {
        match &mut self.ear {
            Ear::Stream(stream) => Ok(stream.accept(chunk)?),
            Ear::Whole(_) => Ok(()),
            Ear::Deaf { audio_s, bytes_per_s } => {
                *audio_s += chunk.len() as f64 / *bytes_per_s;
                Ok(())
            }
        }
    }

    /// The next voiceprint that the speech so far allows, and how many windows there were by then.
    pub(crate) fn evidence(&mut self) -> Option<(Voiceprint, SpeechSummary, usize)> {
        let Ear::Stream(stream) = &mut self.ear else { return None };
        let Evidence { net_speech, voiceprint, windows, quality, audio_s, warnings } = stream.evidence()?;
        let warnings = codes(&warnings, self.role);
        let speech = SpeechSummary { audio_s, net_speech, quality: Some(quality), warnings };
        Some((voiceprint, speech, windows))
    }

    /// Voiceprints of the windows of 3 s so far, one after the other.
    pub(crate) fn windows(&self) -> &[SpeechWindow] {
        match &self.ear {
            Ear::Stream(stream) => stream.windows(),
            Ear::Whole(heard) => &heard.windows,
            Ear::Deaf { .. } => &[],
        }
    }

    pub(crate) fn net_speech(&self) -> NetSpeech {
        match &self.ear {
            Ear::Stream(stream) => stream.net_speech(),
            Ear::Whole(heard) => heard.speech.net_speech,
            Ear::Deaf { .. } => NetSpeech::ZERO,
        }
    }

    /// All that was heard. The title is the caller's to set.
    pub(crate) fn finish(self) -> Result<Heard, EngineError> {
        match self.ear {
            Ear::Stream(stream) => Ok(whole(stream.finish()?, self.role)),
            Ear::Whole(heard) => Ok(*heard),
            Ear::Deaf { audio_s, .. } => {
                let speech = SpeechSummary { audio_s, ..SpeechSummary::nothing() };
                Ok(Heard { speech, ..Heard::nothing() })
            }
        }
    }
}

fn bytes_per_s(format: StreamFormat) -> f64 {
    let units_per_s = f64::from(format.sample_rate_hz) / format.encoding.unit_samples() as f64;
    units_per_s * format.encoding.unit_bytes() as f64 * f64::from(format.channels)
}

impl Engine {
    /// Hears recordings one after another; `windows` are made for each.
    pub(crate) fn hear_all(
        &self,
        recordings: &[RecordingInput],
        cancel: &Cancellation,
    ) -> Result<Vec<Heard>, EngineError> {
        let several = recordings.len() > 1;
        let name = |position: usize, error: EngineError| match error {
            EngineError::Audio(source) if several => {
                EngineError::Recording { recording: recordings[position].title(position), position, source }
            }
            other => other,
        };
        recordings
            .iter()
            .enumerate()
            .map(|(position, r)| self.hear(r, position, true, cancel).map_err(|e| name(position, e)))
            .collect()
    }

    /// Hears one whole recording, block by block.
    pub(crate) fn hear(
        &self,
        recording: &RecordingInput,
        position: usize,
        windows: bool,
        cancel: &Cancellation,
    ) -> Result<Heard, EngineError> {
        let source: Box<dyn Source> = match &recording.source {
            RecordingSource::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
            RecordingSource::File(path) => Box::new(File::open(path).map_err(AudioError::from)?),
        };
        let extraction = match recording.format {
            None => self.hear_file(source, recording, windows, cancel)?,
            Some(format) => self.hear_headerless(source, format, windows, cancel)?,
        };
        let heard = whole(extraction, recording.role);
        Ok(Heard { title: recording.title(position), name: recording.name.clone(), ..heard })
    }

    fn hear_file(
        &self,
        source: Box<dyn Source>,
        recording: &RecordingInput,
        windows: bool,
        cancel: &Cancellation,
    ) -> Result<Extraction, EngineError> {
        let mut reader = RecordingReader::new(source, &self.options().limits)?;
        let picker = ChannelPicker::new(recording.channel, reader.info().channels)?;
        let mut stream = self.sample_stream(reader.info().sample_rate_hz, windows)?;
        let mut samples = Vec::new();
        while let Some(block) = reader.next_block()? {
            cancel.check()?;
            samples.clear();
            picker.pick_planar(block.channels(), &mut samples);
            stream.accept(&samples)?;
        }
        let mut extraction = stream.finish()?;
        extraction.warnings.extend(picker.warning());
        extraction.warnings.extend_from_slice(reader.warnings());
        Ok(extraction)
    }

    fn hear_headerless(
        &self,
        mut source: Box<dyn Source>,
        format: StreamFormat,
        windows: bool,
        cancel: &Cancellation,
    ) -> Result<Extraction, EngineError> {
        let mut decoder = StreamDecoder::new(format)?;
        let mut stream = self.sample_stream(format.sample_rate_hz, windows)?;
        let (mut piece, mut samples) = (vec![0; PIECE_BYTES], Vec::new());
        loop {
            cancel.check()?;
            let read = source.read(&mut piece).map_err(AudioError::from)?;
            if read == 0 {
                break;
            }
            samples.clear();
            decoder.accept(&piece[..read], &mut samples)?;
            decoder.check_encoding()?;
            stream.accept(&samples)?;
        }
        decoder.finish()?;
        let mut extraction = stream.finish()?;
        extraction.warnings.extend(decoder.warnings());
        Ok(extraction)
    }

    fn sample_stream(&self, rate_hz: u32, windows: bool) -> Result<SampleStream, EngineError> {
        let extractor = if windows { self.enrollment_extractor() } else { self.extractor() };
        Ok(extractor.samples(rate_hz)?)
    }
}

fn whole(extraction: Extraction, role: ChannelRole) -> Heard {
    let voiceprint = extraction.voiceprint().cloned();
    let quality = (extraction.net_speech > NetSpeech::ZERO).then_some(extraction.quality);
    let speech = SpeechSummary {
        audio_s: extraction.duration_s,
        net_speech: extraction.net_speech,
        quality,
        warnings: codes(&extraction.warnings, role),
    };
    Heard { voiceprint, speech, windows: extraction.windows, ..Heard::nothing() }
}

/// Each warning's code once; a mono signal of both parties is as mixed as a mix of channels.
fn codes(warnings: &[Warning], role: ChannelRole) -> Vec<WarningCode> {
    let mut codes: Vec<WarningCode> = warnings.iter().map(WarningCode::from).collect();
    if role == ChannelRole::Mixed {
        codes.push(WarningCode::MIXED_CHANNELS);
    }
    codes.sort_by_key(|code| code.as_str());
    codes.dedup();
    codes
}
