//! Recordings that are broken, cut, hostile or too much: each gets a typed error that says what to do.

use std::io::Cursor;
use std::time::Duration;

use earmark_audio::{AudioError, LimitKind, Limits, RecordingReader, Warning};

use crate::fixtures::{data, mend_pages};

/// How a recording's reading ends: its frames and warnings, or the error.
fn outcome_within(bytes: Vec<u8>, limits: &Limits) -> Result<(u64, Vec<Warning>), AudioError> {
    let mut reader = RecordingReader::new(Cursor::new(bytes), limits)?;
    while let Some(block) = reader.next_block()? {
        assert!(block.frames() > 0, "an empty block");
        assert!(block.channels().iter().flatten().all(|sample| sample.abs() <= 1.0), "past full scale");
    }
    assert!(matches!(reader.next_block(), Err(AudioError::AlreadyFinished)));
    Ok((reader.frames(), reader.warnings().to_vec()))
}

fn outcome(bytes: Vec<u8>) -> Result<(u64, Vec<Warning>), AudioError> {
    outcome_within(bytes, &Limits::default())
}

/// A WAV file of these fields, with its true size unless `claimed` says another.
struct Wav {
    tag: u16,
    channels: u16,
    rate: u32,
    block: u16,
    bits: u16,
    data: Vec<u8>,
    claimed: Option<u32>,
}

impl Wav {
    fn pcm16(channels: u16, rate: u32, frames: usize) -> Self {
        let data = (0..frames * usize::from(channels)).flat_map(|i| (i as i16).to_le_bytes()).collect();
        Self { tag: 1, channels, rate, block: channels.wrapping_mul(2), bits: 16, data, claimed: None }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0".to_vec();
        bytes.extend(self.tag.to_le_bytes());
        bytes.extend(self.channels.to_le_bytes());
        bytes.extend(self.rate.to_le_bytes());
        bytes.extend(0x1234_5678u32.to_le_bytes());
        bytes.extend(self.block.to_le_bytes());
        bytes.extend(self.bits.to_le_bytes());
        bytes.extend(b"data");
        bytes.extend(self.claimed.unwrap_or(self.data.len() as u32).to_le_bytes());
        bytes.extend(&self.data);
        bytes
    }

    fn outcome(&self) -> Result<(u64, Vec<Warning>), AudioError> {
        outcome(self.bytes())
    }
}

#[test]
fn a_plain_file_reads_in_spite_of_a_nonsense_byte_rate() {
    assert_eq!(Wav::pcm16(1, 8000, 100).outcome().unwrap(), (100, vec![]));
}

#[test]
fn nothing_recorded_is_empty() {
    assert!(matches!(outcome(vec![]), Err(AudioError::Empty)));
    assert!(matches!(Wav::pcm16(1, 8000, 0).outcome(), Err(AudioError::Empty)));
}

