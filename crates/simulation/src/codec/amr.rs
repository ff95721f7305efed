//! 3GPP AMR narrowband (TS 26.071), with opencore-amrnb.

use super::amr_library::FRAME_BYTES;
use super::{Line, PACKET};
use crate::SimulationError;

/// How many samples the output lies behind the input: the encoder's 5 ms of look-ahead
/// (TS 26.090, section 4.2), as cross-correlation confirms. At low frequencies its high-pass filters
/// lead by a sample.
const DELAY: usize = 40;

/// "No data" (TS 26.101, frame type 15) with the quality bit: the decoder conceals the frame.
const NO_DATA: u8 = 15 << 3 | 1 << 2;

/// A bit rate of AMR-NB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AmrMode(u8);

impl AmrMode {
    /// 4.75 to 12.2 kbit/s.
    pub(crate) const ALL: [Self; 8] =
        [Self(0), Self(1), Self(2), Self(3), Self(4), Self(5), Self(6), Self(7)];

    const NAMES: [&'static str; 8] = ["4.75", "5.15", "5.9", "6.7", "7.4", "7.95", "10.2", "12.2"];

    /// By its kbit/s.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    /// Its kbit/s.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.get(usize::from(self.0)).copied().unwrap_or_default()
    }
}

pub(super) fn pass(mode: AmrMode, samples: &[i16], line: &Line<'_>) -> Result<Vec<i16>, SimulationError> {
    let failed = || SimulationError::Codec { codec: "amr" };
    let library = line.amr.ok_or_else(failed)?;
    let mut encoder = library.encoder(line.gaps).ok_or_else(failed)?;
    let mut decoder = library.decoder().ok_or_else(failed)?;
    let packets = (samples.len() + DELAY).div_ceil(PACKET);
    let mut out = Vec::with_capacity(packets * PACKET);
    let mut lost_frame = [0; FRAME_BYTES];
    lost_frame[0] = NO_DATA;
    for packet in 0..packets {
        let mut frame = [0; PACKET];
        let from = (packet * PACKET).min(samples.len());
        let chunk = &samples[from..(from + PACKET).min(samples.len())];
        frame[..chunk.len()].copy_from_slice(chunk);
        let coded = encoder.encode(mode.0, &frame);
        out.extend(decoder.decode(if line.is_lost(packet) { &lost_frame } else { &coded }));
    }
    out.drain(..DELAY);
    Ok(out)
}
