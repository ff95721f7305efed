//! The first tap: samples as they were recorded. Clipping, constant stretches and DC.

/// From here on a sample counts as full scale: the largest G.711 mu-law value is 0.980.
const FULL_SCALE: f32 = 0.979;

/// Below full scale only a flat top this long counts as clipped, in samples: a coarsely quantized
/// low voice can hold its peak for five samples at 8 kHz.
const FLAT_TOP: usize = 6;

/// How near to the largest sample a flat top must be, as a part of it.
const NEAR_PEAK: f32 = 0.95;

/// Quieter peaks can't be told from a quiet voice's own.
const MIN_PEAK: f32 = 0.05;

/// A constant stretch this long is no audio, in samples: 10 ms at 8 kHz.
const CONSTANT: usize = 80;

const LEVELS: usize = 128;

/// Counts over all samples so far, in fixed memory.
#[derive(Debug, Clone)]
pub(super) struct Waveform {
    samples: u64,
    sum: f64,
    peak: f32,
    full_scale: u64,
    /// Samples in flat tops, by their level.
    flat: [u64; LEVELS],
    constant: u64,
    last: f32,
    run: usize,
}

impl Waveform {
    pub(super) fn new() -> Self {
        Self {
            samples: 0,
            sum: 0.0,
            peak: 0.0,
            full_scale: 0,
            flat: [0; LEVELS],
            constant: 0,
            last: f32::NAN,
            run: 0,
        }
    }

    pub(super) fn observe(&mut self, samples: &[f32]) {
        for sample in samples {
            self.sum += f64::from(*sample);
            self.peak = self.peak.max(sample.abs());
            if *sample == self.last {
                self.run += 1;
            } else {
                self.end_run();
                (self.last, self.run) = (*sample, 1);
            }
        }
        self.samples += samples.len() as u64;
    }

    /// Sorts the run of equal samples that has just ended.
    fn end_run(&mut self) {
        let run = self.run as u64;
        let level = self.last.abs();
        if self.run >= CONSTANT {
            self.constant += run;
        } else if level >= FULL_SCALE {
            self.full_scale += run;
        } else if self.run >= FLAT_TOP && level > 0.0 {
            self.flat[Self::bin(level)] += run;
        }
    }

    fn bin(level: f32) -> usize {
        ((level * LEVELS as f32) as usize).min(LEVELS - 1)
    }

    /// The counts with the run that still lasts.
    fn ended(&self) -> Self {
        let mut all = self.clone();
        all.end_run();
        all
    }

    fn part(&self, count: u64) -> f32 {
        if self.samples == 0 { 0.0 } else { (count as f64 / self.samples as f64) as f32 }
    }

    /// The part of all samples that are clipped, at full scale or flat below it.
    pub(super) fn clipped(&self) -> f32 {
        let all = self.ended();
        let from = Self::bin(all.peak * NEAR_PEAK);
        let flat: u64 = if all.peak < MIN_PEAK { 0 } else { all.flat[from..].iter().sum() };
        all.part(all.full_scale + flat)
    }

    /// The part of all samples that lie in constant stretches.
    pub(super) fn constant(&self) -> f32 {
        let all = self.ended();
        all.part(all.constant)
    }

    /// The mean of all samples.
    pub(super) fn offset(&self) -> f32 {
        if self.samples == 0 { 0.0 } else { (self.sum / self.samples as f64) as f32 }
    }
}
