//! Whole recordings against independent decoders: every file of tests/data was made, and every lossy
//! one decoded, by tools that share no code with ours (tests/data/make.sh).

use std::time::Duration;

use earmark_audio::{AudioError, Container, Limits, RecordingReader};

use crate::fixtures::{path, reference};

/// All samples, interleaved, and the reader at its end.
fn read(mut reader: RecordingReader) -> Result<(Vec<f32>, RecordingReader), AudioError> {
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block()? {
        for frame in 0..block.frames() {
            samples.extend(block.channels().iter().map(|channel| channel[frame]));
        }
    }
    Ok((samples, reader))
}

struct Expected {
    container: Container,
    codec: &'static str,
    rate: u32,
    channels: u16,
    frames: usize,
    /// The declared duration is the true one, else there is none.
    declared: bool,
    /// The largest and the mean difference to the reference, in steps of 16 bits.
    most: f32,
    mean: f32,
}

#[track_caller]
fn check(file: &str, reference_file: &str, expected: &Expected) {
    let (samples, reader) = read(RecordingReader::open(&path(file), &Limits::default()).unwrap()).unwrap();
    let info = reader.info();
    let said = (info.container, info.codec, info.sample_rate_hz, info.channels);
    assert_eq!(said, (expected.container, expected.codec, expected.rate, expected.channels), "{file}");
    assert_eq!(samples.len(), expected.frames * usize::from(expected.channels), "{file}: samples");
    assert_eq!(reader.warnings(), [], "{file}");
    let seconds = Duration::from_secs_f64(expected.frames as f64 / f64::from(expected.rate));
    let close = |declared: Duration| declared.abs_diff(seconds) < Duration::from_micros(1);
    assert_eq!(info.declared_duration.is_some_and(close), expected.declared, "{file}: {info:?}");

    let reference = reference(reference_file);
    let compared = reference.len().min(samples.len());
    assert!(compared * 10 >= samples.len() * 9, "{file}: the reference is too short");
    let differences: Vec<f32> =
        samples.iter().zip(&reference).map(|(a, b)| (a - b).abs() * 32_768.0).collect();
    let most = differences.iter().copied().fold(0.0, f32::max);
    let mean = differences.iter().sum::<f32>() / compared as f32;
    println!("{file}: max difference {most:.3}, mean {mean:.4} steps of 16 bits over {compared} samples");
    assert!(most <= expected.most && mean <= expected.mean, "{file}: max {most}, mean {mean}");
}

fn lossless(file: &str, reference: &str, container: Container, codec: &'static str, channels: u16) {
    let expected = Expected {
        container,
        codec,
        rate: 8000,
        channels,
        frames: 3200,
        declared: true,
        most: 0.0,
        mean: 0.0,
    };
    check(file, reference, &expected);
}

#[test]
fn lossless_files_decode_to_the_bit() {
    for (file, codec) in [
        ("pcm16.wav", "pcm s16le"),
        ("pcm24.wav", "pcm s24le"),
        ("extensible24.wav", "pcm s24le"),
        ("pcm32.wav", "pcm s32le"),
        ("float32.wav", "float32le"),
    ] {
        lossless(file, "stereo.s16", Container::Wav, codec, 2);
    }
    lossless("flac16.flac", "stereo.s16", Container::Flac, "flac", 2);
    lossless("pcm16.aiff", "stereo.s16", Container::Aiff, "pcm", 2);
    lossless("float64.wav", "mono.s16", Container::Wav, "float64le", 1);
    lossless("rf64.wav", "mono.s16", Container::Wav, "pcm s16le", 1);
}

#[test]
fn eight_bits_keep_the_upper_eight() {
    let expected = Expected {
        container: Container::Wav,
        codec: "pcm u8",
        rate: 8000,
        channels: 1,
        frames: 3200,
        declared: true,
        most: 128.0,
        mean: 70.0,
    };
    check("pcm8.wav", "mono.s16", &expected);
}

#[test]
fn streaming_recorders_leave_the_length_open() {
    let expected = |container, codec, declared| Expected {
        container,
        codec,
        rate: 8000,
        channels: 1,
        frames: 3200,
        declared,
        most: 0.0,
        mean: 0.0,
    };
    check("streamed.wav", "mono.s16", &expected(Container::Wav, "pcm s16le", true));
    check("streamed.flac", "mono.s16", &expected(Container::Flac, "flac", false));
}

fn telephone(codec: &'static str, channels: u16, frames: usize) -> Expected {
    let container = Container::Wav;
    Expected { container, codec, rate: 8000, channels, frames, declared: true, most: 0.0, mean: 0.0 }
}

#[test]
fn telephone_codecs_decode_to_the_bit() {
    check("alaw.wav", "alaw.s16", &telephone("a-law", 2, 3200));
    check("mulaw.wav", "mulaw.s16", &telephone("mu-law", 2, 3200));
    check("gsm.wav", "gsm.s16", &telephone("gsm 06.10", 1, 3200));
    check("ima.wav", "ima.s16", &telephone("ima adpcm", 1, 3200));
    check("msadpcm.wav", "msadpcm.s16", &telephone("ms adpcm", 1, 3200));
}

#[test]
fn music_codecs_decode_as_others_do() {
    let expected = |container, codec, rate, channels, frames, declared, most, mean| Expected {
        container,
        codec,
        rate,
        channels,
        frames,
        declared,
        most,
        mean,
    };
    // The references are rounded to 16 bits, so half a step is all that exact floats can keep.
    check("mono8k.mp3", "mono8k.s16", &expected(Container::Mp3, "mp3", 8000, 1, 4608, false, 1.0, 0.4));
    check(
        "stereo44k.mp3",
        "stereo44k.s16",
        &expected(Container::Mp3, "mp3", 44_100, 2, 8820, true, 1.0, 0.4),
    );
    check(
        "untagged.mp3",
        "untagged.s16",
        &expected(Container::Mp3, "mp3", 44_100, 1, 10_368, false, 1.0, 0.4),
    );
    check("mp3.wav", "mp3.s16", &expected(Container::Wav, "mp3", 16_000, 1, 4608, false, 1.0, 0.4));
    check("vorbis.ogg", "vorbis.s16", &expected(Container::Ogg, "vorbis", 44_100, 2, 8820, true, 1.0, 0.4));
    // Opus decoders may differ within the standard's tolerance (RFC 6716, section 6).
    check(
        "opus_mono.ogg",
        "opus_mono.s16",
        &expected(Container::Ogg, "opus", 48_000, 1, 19_200, true, 1.0, 0.4),
    );
    check(
        "opus_stereo.ogg",
        "opus_stereo.s16",
        &expected(Container::Ogg, "opus", 48_000, 2, 9600, true, 40.0, 1.0),
    );
}
