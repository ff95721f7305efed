use earmark_voiceprint::{NetSpeech, Voiceprint};

use super::{Evidence, Extraction, Extractor, SampleStream};
use crate::{AudioError, StreamDecoder, StreamFormat};

/// The most bytes that are decoded at once: it bounds the memory that a huge chunk takes.
const MAX_PIECE_BYTES: usize = 1 << 16;

/// A live call or another stream of raw audio: accept bytes as they arrive, take evidence when it is ready, finish.
///
/// Chunks may have any size and be cut anywhere; the numbers are the same to the bit. Memory and
/// threads: as [`SampleStream`].
pub struct SpeechStream {
    decoder: StreamDecoder,
    samples: SampleStream,
    decoded: Vec<f32>,
}

impl SpeechStream {
    pub(super) fn new(extractor: &Extractor, format: StreamFormat, live: bool) -> Result<Self, AudioError> {
        let decoder = StreamDecoder::new(format)?;
        let samples = SampleStream::new(extractor, format.sample_rate_hz, live)?;
        Ok(Self { decoder, samples, decoded: Vec::new() })
    }

    /// Takes bytes of the declared format.
    ///
    /// # Errors
    /// As [`StreamDecoder::accept`], [`StreamDecoder::check_encoding`] and [`SampleStream::accept`].
    /// After an error the stream is of no further use.
    pub fn accept(&mut self, bytes: &[u8]) -> Result<(), AudioError> {
        for piece in bytes.chunks(MAX_PIECE_BYTES) {
            self.decoded.clear();
            self.decoder.accept(piece, &mut self.decoded)?;
            self.decoder.check_encoding()?;
            self.samples.accept(&self.decoded)?;
        }
        Ok(())
    }

    /// Whether there is evidence to take.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.samples.ready()
    }

    /// The next evidence, oldest first: there is one at 3 s of net speech and one for every second
    /// after. None if none is ready, and always none of a stream that is not live.
    pub fn evidence(&mut self) -> Option<Evidence> {
        let mut evidence = self.samples.evidence()?;
        evidence.warnings.extend(self.decoder.warnings());
        Some(evidence)
    }

    /// As [`SampleStream::windows`].
    #[must_use]
    pub fn windows(&self) -> &[Voiceprint] {
        self.samples.windows()
    }

    /// Speech so far, for showing that something is heard before there is evidence.
    #[must_use]
    pub fn net_speech(&self) -> NetSpeech {
        self.samples.net_speech()
    }

    /// Ends the call. Evidence that was not taken is gone.
    ///
    /// # Errors
    /// As [`StreamDecoder::finish`] and [`SampleStream::finish`].
    pub fn finish(self) -> Result<Extraction, AudioError> {
        self.decoder.finish()?;
        let mut extraction = self.samples.finish()?;
        extraction.warnings.extend(self.decoder.warnings());
        Ok(extraction)
    }
}
