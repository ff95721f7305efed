use std::path::Path;

use super::*;
use crate::material::Clip;
use crate::signal::{from_i16, to_i16};

/// Twelve seconds of a real voice at -26 dB, which no codec clips.
fn speech() -> Vec<i16> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/voices/allison/01.flac");
    let mut samples: Vec<i16> =
        Clip::read(&path).unwrap().samples().iter().map(|&sample| to_i16(sample)).collect();
    samples.truncate(96_000 + 37);
    samples
}

fn library() -> Option<AmrLibrary> {
    let library = AmrLibrary::load().ok();
    if library.is_none() {
        eprintln!("skipped: libopencore-amrnb0 is not installed");
    }
    library
}

fn passed(codec: Codec, samples: &[i16], lost: &[bool], gaps: bool) -> Vec<i16> {
    let library = AmrLibrary::load().ok();
    codec.pass(samples, &Line { lost, gaps, amr: library.as_ref() }).unwrap()
}

/// Mean over frames of 20 ms of the signal-to-noise ratio in dB, each within 0 to 40, as codecs are
/// measured.
fn segmental_snr(clean: &[i16], coded: &[i16]) -> f64 {
    let ratios: Vec<f64> = clean
        .chunks_exact(PACKET)
        .zip(coded.chunks_exact(PACKET))
        .filter_map(|(clean, coded)| {
            let energy: f64 = clean.iter().map(|&s| f64::from(s).powi(2)).sum();
            let error: f64 =
                clean.iter().zip(coded).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
            // Frames louder than -46 dB only.
            (energy / PACKET as f64 > 164.0 * 164.0)
                .then(|| (10.0 * (energy / error.max(1.0)).log10()).clamp(0.0, 40.0))
        })
        .collect();
    assert!(ratios.len() > 100);
    ratios.iter().sum::<f64>() / ratios.len() as f64
}

/// The low frequencies taken off. AMR's own high-pass filters (TS 26.090, sections 4.1 and 6.2) turn
/// their phase, which is neither delay nor noise.
fn emphasized(samples: &[i16]) -> Vec<i16> {
    let mut signal: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
    for _ in 0..3 {
        let mut last = 0.0;
        for sample in &mut signal {
            let now = *sample;
            *sample -= 0.9 * last;
            last = now;
        }
    }
    signal.into_iter().map(|sample| sample as i16).collect()
}

/// By how many samples the output lies behind the input.
fn delay(clean: &[i16], coded: &[i16]) -> isize {
    let (clean, coded) = (emphasized(clean), emphasized(coded));
    let likeness = |lag: isize| -> f64 {
        let (clean, coded) = if lag >= 0 {
            (&clean[..], &coded[lag as usize..])
        } else {
            (&clean[-lag as usize..], &coded[..])
        };
        clean.iter().zip(coded).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    };
    (-200..=200).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b))).unwrap()
}

/// A codec's likeness to its input lies in this range: below it something is broken, above it the
/// samples did not go through this codec.
fn check(codec: Codec, expected_db: std::ops::Range<f64>) {
    let clean = speech();
    let coded = passed(codec, &clean, &[], false);
    assert_eq!(coded.len(), clean.len());
    assert_eq!(delay(&clean, &coded), 0, "{}", codec.name());
    let snr = segmental_snr(&clean, &coded);
    assert!(expected_db.contains(&snr), "{} gives {snr:.1} dB", codec.name());
}

#[test]
fn g711_is_as_good_as_it_is() {
    check(Codec::Alaw, 35.0..39.0);
    check(Codec::Ulaw, 35.0..39.0);
}

#[test]
fn gsm_is_as_good_as_it_is() {
    check(Codec::Gsm, 12.0..16.0);
}

