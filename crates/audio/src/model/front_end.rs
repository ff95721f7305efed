use ndarray::{ArrayViewMut2, Axis};

use crate::{AudioError, FbankOptions};

/// What is taken off the features before the network sees them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeanNormalization {
    /// Nothing.
    None,
    /// Each band's mean over the frames that are embedded together.
    Segment,
}

/// How audio becomes a network's input. Pinned by the model: voiceprints made with different
/// settings are not comparable, so all of this goes into the model's id.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontEnd {
    /// Audio is first brought to this sample rate, in Hz, and so loses all above its half; 0 goes to
    /// the network's rate at once. With 8,000 every recording sounds like a telephone call to the
    /// network, whatever rate it came at.
    pub band_rate_hz: u32,
    /// What a sample of full scale is multiplied with: 1 keeps [-1, 1], 32,768 gives 16 bit numbers.
    pub amplitude: f32,
    /// The features, and the sample rate the network was trained at.
    pub fbank: FbankOptions,
    /// What is taken off them.
    pub mean_normalization: MeanNormalization,
}

impl FrontEnd {
    /// Refuses a front end that can't be run.
    ///
    /// # Errors
    /// [`AudioError::FrontEnd`] names the setting.
    pub fn check(&self) -> Result<(), AudioError> {
        self.fbank.check()?;
        let rules = [
            (
                [0, 8_000, 16_000].contains(&self.band_rate_hz),
                "band_hz must be 8000 (the telephone band), 16000 or 0 (the model's own rate)",
            ),
            (
                [8_000, 16_000].contains(&self.fbank.sample_rate_hz),
                "a speaker model's sample_rate_hz must be 8000 or 16000",
            ),
            (self.amplitude.is_finite() && self.amplitude > 0.0, "amplitude must be positive"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(AudioError::FrontEnd { rule }),
            None => Ok(()),
        }
    }

    /// Normalizes frames that will be embedded together, `[frames, mel_bins]`, in place.
    pub fn normalize(&self, mut features: ArrayViewMut2<'_, f32>) {
        if self.mean_normalization == MeanNormalization::None || features.nrows() == 0 {
            return;
        }
        // In double precision: 1,300 frames of one sign would lose digits otherwise.
        let frames = features.nrows() as f64;
        let mut sums = vec![0.0f64; features.ncols()];
        for row in features.axis_iter(Axis(0)) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let means: Vec<f32> = sums.iter().map(|sum| (sum / frames) as f32).collect();
        for mut row in features.axis_iter_mut(Axis(0)) {
            row.iter_mut().zip(&means).for_each(|(value, mean)| *value -= mean);
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn front_end() -> FrontEnd {
        FrontEnd {
            band_rate_hz: 8_000,
            amplitude: 1.0,
            fbank: FbankOptions::default(),
            mean_normalization: MeanNormalization::Segment,
        }
    }

    #[test]
    fn takes_each_band_s_own_mean_off() {
        let mut features = array![[1.0f32, 10.0], [3.0, 30.0]];
        front_end().normalize(features.view_mut());
        assert_eq!(features, array![[-1.0, -10.0], [1.0, 10.0]]);
        let none = FrontEnd { mean_normalization: MeanNormalization::None, ..front_end() };
        none.normalize(features.view_mut());
        assert_eq!(features, array![[-1.0, -10.0], [1.0, 10.0]]);
    }

    #[test]
    fn refuses_bands_and_rates_it_can_not_make() {
        assert!(front_end().check().is_ok());
        let at = |sample_rate_hz| FbankOptions { sample_rate_hz, ..FbankOptions::default() };
        for bad in [
            FrontEnd { band_rate_hz: 3_400, ..front_end() },
            FrontEnd { amplitude: f32::NAN, ..front_end() },
            FrontEnd { amplitude: 0.0, ..front_end() },
            FrontEnd { fbank: at(44_100), ..front_end() },
        ] {
            assert!(matches!(bad.check(), Err(AudioError::FrontEnd { .. })), "{bad:?}");
        }
    }
}
