//! Recordings that are wrong or odd, the whole way: a typed error or an extraction, never a panic.

use std::fs::File;

use earmark_audio::{
    AudioError, ChannelChoice, Encoding, ExtractOptions, Extraction, Extractor, Limits, StreamFormat, Warning,
};

use crate::corpus;
use crate::fake_speaker::{MeanOfFeatures, extractor};

fn extract(extractor: &Extractor, name: &str, channel: ChannelChoice) -> Result<Extraction, AudioError> {
    let path = corpus::project().join("tests/data/hostile").join(name);
    extractor.recording(File::open(path).unwrap(), channel, &Limits::default())
}

fn any_extractor() -> Extractor {
    extractor(&MeanOfFeatures::new(8_000, 16_000), ExtractOptions::default())
}

#[test]
fn every_one_of_them_ends_in_an_error_or_an_extraction() {
    let extractor = any_extractor();
    for extension in ["wav", "flac", "pcm"] {
        for path in corpus::files(&corpus::project().join("tests/data/hostile"), extension) {
            let name = path.file_name().unwrap().to_str().unwrap();
            match extract(&extractor, name, ChannelChoice::Index(0)) {
                Ok(extraction) => {
                    assert!(extraction.duration_s.is_finite() && extraction.quality.snr_db.is_finite());
                    println!("{name}: {} of {:.1} s", extraction.net_speech, extraction.duration_s);
                }
                Err(error) => println!("{name}: {error}"),
            }
        }
    }
}

#[test]
fn silence_has_no_voiceprint() {
    let extraction = extract(&any_extractor(), "silence-10s.wav", ChannelChoice::Mono).unwrap();
    assert!(extraction.voiceprint().is_none() && extraction.speech.is_empty());
    assert!(extraction.warnings.iter().any(|w| matches!(w, Warning::DigitalSilence { .. })));
}

#[test]
fn a_recording_of_three_hours_is_refused_by_its_limit() {
    let error = extract(&any_extractor(), "silence-3h.flac", ChannelChoice::Mono).unwrap_err();
    assert!(matches!(error, AudioError::LimitReached { .. }), "{error}");
}

#[test]
fn any_rate_and_channel_works_when_chosen() {
    let extractor = any_extractor();
    for name in ["44k1.flac", "192k.flac"] {
        let extraction = extract(&extractor, name, ChannelChoice::Mono).unwrap();
        assert!(extraction.voiceprint().is_some(), "{name}: {}", extraction.net_speech);
    }
    let six = extract(&extractor, "six-channels.flac", ChannelChoice::Mono).unwrap_err();
    assert!(matches!(six, AudioError::ChannelNotChosen { channels: 6, .. }), "{six}");
    let mixed = extract(&extractor, "six-channels.flac", ChannelChoice::Mix).unwrap();
    assert!(mixed.warnings.contains(&Warning::MixedChannels { channels: 6 }));
}

#[test]
fn samples_that_are_no_numbers_are_refused() {
    let extractor = any_extractor();
    let mut stream = extractor.samples(8_000).unwrap();
    stream.accept(&[0.0; 500]).unwrap();
    let error = stream.accept(&[0.0, f32::NAN]).unwrap_err();
    assert!(matches!(error, AudioError::NotFinite { frame: 501, channel: 0 }), "{error}");
    let mut stream = extractor.stream(StreamFormat::mono(Encoding::Float32Le, 8_000)).unwrap();
    let error = stream.accept(&f32::INFINITY.to_le_bytes()).unwrap_err();
    assert!(matches!(error, AudioError::NotFinite { frame: 0, channel: 0 }), "{error}");
}

#[test]
fn a_stream_that_ends_inside_a_sample_says_so() {
    let mut stream = any_extractor().stream(StreamFormat::mono(Encoding::Pcm16Le, 8_000)).unwrap();
    stream.accept(&[0; 1_001]).unwrap();
    let error = stream.finish().unwrap_err();
    assert!(matches!(error, AudioError::StreamEndsInsideSample { leftover: 1, .. }), "{error}");
}

#[test]
fn rates_that_can_not_be_are_refused() {
    for rate in [0, 3_999, 200_000, u32::MAX] {
        assert!(any_extractor().samples(rate).is_err(), "{rate}");
    }
}

#[test]
fn one_absurd_sample_does_not_deafen_the_rest() {
    let extractor = any_extractor();
    let speech = corpus::voice("paola");
    let heard = |samples: &[f32]| {
        let mut stream = extractor.samples(8_000).unwrap();
        stream.accept(samples).unwrap();
        stream.finish().unwrap()
    };
    let clean = heard(&speech[..20 * 8_000]);
    for absurd in [f32::MAX, f32::MIN, 1e30] {
        let mut samples = speech[..20 * 8_000].to_vec();
        samples[8_000] = absurd;
        let hurt = heard(&samples);
        let lost = clean.net_speech.seconds() - hurt.net_speech.seconds();
        assert!(lost < 3.0 && hurt.voiceprint().is_some(), "{absurd}: {lost} s of speech lost");
    }
}
