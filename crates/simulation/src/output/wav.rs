//! WAV files of one channel at 8 kHz.

use std::io::{Cursor, Write};

use super::OutputFormat;
use crate::RATE_HZ;
use crate::codec::alaw;

/// WAVE_FORMAT_ALAW.
const ALAW_TAG: u16 = 6;

pub(super) fn write(format: OutputFormat, samples: &[i16], out: &mut dyn Write) -> std::io::Result<()> {
    match format {
        OutputFormat::Pcm16 => pcm16(samples, out),
        OutputFormat::Alaw => a_law(samples, out),
    }
}

fn pcm16(samples: &[i16], out: &mut dyn Write) -> std::io::Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::with_capacity(2 * samples.len() + 64));
    let written = hound::WavWriter::new(&mut bytes, spec).and_then(|mut writer| {
        samples.iter().try_for_each(|sample| writer.write_sample(*sample))?;
        writer.finalize()
    });
    written.map_err(std::io::Error::other)?;
    out.write_all(bytes.get_ref())
}

/// hound writes no A-law: a format chunk of 18 bytes, the number of samples, the octets.
fn a_law(samples: &[i16], out: &mut dyn Write) -> std::io::Result<()> {
    let count = u32::try_from(samples.len()).map_err(std::io::Error::other)?;
    let rate = RATE_HZ as u32;
    let padding = count % 2;
    out.write_all(b"RIFF")?;
    out.write_all(&(4 + 26 + 12 + 8 + count + padding).to_le_bytes())?;
    out.write_all(b"WAVEfmt ")?;
    out.write_all(&18u32.to_le_bytes())?;
    out.write_all(&ALAW_TAG.to_le_bytes())?;
    out.write_all(&1u16.to_le_bytes())?;
    out.write_all(&rate.to_le_bytes())?;
    out.write_all(&rate.to_le_bytes())?;
    out.write_all(&1u16.to_le_bytes())?;
    out.write_all(&8u16.to_le_bytes())?;
    out.write_all(&0u16.to_le_bytes())?;
    out.write_all(b"fact")?;
    out.write_all(&4u32.to_le_bytes())?;
    out.write_all(&count.to_le_bytes())?;
    out.write_all(b"data")?;
    out.write_all(&count.to_le_bytes())?;
    let octets: Vec<u8> = samples.iter().map(|&sample| alaw(sample)).collect();
    out.write_all(&octets)?;
    out.write_all(&vec![0; padding as usize])
}
