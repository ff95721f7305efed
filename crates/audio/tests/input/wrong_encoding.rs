//! Streams declared wrong are noticed, streams declared right never are: on real speech at many
//! levels, clean and in noise, and on signals that are no speech.

use earmark_audio::{AudioError, Encoding, StreamDecoder, StreamFormat, Warning};

use crate::fixtures::{companded, data, development_speech, recordings, scaled, telephone_band};

fn encoded(encoding: Encoding, samples: &[f32]) -> Vec<u8> {
    let whole =
        |scale: f64| samples.iter().map(move |s| (f64::from(s.clamp(-1.0, 1.0)) * scale).round() as i64);
    match encoding {
        Encoding::PcmU8 => whole(127.0).map(|v| (v + 128) as u8).collect(),
        Encoding::PcmS8 => whole(127.0).map(|v| v as u8).collect(),
        Encoding::Pcm16Le => whole(32_767.0).flat_map(|v| (v as i16).to_le_bytes()).collect(),
        Encoding::Pcm16Be => whole(32_767.0).flat_map(|v| (v as i16).to_be_bytes()).collect(),
        // Made from 16 bits, as gateways do: the low byte is empty.
        Encoding::Pcm24Le => whole(32_767.0).flat_map(|v| [0, v as u8, (v >> 8) as u8]).collect(),
        Encoding::Pcm32Le => whole(2_147_483_647.0).flat_map(|v| (v as i32).to_le_bytes()).collect(),
        Encoding::Float32Le => samples.iter().flat_map(|s| s.to_le_bytes()).collect(),
        Encoding::ALaw | Encoding::MuLaw => {
            companded(encoding, samples).iter().map(|(octet, _)| *octet).collect()
        }
        Encoding::Gsm610 => unreachable!("not encoded here"),
    }
}

/// The warning and the error that come of bytes declared so, in chunks of 20 ms, at their first
/// appearance.
fn verdict(bytes: &[u8], declared: Encoding) -> (Option<Encoding>, Option<Encoding>) {
    let mut decoder = StreamDecoder::new(StreamFormat::mono(declared, 8000)).unwrap();
    let (mut doubt, mut certainty) = (None, None);
    for chunk in bytes.chunks(320) {
        if decoder.accept(chunk, &mut Vec::new()).is_err() {
            // Only floats fail, as NaN: found out in another way.
            return (None, None);
        }
        if let [Warning::LikelyWrongEncoding { likelier, .. }] = decoder.warnings()[..] {
            doubt = doubt.or(Some(likelier));
        }
        if let Err(AudioError::WrongEncoding { likelier, .. }) = decoder.check_encoding() {
            certainty = certainty.or(Some(likelier));
        }
    }
    (doubt, certainty)
}

/// What telephony and browsers send.
const USUAL: [Encoding; 5] =
    [Encoding::ALaw, Encoding::MuLaw, Encoding::Pcm16Le, Encoding::Pcm16Be, Encoding::Float32Le];

const DECLARED: [Encoding; 9] = [
    Encoding::PcmU8,
    Encoding::PcmS8,
    Encoding::Pcm16Le,
    Encoding::Pcm16Be,
    Encoding::Pcm24Le,
    Encoding::Pcm32Le,
    Encoding::Float32Le,
    Encoding::ALaw,
    Encoding::MuLaw,
];

/// Speech with noise at this signal-to-noise ratio.
fn noisy(speech: &[f32], noise: &[f32], snr_db: f32) -> Vec<f32> {
    let gain = 10f32.powf(-snr_db / 20.0);
    speech.iter().zip(noise.iter().cycle()).map(|(s, n)| s + gain * n).collect()
}

