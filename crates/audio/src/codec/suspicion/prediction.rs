/// The predictor's order: enough for a telephone's spectral tilt and first formants.
const ORDER: usize = 4;

/// The energy of interleaved samples over that of the error of the best linear predictor from the
/// same channel's last samples, in dB, the mean taken out. 0 for silence.
///
/// Autocorrelation method, Levinson-Durbin recursion (Makhoul, Linear prediction: a tutorial review,
/// Proc. IEEE 63, 1975).
pub(super) fn prediction_gain_db(samples: &[f32], channels: usize) -> f64 {
    let mean = samples.iter().map(|sample| f64::from(*sample)).sum::<f64>() / samples.len().max(1) as f64;
    let centered: Vec<f32> = samples.iter().map(|sample| sample - mean as f32).collect();
    let mut correlation: [f64; ORDER + 1] = std::array::from_fn(|lag| {
        let delayed = centered.iter().skip(lag * channels);
        centered.iter().zip(delayed).map(|(a, b)| f64::from(a * b)).sum()
    });
    if correlation[0] <= 1e-9 * samples.len() as f64 {
        return 0.0;
    }
    // A little white noise keeps the recursion stable for pure tones.
    correlation[0] *= 1.0 + 1e-6;
    10.0 * (correlation[0] / prediction_error(&correlation)).log10()
}

fn prediction_error(correlation: &[f64; ORDER + 1]) -> f64 {
    let mut error = correlation[0];
    let mut taps = [0.0; ORDER + 1];
    for order in 1..=ORDER {
        let known: f64 = (1..order).map(|tap| taps[tap] * correlation[order - tap]).sum();
        let reflection = -(correlation[order] + known) / error;
        let before = taps;
        for tap in 1..order {
            taps[tap] += reflection * before[order - tap];
        }
        taps[order] = reflection;
        error *= 1.0 - reflection * reflection;
    }
    error.max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(samples: usize) -> Vec<f32> {
        let mut state = 1u32;
        let step = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((state >> 8) as f32 / 8_388_608.0 - 1.0)
        };
        std::iter::from_fn(step).take(samples).collect()
    }

    #[test]
    fn nothing_is_gained_on_noise_and_silence() {
        assert!(prediction_gain_db(&noise(20_000), 1).abs() < 0.05);
        assert_eq!(prediction_gain_db(&[0.25; 500], 1), 0.0);
        assert_eq!(prediction_gain_db(&[], 1), 0.0);
    }

    #[test]
    fn a_filter_of_first_order_gains_what_theory_says() {
        // x[n] = 0.9 x[n-1] + e[n] has the gain 1 / (1 - 0.81).
        let mut last = 0.0;
        let filtered: Vec<f32> = noise(200_000)
            .iter()
            .map(|e| {
                last = 0.9 * last + 0.1 * e;
                last
            })
            .collect();
        let expected = -10.0 * (1.0f64 - 0.81).log10();
        assert!((prediction_gain_db(&filtered, 1) - expected).abs() < 0.1);
        // Interleaved with itself it is as predictable from each channel's own past.
        let stereo: Vec<f32> = filtered.iter().flat_map(|sample| [*sample, *sample]).collect();
        assert!((prediction_gain_db(&stereo, 2) - expected).abs() < 0.1);
    }

    #[test]
    fn a_tone_gains_much() {
        let tone: Vec<f32> = (0..2000).map(|n| (n as f32 * 0.3).sin()).collect();
        assert!(prediction_gain_db(&tone, 1) > 30.0);
    }
}
