use std::io::SeekFrom;

use super::packets::{self, PacketDecoder};
use super::section::{Section, Source};
use super::{Block, Container, Decode, Length, Opened};
use crate::{AudioError, Limits};

/// The most metadata blocks before the audio; a block type is 7 bits, and few repeat.
const MAX_METADATA_BLOCKS: usize = 1024;

/// Native FLAC, by symphonia, with its frame and file checksums verified.
pub(super) fn open(mut source: Box<dyn Source>, bytes: u64, limits: &Limits) -> Result<Opened, AudioError> {
    let audio_start = audio_start(source.as_mut(), bytes)?;
    let demuxer = packets::flac_reader(Section::new(source, 0, bytes)?)?;
    let decoder = PacketDecoder::new(demuxer, Container::Flac, limits)?;
    let (info, frames) = decoder.info();
    let audio_bytes = bytes - audio_start;
    let (length, decoder): (_, Box<dyn Decode>) = match frames {
        Some(frames) => (Length::Exactly { frames, slack: 0 }, Box::new(decoder)),
        None => (Length::Open, Box::new(Unannounced { decoder, audio_bytes })),
    };
    Ok(Opened { info, decoder, length, warnings: Vec::new() })
}

/// A file whose header leaves the length open, as streaming encoders do. Its frames must cover it:
/// the demuxer drops a last frame that is incomplete without a word.
struct Unannounced {
    decoder: PacketDecoder,
    audio_bytes: u64,
}

impl Decode for Unannounced {
    fn next(&mut self, block: &mut Block) -> Result<bool, AudioError> {
        let more = self.decoder.next(block)?;
        let missing = self.audio_bytes.saturating_sub(self.decoder.coded_bytes());
        if more || missing == 0 {
            return Ok(more);
        }
        let what = format!("its last {missing} bytes are no whole frame");
        Err(AudioError::Truncated { container: Container::Flac.name(), what })
    }
}

/// The first byte after the metadata blocks (RFC 9639, section 8.1: one bit last, seven bits type,
/// 24 bits length).
fn audio_start(source: &mut dyn Source, bytes: u64) -> Result<u64, AudioError> {
    let mut position = 4;
    for _ in 0..MAX_METADATA_BLOCKS {
        let mut header = [0; 4];
        if position + 4 > bytes {
            break;
        }
        source.seek(SeekFrom::Start(position))?;
        source.read_exact(&mut header)?;
        let [kind, length @ ..] = header;
        let [high, middle, low] = length.map(u64::from);
        position += 4 + (high << 16 | middle << 8 | low);
        if kind & 0x80 != 0 && position < bytes {
            return Ok(position);
        }
    }
    let what = "it ends inside its header".into();
    Err(AudioError::Truncated { container: Container::Flac.name(), what })
}
