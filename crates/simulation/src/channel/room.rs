//! Reverberation: a shoebox's image sources with a diffuse tail, a bare exponential tail, or a room
//! that was measured.

use realfft::RealFftPlanner;
use serde_json::{Value, json};

use super::Setting;
use crate::draw::Draw;
use crate::plan::Span;
use crate::signal::rounded;
use crate::{RATE_HZ, SimulationError};

/// What a plan can ask for.
pub(crate) const KINDS: [&str; 3] = ["shoebox", "exponential", "file"];

const SPEED_OF_SOUND_M_S: f64 = 343.0;
/// The sides of drawn rooms, in meters: from a booth to an open-plan office.
const SIDES_M: [Span; 3] = [Span::new(2.0, 12.0), Span::new(1.8, 8.0), Span::new(2.2, 4.0)];
/// Image sources up to here, a diffuse tail after it, in seconds: echoes are too dense then to be
/// told apart (Lehmann and Johansson, IEEE TASLP 18(6), 2010).
const EARLY_S: f64 = 0.05;
/// The longest measured response that is used, in seconds.
const LONGEST_FILE_S: f64 = 3.0;
/// The direct sound of a measured response is looked for this near its peak, in samples.
const BEFORE_PEAK: usize = 8;

/// Puts both voices into the same drawn room.
pub(super) fn apply(
    talker: &mut [f32],
    other: &mut [f32],
    setting: &Setting<'_>,
) -> Result<Value, SimulationError> {
    let (plan, mut draw) = (&setting.plan.room, setting.draws.stage("room"));
    if !draw.chance(plan.share) {
        return Ok(Value::Null);
    }
    let files = setting.materials.rooms();
    let usable = |kind: &str| kind != "file" || !files.is_empty();
    let weights =
        KINDS.map(|kind| if usable(kind) { plan.weights.get(kind).copied().unwrap_or(0.0) } else { 0.0 });
    let Some(kind) = draw.weighted(&weights) else { return Ok(Value::Null) };
    let rt60 = draw.log_between(plan.rt60_s);
    let distance = draw.log_between(plan.distance_m);
    let (response, drawn) = match KINDS[kind] {
        "file" => {
            let (name, samples) = setting.materials.choose(files, "room file", setting.draws)?;
            (measured(&samples), json!({ "kind": "file", "file": name }))
        }
        kind => {
            let sides = SIDES_M.map(|side| draw.between(side));
            let response = if kind == "shoebox" {
                shoebox(sides, rt60, distance, &mut draw)
            } else {
                exponential(sides, rt60, distance, &mut draw)
            };
            let sides = sides.map(rounded);
            let drawn = json!({ "kind": kind, "rt60_s": rounded(rt60), "distance_m": rounded(distance), "sides_m": sides });
            (response, drawn)
        }
    };
    convolve(talker, &response);
    convolve(other, &response);
    Ok(drawn)
}

/// Eyring's mean absorption for a reverberation time, as an amplitude reflected by a wall.
fn reflection([x, y, z]: [f64; 3], rt60: f64) -> f64 {
    let (volume, surface) = (x * y * z, 2.0 * (x * y + y * z + z * x));
    // RT60 = 24 ln(10) V / (-c S ln(1 - absorption)); the reflected amplitude is sqrt(1 - absorption).
    let exponent = -24.0 * std::f64::consts::LN_10 * volume / (SPEED_OF_SOUND_M_S * surface * rt60);
    (exponent / 2.0).exp()
}

