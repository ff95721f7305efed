//! RIFF WAVE. Our own scan judges the header and finds the audio; libraries then decode it behind
//! a header that is as it should be: hound for PCM and float, libgsm for GSM 06.10, symphonia for
//! the rest.

mod format;
mod gsm;
mod pcm;

use super::packets::{self, PacketDecoder};
use super::riff::{self, Layout};
use super::section::{Section, Source};
use super::{Container, Length, Opened, RecordingInfo, mp3};
use crate::{AudioError, Limits, Warning};
use format::{Coding, WavFormat};

pub(super) fn open(mut source: Box<dyn Source>, bytes: u64, limits: &Limits) -> Result<Opened, AudioError> {
    let layout = riff::scan(source.as_mut(), bytes)?;
    let format = WavFormat::parse(&layout.format)?;
    limits.check_channels(format.channels)?;
    limits.check_rate(format.sample_rate_hz)?;
    if layout.data_len == 0 {
        return Err(AudioError::Empty);
    }
    let warnings: Vec<Warning> = stray(&layout).into_iter().collect();
    let whole = whole_blocks(&layout, &format)?;
    let section = Section::new(source, layout.data_start, whole)?;
    let mut opened = match format.coding {
        Coding::Pcm { .. } | Coding::Float32 => pcm::open(section, &format, whole)?,
        Coding::Gsm => gsm::open(section, &format, whole, layout.fact_frames)?,
        Coding::Mp3 => mp3::open_section(section, Container::Wav, limits)?,
        _ => open_with_symphonia(section, &layout, &format, whole, limits)?,
    };
    opened.warnings.extend(warnings);
    Ok(opened)
}

/// The audio's length in whole codec blocks. A size that the header states must be whole; where it
/// was left open, a last piece of a block is what the recorder had not finished.
fn whole_blocks(layout: &Layout, format: &WavFormat) -> Result<u64, AudioError> {
    let block = u64::from(format.block_bytes);
    let whole = layout.data_len / block * block;
    let adpcm = matches!(format.coding, Coding::MsAdpcm | Coding::ImaAdpcm | Coding::Mp3);
    if whole == layout.data_len || layout.streamed {
        return if whole == 0 { Err(AudioError::Empty) } else { Ok(whole) };
    }
    // The last block of ADPCM may be short, as its samples are counted by the fact chunk.
    if adpcm {
        return Ok(layout.data_len);
    }
    let what = format!("{} bytes of audio are not a whole number of {block}-byte blocks", layout.data_len);
    Err(riff::malformed(what))
}

fn stray(layout: &Layout) -> Option<Warning> {
    (layout.stray_bytes > 0).then_some(Warning::UnreadBytes { bytes: layout.stray_bytes })
}

fn open_with_symphonia(
    section: Section,
    layout: &Layout,
    format: &WavFormat,
    data_len: u64,
    limits: &Limits,
) -> Result<Opened, AudioError> {
    // ADPCM needs the fields after the base ones; recorders leave them away from the rest.
    let is_adpcm = matches!(format.coding, Coding::MsAdpcm | Coding::ImaAdpcm);
    let chunk = if is_adpcm { layout.format.clone() } else { format.plain_chunk() };
    let section = section.behind(header(&chunk, data_len)?);
    let reader = packets::wav_reader(section)?;
    let decoder = PacketDecoder::new(reader, Container::Wav, limits)?;
    let length = match (format.frames_in(data_len), layout.fact_frames) {
        // Blocks of ADPCM are padded at the end; the fact chunk tells by how much.
        (None, Some(frames)) if frames > 0 => Length::TrimmedTo(frames),
        (None, _) => Length::Open,
        (Some(frames), _) => Length::Exactly { frames, slack: 0 },
    };
    let frames = format.frames_in(data_len).or(layout.fact_frames);
    Ok(Opened { info: format.info(frames), decoder: Box::new(decoder), length, warnings: Vec::new() })
}

/// A plain header before the audio: this format chunk, no other chunk, true sizes.
fn header(format: &[u8], data_len: u64) -> Result<Vec<u8>, AudioError> {
    let too_long = || super::detect::unsupported("wav with more than 4 GiB of audio");
    let data_len = u32::try_from(data_len).map_err(|_| too_long())?;
    let format_len = u32::try_from(format.len()).map_err(|_| too_long())?;
    let riff_len = data_len.checked_add(format_len + format_len % 2 + 20).ok_or_else(too_long)?;
    let mut header = Vec::with_capacity(64);
    header.extend(b"RIFF");
    header.extend(riff_len.to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(format_len.to_le_bytes());
    header.extend(format);
    if !format.len().is_multiple_of(2) {
        header.push(0);
    }
    header.extend(b"data");
    header.extend(data_len.to_le_bytes());
    Ok(header)
}

impl WavFormat {
    fn info(&self, frames: Option<u64>) -> RecordingInfo {
        RecordingInfo {
            container: Container::Wav,
            codec: self.coding.name(),
            sample_rate_hz: self.sample_rate_hz,
            channels: self.channels,
            declared_duration: frames.map(|frames| super::duration(frames, self.sample_rate_hz)),
        }
    }
}

#[cfg(test)]
mod tests;