#[test]
fn amr_is_better_with_more_bits() {
    if library().is_none() {
        return;
    }
    let clean = speech();
    let sharp = emphasized(&clean);
    let likeness = |mode| {
        let coded = passed(Codec::Amr(mode), &clean, &[], false);
        assert_eq!(delay(&clean, &coded), 0, "{}", mode.name());
        // Frames that are soft after the filter don't count.
        let loud: Vec<i16> = sharp.iter().map(|sample| sample.saturating_mul(4)).collect();
        let coded: Vec<i16> = emphasized(&coded).iter().map(|sample| sample.saturating_mul(4)).collect();
        segmental_snr(&loud, &coded)
    };
    let snr = AmrMode::ALL.map(likeness);
    assert!(snr.is_sorted_by(|a, b| a < &(b + 0.3)), "{snr:?}");
    assert!(snr[0] > 1.0 && snr[7] > snr[0] + 2.0 && snr[7] < 10.0, "{snr:?}");
}

#[test]
fn opus_is_better_with_more_bits() {
    let clean = speech();
    let snr = |rate| segmental_snr(&clean, &passed(Codec::Opus(rate), &clean, &[], false));
    let all = [snr(6), snr(12), snr(24)];
    assert!(all[0] < all[1] && all[1] < all[2], "{all:?}");
    for rate in OPUS_KBIT_S {
        check(Codec::Opus(rate), 5.0..13.0);
    }
}

#[test]
fn codecs_in_tandem_are_worse_than_one() {
    let clean = speech();
    let once = passed(Codec::Gsm, &clean, &[], false);
    let twice = passed(Codec::Gsm, &once, &[], false);
    assert!(segmental_snr(&clean, &twice) + 1.0 < segmental_snr(&clean, &once));
    assert_eq!(delay(&clean, &twice), 0);
}

#[test]
fn g711_takes_the_octet_whose_interval_holds_the_sample() {
    for (a_law, encoding) in [(true, earmark_audio::Encoding::ALaw), (false, earmark_audio::Encoding::MuLaw)]
    {
        let octets: Vec<u8> = (0..=255).collect();
        let values: Vec<i32> = g711::decode(encoding, &octets).unwrap().into_iter().map(i32::from).collect();
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let encode = if a_law { g711::alaw } else { g711::ulaw };
        let mut last = i32::MIN;
        for sample in sorted[0] as i16..=sorted[255] as i16 {
            let value = values[usize::from(encode(sample))];
            assert!(value >= last, "{sample} decodes to less than the sample below it");
            last = value;
            // A value stands in the middle of its interval, so half the way to its farther neighbor
            // is the farthest; two for the bits that the tables don't have.
            let at = sorted.partition_point(|other| *other < value);
            let below = value - sorted[at.saturating_sub(1)];
            let above = sorted.get(at + 1).map_or(below, |next| next - value);
            let error = (value - i32::from(sample)).abs();
            assert!(error <= below.max(above) / 2 + 2, "{sample} becomes {value}");
        }
        for (octet, value) in octets.iter().zip(&values) {
            let again = encode(i16::try_from(*value).unwrap());
            assert!(again == *octet || *value == 0, "octet {octet:02x} becomes {again:02x}");
        }
    }
}

/// Packets 10, 11 and 30 are lost of fifty.
fn some_lost(packets: usize) -> Vec<bool> {
    (0..packets).map(|packet| matches!(packet % 50, 10 | 11 | 30)).collect()
}

#[test]
fn what_is_lost_is_concealed_and_what_arrives_is_not_touched() {
    let clean = speech();
    let lost = some_lost(clean.len() / PACKET);
    for codec in [Codec::Alaw, Codec::Gsm, Codec::Opus(16), Codec::Amr(AmrMode::ALL[7])] {
        if codec == Codec::Amr(AmrMode::ALL[7]) && library().is_none() {
            continue;
        }
        let (whole, broken) = (passed(codec, &clean, &[], false), passed(codec, &clean, &lost, false));
        assert_eq!(delay(&clean, &broken), 0, "{}", codec.name());
        assert!(whole[..9 * PACKET] == broken[..9 * PACKET], "{}", codec.name());
        assert!(whole != broken);
        // Neither silence nor noise stands in the gaps: the level is much as it was.
        let level = |samples: &[i16]| {
            let gaps =
                samples.chunks(PACKET).zip(&lost).filter(|(_, lost)| **lost).flat_map(|(chunk, _)| chunk);
            gaps.map(|&sample| f64::from(from_i16(sample)).powi(2)).sum::<f64>()
        };
        let ratio_db = 10.0 * (level(&broken) / level(&whole)).log10();
        assert!((-8.0..4.0).contains(&ratio_db), "{}: {ratio_db:.1} dB", codec.name());
    }
}

