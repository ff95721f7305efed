use std::io::{Read, SeekFrom};

use super::detect::unsupported;
use super::opus::OpusDecoder;
use super::packets::{self, PacketDecoder};
use super::pages::{self, Ending};
use super::section::{Section, Source};
use super::{Block, Container, Decode, Length, Opened};
use crate::{AudioError, Limits, Warning};

/// Ogg: Opus by libopus, Vorbis and FLAC by symphonia.
pub(super) fn open(mut source: Box<dyn Source>, bytes: u64, limits: &Limits) -> Result<Opened, AudioError> {
    let first = first_packet(source.as_mut())?;
    match first.as_slice() {
        [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => {
            let ending = pages::ending(source.as_mut(), bytes)?;
            let section = Section::new(source, 0, bytes)?;
            OpusDecoder::open(section, &ending, limits)
        }
        [1, b'v', b'o', b'r', b'b', b'i', b's', ..] | [0x7f, b'F', b'L', b'A', b'C', ..] => {
            let ending = pages::ending(source.as_mut(), bytes)?;
            open_with_symphonia(Section::new(source, 0, bytes)?, ending, limits)
        }
        [b'S', b'p', b'e', b'e', b'x', ..] => Err(unsupported("speex in ogg")),
        [b'f', b'i', b's', b'h', b'e', b'a', b'd', ..] => Err(unsupported("ogg skeleton")),
        [0x80, b't', b'h', b'e', b'o', b'r', b'a', ..] => Err(unsupported("video in ogg")),
        _ => Err(unsupported("an unknown codec in ogg")),
    }
}

fn open_with_symphonia(section: Section, ending: Ending, limits: &Limits) -> Result<Opened, AudioError> {
    let decoder = PacketDecoder::new(packets::ogg_reader(section)?, Container::Ogg, limits)?;
    let (info, frames) = decoder.info();
    let length = frames.map_or(Length::Open, |frames| Length::Exactly { frames, slack: 0 });
    let decoder = Box::new(MaybeUnmarked { decoder, marked: ending.marked });
    Ok(Opened { info, decoder, length, warnings: Vec::new() })
}

/// A stopped recorder leaves no end mark. When the last packet is whole all the same, the missing
/// mark is no more than a warning.
struct MaybeUnmarked {
    decoder: PacketDecoder,
    marked: bool,
}

impl Decode for MaybeUnmarked {
    fn next(&mut self, block: &mut Block) -> Result<bool, AudioError> {
        match self.decoder.next(block) {
            // The demuxer misses the mark; the packets were all there.
            Err(AudioError::Truncated { .. }) if !self.marked => Ok(false),
            other => other,
        }
    }

    fn warning(&self) -> Option<Warning> {
        (!self.marked).then_some(Warning::EndMarkMissing)
    }
}

/// The start of the first packet, which names the codec.
fn first_packet(source: &mut dyn Source) -> Result<Vec<u8>, AudioError> {
    source.seek(SeekFrom::Start(26))?;
    let mut start = Vec::new();
    source.take(1 + 255 + 64).read_to_end(&mut start)?;
    let segments = start.first().map(|count| usize::from(*count));
    let packet = segments.and_then(|count| start.get(1 + count..));
    packet
        .filter(|packet| !packet.is_empty())
        .map(<[u8]>::to_vec)
        .ok_or_else(|| pages::truncated("it ends inside its header"))
}
