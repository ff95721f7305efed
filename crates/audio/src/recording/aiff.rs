use super::packets::{self, PacketDecoder};
use super::section::{Section, Source};
use super::{Container, Length, Opened};
use crate::{AudioError, Limits};

/// AIFF and AIFF-C, by symphonia.
pub(super) fn open(source: Box<dyn Source>, bytes: u64, limits: &Limits) -> Result<Opened, AudioError> {
    let demuxer = packets::aiff_reader(Section::new(source, 0, bytes)?)?;
    let decoder = PacketDecoder::new(demuxer, Container::Aiff, limits)?;
    let (info, frames) = decoder.info();
    let length = frames.map_or(Length::Open, |frames| Length::Exactly { frames, slack: 0 });
    Ok(Opened { info, decoder: Box::new(decoder), length, warnings: Vec::new() })
}
