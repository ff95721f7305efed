use super::gsm_library::{BLOCK_BYTES, FRAME_BYTES, FRAME_SAMPLES, Gsm};
use super::pcm::from_i16;
use crate::AudioError;

/// How GSM 06.10 frames follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GsmLayout {
    /// Frames of 33 bytes that begin with the nibble 0xD: RTP (RFC 3551) and .gsm files.
    Frames33,
    /// Microsoft's blocks of 65 bytes with two frames each, in WAV format 0x31 ("WAV49").
    Blocks65,
}

impl GsmLayout {
    /// The bytes of one unit.
    pub(crate) fn unit_bytes(self) -> usize {
        match self {
            Self::Frames33 => FRAME_BYTES,
            Self::Blocks65 => BLOCK_BYTES,
        }
    }

    /// The samples of one unit.
    pub(crate) fn unit_samples(self) -> usize {
        match self {
            Self::Frames33 => FRAME_SAMPLES,
            Self::Blocks65 => 2 * FRAME_SAMPLES,
        }
    }
}

/// GSM 06.10 full rate to samples; the filters' state runs on from frame to frame.
#[derive(Debug)]
pub(crate) struct GsmDecoder {
    library: Gsm,
    layout: GsmLayout,
    frames: u64,
}

impl GsmDecoder {
    pub(crate) fn new(layout: GsmLayout) -> Result<Self, AudioError> {
        let library = Gsm::new(layout == GsmLayout::Blocks65)?;
        Ok(Self { library, layout, frames: 0 })
    }

    /// Appends the samples of whole units.
    pub(crate) fn decode(&mut self, units: &[u8], out: &mut Vec<f32>) -> Result<(), AudioError> {
        for unit in units.chunks_exact(self.layout.unit_bytes()) {
            let (first, second) = unit.split_at(FRAME_BYTES);
            self.frame(first, out)?;
            if !second.is_empty() {
                self.frame(second, out)?;
            }
        }
        Ok(())
    }

    fn frame(&mut self, bytes: &[u8], out: &mut Vec<f32>) -> Result<(), AudioError> {
        let mut frame = [0; FRAME_BYTES];
        frame[..bytes.len()].copy_from_slice(bytes);
        let Some(samples) = self.library.decode(frame) else {
            let what = format!("frame {} does not begin with the gsm signature", self.frames);
            return Err(AudioError::Malformed { container: "gsm 06.10", what });
        };
        self.frames += 1;
        out.extend(samples.map(from_i16));
        Ok(())
    }
}
