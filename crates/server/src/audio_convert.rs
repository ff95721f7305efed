//! Audio messages to the engine's words and back; used by all services.

use earmark_engine::{
    ChannelChoice, ChannelRole, Encoding, EngineError, RecordingInput, RecordingSource, SpeechSummary,
    StreamFormat, Timestamp,
};
use earmark_voiceprint::Quality;

use crate::proto::v1;
use crate::refusal::Refusal;

/// Telephone audio, which is what a stream is unless it says otherwise.
const DEFAULT_RATE_HZ: u32 = 8000;
/// A recording's name stands in records and errors: one line, as long as a path.
const MAX_NAME_BYTES: usize = 512;

/// Whose voice a channel carries.
pub(crate) fn role(role: i32, path: &str) -> Result<ChannelRole, Refusal> {
    match v1::ChannelRole::try_from(role) {
        Ok(v1::ChannelRole::Unspecified | v1::ChannelRole::Customer) => Ok(ChannelRole::Customer),
        Ok(v1::ChannelRole::Agent) => Ok(ChannelRole::Agent),
        Ok(v1::ChannelRole::Mixed) => Ok(ChannelRole::Mixed),
        Err(_) => Err(Refusal::field(path, "UNKNOWN_ROLE", "send one of the roles of ChannelRole")),
    }
}

/// A required declaration of audio without a header, and whose voice it carries.
pub(crate) fn stream_format(
    format: Option<v1::StreamFormat>,
    path: &str,
) -> Result<(StreamFormat, ChannelRole), Refusal> {
    let missing = || {
        let problem = "declare encoding, sample rate and channels; audio without a header is never guessed";
        Refusal::field(path, "FORMAT_MISSING", problem)
    };
    let format = format.ok_or_else(missing)?;
    let channels = u16::try_from(format.channels.max(1)).unwrap_or(u16::MAX);
    let role = role(format.role, &format!("{path}.role"))?;
    Ok((checked(&format, channels, channel(format.channel, channels, path)?, path)?, role))
}

fn checked(
    format: &v1::StreamFormat,
    channels: u16,
    channel: ChannelChoice,
    path: &str,
) -> Result<StreamFormat, Refusal> {
    let sample_rate_hz = if format.sample_rate_hz == 0 { DEFAULT_RATE_HZ } else { format.sample_rate_hz };
    let encoding = encoding(format.encoding, path)?;
    let format = StreamFormat { encoding, sample_rate_hz, channels, channel };
    format.check().map_err(|error| Refusal::from(EngineError::from(error)).about_field(path))?;
    Ok(format)
}

fn encoding(encoding: i32, path: &str) -> Result<Encoding, Refusal> {
    let path = format!("{path}.encoding");
    Ok(match v1::Encoding::try_from(encoding) {
        Ok(v1::Encoding::Alaw) => Encoding::ALaw,
        Ok(v1::Encoding::Mulaw) => Encoding::MuLaw,
        Ok(v1::Encoding::PcmS16le) => Encoding::Pcm16Le,
        Ok(v1::Encoding::PcmS16be) => Encoding::Pcm16Be,
        Ok(v1::Encoding::PcmU8) => Encoding::PcmU8,
        Ok(v1::Encoding::PcmS24le) => Encoding::Pcm24Le,
        Ok(v1::Encoding::PcmS32le) => Encoding::Pcm32Le,
        Ok(v1::Encoding::Float32le) => Encoding::Float32Le,
        Ok(v1::Encoding::Gsm610) => Encoding::Gsm610,
        Ok(v1::Encoding::Unspecified) => {
            return Err(Refusal::field(path, "ENCODING_MISSING", "name the encoding; it is never guessed"));
        }
        Err(_) => return Err(Refusal::field(path, "UNKNOWN_ENCODING", "send one of the values of Encoding")),
    })
}

/// Which channel of a stream; one must be named when there are several.
fn channel(chosen: Option<u32>, channels: u16, path: &str) -> Result<ChannelChoice, Refusal> {
    let path = format!("{path}.channel");
    match chosen {
        None if channels == 1 => Ok(ChannelChoice::Mono),
        None => Err(Refusal::field(
            path,
            "CHANNEL_NOT_CHOSEN",
            format!("the stream has {channels} channels; name the customer's, 0 to {}", channels - 1),
        )),
        Some(index) => match u16::try_from(index) {
            Ok(index) if index < channels => Ok(ChannelChoice::Index(index)),
            _ => Err(no_such_channel(path, channels)),
        },
    }
}

fn no_such_channel(path: String, channels: u16) -> Refusal {
    let problem = format!("there are {channels} channels, counted from 0; name one of them");
    Refusal::field(path, "NO_SUCH_CHANNEL", problem)
}