#[test]
fn right_declarations_are_never_doubted_on_speech() {
    let Some(folder) = development_speech() else { return };
    let noises: Vec<Vec<f32>> = recordings(&folder.join("noise/manifest.csv"), ",noise,", 1)
        .iter()
        .map(|path| telephone_band(path, 1.0))
        .collect();
    let mut streams = 0;
    for (number, path) in recordings(&folder.join("manifest.csv"), ",", 5).iter().enumerate() {
        let speech = telephone_band(path, 1.0);
        let level_db = [-12.0, -20.0, -26.0, -35.0, -45.0, -55.0][number % 6];
        let mixed = match number % 4 {
            0 => noisy(&speech, &noises[number % noises.len()], 20.0),
            1 => noisy(&speech, &noises[number % noises.len()], 5.0),
            _ => speech,
        };
        let samples = scaled(&mixed, 10f32.powf(level_db / 20.0));
        for encoding in DECLARED {
            let found = verdict(&encoded(encoding, &samples), encoding);
            assert_eq!(found, (None, None), "{} at {level_db} dB as {encoding}", path.display());
            streams += 1;
        }
    }
    println!("0 doubts over {streams} streams declared right");
}

#[test]
fn wrong_declarations_are_found_on_speech() {
    let Some(folder) = development_speech() else { return };
    let paths = recordings(&folder.join("manifest.csv"), ",dev", 11);
    let speech: Vec<Vec<f32>> =
        paths.iter().map(|path| telephone_band(path, 1.0)).filter(|s| s.len() > 24_000).collect();
    println!("{} recordings of more than 3 s; found in doubt / with certainty / named right:", speech.len());
    for sent in USUAL {
        for declared in USUAL {
            // Bytes that make no floats end the stream by themselves.
            if sent == declared || declared == Encoding::Float32Le {
                continue;
            }
            let (mut doubted, mut certain, mut named) = (0, 0, 0);
            for (number, samples) in speech.iter().enumerate() {
                let level = 10f32.powf([-15.0, -26.0, -38.0][number % 3] / 20.0);
                let (doubt, certainty) = verdict(&encoded(sent, &scaled(samples, level)), declared);
                doubted += usize::from(doubt.is_some());
                certain += usize::from(certainty.is_some());
                named += usize::from(doubt == Some(sent));
            }
            println!("{sent} declared {declared}: {doubted} / {certain} / {named}");
            assert!(doubted * 100 >= speech.len() * 95, "{sent} declared {declared}: {doubted} doubted");
            assert!(named * 100 >= doubted * 95, "{sent} declared {declared}: {named} named right");
        }
    }
}

#[test]
fn signals_that_are_no_speech_are_never_doubted() {
    let rate = 8000.0;
    let tones = |parts: &[f32]| -> Vec<f32> {
        let wave = |n: usize, f: &f32| (std::f32::consts::TAU * f * n as f32 / rate).sin() * 0.2;
        (0..40_000).map(|n| parts.iter().map(|f| wave(n, f)).sum()).collect()
    };
    let mut state = 7u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    };
    let white: Vec<f32> = (0..40_000).map(|_| 0.2 * random()).collect();
    let last_bit: Vec<f32> = (0..40_000).map(|_| (1.4 * random()).round() / 32_768.0).collect();
    let pulses: Vec<f32> = (0..40_000).map(|n| if n % 80 == 0 { 0.9 } else { 0.0 }).collect();
    let clipped: Vec<f32> = tones(&[440.0, 610.0]).iter().map(|s| (s * 12.0).clamp(-0.99, 0.99)).collect();
    for (name, samples) in [
        ("ring-back of 450 Hz", tones(&[450.0])),
        ("dial tone of 350 and 440 Hz", tones(&[350.0, 440.0])),
        ("touch tone 1", tones(&[697.0, 1209.0])),
        ("touch tone D", tones(&[941.0, 1633.0])),
        ("modem tone", tones(&[2100.0])),
        ("high tone", tones(&[3400.0])),
        ("silence", vec![0.0; 40_000]),
        ("direct current", vec![0.3; 40_000]),
        ("white noise", white),
        ("noise in the last bit", last_bit),
        ("pulses", pulses),
        ("a badly clipped signal", clipped),
    ] {
        for encoding in DECLARED {
            assert_eq!(verdict(&encoded(encoding, &samples), encoding), (None, None), "{name} as {encoding}");
        }
    }
}

#[test]
fn gsm_frames_declared_as_samples_are_named() {
    let bytes = data("gsm_frames.gsm").repeat(6);
    for declared in [Encoding::ALaw, Encoding::MuLaw, Encoding::Pcm16Le] {
        assert_eq!(verdict(&bytes, declared).1, Some(Encoding::Gsm610), "{declared}");
    }
}
