use std::io::{BufReader, Read};

use super::Section;
use super::format::WavFormat;
use crate::AudioError;
use crate::codec::{GsmDecoder, GsmLayout};
use crate::recording::{Block, Decode, Length, Opened};

struct GsmBlocks {
    bytes: BufReader<Section>,
    /// Blocks not yet read.
    left: u64,
    decoder: GsmDecoder,
    samples: Vec<f32>,
}

/// How many 65-byte blocks make one of ours: 1.3 s at 8 kHz.
const BLOCKS_AT_ONCE: u64 = 32;

/// GSM 06.10 in Microsoft's blocks of 65 bytes for 320 samples ("WAV49").
pub(super) fn open(
    section: Section,
    format: &WavFormat,
    data_len: u64,
    fact_frames: Option<u64>,
) -> Result<Opened, AudioError> {
    let layout = GsmLayout::Blocks65;
    let left = data_len / layout.unit_bytes() as u64;
    let coded = left * layout.unit_samples() as u64;
    // The fact chunk counts samples; when it is off by more than the last block, it is not believed.
    let padded = |frames: &u64| (coded.saturating_sub(layout.unit_samples() as u64)..coded).contains(frames);
    let frames = fact_frames.filter(|frames| *frames > 0 && padded(frames)).unwrap_or(coded);
    let decoder = GsmBlocks {
        bytes: BufReader::with_capacity(1 << 16, section),
        left,
        decoder: GsmDecoder::new(layout)?,
        samples: Vec::new(),
    };
    let length = Length::TrimmedTo(frames);
    Ok(Opened { info: format.info(Some(frames)), decoder: Box::new(decoder), length, warnings: Vec::new() })
}

impl Decode for GsmBlocks {
    fn next(&mut self, block: &mut Block) -> Result<bool, AudioError> {
        let blocks = self.left.min(BLOCKS_AT_ONCE);
        let mut coded = vec![0; blocks as usize * GsmLayout::Blocks65.unit_bytes()];
        self.bytes.read_exact(&mut coded)?;
        self.left -= blocks;
        self.samples.clear();
        self.decoder.decode(&coded, &mut self.samples)?;
        block.push_interleaved(&self.samples);
        Ok(blocks > 0)
    }
}
