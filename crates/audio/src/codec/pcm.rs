use super::g711;
use crate::Encoding;

/// Appends the samples of whole units; GSM is not made of samples and gives none here.
pub(super) fn decode(encoding: Encoding, bytes: &[u8], out: &mut Vec<f32>) {
    match encoding {
        Encoding::PcmU8 => out.extend(bytes.iter().map(|b| (f32::from(*b) - 128.0) / 128.0)),
        Encoding::PcmS8 => out.extend(bytes.iter().map(|b| f32::from(*b as i8) / 128.0)),
        Encoding::Pcm16Le => out.extend(units(bytes).map(|b| from_i16(i16::from_le_bytes(b)))),
        Encoding::Pcm16Be => out.extend(units(bytes).map(|b| from_i16(i16::from_be_bytes(b)))),
        Encoding::Pcm24Le => out.extend(units(bytes).map(|[a, b, c]| from_i24([a, b, c]))),
        Encoding::Pcm32Le => out.extend(units(bytes).map(|b| from_i32(i32::from_le_bytes(b)))),
        Encoding::Float32Le => out.extend(units(bytes).map(f32::from_le_bytes)),
        Encoding::ALaw => out.extend(bytes.iter().map(|b| g711::ALAW[usize::from(*b)])),
        Encoding::MuLaw => out.extend(bytes.iter().map(|b| g711::MULAW[usize::from(*b)])),
        Encoding::Gsm610 => {}
    }
}

fn units<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks().0.iter().copied()
}

/// 16 bit to [-1, 1): exact in f32.
pub(crate) fn from_i16(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

/// The sign is that of the top byte, so the value is read from the top of an i32: exact in f32.
fn from_i24([low, middle, high]: [u8; 3]) -> f32 {
    from_i32(i32::from_le_bytes([0, low, middle, high]))
}

fn from_i32(sample: i32) -> f32 {
    sample as f32 / 2_147_483_648.0
}
