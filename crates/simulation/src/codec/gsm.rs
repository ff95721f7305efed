//! ETSI GSM 06.10 full rate: libgsm encodes, the program's own decoder decodes.

use earmark_audio::Encoding;

use super::PACKET;
use super::g711::decode;
use super::gsm_library::{FRAME_BYTES, GsmEncoder};
use crate::SimulationError;

/// After so many lost frames nothing is heard (GSM 06.11: muted within 320 ms).
const MUTED_AFTER: usize = 16;

/// A lost frame is decoded from the last good one again, muted step by step from the second on, as
/// GSM 06.11 (ETS 300 580-3), section 5, has it.
pub(super) fn pass(samples: &[i16], lost: &[bool]) -> Result<Vec<i16>, SimulationError> {
    let mut encoder = GsmEncoder::new().ok_or(SimulationError::Codec { codec: "gsm" })?;
    let mut bytes = Vec::with_capacity(samples.len() / PACKET * FRAME_BYTES);
    let mut last: Option<[u8; FRAME_BYTES]> = None;
    let mut in_a_row = 0;
    let mut gains = Vec::new();
    for (packet, chunk) in samples.chunks(PACKET).enumerate() {
        let mut frame = [0; PACKET];
        frame[..chunk.len()].copy_from_slice(chunk);
        let coded = encoder.encode(frame);
        let is_lost = lost.get(packet).copied().unwrap_or(false);
        in_a_row = if is_lost { in_a_row + 1 } else { 0 };
        let played = match last {
            Some(last) if is_lost => last,
            _ => coded,
        };
        // A call's first frame has nothing before it: silence.
        let missing = is_lost && last.is_none();
        gains.push(if missing { 0.0 } else { gain(in_a_row) });
        bytes.extend_from_slice(&played);
        last = if missing { None } else { Some(played) };
    }
    let mut out = decode(Encoding::Gsm610, &bytes)?;
    for (frame, gain) in out.chunks_mut(PACKET).zip(gains).filter(|(_, gain)| *gain < 1.0) {
        frame.iter_mut().for_each(|sample| *sample = (f32::from(*sample) * gain) as i16);
    }
    Ok(out)
}

fn gain(lost_in_a_row: usize) -> f32 {
    1.0 - lost_in_a_row.saturating_sub(1).min(MUTED_AFTER) as f32 / MUTED_AFTER as f32
}