#[test]
fn headers_that_contradict_themselves_are_malformed() {
    let good = || Wav::pcm16(2, 8000, 50);
    for (what, wav) in [
        ("0 channels", Wav { channels: 0, ..good() }),
        ("0 samples a second", Wav { rate: 0, ..good() }),
        ("blocks of 3 bytes", Wav { block: 3, ..good() }),
        ("blocks of 0 bytes", Wav { block: 0, ..good() }),
        ("samples of 0 bits", Wav { bits: 0, ..good() }),
        ("samples of 33 bits", Wav { bits: 33, ..good() }),
        ("blocks of 4 bytes", Wav { bits: 8, ..good() }),
        ("samples of 16 bits", Wav { tag: 6, ..good() }),
        ("gsm 06.10 with several channels", Wav { tag: 0x31, ..good() }),
        ("whole number of 4-byte blocks", Wav { data: vec![0; 201], ..good() }),
    ] {
        let error = wav.outcome().unwrap_err();
        assert!(matches!(error, AudioError::Malformed { container: "wav", .. }), "{what}: {error}");
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}

#[test]
fn codecs_that_are_not_read_are_named() {
    for (tag, name) in [(0x83, "g.729"), (0x22, "truespeech"), (0x17, "dialogic"), (0x9999, "0x9999")] {
        let error = Wav { tag, ..Wav::pcm16(1, 8000, 10) }.outcome().unwrap_err();
        assert!(matches!(error, AudioError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_size_that_was_left_open_means_to_the_end() {
    for claimed in [u32::MAX, u32::MAX - 36, 0x7fff_f000, 0] {
        let wav = Wav { claimed: Some(claimed), ..Wav::pcm16(1, 8000, 1000) };
        assert_eq!(wav.outcome().unwrap(), (1000, vec![]), "{claimed:x}");
    }
    // The recorder was stopped in the middle of a sample.
    let mut stopped = Wav { claimed: Some(u32::MAX), ..Wav::pcm16(2, 8000, 1000) };
    stopped.data.truncate(1999);
    assert_eq!(stopped.outcome().unwrap(), (499, vec![]));
}

#[test]
fn a_size_beyond_the_end_is_a_truncated_file() {
    let error = Wav { claimed: Some(4000), ..Wav::pcm16(1, 8000, 1000) }.outcome().unwrap_err();
    assert!(matches!(error, AudioError::Truncated { container: "wav", .. }), "{error}");
    assert!(error.to_string().contains("4000") && error.to_string().contains("2000"), "{error}");
}

#[test]
fn what_follows_the_audio_is_not_lost_silently() {
    let mut bytes = Wav::pcm16(1, 8000, 100).bytes();
    bytes.extend(b"LIST\x04\0\0\0INFO");
    assert_eq!(outcome(bytes.clone()).unwrap(), (100, vec![]));
    let mut stray = Wav::pcm16(1, 8000, 100).bytes();
    stray.extend([0x81; 64]);
    assert_eq!(outcome(stray).unwrap(), (100, vec![Warning::UnreadBytes { bytes: 64 }]));
    // An empty data chunk before other chunks is empty, not a size left open.
    let mut empty = Wav::pcm16(1, 8000, 0).bytes();
    empty.extend(b"LIST\x04\0\0\0INFO");
    assert!(matches!(outcome(empty), Err(AudioError::Empty)));
}

#[test]
fn limits_are_named() {
    let limit = |wav: &Wav| match wav.outcome().unwrap_err() {
        AudioError::LimitReached { limit, .. } => limit,
        other => panic!("{other}"),
    };
    assert_eq!(limit(&Wav::pcm16(9, 8000, 10)), LimitKind::Channels);
    assert_eq!(limit(&Wav::pcm16(1, 192_001, 10)), LimitKind::HighestSampleRate);
    assert_eq!(limit(&Wav::pcm16(1, 3_999, 10)), LimitKind::LowestSampleRate);
    for (channels, rate) in [(6, 48_000), (8, 8_000), (1, 44_100), (2, 192_000), (1, 4_000)] {
        assert_eq!(Wav::pcm16(channels, rate, 10).outcome().unwrap(), (10, vec![]));
    }
}

#[test]
fn too_long_is_refused_by_its_header_before_decoding() {
    let limits = Limits { max_duration: Duration::from_secs(1), ..Limits::default() };
    let long = Wav::pcm16(1, 8000, 8001).bytes();
    let error = RecordingReader::new(Cursor::new(long), &limits).unwrap_err();
    assert!(matches!(error, AudioError::LimitReached { limit: LimitKind::Duration, .. }), "{error}");
    assert!(error.to_string().contains("max_duration") && error.to_string().contains("1.0 s"), "{error}");
    outcome_within(Wav::pcm16(1, 8000, 8000).bytes(), &limits).unwrap();
}

#[test]
fn too_long_without_a_header_that_says_so_is_refused_on_the_way() {
    let limits = Limits { max_duration: Duration::from_millis(100), ..Limits::default() };
    for file in ["streamed.flac", "mono8k.mp3", "opus_mono.ogg", "ima.wav"] {
        let error = outcome_within(data(file), &limits).unwrap_err();
        assert!(
            matches!(error, AudioError::LimitReached { limit: LimitKind::Duration, .. }),
            "{file}: {error}"
        );
    }
}

#[test]
fn too_many_bytes_are_refused_before_reading() {
    let limits = Limits { max_bytes: 1000, ..Limits::default() };
    let error = RecordingReader::from_bytes(vec![0; 1001], &limits).unwrap_err();
    assert!(matches!(error, AudioError::LimitReached { limit: LimitKind::Bytes, .. }), "{error}");
}

#[test]
fn floats_that_are_no_numbers_are_found() {
    for (bad, channel) in [(f32::NAN, 0), (f32::INFINITY, 1), (f32::NEG_INFINITY, 1)] {
        let mut samples = vec![0.25f32; 20_000];
        samples[2 * 7000 + channel] = bad;
        samples[2 * 9000] = f32::NAN;
        let data = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let error =
            Wav { tag: 3, channels: 2, rate: 8000, block: 8, bits: 32, data, claimed: None }.outcome();
        match error.unwrap_err() {
            AudioError::NotFinite { frame, channel: found } => {
                assert_eq!((frame, usize::from(found)), (7000, channel));
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn floats_past_full_scale_are_clipped() {
    let data = [2.0f32, -1e30, 0.5].iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let wav = Wav { tag: 3, channels: 1, rate: 8000, block: 4, bits: 32, data, claimed: None };
    let mut reader = RecordingReader::from_bytes(wav.bytes(), &Limits::default()).unwrap();
    assert_eq!(reader.next_block().unwrap().unwrap().channels(), [[1.0, -1.0, 0.5]]);
}

#[test]
fn every_cut_of_every_file_is_an_error_or_warns() {
    for file in ["pcm16.wav", "alaw.wav", "gsm.wav", "ima.wav", "flac16.flac", "pcm16.aiff", "stereo44k.mp3"]
    {
        let whole = data(file);
        let (frames, _) = outcome(whole.clone()).unwrap();
        // The tail of an MP3 file is the encoder's padding: the last frame may go.
        let slack = if file.ends_with("mp3") { 1000 } else { 0 };
        for cut in (1..whole.len() - slack).step_by(37) {
            match outcome(whole[..cut].to_vec()) {
                Err(AudioError::Truncated { .. } | AudioError::Empty) => {}
                Err(AudioError::NotAudio { .. } | AudioError::Unsupported { .. }) if cut < 12 => {}
                Err(AudioError::NotAudio { .. } | AudioError::Malformed { .. })
                    if file.ends_with("mp3") && cut < 600 => {}
                other => panic!("{file} cut at {cut} of {} ({frames} frames): {other:?}", whole.len()),
            }
        }
    }
}

#[test]
fn an_unannounced_length_still_shows_a_cut_inside_a_frame() {
    let whole = data("streamed.flac");
    let (frames, _) = outcome(whole.clone()).unwrap();
    assert_eq!(frames, 3200);
    for cut in (100..whole.len()).step_by(53) {
        let cut_short = outcome(whole[..cut].to_vec());
        assert!(matches!(cut_short, Err(AudioError::Truncated { .. })), "{cut}: {cut_short:?}");
    }
}

#[test]
fn ogg_cut_inside_a_page_is_truncated() {
    for file in ["vorbis.ogg", "opus_mono.ogg", "opus_stereo.ogg"] {
        let whole = data(file);
        for cut in (28..whole.len()).step_by(41) {
            let cut_short = outcome(whole[..cut].to_vec());
            assert!(
                matches!(
                    cut_short,
                    Err(AudioError::Truncated { .. } | AudioError::Empty | AudioError::Unsupported { .. })
                ),
                "{file} cut at {cut} of {}: {cut_short:?}",
                whole.len()
            );
        }
    }
}

/// The bytes of an Ogg file with the end mark of its last page taken away and `later` added to its
/// granule position (and the checksum right).
fn without_end_mark(mut bytes: Vec<u8>, later: u64) -> Vec<u8> {
    let last = bytes.windows(4).rposition(|b| b == b"OggS").unwrap();
    bytes[last + 5] &= !4;
    let granule = u64::from_le_bytes(bytes[last + 6..last + 14].try_into().unwrap()) + later;
    bytes[last + 6..last + 14].copy_from_slice(&granule.to_le_bytes());
    mend_pages(&mut bytes[last..]);
    bytes
}

#[test]
fn a_stopped_ogg_recorder_is_no_more_than_a_warning() {
    // The Opus file has one page of audio: only the last page may count less than it holds, so
    // without the mark it must count more, as of a stream that was joined late.
    for (file, later) in [("vorbis.ogg", 0), ("opus_mono.ogg", 10_000)] {
        let (frames, _) = outcome(data(file)).unwrap();
        let (unmarked, warnings) = outcome(without_end_mark(data(file), later)).unwrap();
        // Without the mark the last packet's padding can't be told from audio.
        assert!(unmarked >= frames && unmarked < frames + 3000, "{file}: {unmarked} of {frames}");
        assert_eq!(warnings, [Warning::EndMarkMissing], "{file}");
    }
}

#[test]
fn flipped_bits_in_checked_formats_are_noticed() {
    for file in ["flac16.flac", "vorbis.ogg", "opus_mono.ogg"] {
        let whole = data(file);
        for at in (whole.len() / 2..whole.len() - 1).step_by(97) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x10;
            let found = outcome(flipped);
            assert!(
                matches!(found, Err(AudioError::Malformed { .. } | AudioError::Truncated { .. })),
                "{file}, byte {at}: {found:?}"
            );
        }
    }
}

#[test]
fn an_id3_tag_and_nothing_else_is_no_recording() {
    let only_tag = b"ID3\x04\0\0\0\0\0\x05hello".to_vec();
    assert!(matches!(outcome(only_tag.clone()), Err(AudioError::Truncated { .. })));
    let mut text = only_tag;
    text.extend(b"this is text and no mpeg frame at all");
    assert!(matches!(outcome(text), Err(AudioError::Malformed { .. })));
}
