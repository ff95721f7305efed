use super::FbankOptions;

/// Triangular bands, equally wide on the mel scale. Only the non-zero weights are kept: of 80 x 256
/// some 500 at 16 kHz.
#[derive(Clone, Debug)]
pub(super) struct MelBanks {
    bands: Vec<Band>,
    weights: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Band {
    /// First spectrum bin with a weight.
    first_bin: usize,
    /// Its weights within `MelBanks::weights`.
    weights: std::ops::Range<usize>,
}

impl MelBanks {
    pub(super) fn new(options: &FbankOptions) -> Self {
        let low = mel(f64::from(options.low_hz));
        let width = (mel(f64::from(options.upper_hz())) - low) / (options.mel_bins as f64 + 1.0);
        let bin_hz = f64::from(options.sample_rate_hz) / options.fft_samples() as f64;
        // The bin at half the sample rate has no weight in Kaldi.
        let bin_mels: Vec<f64> = (0..options.fft_samples() / 2).map(|k| mel(bin_hz * k as f64)).collect();

        let (mut bands, mut weights) = (Vec::new(), Vec::new());
        for band in 0..options.mel_bins {
            let left = low + band as f64 * width;
            let right = left + 2.0 * width;
            let first_bin = bin_mels.partition_point(|m| *m <= left);
            let end_bin = bin_mels.partition_point(|m| *m < right).max(first_bin);
            let start = weights.len();
            let triangle = |m: &f64| ((m - left).min(right - m) / width) as f32;
            weights.extend(bin_mels[first_bin..end_bin].iter().map(triangle));
            bands.push(Band { first_bin, weights: start..weights.len() });
        }
        Self { bands, weights }
    }

    /// The energy in each band.
    pub(super) fn energies<'a>(&'a self, spectrum: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        self.bands.iter().map(|band| {
            let weights = &self.weights[band.weights.clone()];
            weights.iter().zip(&spectrum[band.first_bin..]).map(|(w, e)| w * e).sum()
        })
    }
}

/// O'Shaughnessy's mel scale with the constants of HTK and Kaldi.
fn mel(hz: f64) -> f64 {
    1127.0 * (1.0 + hz / 700.0).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighboring_triangles_add_up_to_one() {
        let options = FbankOptions::default();
        let banks = MelBanks::new(&options);
        // Between the first and the last center every bin's weights sum to one.
        for bin in 4..240 {
            let mut spectrum = vec![0.0; 257];
            spectrum[bin] = 1.0;
            let total: f32 = banks.energies(&spectrum).sum();
            assert!((total - 1.0).abs() < 1e-4, "bin {bin}: {total}");
        }
    }

    #[test]
    fn a_band_narrower_than_a_bin_is_empty_and_harmless() {
        let options = FbankOptions { mel_bins: 256, ..FbankOptions::default() };
        let banks = MelBanks::new(&options);
        assert_eq!(banks.energies(&[1.0; 257]).count(), 256);
        assert!(banks.energies(&[1.0; 257]).any(|e| e == 0.0));
    }
}
