//! Noise suppression by spectral subtraction, with the musical noise it leaves: Berouti, Schwartz and
//! Makhoul, "Enhancement of speech corrupted by acoustic noise" (ICASSP 1979).

use realfft::RealFftPlanner;
use serde_json::{Value, json};

use super::Setting;
use crate::signal::{from_db, rounded};

/// Windows of 32 ms, half overlapping.
const WINDOW: usize = 256;
const HOP: usize = WINDOW / 2;
/// The noise in a bin is what it holds in this part of the quietest frames.
const QUIET_QUANTILE: f64 = 0.2;
/// By how much the quantile of a noise's power lies below its mean (exponential distribution:
/// -ln(1 - 0.2) of the mean).
const QUANTILE_TO_MEAN: f32 = 1.0 / 0.223_143_55;

pub(super) fn apply(near: &mut Vec<f32>, setting: &Setting<'_>) -> Value {
    let (plan, mut draw) = (&setting.plan.suppressor, setting.draws.stage("suppressor"));
    if !draw.chance(plan.share) {
        return Value::Null;
    }
    let over = draw.between(plan.over_subtraction);
    let floor = draw.between(plan.floor_db);
    // A window that won't transform leaves the signal as it is.
    if let Some(suppressed) = subtract(near, over as f32, from_db(floor) as f32) {
        *near = suppressed;
    }
    json!({ "over_subtraction": rounded(over), "floor_db": rounded(floor) })
}

fn subtract(samples: &[f32], over: f32, floor: f32) -> Option<Vec<f32>> {
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(WINDOW), planner.plan_fft_inverse(WINDOW));
    // The square root of a Hann window, twice: the halves add up to one.
    let window: Vec<f32> =
        (0..WINDOW).map(|i| (std::f32::consts::PI * (i as f32 + 0.5) / WINDOW as f32).sin()).collect();
    let mut padded = vec![0.0; HOP];
    padded.extend_from_slice(samples);
    padded.resize(samples.len().div_ceil(HOP) * HOP + WINDOW, 0.0);
    let mut spectra = Vec::new();
    for start in (0..=padded.len() - WINDOW).step_by(HOP) {
        let mut frame: Vec<f32> =
            padded[start..start + WINDOW].iter().zip(&window).map(|(s, w)| s * w).collect();
        let mut spectrum = forward.make_output_vec();
        forward.process(&mut frame, &mut spectrum).ok()?;
        spectra.push(spectrum);
    }
    let noise = noise_power(&spectra);
    let mut out = vec![0.0; padded.len()];
    for (index, spectrum) in spectra.iter_mut().enumerate() {
        for (bin, noise) in spectrum.iter_mut().zip(&noise) {
            let power = bin.norm_sqr();
            let gain =
                if power > 0.0 { (1.0 - over * noise / power).max(0.0).sqrt().max(floor) } else { floor };
            *bin *= gain;
        }
        let mut frame = inverse.make_output_vec();
        inverse.process(spectrum, &mut frame).ok()?;
        for (i, (sample, weight)) in frame.iter().zip(&window).enumerate() {
            out[index * HOP + i] += sample * weight / WINDOW as f32;
        }
    }
    Some(out[HOP..HOP + samples.len()].to_vec())
}

/// Each bin's noise over the whole call.
fn noise_power(spectra: &[Vec<realfft::num_complex::Complex<f32>>]) -> Vec<f32> {
    let bins = spectra.first().map_or(0, Vec::len);
    let at = (spectra.len() as f64 * QUIET_QUANTILE) as usize;
    let quiet = |bin: usize| {
        let mut powers: Vec<f32> = spectra.iter().map(|spectrum| spectrum[bin].norm_sqr()).collect();
        let at = at.min(powers.len().saturating_sub(1));
        *powers.select_nth_unstable_by(at, f32::total_cmp).1 * QUANTILE_TO_MEAN
    };
    (0..bins).map(quiet).collect()
}
