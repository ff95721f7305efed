/// From here on a sample is at full scale: the last steps of mu-law (0.980) and A-law (0.984) are
/// above it.
const FULL_SCALE: f32 = 0.98;

/// Two samples in a row at full scale are cut off; a single one may just have touched it.
const FULL_SCALE_RUN: u32 = 2;

/// A flat top below full scale, as of a signal that was clipped and then turned down, has at least
/// this many equal samples in a row.
const FLAT_RUN: u32 = 3;

/// A longer run of equal samples is not a wave's top but a line that stands still; at 192 kHz the top
/// of a clipped 100 Hz wave is shorter.
const STANDSTILL_RUN: u32 = 800;

/// From this many equal samples on (8 ms at 8 kHz) the line is digitally silent.
const SILENT_RUN: u32 = 64;

/// Quieter waves than this (-26 dBFS) have flat tops from the coarse steps of 8-bit coding.
const LEAST_FLAT: f32 = 0.05;

/// Flat tops count where they lie within this of the extreme: a signal is clipped at one height.
const SAME_HEIGHT: f32 = 0.97;

/// Heights are counted in steps of 1/512.
const STEPS: usize = 513;

/// Follows a waveform sample by sample for runs of equal values, in fixed memory.
#[derive(Debug, Clone, Default)]
pub(super) struct Waveform {
    samples: u64,
    sum: f64,
    run: Run,
    /// Samples in runs at full scale.
    clipped: u64,
    /// Samples in runs of equal values that stand still.
    silent: u64,
    positive: FlatTops,
    negative: FlatTops,
}

/// The equal or clipped samples just seen.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    value: f32,
    length: u32,
    /// How many in a row were at full scale on this side.
    clipped: u32,
}

/// Flat tops on one side of zero, by height.
#[derive(Debug, Clone)]
struct FlatTops {
    extreme: f32,
    samples: [u64; STEPS],
}

impl Default for FlatTops {
    fn default() -> Self {
        Self { extreme: 0.0, samples: [0; STEPS] }
    }
}

impl FlatTops {
    fn add(&mut self, height: f32, length: u32) {
        self.samples[height_step(height)] += u64::from(length);
    }

    /// Samples in flat tops at the extreme, where that is below full scale.
    fn at_the_extreme(&self) -> u64 {
        if !(LEAST_FLAT..FULL_SCALE).contains(&self.extreme) {
            return 0;
        }
        self.samples[height_step(self.extreme * SAME_HEIGHT)..].iter().sum()
    }
}

fn height_step(height: f32) -> usize {
    ((height * 512.0) as usize).min(STEPS - 1)
}

impl Waveform {
    pub(super) fn observe(&mut self, samples: &[f32]) {
        for sample in samples {
            self.step(*sample);
        }
    }

    fn step(&mut self, sample: f32) {
        self.samples += 1;
        self.sum += f64::from(sample);
        let side = if sample < 0.0 { &mut self.negative } else { &mut self.positive };
        side.extreme = side.extreme.max(sample.abs());
        let at_full_scale = sample.abs() >= FULL_SCALE;
        if at_full_scale && self.run.clipped > 0 && (sample < 0.0) == (self.run.value < 0.0) {
            self.run.clipped = self.run.clipped.saturating_add(1);
            self.clipped += if self.run.clipped == FULL_SCALE_RUN { u64::from(FULL_SCALE_RUN) } else { 1 };
        } else {
            self.run.clipped = u32::from(at_full_scale);
        }
        if sample == self.run.value && self.run.length > 0 {
            self.run.length = self.run.length.saturating_add(1);
        } else {
            self.end_run();
            (self.run.value, self.run.length) = (sample, 1);
        }
    }

    fn end_run(&mut self) {
        let Run { value, length, .. } = self.run;
        if length >= SILENT_RUN {
            self.silent += u64::from(length);
        }
        if (FLAT_RUN..STANDSTILL_RUN).contains(&length) && value.abs() >= LEAST_FLAT {
            let side = if value < 0.0 { &mut self.negative } else { &mut self.positive };
            side.add(value.abs(), length);
        }
    }

    /// The part of the samples that is cut off, at full scale or below it.
    pub(super) fn clipped_fraction(&self) -> f32 {
        let flat = self.positive.at_the_extreme() + self.negative.at_the_extreme();
        self.part(self.clipped + flat)
    }

    /// The part of the samples in long runs of one value, the run not yet ended included.
    pub(super) fn silent_fraction(&self) -> f32 {
        let now = if self.run.length >= SILENT_RUN { u64::from(self.run.length) } else { 0 };
        self.part(self.silent + now)
    }