/// Allen and Berkley's image sources (JASA 65(4), 1979) up to 50 ms after the direct sound, then noise
/// that decays by 60 dB in `rt60` and begins as loud as the images end. The direct sound has
/// amplitude 1 at the first sample.
fn shoebox(sides: [f64; 3], rt60: f64, distance: f64, draw: &mut Draw) -> Vec<f32> {
    let beta = reflection(sides, rt60);
    let mouth = sides.map(|side| side * (0.2 + 0.6 * draw.unit()));
    let direction = [draw.normal(), draw.normal(), draw.normal()];
    let length = direction.iter().map(|d| d * d).sum::<f64>().sqrt().max(1e-9);
    let mut microphone = [0.0; 3];
    for axis in 0..3 {
        let at = mouth[axis] + direction[axis] / length * distance;
        microphone[axis] = at.clamp(0.05, sides[axis] - 0.05);
    }
    let direct = separation(mouth, microphone).max(0.02);
    let reach = direct + EARLY_S * SPEED_OF_SOUND_M_S;
    let early = (EARLY_S * RATE_HZ as f64) as usize;
    let mut response = vec![0.0; early + (rt60 * RATE_HZ as f64) as usize];
    let orders = sides.map(|side| (reach / (2.0 * side)).ceil() as i32 + 1);
    for nx in -orders[0]..=orders[0] {
        for ny in -orders[1]..=orders[1] {
            for nz in -orders[2]..=orders[2] {
                for parity in 0..8 {
                    let n = [nx, ny, nz];
                    let (mut image, mut bounces) = ([0.0; 3], 0);
                    for axis in 0..3 {
                        let p = (parity >> axis) & 1;
                        image[axis] =
                            f64::from(1 - 2 * p) * mouth[axis] + 2.0 * f64::from(n[axis]) * sides[axis];
                        bounces += (2 * n[axis] - p).abs();
                    }
                    let path = separation(image, microphone).max(0.02);
                    if path < reach {
                        place(&mut response[..early], path - direct, beta.powi(bounces) * direct / path);
                    }
                }
            }
        }
    }
    tail(&mut response, early, rt60, draw);
    response
}

/// A direct sound and a tail only, the tail as loud against it as in a diffuse field (the critical
/// distance is 0.057 sqrt(V / RT60) meters).
fn exponential([x, y, z]: [f64; 3], rt60: f64, distance: f64, draw: &mut Draw) -> Vec<f32> {
    let critical = 0.057 * (x * y * z / rt60).sqrt();
    let reverberant = (distance / critical).powi(2);
    let decay = decay_per_sample(rt60);
    // The tail's energies are a geometric series.
    let first = (reverberant * (1.0 - decay * decay)).sqrt();
    let mut response = vec![0.0; (rt60 * RATE_HZ as f64) as usize + 1];
    let mut gain = first;
    for sample in response.iter_mut() {
        *sample = (draw.normal() * gain) as f32;
        gain *= decay;
    }
    response[0] = 1.0;
    response
}

fn decay_per_sample(rt60: f64) -> f64 {
    10f64.powf(-3.0 / (rt60 * RATE_HZ as f64))
}

/// Adds an echo that comes `later` meters after the direct sound, between its two nearest samples.
fn place(response: &mut [f32], later: f64, gain: f64) {
    let at = (later / SPEED_OF_SOUND_M_S * RATE_HZ as f64).max(0.0);
    let (whole, part) = (at as usize, at.fract());
    if let Some(sample) = response.get_mut(whole) {
        *sample += (gain * (1.0 - part)) as f32;
    }
    if let Some(sample) = response.get_mut(whole + 1) {
        *sample += (gain * part) as f32;
    }
}

/// Noise from `early` on that decays with `rt60` and begins at the level of the last images.
fn tail(response: &mut [f32], early: usize, rt60: f64, draw: &mut Draw) {
    let last = &response[early / 2..early];
    let decay = decay_per_sample(rt60);
    // The images of the second half, each brought to the level it would have at the half's end.
    let at_end =
        |(i, sample): (usize, &f32)| (f64::from(*sample) * decay.powi((last.len() - i) as i32)).powi(2);
    let mut gain = (last.iter().enumerate().map(at_end).sum::<f64>() / last.len().max(1) as f64).sqrt();
    for sample in &mut response[early..] {
        *sample = (draw.normal() * gain) as f32;
        gain *= decay;
    }
}

/// A measured response from its direct sound on, that sound's peak brought to 1.
fn measured(samples: &[f32]) -> Vec<f32> {
    let peak =
        samples.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).map_or(0, |(i, _)| i);
    let longest = (LONGEST_FILE_S * RATE_HZ as f64) as usize;
    let from = peak.saturating_sub(BEFORE_PEAK);
    let loudest = samples.get(peak).map_or(1.0, |s| s.abs()).max(1e-6);
    samples[from..].iter().take(longest).map(|sample| sample / loudest).collect()
}

