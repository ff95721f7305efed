use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;

/// Rates of telephony, of music, and odd ones (22,254 and 11,127 Hz of old recorders; a prime).
const RATES_HZ: [u32; 14] = [
    4_000, 6_000, 8_000, 11_025, 11_127, 16_000, 22_050, 22_254, 32_000, 44_100, 44_101, 48_000, 96_000,
    192_000,
];

fn tone(frequency: f64, rate: u32, samples: usize) -> Vec<f32> {
    (0..samples).map(|n| (TAU * frequency * n as f64 / f64::from(rate)).sin() as f32).collect()
}

fn resampled(from: u32, to: u32, input: &[f32]) -> Vec<f32> {
    let mut out = Vec::new();
    let mut resampler = Resampler::new(from, to).unwrap();
    resampler.accept(input, &mut out);
    resampler.finish(&mut out);
    out
}

/// The level of what is left in the middle half, in dB of a full-scale sine.
fn level_db(samples: impl Iterator<Item = f64>, count: usize) -> f64 {
    let middle: Vec<f64> = samples.skip(count / 4).take(count / 2).collect();
    10.0 * (2.0 * middle.iter().map(|v| v * v).sum::<f64>() / middle.len() as f64).log10()
}

/// How far the output is from the same tone sampled at the other rate: the truth.
fn error_db(frequency: f64, from: u32, to: u32) -> f64 {
    let out = resampled(from, to, &tone(frequency, from, from as usize / 2));
    let truth = (0..out.len()).map(|n| (TAU * frequency * n as f64 / f64::from(to)).sin());
    level_db(truth.zip(&out).map(|(a, b)| a - f64::from(*b)), out.len())
}

#[test]
fn refuses_rates_it_can_not_make() {
    for (from, to) in [(0, 8000), (3999, 8000), (192_001, 16_000), (8000, 0), (8000, 11_025)] {
        assert!(matches!(Resampler::new(from, to), Err(AudioError::UnsupportedRate { .. })), "{from} {to}");
    }
}

#[test]
fn tones_of_the_passband_come_out_as_they_are() {
    let mut worst = f64::NEG_INFINITY;
    for from in RATES_HZ {
        for to in [8_000, 16_000] {
            let edge = 0.45 * f64::from(from.min(to));
            for part in [0.01, 0.1, 0.33, 0.5, 0.77, 0.9, 0.99] {
                let error = error_db(edge * part, from, to);
                assert!(error < -90.0, "{from} to {to} Hz, {:.0} Hz: {error:.1} dB", edge * part);
                worst = worst.max(error);
            }
        }
    }
    println!("largest error of passband tones, images included: {worst:.1} dB");
}

#[test]
fn what_would_alias_is_ninety_decibels_down() {
    let mut worst = f64::NEG_INFINITY;
    for from in RATES_HZ {
        for to in [8_000, 16_000] {
            let (stop, highest) = (0.5 * f64::from(to), 0.5 * f64::from(from));
            for part in [0.0001, 0.01, 0.1, 0.3, 0.5, 0.8, 0.95] {
                let frequency = stop + (highest - stop) * part;
                if frequency <= stop {
                    continue;
                }
                let out = resampled(from, to, &tone(frequency, from, from as usize / 2));
                let level = level_db(out.iter().map(|v| f64::from(*v)), out.len());
                assert!(level < -90.0, "{from} to {to} Hz, {frequency:.0} Hz: {level:.1} dB");
                worst = worst.max(level);
            }
        }
    }
    println!("strongest alias: {worst:.1} dB");
}

#[test]
fn every_input_length_gives_the_length_of_the_same_time() {
    for from in RATES_HZ {
        for to in [8_000u32, 16_000] {
            for samples in [0usize, 1, 2, 5, 159, 160, 161, 4096, 20_001] {
                let expected = (samples as u64 * u64::from(to)).div_ceil(u64::from(from));
                let out = resampled(from, to, &vec![0.5; samples]);
                assert_eq!(out.len() as u64, expected, "{samples} samples, {from} to {to} Hz");
            }
        }
    }
}

#[test]
fn a_constant_stays_the_constant() {
    for from in RATES_HZ {
        let out = resampled(from, 16_000, &vec![0.5; from as usize / 4]);
        let middle = &out[out.len() / 4..out.len() * 3 / 4];
        let most = middle.iter().map(|v| (v - 0.5).abs()).fold(0.0, f32::max);
        assert!(most < 2e-6, "{from} Hz: off by {most}");
    }
}

#[test]
fn there_is_no_delay() {
    // An impulse at 0.25 s comes out around 0.25 s, symmetrically.
    for (from, to) in [(8_000, 16_000), (16_000, 8_000), (48_000, 8_000), (192_000, 16_000), (44_100, 16_000)]
    {
        let mut input = vec![0.0; from as usize / 2];
        input[from as usize / 4] = 1.0;
        let out = resampled(from, to, &input);
        let center = to as usize / 4;
        for offset in 1..40 {
            let (before, after) = (out[center - offset], out[center + offset]);
            assert!((before - after).abs() < 1e-6, "{from} to {to} Hz: {before} and {after} at {offset}");
        }
    }
}

#[test]
fn equal_rates_pass_the_bits_through() {
    let input = tone(440.0, 16_000, 1000);
    assert_eq!(resampled(16_000, 16_000, &input), input);
}

#[test]
fn memory_does_not_grow_with_the_input() {
    for (from, to) in [(8_000, 16_000), (192_000, 8_000), (44_101, 8_000)] {
        let mut resampler = Resampler::new(from, to).unwrap();
        let mut out = Vec::new();
        let mut capacity = 0;
        for round in 0..40 {
            for chunk in [1, 160, 1 << 20] {
                out.clear();
                resampler.accept(&vec![0.1; chunk], &mut out);
            }
            if round == 1 {
                capacity = resampler.history.capacity();
            }
        }
        assert_eq!(resampler.history.capacity(), capacity, "{from} to {to} Hz");
        assert!(capacity < 4 * SPENT_SAMPLES, "{capacity} samples of history");
    }
}

#[test]
fn after_the_end_it_starts_anew() {
    let input = tone(1000.0, 8_000, 777);
    let mut resampler = Resampler::new(8_000, 16_000).unwrap();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for out in [&mut first, &mut second] {
        resampler.accept(&input, out);
        resampler.finish(out);
    }
    assert_eq!(first, second);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_gives_the_same_bits(
        from in prop::sample::select(RATES_HZ.to_vec()),
        to in prop::sample::select(vec![8_000u32, 16_000]),
        seed in any::<u32>(),
        chunks in prop::collection::vec(0usize..4000, 1..30),
    ) {
        let total: usize = chunks.iter().sum();
        let input: Vec<f32> = (0..total as u32)
            .map(|n| (n.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0)
            .collect();
        let mut out = Vec::new();
        let mut resampler = Resampler::new(from, to).unwrap();
        let mut rest = input.as_slice();
        for chunk in chunks {
            let (now, later) = rest.split_at(chunk);
            resampler.accept(now, &mut out);
            rest = later;
        }
        resampler.finish(&mut out);
        let bits = |samples: &[f32]| samples.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&out), bits(&resampled(from, to, &input)));
    }
}
