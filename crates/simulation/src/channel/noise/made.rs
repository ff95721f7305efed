//! Noises made by rule. Each is of any level; the mix sets it.

use crate::RATE_HZ;
use crate::channel::biquad::Biquad;
use crate::draw::Draw;
use crate::plan::Span;
use crate::signal::{add, power, scale};

const TAU: f64 = std::f64::consts::TAU;

pub(super) fn noise(kind: &str, samples: usize, draw: &mut Draw) -> Vec<f32> {
    match kind {
        "pink" => pink(samples, draw),
        "brown" => brown(samples, draw),
        "hum" => hum(samples, draw),
        "car" => car(samples, draw),
        "fan" => fan(samples, draw),
        "clicks" => clicks(samples, draw),
        "street" => street(samples, draw),
        _ => white(samples, draw),
    }
}

fn white(samples: usize, draw: &mut Draw) -> Vec<f32> {
    (0..samples).map(|_| draw.normal() as f32).collect()
}

/// 3 dB less an octave, by P. Kellet's filter of three poles (within 0.5 dB over this band).
fn pink(samples: usize, draw: &mut Draw) -> Vec<f32> {
    let (mut a, mut b, mut c) = (0.0, 0.0, 0.0);
    let filtered = |_| {
        let white = draw.normal();
        a = 0.997_65 * a + white * 0.099_046_0;
        b = 0.963_00 * b + white * 0.296_516_4;
        c = 0.570_00 * c + white * 1.052_691_3;
        (a + b + c + white * 0.1848) as f32
    };
    (0..samples).map(filtered).collect()
}

/// 6 dB less an octave: noise summed up, with a leak below 20 Hz.
fn brown(samples: usize, draw: &mut Draw) -> Vec<f32> {
    let leak = (-TAU * 20.0 / RATE_HZ as f64).exp();
    let mut sum = 0.0;
    let mut noise: Vec<f32> = (0..samples)
        .map(|_| {
            sum = leak * sum + draw.normal();
            sum as f32
        })
        .collect();
    normalize(&mut noise);
    noise
}

/// The mains: 50 or 60 Hz and its harmonics, the odd ones stronger, over a little hiss.
fn hum(samples: usize, draw: &mut Draw) -> Vec<f32> {
    let base = if draw.chance(0.7) { 50.0 } else { 60.0 } * (1.0 + 0.001 * draw.normal());
    let mut sum = white(samples, draw);
    scale(&mut sum, 0.05);
    for harmonic in 1..=20 {
        let odd = if harmonic % 2 == 1 { 1.0 } else { 0.4 };
        let gain = odd * (0.3 + 0.7 * draw.unit()) / f64::from(harmonic).sqrt();
        tone(&mut sum, base * f64::from(harmonic), gain, draw);
    }
    sum
}

/// A car's inside: wind and tires far down, and the engine's firing with its harmonics, whose speed
/// wanders.
fn car(samples: usize, draw: &mut Draw) -> Vec<f32> {
    let mut road = brown(samples, draw);
    Biquad::low_pass(draw.log_between(Span::new(300.0, 900.0)), 0.7).apply(&mut road);
    normalize(&mut road);
    let mut hiss = pink(samples, draw);
    normalize(&mut hiss);
    add(&mut road, &hiss, 0.2);
    let firing = draw.log_between(Span::new(40.0, 120.0));
    let gain = draw.between(Span::new(0.1, 0.6));
    let (mut phase, mut drift) = (0.0f64, 0.0);
    for sample in &mut road {
        drift = 0.999_9 * drift + 0.000_3 * draw.normal();
        phase = (phase + TAU * firing * (1.0 + 0.2 * drift) / RATE_HZ as f64) % TAU;
        let engine: f64 = (1..=6).map(|h| (phase * f64::from(h)).sin() / f64::from(h)).sum();
        *sample += (gain * engine) as f32;
    }
    road
}

/// A fan: even rush, a hump of the housing, the blades' tone.
fn fan(samples: usize, draw: &mut Draw) -> Vec<f32> {
    let mut rush = pink(samples, draw);
    Biquad::peak(draw.log_between(Span::new(200.0, 1_500.0)), 1.0, draw.between(Span::new(3.0, 12.0)))
        .apply(&mut rush);
    normalize(&mut rush);
    let blades = draw.log_between(Span::new(60.0, 400.0));
    for harmonic in 1..=4 {
        let gain = draw.between(Span::new(0.02, 0.25)) / f64::from(harmonic);
        tone(&mut rush, blades * f64::from(harmonic), gain, draw);
    }
    rush
}

/// Keyboards and handling: short rings at random times over a soft floor.
fn clicks(samples: usize, draw: &mut Draw) -> Vec<f32> {
    let mut sum = pink(samples, draw);
    normalize(&mut sum);
    scale(&mut sum, 0.03);
    let per_second = draw.log_between(Span::new(1.0, 8.0));
    let mut at = 0.0;
    loop {
        // Times between events of a Poisson process.
        at += -(1.0 - draw.unit()).ln() / per_second * RATE_HZ as f64;
        let start = at as usize;
        if start >= samples {
            return sum;
        }
        let (hz, decay) =
            (draw.log_between(Span::new(500.0, 3_500.0)), draw.log_between(Span::new(0.001, 0.015)));
        let gain = draw.log_between(Span::new(0.2, 2.0));
        let length = (decay * 6.0 * RATE_HZ as f64) as usize;
        for (i, sample) in sum[start..].iter_mut().take(length).enumerate() {
            let t = i as f64 / RATE_HZ as f64;
            let ring = 0.6 * (TAU * hz * t).sin() + 0.4 * draw.normal();
            *sample += (gain * (-t / decay).exp() * ring) as f32;
        }
    }
}

/// A street: pink noise whose loudness comes and goes as cars pass, some of them humming.
fn street(samples: usize, draw: &mut Draw) -> Vec<f32> {
    let mut sum = pink(samples, draw);
    normalize(&mut sum);
    scale(&mut sum, 0.4);
    let cars = samples / (RATE_HZ * 3) + 1;
    for _ in 0..cars {
        let middle = draw.unit() * samples as f64;
        let width = draw.between(Span::new(0.4, 2.5)) * RATE_HZ as f64;
        let mut passing = brown(samples, draw);
        Biquad::band_pass(draw.log_between(Span::new(100.0, 900.0)), 0.5).apply(&mut passing);
        normalize(&mut passing);
        let gain = draw.between(Span::new(0.3, 1.5));
        for (i, (sample, sound)) in sum.iter_mut().zip(&passing).enumerate() {
            let distance = (i as f64 - middle) / width;
            *sample += (gain * f64::from(*sound) / (1.0 + distance * distance)) as f32;
        }
    }
    sum
}

/// Adds a tone that the telephone band may carry.
fn tone(samples: &mut [f32], hz: f64, gain: f64, draw: &mut Draw) {
    let step = TAU * hz / RATE_HZ as f64;
    if step >= std::f64::consts::PI {
        return;
    }
    let phase = TAU * draw.unit();
    for (i, sample) in samples.iter_mut().enumerate() {
        *sample += (gain * (phase + step * i as f64).sin()) as f32;
    }
}

fn normalize(samples: &mut [f32]) {
    let level = power(samples).sqrt();
    if level > 0.0 {
        scale(samples, 1.0 / level);
    }
}