fn separation(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt()
}

/// Convolves in place; the length stays.
fn convolve(samples: &mut [f32], response: &[f32]) {
    if samples.iter().all(|sample| *sample == 0.0) || response.is_empty() {
        return;
    }
    let size = (samples.len() + response.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
    let transform = |signal: &[f32]| {
        let mut padded = signal.to_vec();
        padded.resize(size, 0.0);
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut padded, &mut spectrum).ok().map(|()| spectrum)
    };
    let (Some(mut product), Some(filter)) = (transform(samples), transform(response)) else { return };
    product.iter_mut().zip(&filter).for_each(|(a, b)| *a *= b);
    let mut out = inverse.make_output_vec();
    // The ends of a product of real signals' spectra are real, which is all that can fail here.
    if inverse.process(&mut product, &mut out).is_ok() {
        samples.iter_mut().zip(&out).for_each(|(sample, value)| *sample = value / size as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schroeder's backward integration (JASA 37, 1965): the time for 60 dB, from the slope between -5
    /// and -25 dB of the tail.
    fn measured_rt60(response: &[f32]) -> f64 {
        let mut left: Vec<f64> = response.iter().map(|&s| f64::from(s).powi(2)).collect();
        for i in (0..left.len() - 1).rev() {
            left[i] += left[i + 1];
        }
        let start = RATE_HZ / 1000;
        let db = |i: usize| 10.0 * (left[i] / left[start]).log10();
        let reaches = |level: f64| (start..left.len()).find(|&i| db(i) <= level).unwrap();
        (reaches(-25.0) - reaches(-5.0)) as f64 / RATE_HZ as f64 * 3.0
    }

    #[test]
    fn rooms_reverberate_as_long_as_drawn() {
        for rt60 in [0.2, 0.4, 0.7] {
            for room in 0..4 {
                let mut draw = Draw::of(room, &["room"]);
                let sides = [4.0 + room as f64, 3.0, 2.5];
                let tail = measured_rt60(&exponential(sides, rt60, 1.0, &mut draw));
                assert!((tail / rt60 - 1.0).abs() < 0.12, "exponential {rt60}: {tail:.3}");
                let images = measured_rt60(&shoebox(sides, rt60, 1.0, &mut draw));
                assert!((images / rt60 - 1.0).abs() < 0.25, "shoebox {rt60}: {images:.3}");
            }
        }
    }

    #[test]
    fn the_direct_sound_comes_first_and_at_once() {
        for distance in [0.05, 0.5, 1.2] {
            let response = shoebox([5.0, 4.0, 3.0], 0.4, distance, &mut Draw::of(2, &["direct"]));
            assert!((response[0] - 1.0).abs() < 0.05, "{}", response[0]);
            let direct = f64::from(response[0]).powi(2);
            let all: f64 = response.iter().map(|&s| f64::from(s).powi(2)).sum();
            let ratio = 10.0 * (direct / (all - direct)).log10();
            // Critical distance here is 0.7 m.
            assert!(if distance < 0.1 { ratio > 10.0 } else { ratio < 8.0 }, "{distance} m: {ratio:.1} dB");
        }
    }

    #[test]
    fn convolution_is_convolution() {
        let mut signal: Vec<f32> = (0..50).map(|i| (i * i % 17) as f32 - 8.0).collect();
        let response = [1.0, 0.0, -0.5, 0.25];
        let expected: Vec<f32> =
            (0..50).map(|n| (0..4).filter(|k| *k <= n).map(|k| signal[n - k] * response[k]).sum()).collect();
        convolve(&mut signal, &response);
        assert!(signal.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn a_measured_room_begins_with_its_direct_sound() {
        let mut file = vec![0.001; 400];
        file[300] = -0.5;
        let response = measured(&file);
        assert_eq!((response.len(), response[BEFORE_PEAK]), (108, -1.0));
        assert!(measured(&[]).is_empty());
    }
}