    /// The mean, as a part of full scale.
    pub(super) fn offset(&self) -> f32 {
        if self.samples == 0 { 0.0 } else { (self.sum / self.samples as f64) as f32 }
    }

    fn part(&self, samples: u64) -> f32 {
        if self.samples == 0 { 0.0 } else { (samples as f64 / self.samples as f64) as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2 s of two tones at 8 kHz with an amplitude of at most 1.
    fn wave() -> Vec<f32> {
        let tone = |n: usize, f: f32| (std::f32::consts::TAU * f * n as f32 / 8000.0).sin();
        (0..16_000).map(|n| 0.5 * tone(n, 213.0) + 0.5 * tone(n, 767.0)).collect()
    }

    fn measured(samples: impl IntoIterator<Item = f32>) -> Waveform {
        let mut waveform = Waveform::default();
        waveform.observe(&samples.into_iter().collect::<Vec<_>>());
        waveform
    }

    /// The part that this clipping cuts off.
    fn cut_off(gain: f32) -> f32 {
        let wave = wave();
        wave.iter().filter(|sample| sample.abs() * gain >= 1.0).count() as f32 / wave.len() as f32
    }

    #[test]
    fn an_unclipped_wave_is_not_clipped() {
        for gain in [0.01, 0.3, 0.9, 0.979] {
            let found = measured(wave().iter().map(|s| s * gain)).clipped_fraction();
            assert!(found < 1e-3, "{gain}: {found}");
        }
    }

    #[test]
    fn what_is_cut_off_at_full_scale_is_counted() {
        for gain in [1.3, 2.0, 5.0] {
            let found = measured(wave().iter().map(|s| (s * gain).clamp(-1.0, 1.0))).clipped_fraction();
            assert!((found - cut_off(gain)).abs() < 0.02, "{gain}: {found} of {}", cut_off(gain));
        }
    }

    #[test]
    fn and_what_was_cut_off_and_then_turned_down() {
        for (gain, after) in [(1.5, 0.5), (3.0, 0.2), (2.0, 0.9)] {
            let clipped = wave().into_iter().map(|s| (s * gain).clamp(-1.0, 1.0) * after);
            let found = measured(clipped).clipped_fraction();
            // Tops of one or two samples can't be told from round ones.
            assert!((found - cut_off(gain)).abs() < 0.04, "{gain}: {found} of {}", cut_off(gain));
        }
    }

    #[test]
    fn one_side_may_be_cut_off_alone() {
        let one_sided = wave().into_iter().map(|s| s.min(0.4));
        let cut = wave().iter().filter(|s| **s >= 0.4).count() as f32 / 16_000.0;
        let found = measured(one_sided).clipped_fraction();
        assert!((found - cut).abs() < 0.03, "{found} of {cut}");
    }

    #[test]
    fn silence_and_direct_current_are_not_clipping() {
        for value in [0.0, 0.3, -0.7] {
            let waveform = measured(vec![value; 8000]);
            assert_eq!(waveform.clipped_fraction(), 0.0);
            assert_eq!(waveform.silent_fraction(), 1.0);
            assert!((waveform.offset() - value).abs() < 1e-6);
        }
        assert_eq!(Waveform::default().silent_fraction(), 0.0);
        assert_eq!(Waveform::default().offset(), 0.0);
    }

    #[test]
    fn a_line_stuck_at_full_scale_is_clipped() {
        assert!(measured(vec![1.0; 8000]).clipped_fraction() > 0.999);
    }

    #[test]
    fn gaps_of_digital_silence_are_counted() {
        let mut samples = wave();
        samples.extend(vec![0.0; 16_000]);
        samples.extend(wave());
        let found = measured(samples).silent_fraction();
        assert!((found - 1.0 / 3.0).abs() < 1e-3, "{found}");
    }

    #[test]
    fn any_cut_gives_the_same() {
        let samples: Vec<f32> = wave().iter().map(|s| (s * 3.0).clamp(-0.6, 1.0)).collect();
        let whole = measured(samples.iter().copied());
        for size in [1, 7, 160, 4096] {
            let mut cut = Waveform::default();
            samples.chunks(size).for_each(|chunk| cut.observe(chunk));
            assert_eq!(cut.clipped_fraction().to_bits(), whole.clipped_fraction().to_bits());
            assert_eq!(cut.silent_fraction().to_bits(), whole.silent_fraction().to_bits());
            assert_eq!(cut.offset().to_bits(), whole.offset().to_bits());
        }
    }
}
