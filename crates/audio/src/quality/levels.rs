/// Chunk levels are counted in half decibels from here up to 0 dBFS.
const FLOOR_DB: f64 = -120.0;
const STEPS: usize = 241;

/// Quieter than the last bit of 16: digital silence or a muted line, not the line's noise.
const SILENT_DB: f64 = -93.0;

/// So many chunks (0.4 s of 32 ms) without speech are enough to know the noise from.
const ENOUGH_CHUNKS: u64 = 12;

/// The loudest part of the chunks without speech is left out: clicks, and speech the detector missed.
const TRIMMED_ABOVE: f64 = 0.95;

/// Where noise was never heard alone, it is at most as loud as the quietest speech chunks.
const FALLBACK_PERCENTILE: f64 = 0.05;

/// How loud the chunks with and without speech were, in fixed memory.
///
/// Speech is the mean power of its chunks less the noise; the noise is the mean power of the chunks
/// between. Noise that is itself voices (babble) counts as speech where the detector takes it for
/// that: at a true ratio of 5 dB it is said to be some 7 dB better than it is, from 15 dB on it is
/// within 3 dB (tests/input/quality.rs prints the figures).
#[derive(Debug, Clone, Default)]
pub(super) struct Levels {
    speech: Counts,
    rest: Counts,
}

/// Counts of chunk levels and their summed power, step by step.
#[derive(Debug, Clone)]
struct Counts {
    chunks: [u64; STEPS],
    power: [f64; STEPS],
}

impl Default for Counts {
    fn default() -> Self {
        Self { chunks: [0; STEPS], power: [0.0; STEPS] }
    }
}

/// The mean power of the speech chunks and of the noise beneath them, 1 being a full-scale square.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpeechLevel {
    power: f64,
    noise: f64,
}

impl SpeechLevel {
    /// The speech alone over the noise alone.
    pub(super) fn snr_db(self) -> f32 {
        let speech = (self.power - self.noise).max(self.power * 1e-3);
        (10.0 * (speech / self.noise.max(1e-12)).log10()) as f32
    }

    pub(super) fn level_dbfs(self) -> f32 {
        decibels(self.power) as f32
    }
}

impl Levels {
    pub(super) fn observe(&mut self, samples: &[f32], is_speech: bool) {
        if samples.is_empty() {
            return;
        }
        // Around the mean, so that an offset does not count as noise.
        let count = samples.len() as f64;
        let mean = samples.iter().map(|sample| f64::from(*sample)).sum::<f64>() / count;
        let power = samples.iter().map(|sample| (f64::from(*sample) - mean).powi(2)).sum::<f64>() / count;
        let counts = if is_speech { &mut self.speech } else { &mut self.rest };
        counts.add(power);
    }

    /// None while there was no speech, or only silence that was taken for it.
    pub(super) fn speech(&self) -> Option<SpeechLevel> {
        let power = self.speech.mean_power(0, STEPS)?;
        let noise = self.noise().unwrap_or(0.0);
        Some(SpeechLevel { power, noise })
    }

    fn noise(&self) -> Option<f64> {
        let audible = step(SILENT_DB);
        let quiet = self.speech.percentile(audible, FALLBACK_PERCENTILE);
        let beneath_speech = self.speech.mean_power(audible, quiet + 1);
        let heard = self.rest.from(audible);
        if heard < ENOUGH_CHUNKS {
            return beneath_speech;
        }
        let top = self.rest.percentile(audible, TRIMMED_ABOVE);
        let between = self.rest.mean_power(audible, top + 1)?;
        // Where pauses are mostly muted, what is audible in them may be the ends of words; but noise
        // is not louder than the quietest speech above it.
        let mostly_muted = 2 * heard < self.rest.from(0);
        Some(if mostly_muted { between.min(beneath_speech.unwrap_or(between)) } else { between })
    }
}

impl Counts {
    fn add(&mut self, power: f64) {
        let step = step(decibels(power));
        self.chunks[step] += 1;
        self.power[step] += power;
    }

    /// Chunks at this step or louder.
    fn from(&self, step: usize) -> u64 {
        self.chunks[step..].iter().sum()
    }

    /// The step at or below which this part of the chunks from `from` on lies.
    fn percentile(&self, from: usize, part: f64) -> usize {
        let wanted = (self.from(from) as f64 * part).ceil().max(1.0) as u64;
        let mut below = 0;
        let reached = self.chunks[from..].iter().position(|chunks| {
            below += chunks;
            below >= wanted
        });
        from + reached.unwrap_or(STEPS - 1 - from)
    }

    fn mean_power(&self, from: usize, until: usize) -> Option<f64> {
        let chunks: u64 = self.chunks[from..until].iter().sum();
        (chunks > 0).then(|| self.power[from..until].iter().sum::<f64>() / chunks as f64)
    }
}

fn decibels(power: f64) -> f64 {
    if power > 0.0 { (10.0 * power.log10()).max(FLOOR_DB) } else { FLOOR_DB }
}

fn step(level_db: f64) -> usize {
    (((level_db - FLOOR_DB) * 2.0).max(0.0) as usize).min(STEPS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(speech: &[f32], rest: &[f32]) -> Levels {
        let mut levels = Levels::default();
        let chunk =
            |level: f32| -> Vec<f32> { (0..256).map(|n| if n % 2 == 0 { level } else { -level }).collect() };
        speech.iter().for_each(|level| levels.observe(&chunk(*level), true));
        rest.iter().for_each(|level| levels.observe(&chunk(*level), false));
        levels
    }

    #[test]
    fn speech_over_noise() {
        let level = levels(&[0.1; 50], &[0.01; 50]).speech().unwrap();
        assert!((level.level_dbfs() + 20.0).abs() < 0.01);
        // (0.01 - 0.0001) / 0.0001 is 99.
        assert!((level.snr_db() - 19.956).abs() < 0.01, "{}", level.snr_db());
    }

    #[test]
    fn a_full_scale_square_is_0_dbfs() {
        assert!(levels(&[1.0; 5], &[]).speech().unwrap().level_dbfs().abs() < 1e-6);
    }

    #[test]
    fn clicks_and_muted_gaps_are_not_the_noise() {
        let mut rest = vec![0.01; 100];
        rest.extend([0.5; 5]);
        rest.extend([0.0; 300]);
        let level = levels(&[0.1; 50], &rest).speech().unwrap();
        assert!((level.snr_db() - 19.956).abs() < 0.01, "{}", level.snr_db());
    }

    #[test]
    fn without_pauses_the_quietest_speech_bounds_the_noise() {
        let mut speech = vec![0.2; 90];
        speech.extend([0.01; 10]);
        let level = levels(&speech, &[0.0; 400]).speech().unwrap();
        assert!((level.snr_db() - 25.56).abs() < 0.1, "{}", level.snr_db());
    }

    #[test]
    fn an_offset_is_no_noise() {
        let mut levels = levels(&[0.1; 50], &[]);
        for _ in 0..50 {
            let chunk: Vec<f32> = (0..256).map(|n| 0.3 + if n % 2 == 0 { 0.001 } else { -0.001 }).collect();
            levels.observe(&chunk, false);
        }
        assert!((levels.speech().unwrap().snr_db() - 40.0).abs() < 0.1);
    }

    #[test]
    fn no_speech_has_no_level() {
        assert!(levels(&[], &[0.1; 50]).speech().is_none());
    }
}
