//! Raw streams: any chunking gives the same bits, and the same as a file of the same samples.

use earmark_audio::{
    AudioError, ChannelChoice, Container, Encoding, Limits, RecordingReader, StreamDecoder, StreamFormat,
    Warning,
};
use proptest::prelude::*;

use crate::fixtures::{bits, data, reference};

fn decoded(format: StreamFormat, chunks: &[&[u8]]) -> Result<Vec<f32>, AudioError> {
    let mut out = Vec::new();
    let mut decoder = StreamDecoder::new(format)?;
    for chunk in chunks {
        decoder.accept(chunk, &mut out)?;
    }
    decoder.finish()?;
    Ok(out)
}

/// Octets 0 to 255 as a WAV file of this format tag, as symphonia reads it.
fn by_symphonia(tag: u16) -> Vec<f32> {
    let mut wav = b"RIFF\x24\x01\0\0WAVEfmt \x10\0\0\0".to_vec();
    for field in [tag, 1, 8000, 0, 8000, 0, 1, 8] {
        wav.extend(field.to_le_bytes());
    }
    wav.extend(b"data\0\x01\0\0");
    wav.extend(0..=255u8);
    let mut reader = RecordingReader::from_bytes(wav, &Limits::default()).unwrap();
    reader.next_block().unwrap().unwrap().channels()[0].clone()
}

#[test]
fn g711_is_what_symphonia_decodes() {
    let octets: Vec<u8> = (0..=255).collect();
    for (encoding, tag) in [(Encoding::ALaw, 6), (Encoding::MuLaw, 7)] {
        let ours = decoded(StreamFormat::mono(encoding, 8000), &[&octets]).unwrap();
        assert_eq!(ours, by_symphonia(tag), "{encoding}");
    }
}

#[test]
fn gsm_frames_decode_as_by_another_decoder() {
    let ours = decoded(StreamFormat::mono(Encoding::Gsm610, 8000), &[&data("gsm_frames.gsm")]).unwrap();
    assert_eq!(ours, reference("gsm_frames.s16"));
}

#[test]
fn pcm_of_all_widths() {
    let check = |encoding, bytes: &[u8], expected: &[f32]| {
        assert_eq!(decoded(StreamFormat::mono(encoding, 8000), &[bytes]).unwrap(), expected, "{encoding}");
    };
    check(Encoding::PcmU8, &[0, 128, 192], &[-1.0, 0.0, 0.5]);
    check(Encoding::PcmS8, &[0x80, 0, 0x40], &[-1.0, 0.0, 0.5]);
    check(Encoding::Pcm16Le, &[0, 0x80, 0, 0x40, 1, 0], &[-1.0, 0.5, 1.0 / 32_768.0]);
    check(Encoding::Pcm16Be, &[0x80, 0, 0x40, 0, 0, 1], &[-1.0, 0.5, 1.0 / 32_768.0]);
    check(Encoding::Pcm24Le, &[0, 0, 0x80, 0, 0, 0x40, 1, 0, 0], &[-1.0, 0.5, 1.0 / 8_388_608.0]);
    check(Encoding::Pcm32Le, &[0, 0, 0, 0x80, 0, 0, 0, 0x40], &[-1.0, 0.5]);
    let floats = [0.25f32, -1.0, 1.5].map(f32::to_le_bytes).concat();
    check(Encoding::Float32Le, &floats, &[0.25, -1.0, 1.0]);
}

#[test]
fn odd_bytes_at_the_end_are_an_error_with_what_to_do() {
    for (encoding, channels, bytes, leftover, unit) in
        [(Encoding::Pcm16Le, 1, 321, 1, 2), (Encoding::MuLaw, 2, 7, 1, 2), (Encoding::Gsm610, 1, 40, 7, 33)]
    {
        let format =
            StreamFormat { encoding, sample_rate_hz: 8000, channels, channel: ChannelChoice::Index(0) };
        match decoded(format, &[&vec![0xd5; bytes]]).unwrap_err() {
            AudioError::StreamEndsInsideSample { leftover: l, unit: u, .. } => {
                assert_eq!((l, u), (leftover, unit), "{encoding}");
            }
            other => panic!("{encoding}: {other}"),
        }
    }
}

#[test]
fn a_file_in_a_raw_stream_is_found_whatever_the_chunks() {
    for (file, container) in [
        ("pcm16.wav", Container::Wav),
        ("rf64.wav", Container::Wav),
        ("flac16.flac", Container::Flac),
        ("opus_mono.ogg", Container::Ogg),
        ("pcm16.aiff", Container::Aiff),
    ] {
        let bytes = data(file);
        for size in [1, 3, 160, bytes.len()] {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            match decoded(StreamFormat::mono(Encoding::Pcm16Le, 8000), &chunks).unwrap_err() {
                AudioError::FileInRawStream { container: found, .. } => assert_eq!(found, container),
                other => panic!("{file}: {other}"),
            }
        }
    }
}

