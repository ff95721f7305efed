use crate::{AudioError, FrontEnd, Resampler, VAD_RATE_HZ};

/// How samples get from the source's rate to the model's.
pub(super) struct ModelPath {
    /// Whether it branches off behind the resampler to 8 kHz.
    from_narrow: bool,
    /// To the band, unless that is 8 kHz, and on to the model's rate.
    steps: Vec<Resampler>,
    between: Vec<f32>,
}

impl ModelPath {
    pub(super) fn new(rate_hz: u32, front_end: &FrontEnd) -> Result<Self, AudioError> {
        let model_hz = front_end.fbank.sample_rate_hz;
        let band_hz = if front_end.band_rate_hz == 0 { model_hz } else { front_end.band_rate_hz };
        let from_narrow = band_hz == VAD_RATE_HZ;
        let mut steps = Vec::new();
        if !from_narrow {
            steps.push(Resampler::new(rate_hz, band_hz)?);
        }
        if band_hz != model_hz {
            steps.push(Resampler::new(band_hz, model_hz)?);
        }
        Ok(Self { from_narrow, steps, between: Vec::new() })
    }

    pub(super) fn accept(&mut self, source: &[f32], narrow: &[f32], out: &mut Vec<f32>) {
        let input = if self.from_narrow { narrow } else { source };
        match &mut self.steps[..] {
            [] => out.extend_from_slice(input),
            [only] => only.accept(input, out),
            [first, rest @ ..] => {
                self.between.clear();
                first.accept(input, &mut self.between);
                rest.iter_mut().for_each(|step| step.accept(&self.between, out));
            }
        }
    }

    /// `narrow` is the end of the signal at 8 kHz, which was not given to `accept`.
    pub(super) fn finish(&mut self, narrow: &[f32], out: &mut Vec<f32>) {
        self.accept(&[], narrow, out);
        match &mut self.steps[..] {
            [] => {}
            [only] => only.finish(out),
            [first, rest @ ..] => {
                self.between.clear();
                first.finish(&mut self.between);
                for step in rest {
                    step.accept(&self.between, out);
                    step.finish(out);
                }
            }
        }
    }
}
