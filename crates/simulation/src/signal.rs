//! Samples and their levels.

/// Full scale is 1; rounds and saturates.
pub(crate) fn to_i16(sample: f32) -> i16 {
    (sample * 32_768.0).round().clamp(-32_768.0, 32_767.0) as i16
}

pub(crate) fn from_i16(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

/// The mean square.
pub(crate) fn power(samples: &[f32]) -> f64 {
    if samples.is_empty() {
        return 0.0;
    }
    samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>() / samples.len() as f64
}

/// The root mean square.
pub(crate) fn rms(samples: &[f32]) -> f64 {
    power(samples).sqrt()
}

pub(crate) fn scale(samples: &mut [f32], gain: f64) {
    samples.iter_mut().for_each(|sample| *sample = (f64::from(*sample) * gain) as f32);
}

/// Adds `other` times `gain`, as far as both go.
pub(crate) fn add(samples: &mut [f32], other: &[f32], gain: f64) {
    for (sample, other) in samples.iter_mut().zip(other) {
        *sample += (f64::from(*other) * gain) as f32;
    }
}

/// The amplitude ratio of so many decibels.
pub(crate) fn from_db(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// The decibels of an amplitude ratio.
pub(crate) fn to_db(ratio: f64) -> f64 {
    20.0 * ratio.max(1e-12).log10()
}

/// Fades the first and last `samples` in and out, so that cuts don't click.
pub(crate) fn fade_ends(signal: &mut [f32], samples: usize) {
    let samples = samples.min(signal.len() / 2);
    let length = signal.len();
    for i in 0..samples {
        let gain = (i as f32 + 0.5) / samples as f32;
        signal[i] *= gain;
        signal[length - 1 - i] *= gain;
    }
}

/// For a manifest: three decimals.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