#[test]
fn a_long_gap_of_g711_fades_to_silence_within_60_ms() {
    let tone: Vec<i16> = (0..8000).map(|i| ((f64::from(i) * 0.15).sin() * 8000.0) as i16).collect();
    let lost: Vec<bool> = (0..50).map(|packet| packet >= 20).collect();
    let out = passed(Codec::Alaw, &tone, &lost, false);
    let first: i32 = out[20 * PACKET..20 * PACKET + 80].iter().map(|&s| i32::from(s).abs()).max().unwrap();
    assert!(first > 7000, "the first 10 ms are repeated at full level");
    assert!(out[20 * PACKET + 480..].iter().all(|&sample| sample == 0));
}

#[test]
fn pauses_become_comfort_noise() {
    // Speech, two seconds of a little noise, and speech again.
    let mut samples = speech()[..24_000].to_vec();
    let mut draw = Draw::of(1, &["test"]);
    samples.extend((0..16_000).map(|_| (draw.normal() * 30.0) as i16));
    samples.extend(&speech()[24_000..48_000]);
    for codec in [Codec::Opus(12), Codec::Amr(AmrMode::ALL[7])] {
        if codec == Codec::Amr(AmrMode::ALL[7]) && library().is_none() {
            continue;
        }
        let (always, gaps) = (passed(codec, &samples, &[], false), passed(codec, &samples, &[], true));
        assert!(always[28_000..38_000] != gaps[28_000..38_000], "{}", codec.name());
        assert!(segmental_snr(&samples[44_000..], &gaps[44_000..]) > 3.0);
    }
}

#[test]
fn losses_come_at_their_rate_and_in_bursts() {
    for (rate, mean_burst) in [(0.01, 1.0), (0.05, 2.0), (0.2, 3.0)] {
        let losses = Gilbert { rate, mean_burst }.losses(400_000, &mut Draw::of(9, &["losses"]));
        let lost = losses.iter().filter(|lost| **lost).count() as f64;
        let bursts = losses.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
        assert!((lost / 400_000.0 / rate - 1.0).abs() < 0.06, "{}", lost / 400_000.0);
        // With a mean of 1 a burst of two is two that meet by chance.
        assert!((lost / bursts / mean_burst - 1.0).abs() < 0.08, "{}", lost / bursts);
    }
}

#[test]
fn chains_are_drawn_within_what_their_names_say() {
    let mut draw = Draw::of(1, &["chain"]);
    let names = |chain: &[&str]| chain.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let modes: std::collections::BTreeSet<String> =
        (0..200).map(|_| Chain::draw(&names(&["amr", "alaw"]), &mut draw).to_json().to_string()).collect();
    assert_eq!(modes.len(), 8);
    let chain = Chain::draw(&names(&["opus16", "none", "amr7.95", "gsm"]), &mut draw);
    assert_eq!(chain.codecs(), [Codec::Opus(16), Codec::Amr(AmrMode::named("7.95").unwrap()), Codec::Gsm]);
    assert_eq!(chain.families(), "opus+amr+gsm");
    assert_eq!(Chain::draw(&names(&["none"]), &mut draw).families(), "none");
    for wrong in ["evs", "amr5", "opus5", "opus25", "opus", "OPUS", ""] {
        assert_eq!(Chain::check(&names(&[wrong])).is_ok(), wrong == "opus", "{wrong}");
    }
    assert!(Chain::check(&[]).is_err() && Chain::check(&vec!["alaw".to_owned(); 7]).is_err());
}

#[test]
fn an_empty_call_stays_empty() {
    for codec in [Codec::Alaw, Codec::Gsm, Codec::Opus(6)] {
        assert!(passed(codec, &[], &[], false).is_empty());
    }
}
