//! ITU-T G.711 (11/1988): the encoder by its tables' segments, the decoder the program's own.

use earmark_audio::{ChannelChoice, Concealment, Encoding, StreamDecoder, StreamFormat};

use super::PACKET;
use crate::signal::{from_i16, to_i16};
use crate::{RATE_HZ, SimulationError};

pub(super) fn pass(a_law: bool, samples: &[i16], lost: &[bool]) -> Result<Vec<i16>, SimulationError> {
    let encode = if a_law { alaw } else { ulaw };
    let bytes: Vec<u8> = samples.iter().map(|&sample| encode(sample)).collect();
    let decoded = decode(if a_law { Encoding::ALaw } else { Encoding::MuLaw }, &bytes)?;
    if !lost.contains(&true) {
        return Ok(decoded);
    }
    let mut concealment = Concealment::new(RATE_HZ as u32);
    let mut out = Vec::with_capacity(decoded.len());
    for (packet, chunk) in decoded.chunks(PACKET).enumerate() {
        if lost.get(packet).copied().unwrap_or(false) {
            concealment.lost(chunk.len(), &mut out);
        } else {
            let from = out.len();
            out.extend(chunk.iter().copied().map(from_i16));
            concealment.arrived(&mut out[from..]);
        }
    }
    Ok(out.into_iter().map(to_i16).collect())
}

/// The program's own decoder, which is held against the standard's tables there.
pub(super) fn decode(encoding: Encoding, bytes: &[u8]) -> Result<Vec<i16>, SimulationError> {
    let failed = |_| SimulationError::Codec { codec: "telephone line" };
    let format =
        StreamFormat { encoding, sample_rate_hz: RATE_HZ as u32, channels: 1, channel: ChannelChoice::Mono };
    let mut samples = Vec::new();
    StreamDecoder::new(format).and_then(|mut d| d.accept(bytes, &mut samples)).map_err(failed)?;
    Ok(samples.iter().map(|&sample| to_i16(sample)).collect())
}

/// The octet whose interval holds the sample (G.711, table 1).
pub(crate) fn alaw(sample: i16) -> u8 {
    // 12 bits, a sign and 11 of magnitude, carry all decision values. The one's complement mirrors
    // the negative half.
    let (sign, magnitude) = if sample < 0 { (0, !sample >> 4) } else { (0x80, sample >> 4) };
    let magnitude = magnitude as u16;
    let code = if magnitude < 16 {
        magnitude
    } else {
        let segment = 12 - magnitude.leading_zeros() as u16;
        (segment << 4) | ((magnitude >> (segment - 1)) & 0x0f)
    };
    (sign | code as u8) ^ 0x55
}

/// The G.711 mu-law octet whose interval holds the sample (table 2 of the standard): 14 bits with a bias
/// of 33.
#[must_use]
pub fn ulaw(sample: i16) -> u8 {
    const BIAS: i32 = 33;
    const LARGEST: i32 = 8_158;
    let (sign, magnitude) =
        if sample < 0 { (0x80, !i32::from(sample) >> 2) } else { (0, i32::from(sample) >> 2) };
    let biased = magnitude.min(LARGEST) + BIAS;
    let segment = 26 - biased.leading_zeros() as i32;
    let step = (biased >> (segment + 1)) & 0x0f;
    !(sign | (segment << 4 | step) as u8)
}
