//! Human voices, hold music and noise, as recordings and as raw samples at 8 kHz.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use earmark_audio::{Limits, RecordingReader};
use earmark_server::proto::v1::{Encoding, Recording, StreamFormat};

pub(crate) const RATE_HZ: u32 = 8000;

/// Silence between two clips, in samples: a breath.
const PAUSE: usize = RATE_HZ as usize * 2 / 5;

/// A file of `tests/data`.
pub(crate) fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}

pub(crate) fn hostile(file: &str) -> Vec<u8> {
    std::fs::read(path("hostile").join(file)).expect("a hostile file")
}

/// One clip as the file it is, such as `carlo/01`.
pub(crate) fn clip(clip: &str) -> Recording {
    let file = path("voices").join(clip).with_extension("flac");
    recording(clip, std::fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display())))
}

pub(crate) fn recording(name: &str, content: Vec<u8>) -> Recording {
    Recording { name: name.to_owned(), content, ..Default::default() }
}

/// The clips of a person that are for one part (`enroll` or `call`), as the manifest has it.
pub(crate) fn clips(person: &str, part: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(path("voices/manifest.csv")).expect("the manifest opens");
    let rows = reader.records().map(|row| row.expect("a row"));
    let clips: Vec<String> = rows
        .filter(|row| &row[1] == person && &row[2] == part)
        .map(|row| row[0].trim_end_matches(".flac").to_owned())
        .collect();
    assert!(!clips.is_empty(), "{person} has clips for {part}");
    clips
}

/// What a person is enrolled or listed from.
pub(crate) fn enrollment(person: &str) -> Vec<Recording> {
    clips(person, "enroll").iter().map(|c| clip(c)).collect()
}

/// A person's call: the long clips of their part `call`, one after another.
pub(crate) fn call(person: &str) -> Vec<i16> {
    let clips = clips(person, "call");
    let long = clips.iter().map(|c| samples(c)).filter(|s| s.len() > 5 * RATE_HZ as usize);
    long.collect::<Vec<_>>().join(&[0; PAUSE][..])
}

/// The last clip of a person's calls: some 2 s.
pub(crate) fn short_call(person: &str) -> Vec<i16> {
    samples(clips(person, "call").last().expect("a clip"))
}

/// The samples of a clip.
pub(crate) fn samples(clip: &str) -> Vec<i16> {
    decode(&path("voices").join(clip).with_extension("flac"))
}

/// The samples of an 8 kHz mono file.
pub(crate) fn decode(file: &Path) -> Vec<i16> {
    let mut reader = RecordingReader::open(file, &Limits::default()).expect("the file opens");
    assert_eq!((reader.info().sample_rate_hz, reader.info().channels), (RATE_HZ, 1), "{}", file.display());
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().expect("the file reads") {
        samples.extend(block.channels()[0].iter().map(|s| (s * 32768.0).round() as i16));
    }
    samples
}

/// Twelve seconds of noise from a fixed seed, at -20 dBFS or so.
pub(crate) fn noise() -> Vec<i16> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 48) as u16).cast_signed() / 6
    };
    std::iter::repeat_with(next).take(12 * RATE_HZ as usize).collect()
}

/// Samples as the bytes of a raw stream.
pub(crate) fn pcm(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|s| s.to_le_bytes()).collect()
}

/// The declaration of such a stream.
pub(crate) fn pcm_format() -> StreamFormat {
    StreamFormat { encoding: Encoding::PcmS16le.into(), sample_rate_hz: RATE_HZ, ..Default::default() }
}

/// A WAV file of channels of equal length.
pub(crate) fn wav(channels: &[&[i16]]) -> Vec<u8> {
    let spec = hound::WavSpec {
        channels: u16::try_from(channels.len()).expect("few channels"),
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec).expect("a header");
    for frame in 0..channels[0].len() {
        for channel in channels {
            writer.write_sample(channel[frame]).expect("a sample");
        }
    }
    writer.finalize().expect("a file");
    bytes.into_inner()
}

/// A sample in G.711 mu-law (ITU-T G.711, table 2: sign, segment, step, all inverted).
pub(crate) fn mu_law(sample: i16) -> u8 {
    const BIAS: i32 = 132;
    let (sign, magnitude) = if sample < 0 { (0x80, -i32::from(sample)) } else { (0, i32::from(sample)) };
    let biased = magnitude.min(32_635) + BIAS;
    let segment = (0..8).rev().find(|s| biased & (0x80 << s) != 0).unwrap_or(0);
    let step = (biased >> (segment + 3)) & 0x0f;
    !(sign | (segment << 4) as u8 | step as u8)
}
