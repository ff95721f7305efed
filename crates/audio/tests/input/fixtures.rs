//! The recordings that the tests read, and signals made from them.

use std::path::{Path, PathBuf};

use earmark_audio::{Encoding, Limits, RecordingReader, Resampler, StreamDecoder, StreamFormat};

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The bytes of a file of tests/data.
pub(crate) fn data(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

/// The samples of a raw 16-bit file of tests/data, interleaved.
pub(crate) fn reference(name: &str) -> Vec<f32> {
    data(name).as_chunks().0.iter().map(|b| f32::from(i16::from_le_bytes(*b)) / 32_768.0).collect()
}

/// Samples to the bit, which `==` on floats is not.
pub(crate) fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

/// Makes the checksums of Ogg pages right again after a change, as far as the pages are whole.
pub(crate) fn mend_pages(bytes: &mut [u8]) {
    let mut at = 0;
    while bytes[at..].starts_with(b"OggS") && bytes.len() >= at + 27 {
        let segments = usize::from(bytes[at + 26]);
        let Some(lacing) = bytes.get(at + 27..at + 27 + segments) else { return };
        let end = at + 27 + segments + lacing.iter().map(|value| usize::from(*value)).sum::<usize>();
        if end > bytes.len() {
            return;
        }
        bytes[at + 22..at + 26].fill(0);
        // RFC 3533, section 6: the polynomial 0x04c11db7, nothing inverted or reflected.
        let mut sum = 0u32;
        for byte in &bytes[at..end] {
            sum ^= u32::from(*byte) << 24;
            for _ in 0..8 {
                sum = if sum & 0x8000_0000 != 0 { sum << 1 ^ 0x04c1_1db7 } else { sum << 1 };
            }
        }
        bytes[at + 22..at + 26].copy_from_slice(&sum.to_le_bytes());
        at = end;
    }
}

/// The development speech, if it is there: `EARMARK_SPEECH`, or `shared/speech` beside the project.
pub(crate) fn development_speech() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/speech");
    let folder = std::env::var_os("EARMARK_SPEECH").map_or(beside, PathBuf::from);
    if folder.join("manifest.csv").is_file() {
        return Some(folder);
    }
    println!("skipped: no development speech in {} (set EARMARK_SPEECH)", folder.display());
    None
}

/// The recordings of a manifest whose line holds this text, every `step`th.
pub(crate) fn recordings(manifest: &Path, with: &str, step: usize) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(manifest).unwrap();
    let lines = text.lines().skip(1).filter(|line| line.contains(with));
    let paths = lines.filter_map(|line| line.split(',').next()).step_by(step);
    paths.map(|path| manifest.parent().unwrap().join(path)).collect()
}

/// A recording at 8 kHz with this root mean square.
pub(crate) fn telephone_band(path: &Path, level: f32) -> Vec<f32> {
    let mut reader = RecordingReader::open(path, &Limits::default()).unwrap();
    let mut resampler = Resampler::new(reader.info().sample_rate_hz, 8000).unwrap();
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        resampler.accept(&block.channels()[0], &mut samples);
    }
    resampler.finish(&mut samples);
    scaled(&samples, level)
}

/// The same with this root mean square.
pub(crate) fn scaled(samples: &[f32], level: f32) -> Vec<f32> {
    let power = samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32;
    samples.iter().map(|s| s * level / power.sqrt().max(1e-9)).collect()
}

/// Each sample's nearest octet of G.711 and what that decodes to.
pub(crate) fn companded(encoding: Encoding, samples: &[f32]) -> Vec<(u8, f32)> {
    let mut decoder = StreamDecoder::new(StreamFormat::mono(encoding, 8000)).unwrap();
    let (octets, mut values): (Vec<u8>, _) = ((0..=255).collect(), Vec::new());
    decoder.accept(&octets, &mut values).unwrap();
    let mut sorted: Vec<(u8, f32)> = octets.into_iter().zip(values).collect();
    sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
    let nearest = |sample: &f32| {
        let above = sorted.partition_point(|(_, value)| value < sample).clamp(1, 255);
        let (low, high) = (sorted[above - 1], sorted[above]);
        if sample - low.1 < high.1 - sample { low } else { high }
    };
    samples.iter().map(nearest).collect()
}
