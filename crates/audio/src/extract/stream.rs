use earmark_voiceprint::NetSpeech;

use super::{Evidence, Extraction, Extractor, SampleStream, SpeechWindow};
use crate::{AudioError, Concealment, Resampler, StreamDecoder, StreamFormat, Warning};

/// The most bytes that are decoded at once: it bounds the memory that a huge chunk takes.
const MAX_PIECE_BYTES: usize = 1 << 16;
/// The longest gap that is filled at once, in seconds.
const MAX_GAP_S: f64 = 10.0;

/// A live call or another stream of raw audio: accept bytes as they arrive, take evidence when it is ready, finish.
///
/// Chunks may have any size and be cut anywhere; the numbers are the same to the bit. Memory and
/// threads: as [`SampleStream`].
pub struct SpeechStream {
    decoder: StreamDecoder,
    /// From the decoder's rate to that of the samples, where a change of format parted the two.
    converter: Option<Resampler>,
    concealment: Concealment,
    samples: SampleStream,
    /// What the decoders before this one warned of.
    warnings: Vec<Warning>,
    decoded: Vec<f32>,
    converted: Vec<f32>,
}

impl SpeechStream {
    pub(super) fn new(extractor: &Extractor, format: StreamFormat, live: bool) -> Result<Self, AudioError> {
        let decoder = StreamDecoder::new(format)?;
        let samples = SampleStream::new(extractor, format.sample_rate_hz, live)?;
        Ok(Self {
            decoder,
            converter: None,
            concealment: Concealment::new(format.sample_rate_hz),
            samples,
            warnings: Vec::new(),
            decoded: Vec::new(),
            converted: Vec::new(),
        })
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
            let samples = match &mut self.converter {
                None => &mut self.decoded,
                Some(converter) => {
                    self.converted.clear();
                    converter.accept(&self.decoded, &mut self.converted);
                    &mut self.converted
                }
            };
            self.concealment.arrived(samples);
            self.samples.accept(samples)?;
        }
        Ok(())
    }

    /// The bytes from here on have another format: the codec changed in the middle of the call.
    ///
    /// # Errors
    /// As [`StreamDecoder::new`] and [`StreamDecoder::finish`]; [`AudioError::UnsupportedRate`] for
    /// another rate in a stream that did not begin with 8 or 16 kHz.
    pub fn change_format(&mut self, format: StreamFormat) -> Result<(), AudioError> {
        let decoder = StreamDecoder::new(format)?;
        let rate_hz = self.samples.rate_hz();
        let converter = match format.sample_rate_hz == rate_hz {
            true => None,
            false => Some(Resampler::new(format.sample_rate_hz, rate_hz)?),
        };
        self.decoder.finish()?;
        self.drain()?;
        self.warnings.extend(self.decoder.warnings());
        (self.decoder, self.converter) = (decoder, converter);
        Ok(())
    }

    /// So many seconds (at most 10) are missing: packets were lost, or silence was not sent. The last
    /// sound goes on, fading to silence within 60 ms, so that a lost packet is no hole in a vowel.
    ///
    /// # Errors
    /// As [`SampleStream::accept`].
    pub fn accept_gap(&mut self, seconds: f64) -> Result<(), AudioError> {
        self.drain()?;
        let count = (seconds.clamp(0.0, MAX_GAP_S) * f64::from(self.samples.rate_hz())).round() as usize;
        self.converted.clear();
        self.concealment.lost(count, &mut self.converted);
        self.samples.accept(&self.converted)
    }

    /// Gives what the converter still holds.
    fn drain(&mut self) -> Result<(), AudioError> {
        let Some(converter) = &mut self.converter else { return Ok(()) };
        self.converted.clear();
        converter.finish(&mut self.converted);
        self.concealment.arrived(&mut self.converted);
        self.samples.accept(&self.converted)
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
        evidence.warnings.extend_from_slice(&self.warnings);
        evidence.warnings.extend(self.decoder.warnings());
        Some(evidence)
    }

    /// As [`SampleStream::windows`].
    #[must_use]
    pub fn windows(&self) -> &[SpeechWindow] {
        self.samples.windows()
    }

    /// Speech so far, for showing that something is heard before there is evidence.
    #[must_use]
    pub fn net_speech(&self) -> NetSpeech {
        self.samples.net_speech()
    }

    /// Length of the audio so far, in seconds.
    #[must_use]
    pub fn duration_s(&self) -> f64 {
        self.samples.duration_s()
    }

    /// Ends the call. Evidence that was not taken is gone.
    ///
    /// # Errors
    /// As [`StreamDecoder::finish`] and [`SampleStream::finish`].
    pub fn finish(mut self) -> Result<Extraction, AudioError> {
        self.decoder.finish()?;
        self.drain()?;
        let mut extraction = self.samples.finish()?;
        extraction.warnings.extend(self.warnings);
        extraction.warnings.extend(self.decoder.warnings());
        Ok(extraction)
    }
}