#[test]
fn floats_that_are_no_numbers_are_found_at_their_place() {
    let mut samples = vec![0.5f32; 5000];
    samples[3001] = f32::NAN;
    let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    let channel = ChannelChoice::LEFT;
    let format = StreamFormat { encoding: Encoding::Float32Le, sample_rate_hz: 8000, channels: 2, channel };
    for size in [1, 7, 1000, bytes.len()] {
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        match decoded(format, &chunks).unwrap_err() {
            AudioError::NotFinite { frame, channel } => assert_eq!((frame, channel), (1500, 1)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_broken_gsm_frame_is_malformed() {
    let mut bytes = data("gsm_frames.gsm");
    bytes[33 * 5] = 0x11;
    let error = decoded(StreamFormat::mono(Encoding::Gsm610, 8000), &[&bytes]).unwrap_err();
    assert!(matches!(error, AudioError::Malformed { .. }), "{error}");
    assert!(error.to_string().contains("frame 5"), "{error}");
}

#[test]
fn a_mix_warns() {
    let channel = ChannelChoice::Mix;
    let format = StreamFormat { encoding: Encoding::Pcm16Le, sample_rate_hz: 8000, channels: 2, channel };
    let decoder = StreamDecoder::new(format).unwrap();
    assert_eq!(decoder.warnings(), [Warning::MixedChannels { channels: 2 }]);
    let refused = StreamDecoder::new(StreamFormat { channel: ChannelChoice::Mono, ..format }).unwrap_err();
    assert!(matches!(refused, AudioError::ChannelNotChosen { channels: 2, .. }));
}

#[test]
fn a_stream_and_a_file_of_the_same_samples_agree_to_the_bit() {
    let raw = data("stereo.s16");
    for channel in [ChannelChoice::LEFT, ChannelChoice::RIGHT, ChannelChoice::Mix] {
        let format = StreamFormat { encoding: Encoding::Pcm16Le, sample_rate_hz: 8000, channels: 2, channel };
        let streamed = decoded(format, &raw.chunks(333).collect::<Vec<_>>()).unwrap();
        let mut reader = RecordingReader::from_bytes(data("pcm16.wav"), &Limits::default()).unwrap();
        let picker = earmark_audio::ChannelPicker::new(channel, 2).unwrap();
        let mut read = Vec::new();
        while let Some(block) = reader.next_block().unwrap() {
            picker.pick_planar(block.channels(), &mut read);
        }
        assert_eq!(bits(&streamed), bits(&read), "{channel:?}");
    }
}

#[test]
fn chunks_of_one_byte_and_of_four_megabytes() {
    let bytes: Vec<u8> =
        (0..(4 << 20) + 3).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut big = StreamDecoder::new(StreamFormat::mono(Encoding::Pcm24Le, 48_000)).unwrap();
    let (mut at_once, mut bytewise) = (Vec::new(), Vec::new());
    big.accept(&bytes, &mut at_once).unwrap();
    let mut small = StreamDecoder::new(StreamFormat::mono(Encoding::Pcm24Le, 48_000)).unwrap();
    for byte in &bytes {
        small.accept(std::slice::from_ref(byte), &mut bytewise).unwrap();
    }
    assert_eq!(bits(&at_once), bits(&bytewise));
    assert_eq!(big.frames(), small.frames());
    assert_eq!(big.frames(), bytes.len() as u64 / 3);
}

proptest! {
    #[test]
    fn any_split_gives_the_same_bits(
        encoding in prop::sample::select(Encoding::ALL.to_vec()),
        channels in 1u16..4,
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        mut cuts in prop::collection::vec(0usize..2000, 0..40),
    ) {
        let channels = if encoding == Encoding::Gsm610 { 1 } else { channels };
        let mut bytes = bytes;
        if encoding == Encoding::Gsm610 {
            bytes.chunks_mut(33).for_each(|frame| frame[0] = frame[0] & 0x0f | 0xd0);
        }
        if encoding == Encoding::Float32Le {
            // Keep them finite: clear the exponent's top bit.
            bytes.iter_mut().skip(3).step_by(4).for_each(|byte| *byte &= 0xbf);
        }
        let unit = encoding.unit_bytes() * usize::from(channels);
        bytes.truncate(bytes.len() / unit * unit);
        let format =
            StreamFormat { encoding, sample_rate_hz: 8000, channels, channel: ChannelChoice::Index(channels - 1) };
        let whole = decoded(format, &[&bytes]).unwrap();

        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut start = 0;
        for cut in cuts {
            let end = cut.min(bytes.len());
            chunks.push(&bytes[start..end]);
            start = end;
        }
        chunks.push(&bytes[start..]);
        prop_assert_eq!(bits(&decoded(format, &chunks).unwrap()), bits(&whole));
    }
}
