use std::sync::Arc;

use earmark_voiceprint::ModelId;

use super::speech::Speech;
use super::speech_frames::SpeechFrames;
use super::{ExtractOptions, Extraction, SampleStream, SpeechStream};
use crate::{
    AudioError, ChannelChoice, ChannelPicker, Limits, RecordingReader, Source, SpeakerModel, StreamFormat,
    VoiceActivityModel,
};

/// Makes voiceprints of recordings and calls. Cheap to clone; all clones share the models.
#[derive(Clone)]
pub struct Extractor {
    speaker: Arc<dyn SpeakerModel>,
    vad: Arc<VoiceActivityModel>,
    options: Arc<ExtractOptions>,
}

impl Extractor {
    /// With these models and options.
    ///
    /// # Errors
    /// [`AudioError::BadOptions`] or [`AudioError::FrontEnd`] for settings that can't be run.
    pub fn new(
        speaker: Arc<dyn SpeakerModel>,
        vad: Arc<VoiceActivityModel>,
        options: ExtractOptions,
    ) -> Result<Self, AudioError> {
        options.check()?;
        speaker.front_end().check()?;
        Ok(Self { speaker, vad, options: Arc::new(options) })
    }

    /// Whose space its voiceprints live in.
    #[must_use]
    pub fn model(&self) -> &ModelId {
        self.speaker.id()
    }

    /// The model that embeds.
    #[must_use]
    pub fn speaker(&self) -> &dyn SpeakerModel {
        &*self.speaker
    }

    /// What was asked of it.
    #[must_use]
    pub fn options(&self) -> &ExtractOptions {
        &self.options
    }

    /// The same models with other options.
    ///
    /// # Errors
    /// [`AudioError::BadOptions`].
    pub fn with_options(&self, options: ExtractOptions) -> Result<Self, AudioError> {
        Self::new(Arc::clone(&self.speaker), Arc::clone(&self.vad), options)
    }

    /// A live call of raw audio in this format.
    ///
    /// # Errors
    /// As [`crate::StreamDecoder::new`].
    pub fn stream(&self, format: StreamFormat) -> Result<SpeechStream, AudioError> {
        SpeechStream::new(self, format, true)
    }

    /// Raw audio in this format, such as an enrollment, with an extraction at its end and no evidence
    /// before: that saves embedding the windows of a live call.
    ///
    /// # Errors
    /// As [`crate::StreamDecoder::new`].
    pub fn stream_to_end(&self, format: StreamFormat) -> Result<SpeechStream, AudioError> {
        SpeechStream::new(self, format, false)
    }

    /// A stream of samples of one channel, with evidence as they come.
    ///
    /// # Errors
    /// [`AudioError::UnsupportedRate`].
    pub fn live_samples(&self, rate_hz: u32) -> Result<SampleStream, AudioError> {
        SampleStream::new(self, rate_hz, true)
    }

    /// A stream of samples of one channel, with an extraction at its end and no evidence before.
    ///
    /// # Errors
    /// [`AudioError::UnsupportedRate`].
    pub fn samples(&self, rate_hz: u32) -> Result<SampleStream, AudioError> {
        SampleStream::new(self, rate_hz, false)
    }

    /// A whole recording, block by block, in bounded memory.
    ///
    /// # Errors
    /// As [`RecordingReader::new`], [`ChannelPicker::new`] and [`SampleStream::accept`].
    pub fn recording(
        &self,
        source: impl Source + 'static,
        channel: ChannelChoice,
        limits: &Limits,
    ) -> Result<Extraction, AudioError> {
        let mut reader = RecordingReader::new(source, limits)?;
        let picker = ChannelPicker::new(channel, reader.info().channels)?;
        let mut stream = self.samples(reader.info().sample_rate_hz)?;
        let mut samples = Vec::new();
        while let Some(block) = reader.next_block()? {
            samples.clear();
            picker.pick_planar(block.channels(), &mut samples);
            stream.accept(&samples)?;
        }
        let mut extraction = stream.finish()?;
        extraction.warnings.extend(picker.warning());
        extraction.warnings.extend_from_slice(reader.warnings());
        Ok(extraction)
    }

    pub(super) fn speech_frames(&self, rate_hz: u32) -> Result<SpeechFrames, AudioError> {
        SpeechFrames::new(rate_hz, self.speaker.front_end(), Arc::clone(&self.vad), &self.options)
    }

    pub(super) fn speech(&self, live: bool) -> Speech {
        Speech::new(&self.speaker, &self.options, live)
    }
}
