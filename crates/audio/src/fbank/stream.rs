use ndarray::Array2;

use super::{FbankOptions, FrameComputer};
use crate::AudioError;

/// Features over a stream: accept samples as they come, take frames as they become ready.
///
/// However the samples are split, the frames are bit-equal to those of the whole signal. A frame
/// that nobody needs can be [skipped](Fbank::skip_frame) at no cost.
#[derive(Clone)]
pub struct Fbank {
    computer: FrameComputer,
    /// Samples from the next frame's start on, behind `start` used ones.
    samples: Vec<f32>,
    start: usize,
}

impl Fbank {
    /// A stream with these settings.
    ///
    /// # Errors
    /// [`AudioError::FrontEnd`] for settings that no features can be made with.
    pub fn new(options: &FbankOptions) -> Result<Self, AudioError> {
        Ok(Self { computer: FrameComputer::new(options)?, samples: Vec::new(), start: 0 })
    }

    /// All frames of a whole signal: `[frames, mel_bins]`, no row for a signal shorter than a frame.
    ///
    /// # Errors
    /// [`AudioError::FrontEnd`] for settings that no features can be made with.
    pub fn whole(options: &FbankOptions, signal: &[f32]) -> Result<Array2<f32>, AudioError> {
        let mut fbank = Self::new(options)?;
        fbank.accept(signal);
        let frames = fbank.ready();
        let mut features = Vec::with_capacity(frames * options.mel_bins);
        while fbank.next_frame(&mut features) {}
        Array2::from_shape_vec((frames, options.mel_bins), features)
            .map_err(|_| AudioError::FrontEnd { rule: "a frame must have mel_bins numbers" })
    }

    /// Takes samples at [`FbankOptions::sample_rate_hz`]. They are held until their frames are taken
    /// or skipped.
    pub fn accept(&mut self, samples: &[f32]) {
        if self.start > 0 {
            self.samples.drain(..self.start);
            self.start = 0;
        }
        self.samples.extend_from_slice(samples);
    }

    /// How many frames can be taken now.
    #[must_use]
    pub fn ready(&self) -> usize {
        let options = self.computer.options();
        match (self.samples.len() - self.start).checked_sub(options.frame_samples()) {
            Some(beyond) => beyond / options.shift_samples() + 1,
            None => 0,
        }
    }

    /// Appends the next frame's [`FbankOptions::mel_bins`] numbers; false if none is ready.
    pub fn next_frame(&mut self, features: &mut Vec<f32>) -> bool {
        let ready = self.ready() > 0;
        if ready {
            self.computer.append(&self.samples[self.start..], features);
            self.start += self.computer.options().shift_samples();
        }
        ready
    }

    /// Passes over the next frame; false if none is ready.
    pub fn skip_frame(&mut self) -> bool {
        let ready = self.ready() > 0;
        if ready {
            self.start += self.computer.options().shift_samples();
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noise(len: usize, seed: u64) -> Vec<f32> {
        let mut state = seed | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..len).map(|_| next()).collect()
    }

    #[test]
    fn counts_frames_that_lie_wholly_within() {
        let frames = |n| Fbank::whole(&FbankOptions::default(), &noise(n, 1)).unwrap().nrows();
        let counts = [0, 399, 400, 559, 560, 16_000].map(frames);
        assert_eq!(counts, [0, 0, 1, 1, 2, 98]);
    }

    #[test]
    fn silence_lies_on_the_floor() {
        let features = Fbank::whole(&FbankOptions::default(), &[0.0; 800]).unwrap();
        assert!(features.iter().all(|v| *v == f32::EPSILON.ln()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_split_is_bit_equal(cuts in prop::collection::vec(0usize..2_000, 0..20), seed: u64) {
            let signal = noise(6_000, seed);
            let options = FbankOptions::default();
            let whole = Fbank::whole(&options, &signal).unwrap();
            let mut fbank = Fbank::new(&options).unwrap();
            let (mut features, mut at) = (Vec::new(), 0usize);
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let end = at.saturating_add(cut).min(signal.len());
                fbank.accept(&signal[at..end]);
                at = end;
                while fbank.next_frame(&mut features) {}
            }
            prop_assert_eq!(whole.as_slice().unwrap(), &features[..]);
        }

        #[test]
        fn skipping_leaves_the_others_as_they_are(seed: u64, kept in prop::collection::vec(any::<bool>(), 30)) {
            let signal = noise(400 + 29 * 160, seed);
            let options = FbankOptions::default();
            let whole = Fbank::whole(&options, &signal).unwrap();
            let mut fbank = Fbank::new(&options).unwrap();
            fbank.accept(&signal);
            for (row, keep) in whole.rows().into_iter().zip(kept) {
                let mut features = Vec::new();
                if keep {
                    prop_assert!(fbank.next_frame(&mut features));
                    prop_assert_eq!(row.to_vec(), features);
                } else {
                    prop_assert!(fbank.skip_frame());
                }
            }
            prop_assert!(!fbank.skip_frame());
        }
    }
}