/// A required recording.
pub(crate) fn recording(recording: Option<v1::Recording>, path: &str) -> Result<RecordingInput, Refusal> {
    let missing = || Refusal::field(path, "RECORDING_MISSING", "send a recording");
    let recording = recording.ok_or_else(missing)?;
    if recording.mix && recording.channel.is_some() {
        let problem = "asks for one channel and for the mix of all; send only one of the two";
        return Err(Refusal::field(format!("{path}.mix"), "CHANNEL_AND_MIX", problem));
    }
    let role = recording_role(&recording, path)?;
    let format = recording.format.map(|f| recording_format(f, recording.mix, recording.channel, path));
    let channel = match recording.channel {
        _ if recording.mix => ChannelChoice::Mix,
        None => ChannelChoice::Mono,
        Some(index) => ChannelChoice::Index(
            u16::try_from(index).map_err(|_| no_such_channel(format!("{path}.channel"), u16::MAX))?,
        ),
    };
    let name = name(recording.name, &format!("{path}.name"))?;
    let source = RecordingSource::Bytes(recording.content);
    Ok(RecordingInput { name, source, channel, role, format: format.transpose()? })
}

/// The role may be named in the recording or in the format of headerless content.
fn recording_role(recording: &v1::Recording, path: &str) -> Result<ChannelRole, Refusal> {
    match (&recording.format, recording.role) {
        (Some(format), 0) => role(format.role, &format!("{path}.format.role")),
        (_, named) => role(named, &format!("{path}.role")),
    }
}

/// Several recordings; how many there may be is the engine's to say.
pub(crate) fn recordings(recordings: Vec<v1::Recording>) -> Result<Vec<RecordingInput>, Refusal> {
    let numbered = recordings.into_iter().enumerate();
    numbered.map(|(n, r)| recording(Some(r), &format!("recordings[{n}]"))).collect()
}

/// The format of headerless content. Its channel may also be named in the recording itself.
fn recording_format(
    format: v1::StreamFormat,
    mix: bool,
    outer: Option<u32>,
    path: &str,
) -> Result<StreamFormat, Refusal> {
    let path = format!("{path}.format");
    if mix {
        let channels = u16::try_from(format.channels.max(1)).unwrap_or(u16::MAX);
        return checked(&format, channels, ChannelChoice::Mix, &path);
    }
    let channel = format.channel.or(outer);
    stream_format(Some(v1::StreamFormat { channel, ..format }), &path).map(|(format, _)| format)
}

/// The name of a recording or stream.
pub(crate) fn name(name: String, path: &str) -> Result<Option<String>, Refusal> {
    if name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        let problem = format!("must be one line of at most {MAX_NAME_BYTES} bytes");
        return Err(Refusal::field(path, "BAD_NAME", problem));
    }
    Ok(optional(name))
}

/// In proto3 an absent text is an empty one.
pub(crate) fn optional(text: String) -> Option<String> {
    Some(text).filter(|t| !t.is_empty())
}

pub(crate) fn speech(speech: &SpeechSummary) -> v1::Speech {
    v1::Speech {
        audio_s: speech.audio_s,
        net_speech_s: speech.net_speech.seconds(),
        quality: speech.quality.as_ref().map(quality),
        warnings: speech.warnings.iter().map(|w| w.as_str().to_owned()).collect(),
    }
}

pub(crate) fn quality(quality: &Quality) -> v1::Quality {
    v1::Quality {
        snr_db: quality.snr_db,
        clipped_fraction: quality.clipped_fraction,
        level_dbfs: quality.level_dbfs,
        bandwidth_hz: quality.bandwidth_hz,
    }
}

pub(crate) fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let millis = at.unix_millis();
    // The remainder is 0 to 999, so this fits an i32.
    let nanos = i32::try_from(millis.rem_euclid(1000)).unwrap_or(0) * 1_000_000;
    prost_types::Timestamp { seconds: millis.div_euclid(1000), nanos }
}

/// A moment from outside: the years 1 to 9999, as google.protobuf.Timestamp has it.
pub(crate) fn moment(at: prost_types::Timestamp, path: &str) -> Result<Timestamp, Refusal> {
    const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
    if !SECONDS.contains(&at.seconds) || !(0..1_000_000_000).contains(&at.nanos) {
        return Err(Refusal::field(
            path,
            "BAD_TIME",
            "must be a google.protobuf.Timestamp of the years 1 to 9999",
        ));
    }
    Ok(Timestamp::from_unix_millis(at.seconds * 1000 + i64::from(at.nanos / 1_000_000)))
}

#[cfg(test)]
pub(crate) mod tests;
