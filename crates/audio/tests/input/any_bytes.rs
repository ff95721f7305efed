//! Whatever the bytes are: a typed error or samples, never a panic, never an endless file.

use std::io::Cursor;

use earmark_audio::{AudioError, Encoding, Limits, RecordingReader, StreamDecoder, StreamFormat};
use proptest::prelude::*;

use crate::fixtures::{data, mend_pages};

const FILES: [&str; 16] = [
    "pcm16.wav",
    "extensible24.wav",
    "float32.wav",
    "alaw.wav",
    "gsm.wav",
    "ima.wav",
    "msadpcm.wav",
    "mp3.wav",
    "rf64.wav",
    "pcm16.aiff",
    "flac16.flac",
    "streamed.flac",
    "stereo44k.mp3",
    "vorbis.ogg",
    "opus_mono.ogg",
    "opus_stereo.ogg",
];

fn read(bytes: Vec<u8>) -> Result<u64, AudioError> {
    let coded = bytes.len() as u64;
    let mut reader = RecordingReader::new(Cursor::new(bytes), &Limits::default())?;
    while let Some(block) = reader.next_block()? {
        assert!(block.frames() > 0 && block.frames() <= 1 << 16, "{} frames at once", block.frames());
        assert!(block.channels().iter().flatten().all(|sample| sample.abs() <= 1.0), "past full scale");
    }
    // FLAC codes a constant in 8 bytes for up to 65,535 frames; nothing here codes denser.
    assert!(reader.frames() <= coded * 8192, "{} frames from {coded} bytes", reader.frames());
    Ok(reader.frames())
}

/// Overwrites, cuts out or doubles a piece.
#[derive(Debug, Clone)]
enum Edit {
    Set(u8),
    Flip(u8),
    Cut(usize),
    Double(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        any::<u8>().prop_map(Edit::Set),
        (0u8..8).prop_map(Edit::Flip),
        (1usize..200).prop_map(Edit::Cut),
        (1usize..64).prop_map(Edit::Double),
    ]
}

fn apply(bytes: &mut Vec<u8>, place: usize, edit: &Edit) {
    if bytes.is_empty() {
        return;
    }
    let at = place % bytes.len();
    match edit {
        Edit::Set(value) => bytes[at] = *value,
        Edit::Flip(bit) => bytes[at] ^= 1 << bit,
        Edit::Cut(len) => drop(bytes.drain(at..(at + len).min(bytes.len()))),
        Edit::Double(len) => {
            let piece = bytes[at..(at + len).min(bytes.len())].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn broken_recordings(
        file in 0..FILES.len(),
        near_the_start in any::<bool>(),
        edits in prop::collection::vec((any::<usize>(), edit()), 1..6),
        cut in prop::option::weighted(0.1, any::<usize>()),
    ) {
        let mut bytes = data(FILES[file]);
        for (place, edit) in &edits {
            let span = if near_the_start { 120 } else { usize::MAX };
            apply(&mut bytes, place % span, edit);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % (bytes.len() + 1));
        }
        if FILES[file].ends_with("ogg") {
            mend_pages(&mut bytes);
        }
        let _ = read(bytes);
    }

    #[test]
    fn random_bytes_behind_every_name(
        name in prop::sample::select(vec![
            &b"RIFF\0\0\0\0WAVE"[..], b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0", b"FORM\0\0\0\0AIFFCOMM", b"fLaC\0\0\0\x22",
            b"OggS\0\x02", b"ID3\x04\0\0\0\0\0\0\xff\xfb", b"\xff\xfb\x90\0", b"",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let _ = read([name, &bytes].concat());
    }

    #[test]
    fn random_streams(
        encoding in prop::sample::select(Encoding::ALL.to_vec()),
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
    ) {
        let mut out = Vec::new();
        let mut decoder = StreamDecoder::new(StreamFormat::mono(encoding, 8000)).unwrap();
        if decoder.accept(&bytes, &mut out).is_ok() {
            let units = bytes.len() / encoding.unit_bytes();
            prop_assert_eq!(out.len(), units * encoding.unit_samples());
            prop_assert!(out.iter().all(|sample| sample.abs() <= 1.0));
        }
    }
}
