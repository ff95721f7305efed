use std::io::BufReader;

use hound::{SampleFormat, WavReader};

use super::format::WavFormat;
use super::{Section, header};
use crate::AudioError;
use crate::recording::{Block, Decode, Length, Opened};

/// The frames of one block.
const BLOCK_FRAMES: usize = 4096;

struct PcmDecoder {
    reader: WavReader<BufReader<Section>>,
    interleaved: Vec<f32>,
}

/// PCM and 32-bit float, by hound.
pub(super) fn open(section: Section, format: &WavFormat, data_len: u64) -> Result<Opened, AudioError> {
    let section = section.behind(header(&format.plain_chunk(), data_len)?);
    let reader = WavReader::new(BufReader::with_capacity(1 << 16, section)).map_err(failure)?;
    let frames = data_len / u64::from(format.block_bytes);
    let decoder = Box::new(PcmDecoder { reader, interleaved: Vec::new() });
    let length = Length::Exactly { frames, slack: 0 };
    Ok(Opened { info: format.info(Some(frames)), decoder, length, warnings: Vec::new() })
}

impl Decode for PcmDecoder {
    fn next(&mut self, block: &mut Block) -> Result<bool, AudioError> {
        let spec = self.reader.spec();
        let most = BLOCK_FRAMES * usize::from(spec.channels);
        self.interleaved.clear();
        if spec.sample_format == SampleFormat::Float {
            for sample in self.reader.samples::<f32>().take(most) {
                self.interleaved.push(sample.map_err(failure)?);
            }
        } else {
            let full_scale = (1i64 << (spec.bits_per_sample - 1)) as f32;
            for sample in self.reader.samples::<i32>().take(most) {
                self.interleaved.push(sample.map_err(failure)? as f32 / full_scale);
            }
        }
        block.push_interleaved(&self.interleaved);
        Ok(!self.interleaved.is_empty())
    }
}

/// The header was checked before, so what fails here is the reading itself.
fn failure(error: hound::Error) -> AudioError {
    match error {
        hound::Error::IoError(error) => AudioError::Io(error),
        other => super::riff::malformed(other.to_string()),
    }
}
