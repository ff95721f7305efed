//! Opus (RFC 6716) as telephony uses it on narrowband calls: 8 kHz, 20 ms, tuned for voice.

use opus::{Application, Bandwidth, Bitrate, Channels, Decoder, Encoder};

use super::{Line, PACKET};
use crate::{RATE_HZ, SimulationError};

/// The largest packet (RFC 6716, section 3.4).
const MAX_PACKET_BYTES: usize = 1275;

pub(super) fn pass(kbit_s: u16, samples: &[i16], line: &Line<'_>) -> Result<Vec<i16>, SimulationError> {
    let lost = |packet| line.is_lost(packet);
    coded(kbit_s, samples, line.gaps, lost).map_err(|_| SimulationError::Codec { codec: "opus" })
}

fn coded(
    kbit_s: u16,
    samples: &[i16],
    gaps: bool,
    lost: impl Fn(usize) -> bool,
) -> Result<Vec<i16>, opus::Error> {
    let mut encoder = Encoder::new(RATE_HZ as u32, Channels::Mono, Application::Voip)?;
    encoder.set_bitrate(Bitrate::Bits(i32::from(kbit_s) * 1000))?;
    encoder.set_max_bandwidth(Bandwidth::Narrowband)?;
    encoder.set_dtx(gaps)?;
    let mut decoder = Decoder::new(RATE_HZ as u32, Channels::Mono)?;
    // What the encoder and both resamplers delay, by the library's own account.
    let delay = usize::try_from(encoder.get_lookahead()?).unwrap_or(0);
    let packets = (samples.len() + delay).div_ceil(PACKET);
    let mut out = Vec::with_capacity(packets * PACKET);
    let (mut coded, mut decoded) = ([0; MAX_PACKET_BYTES], [0; PACKET]);
    for packet in 0..packets {
        let mut frame = [0; PACKET];
        let from = (packet * PACKET).min(samples.len());
        let chunk = &samples[from..(from + PACKET).min(samples.len())];
        frame[..chunk.len()].copy_from_slice(chunk);
        let bytes = encoder.encode(&frame, &mut coded)?;
        // An empty packet asks the decoder to conceal (RFC 6716, section 4.4).
        let arrived = if lost(packet) { &[] } else { &coded[..bytes] };
        decoder.decode(arrived, &mut decoded, false)?;
        out.extend_from_slice(&decoded);
    }
    out.drain(..delay.min(out.len()));
    Ok(out)
}
