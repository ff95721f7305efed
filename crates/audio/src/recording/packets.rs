//! Everything that symphonia demuxes and decodes.

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::default::formats::{AiffReader, FlacReader, MpaReader, OggReader, WavReader};

use super::detect::unsupported;
use super::section::Section;
use super::{Block, Container, Decode, RecordingInfo, duration};
use crate::{AudioError, Limits};

/// A demuxer of one file.
pub(super) type Demuxer = Box<dyn FormatReader>;

fn stream(section: Section) -> MediaSourceStream<'static> {
    MediaSourceStream::new(Box::new(section), MediaSourceStreamOptions::default())
}

macro_rules! opener {
    ($name:ident, $reader:ident, $container:expr) => {
        pub(super) fn $name(section: Section) -> Result<Demuxer, AudioError> {
            let reader = $reader::try_new(stream(section), FormatOptions::default());
            Ok(Box::new(reader.map_err(|error| opening_failure($container, error))?))
        }
    };
}

opener!(wav_reader, WavReader, Container::Wav);
opener!(aiff_reader, AiffReader, Container::Aiff);
opener!(flac_reader, FlacReader, Container::Flac);
opener!(mp3_reader, MpaReader, Container::Mp3);
opener!(ogg_reader, OggReader, Container::Ogg);

/// Decodes the packets of a file's first audio track.
pub(super) struct PacketDecoder {
    demuxer: Demuxer,
    decoder: Box<dyn AudioDecoder>,
    container: Container,
    track: u32,
    channels: u16,
    rate_hz: u32,
    /// The bytes of all packets so far.
    coded_bytes: u64,
    /// The frames a channel of all packets so far.
    decoded: u64,
}

impl PacketDecoder {
    /// Finds the audio and its decoder. The channels and the rate are held against the limits first,
    /// because decoders make room for as many channels as a header claims.
    pub(super) fn new(demuxer: Demuxer, container: Container, limits: &Limits) -> Result<Self, AudioError> {
        let track = demuxer.first_track_known_codec(TrackType::Audio);
        let track =
            track.ok_or_else(|| unsupported(format!("{container} with no audio in a known codec")))?;
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(unsupported(format!("{container} without audio")));
        };
        let malformed = |what: &str| AudioError::Malformed { container: container.name(), what: what.into() };
        let channels = parameters.channels.as_ref().map_or(0, |channels| channels.count());
        let rate_hz = parameters.sample_rate.unwrap_or(0);
        if channels == 0 {
            return Err(malformed("the header says 0 channels"));
        }
        if rate_hz == 0 {
            return Err(malformed("the header says 0 samples a second"));
        }
        let channels = u16::try_from(channels).unwrap_or(u16::MAX);
        limits.check_channels(channels)?;
        limits.check_rate(rate_hz)?;
        let options = AudioDecoderOptions::default().verify(true);
        let decoder = symphonia::default::get_codecs().make_audio_decoder(parameters, &options);
        let decoder = decoder.map_err(|error| opening_failure(container, error))?;
        let track = track.id;
        Ok(Self { demuxer, decoder, container, track, channels, rate_hz, coded_bytes: 0, decoded: 0 })
    }

    /// What the file says of itself, with the frames it announces.
    pub(super) fn info(&self) -> (RecordingInfo, Option<u64>) {
        let frames = self.announced();
        let info = RecordingInfo {
            container: self.container,
            codec: codec_name(self.decoder.codec_params()),
            sample_rate_hz: self.rate_hz,
            channels: self.channels,
            declared_duration: frames.map(|frames| duration(frames, self.rate_hz)),
        };
        (info, frames)
    }

    fn announced(&self) -> Option<u64> {
        let track = self.demuxer.tracks().iter().find(|track| track.id == self.track);
        track.and_then(|track| track.num_frames).filter(|frames| *frames > 0)
    }

    /// At the end: does the audio match the checksum over all of it, where there is one? Of a file
    /// whose end is missing it can't, and that it is missing is for the caller to say.
    fn check_sum(&mut self) -> Result<(), AudioError> {
        let is_whole = self.announced().is_none_or(|frames| self.decoded >= frames);
        match self.decoder.finalize().verify_ok {
            Some(false) if is_whole => Err(self.malformed("the audio does not match its checksum")),
            _ => Ok(()),
        }
    }

    /// The bytes of all packets read so far.
    pub(super) fn coded_bytes(&self) -> u64 {
        self.coded_bytes
    }

    fn malformed(&self, what: impl Into<String>) -> AudioError {
        AudioError::Malformed { container: self.container.name(), what: what.into() }
    }
}

impl Decode for PacketDecoder {
    fn next(&mut self, block: &mut Block) -> Result<bool, AudioError> {
        let packet = match self.demuxer.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return self.check_sum().map(|()| false),
            Err(error) => return Err(reading_failure(self.container, error)),
        };
        if packet.track_id != self.track {
            return Ok(true);
        }
        self.coded_bytes += packet.data.len() as u64;
        let container = self.container;
        let audio = self.decoder.decode(&packet).map_err(|error| reading_failure(container, error))?;
        let as_announced =
            audio.spec().rate() == self.rate_hz && audio.num_planes() == usize::from(self.channels);
        if !audio.is_empty() && !as_announced {
            return Err(self.malformed("the channels or the sample rate change in mid-stream"));
        }
        copy(&audio, block);
        self.decoded += block.frames() as u64;
        Ok(true)
    }
}

fn copy(audio: &GenericAudioBufferRef<'_>, block: &mut Block) {
    if !audio.is_empty() {
        audio.copy_to_vecs_planar(&mut block.channels);
    }
}

fn codec_name(parameters: &AudioCodecParameters) -> &'static str {
    match parameters.codec {
        well_known::CODEC_ID_FLAC => "flac",
        well_known::CODEC_ID_MP3 => "mp3",
        well_known::CODEC_ID_VORBIS => "vorbis",
        well_known::CODEC_ID_PCM_ALAW => "a-law",
        well_known::CODEC_ID_PCM_MULAW => "mu-law",
        well_known::CODEC_ID_ADPCM_MS => "ms adpcm",
        well_known::CODEC_ID_ADPCM_IMA_WAV => "ima adpcm",
        _ => "pcm",
    }
}

fn is_end(error: &Error) -> bool {
    matches!(error, Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof)
}

fn opening_failure(container: Container, error: Error) -> AudioError {
    if is_end(&error) {
        let what = "it ends inside its header".into();
        return AudioError::Truncated { container: container.name(), what };
    }
    failure(container, error)
}

fn reading_failure(container: Container, error: Error) -> AudioError {
    if is_end(&error) {
        let what = "it ends in mid-stream".into();
        return AudioError::Truncated { container: container.name(), what };
    }
    failure(container, error)
}

fn failure(container: Container, error: Error) -> AudioError {
    let malformed = |what: &str| AudioError::Malformed { container: container.name(), what: what.into() };
    match error {
        // The bit readers say so when a packet is shorter than its content.
        Error::IoError(error) if error.to_string() == "unexpected end of bitstream" => {
            malformed("a packet ends inside its content")
        }
        Error::IoError(error) => AudioError::Io(error),
        Error::DecodeError(what) | Error::LimitError(what) => malformed(what),
        Error::Unsupported(what) => unsupported(format!("{container} ({what})")),
        Error::ResetRequired => unsupported(format!("{container} with a second stream after the first")),
        _ => malformed("it can't be decoded"),
    }
}
