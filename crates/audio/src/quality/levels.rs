//! The second tap: how loud speech is, and what is heard when nobody speaks.

/// Chunks below this are digital silence and say nothing about the line, in dBFS.
const FLOOR_DB: f64 = -100.0;

/// With fewer pauses than this the noise is read from the quietest moments of speech, in chunks of
/// 32 ms.
const MIN_PAUSES: u64 = 8;

/// Which of the chunks in pauses stands for the noise: the median, since a pause's edges hold
/// breath and the ends of words.
const PAUSE_QUANTILE: f64 = 0.5;

/// Which of the chunks in speech stands for the noise where there are no pauses.
const SPEECH_QUANTILE: f64 = 0.05;

/// What an estimate can honestly say, in dB: below, speech would not have been found; above, the
/// line's own rounding is measured.
const SNR_RANGE: std::ops::RangeInclusive<f64> = -10.0..=60.0;

const BINS: usize = 201;
const BIN_DB: f64 = 0.5;

/// How often each level occurred, by half decibels from -100 to 0 dBFS.
#[derive(Debug, Clone)]
struct Histogram([u64; BINS]);

impl Histogram {
    fn add(&mut self, db: f64) {
        let bin = ((db - FLOOR_DB) / BIN_DB).round().clamp(0.0, (BINS - 1) as f64);
        self.0[bin as usize] += 1;
    }

    fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    fn quantile(&self, part: f64) -> f64 {
        let wanted = (part * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bin = self.0.iter().position(|n| {
            seen += n;
            seen >= wanted
        });
        FLOOR_DB + BIN_DB * bin.unwrap_or(0) as f64
    }
}

/// Levels of speech and of pauses, in fixed memory.
#[derive(Debug, Clone)]
pub(super) struct Levels {
    speech: Histogram,
    pauses: Histogram,
    speech_power: f64,
    speech_chunks: u64,
}

impl Levels {
    pub(super) fn new() -> Self {
        let empty = Histogram([0; BINS]);
        Self { speech: empty.clone(), pauses: empty, speech_power: 0.0, speech_chunks: 0 }
    }

    pub(super) fn observe(&mut self, power: f64, is_speech: bool) {
        let db = decibels(power);
        if is_speech {
            self.speech.add(db);
            self.speech_power += power;
            self.speech_chunks += 1;
        } else if db > FLOOR_DB {
            self.pauses.add(db);
        }
    }

    /// Root mean square of speech, in dBFS.
    pub(super) fn level_db(&self) -> f64 {
        decibels(self.speech_power / self.speech_chunks.max(1) as f64)
    }

    /// Signal-to-noise ratio of speech, in dB; 0 without speech.
    pub(super) fn snr_db(&self) -> f64 {
        if self.speech_chunks == 0 {
            return 0.0;
        }
        let noise_db = if self.pauses.count() >= MIN_PAUSES {
            self.pauses.quantile(PAUSE_QUANTILE)
        } else {
            self.speech.quantile(SPEECH_QUANTILE)
        };
        let noise = 10f64.powf(noise_db / 10.0);
        let speech = self.speech_power / self.speech_chunks as f64;
        // What was measured as speech is speech and noise.
        let ratio = (speech - noise).max(noise * 1e-3) / noise;
        decibels(ratio).clamp(*SNR_RANGE.start(), *SNR_RANGE.end())
    }
}

/// Power to decibels, with -120 for silence.
pub(super) fn decibels(power: f64) -> f64 {
    10.0 * power.max(1e-12).log10()
}
