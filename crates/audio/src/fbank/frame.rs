use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use super::FbankOptions;
use super::mel::MelBanks;
use super::window::Window;
use crate::AudioError;

/// Turns one frame of samples into one row of log-mel energies, without allocating.
#[derive(Clone)]
pub struct FrameComputer {
    options: FbankOptions,
    tables: Arc<(Window, MelBanks)>,
    fft: Arc<dyn RealToComplex<f32>>,
    padded: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    energies: Vec<f32>,
}

impl FrameComputer {
    /// Prepares the tables.
    ///
    /// # Errors
    /// [`AudioError::FrontEnd`] for settings that no features can be made with.
    pub fn new(options: &FbankOptions) -> Result<Self, AudioError> {
        options.check()?;
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(options.fft_samples());
        Ok(Self {
            options: options.clone(),
            tables: Arc::new((Window::new(options), MelBanks::new(options))),
            padded: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            energies: vec![0.0; options.fft_samples() / 2 + 1],
            fft,
        })
    }

    /// The settings it was made with.
    #[must_use]
    pub fn options(&self) -> &FbankOptions {
        &self.options
    }

    /// Appends [`FbankOptions::mel_bins`] numbers to `features`, from a `frame` of
    /// [`FbankOptions::frame_samples`] samples.
    pub fn append(&mut self, frame: &[f32], features: &mut Vec<f32>) {
        let (window, mel) = &*self.tables;
        let len = self.options.frame_samples();
        window.apply(&frame[..len], &mut self.padded[..len]);
        // The transform uses its input as scratch, so the padding is cleared for every frame.
        self.padded[len..].fill(0.0);
        let sizes = self.fft.process_with_scratch(&mut self.padded, &mut self.spectrum, &mut self.scratch);
        debug_assert!(sizes.is_ok(), "the buffers were made by this very transform");
        for (energy, bin) in self.energies.iter_mut().zip(&self.spectrum) {
            *energy = bin.norm_sqr();
        }
        if !self.options.use_power {
            self.energies.iter_mut().for_each(|e| *e = e.sqrt());
        }
        let floor = self.options.log_floor;
        features.extend(mel.energies(&self.energies).map(|e| e.max(floor).ln()));
    }
}
