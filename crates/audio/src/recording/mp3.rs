use std::io::SeekFrom;

use super::detect::{SUPPORTED, unsupported};
use super::packets::{self, PacketDecoder};
use super::section::{Section, Source};
use super::{Container, Length, Opened};
use crate::{AudioError, Limits};

/// Frames of one coding keep these header bits (ISO/IEC 11172-3, 2.4.1.3): sync, version, layer and
/// sample rate. Bit rate, padding and stereo mode may change.
const CONSTANT_BITS: u32 = 0xfffe_0c00;

/// How many ID3 tags may stand one after the other.
const MAX_TAGS: usize = 16;

/// MPEG audio, layer 3, by symphonia: a file that is no other kind and has MPEG frames.
pub(super) fn open(mut source: Box<dyn Source>, bytes: u64, limits: &Limits) -> Result<Opened, AudioError> {
    let start = behind_tags(source.as_mut(), bytes)?;
    match frames_begin(source.as_mut(), start, bytes)? {
        None if start > 0 => Err(AudioError::Malformed {
            container: Container::Mp3.name(),
            what: "no mpeg frame follows the id3 tag".into(),
        }),
        None => Err(AudioError::NotAudio { supported: SUPPORTED }),
        Some(3) => open_section(Section::new(source, start, bytes - start)?, Container::Mp3, limits),
        Some(layer) => Err(unsupported(format!("mpeg audio layer {layer}"))),
    }
}

/// MPEG frames in a file of their own or in a WAV file.
pub(super) fn open_section(
    section: Section,
    container: Container,
    limits: &Limits,
) -> Result<Opened, AudioError> {
    // Forward only: of a file whose length it knows, the demuxer guesses the number of frames from
    // the first few and cuts off what is more.
    let decoder = PacketDecoder::new(packets::mp3_reader(section.forward_only())?, container, limits)?;
    let (info, frames) = decoder.info();
    // A Xing or VBRI header counts MPEG frames; encoders differ by one or two at the ends.
    let length = frames.map_or(Length::Open, |frames| Length::Exactly { frames, slack: 2 * 1152 });
    Ok(Opened { info, decoder: Box::new(decoder), length, warnings: Vec::new() })
}

/// The first byte after any ID3v2 tags (id3.org, ID3v2.4 structure, 3.1: the size has 7 bits a byte).
fn behind_tags(source: &mut dyn Source, bytes: u64) -> Result<u64, AudioError> {
    let mut position = 0;
    for _ in 0..MAX_TAGS {
        let mut header = [0; 10];
        if position + 10 > bytes {
            break;
        }
        source.seek(SeekFrom::Start(position))?;
        source.read_exact(&mut header)?;
        let [b'I', b'D', b'3', _, _, flags, size @ ..] = header else { break };
        let size = size.iter().fold(0u64, |size, byte| size << 7 | u64::from(byte & 0x7f));
        let footer = if flags & 0x10 != 0 { 10 } else { 0 };
        position += 10 + size + footer;
        if position >= bytes {
            let what = "it ends inside its id3 tag".into();
            return Err(AudioError::Truncated { container: Container::Mp3.name(), what });
        }
    }
    Ok(position)
}

/// The layer, when a frame stands at `start` and another like it, or the end of the file, follows.
fn frames_begin(source: &mut dyn Source, start: u64, bytes: u64) -> Result<Option<u8>, AudioError> {
    let Some((word, layer, frame_bytes)) = frame_at(source, start, bytes)? else { return Ok(None) };
    let next = start + frame_bytes;
    if next >= bytes {
        // A frame alone, whole or not: too little to tell it from noise, unless whole.
        return Ok((next == bytes).then_some(layer));
    }
    let like = match frame_at(source, next, bytes)? {
        Some((next_word, ..)) => (word ^ next_word) & CONSTANT_BITS == 0,
        None => bytes - next < 4,
    };
    Ok(like.then_some(layer))
}

fn frame_at(source: &mut dyn Source, at: u64, bytes: u64) -> Result<Option<(u32, u8, u64)>, AudioError> {
    if at + 4 > bytes {
        return Ok(None);
    }
    source.seek(SeekFrom::Start(at))?;
    let mut word = [0; 4];
    source.read_exact(&mut word)?;
    let word = u32::from_be_bytes(word);
    Ok(frame_size(word).map(|(layer, size)| (word, layer, size)))
}

/// The layer and the bytes of the frame with this header (ISO/IEC 11172-3, 2.4.2.3; 13818-3, 2.4.2.3;
/// MPEG 2.5 halves the rates again). Free-format frames, which name no bit rate, are not taken.
fn frame_size(word: u32) -> Option<(u8, u64)> {
    const RATES_HZ: [u64; 3] = [44_100, 48_000, 32_000];
    const V1_L1: [u64; 14] = [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
    const V1_L2: [u64; 14] = [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
    const V1_L3: [u64; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const V2_L1: [u64; 14] = [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
    const V2_L23: [u64; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    if word >> 21 != 0x7ff {
        return None;
    }
    let field = |shift: u32, bits: u32| (word >> shift) & ((1 << bits) - 1);
    let divisor = match field(19, 2) {
        3 => 1,
        2 => 2,
        0 => 4,
        _ => return None,
    };
    let layer = 4 - field(17, 2) as u8;
    let rates = match (divisor, layer) {
        (1, 1) => &V1_L1,
        (1, 2) => &V1_L2,
        (1, 3) => &V1_L3,
        (_, 1) => &V2_L1,
        (_, 2 | 3) => &V2_L23,
        _ => return None,
    };
    let bit_rate = 1000 * rates.get((field(12, 4) as usize).checked_sub(1)?)?;
    let rate = RATES_HZ.get(field(10, 2) as usize)? / divisor;
    let padding = u64::from(field(9, 1));
    let size = match (layer, divisor) {
        (1, _) => (12 * bit_rate / rate + padding) * 4,
        (3, 2 | 4) => 72 * bit_rate / rate + padding,
        _ => 144 * bit_rate / rate + padding,
    };
    Some((layer, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_sizes_are_the_standards() {
        // 128 kbit/s at 44.1 kHz, layer 3: 417 bytes, 418 with padding.
        assert_eq!(frame_size(0xfffb_9000), Some((3, 417)));
        assert_eq!(frame_size(0xfffb_9200), Some((3, 418)));
        // MPEG 2, 22.05 kHz, 64 kbit/s, layer 3: 208 bytes; MPEG 2.5, 8 kHz, 16 kbit/s: 144.
        assert_eq!(frame_size(0xfff3_8000), Some((3, 208)));
        assert_eq!(frame_size(0xffe3_2800), Some((3, 144)));
        // Layer 2, 192 kbit/s, 48 kHz: 576 bytes.
        assert_eq!(frame_size(0xfffd_a400), Some((2, 576)));
    }

    #[test]
    fn reserved_values_are_no_frame() {
        for word in
            [0x0000_0000, 0xfffb_f000, 0xfffb_0000, 0xfffb_9c00, 0xffeb_9000, 0xfff9_9000 & 0xffe1_ffff]
        {
            assert_eq!(frame_size(word), None, "{word:08x}");
        }
    }
}
