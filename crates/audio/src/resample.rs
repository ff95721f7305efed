//! From a recording's sample rate to the one a front end wants.

mod kernel;

use crate::{AudioError, Limits};
use kernel::Kernel;

/// The rates a front end may ask for, in Hz.
const TARGETS_HZ: [u32; 2] = [8_000, 16_000];

/// How many used input samples may lie before the next window until they are dropped.
const SPENT_SAMPLES: usize = 16_384;

/// Changes the sample rate of a stream by a rational polyphase filter (Kaiser-windowed sinc).
///
/// The passband reaches to 0.9 of half the lower rate (3,600 Hz for 8 kHz) within 0.001 dB; from
/// half the lower rate on (4,000 Hz) everything is at least 90 dB down. Output sample n stands at
/// the time n / target rate: there is no delay. For `k` input samples there are
/// `ceil(k * target / source)` output samples. Input may be cut anywhere: the output is the same to
/// the bit. Equal rates pass samples through untouched.
///
/// Memory: the kernel, at most 12 MB for the oddest ratio of rates and below 1 MB for those in use,
/// and a history of one kernel's length.
#[derive(Debug)]
pub struct Resampler {
    /// Output and input rate over their greatest common divisor.
    up: u64,
    down: u64,
    /// None when the rates are equal.
    kernel: Option<Kernel>,
    /// Input samples not yet spent, half a kernel of silence before the first.
    history: Vec<f32>,
    /// Where in `history` the next output sample's window begins.
    window: usize,
    /// How far past the window's middle the next output sample lies, in parts of `up`.
    numerator: u64,
    accepted: u64,
    produced: u64,
}

impl Resampler {
    /// Designs the filter.
    ///
    /// # Errors
    /// [`AudioError::UnsupportedRate`] unless `from_hz` is 4,000 to 192,000 and `to_hz` is 8,000 or
    /// 16,000.
    pub fn new(from_hz: u32, to_hz: u32) -> Result<Self, AudioError> {
        if !TARGETS_HZ.contains(&to_hz) || Limits::default().check_rate(from_hz).is_err() {
            return Err(AudioError::UnsupportedRate { from_hz, to_hz });
        }
        let (from, to) = (u64::from(from_hz), u64::from(to_hz));
        let divisor = greatest_common_divisor(from, to);
        let (up, down) = (to / divisor, from / divisor);
        let kernel = (up != down).then(|| Kernel::design(up, down));
        // The first output sample stands on the first input sample: the window before it is silence.
        let lead = kernel.as_ref().map_or(0, |kernel| kernel.taps() / 2 - 1);
        let history = vec![0.0; lead];
        Ok(Self { up, down, kernel, history, window: 0, numerator: 0, accepted: 0, produced: 0 })
    }

    /// Takes input and appends the output it completes to `out`.
    pub fn accept(&mut self, input: &[f32], out: &mut Vec<f32>) {
        self.accepted += input.len() as u64;
        if self.kernel.is_none() {
            self.produced += input.len() as u64;
            out.extend_from_slice(input);
            return;
        }
        // In pieces, so that a huge chunk does not become a huge history.
        for piece in input.chunks(SPENT_SAMPLES) {
            self.history.extend_from_slice(piece);
            self.drain(u64::MAX, out);
        }
    }

    /// Ends the input: appends the output that still lacked input after it, which counts as silence.
    /// The resampler is then as new.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        if let Some(kernel) = &self.kernel {
            let length = (u128::from(self.accepted) * u128::from(self.up)).div_ceil(u128::from(self.down));
            let missing_input = kernel.taps() + self.down.div_ceil(self.up) as usize;
            self.history.extend(std::iter::repeat_n(0.0, missing_input));
            self.drain(length as u64, out);
        }
        self.reset();
    }

    /// Makes output samples while there is input for them and fewer than `until` were made.
    fn drain(&mut self, until: u64, out: &mut Vec<f32>) {
        let Some(kernel) = &self.kernel else { return };
        let taps = kernel.taps();
        while self.produced < until && self.window + taps <= self.history.len() {
            let window = &self.history[self.window..self.window + taps];
            out.push(kernel.apply(window, self.numerator, self.up));
            self.produced += 1;
            self.numerator += self.down;
            self.window += (self.numerator / self.up) as usize;
            self.numerator %= self.up;
        }
        // A window past the end (rates far down) waits there for its input.
        let spent = self.window.min(self.history.len());
        if spent >= SPENT_SAMPLES {
            self.history.drain(..spent);
            self.window -= spent;
        }
    }

    fn reset(&mut self) {
        self.history.clear();
        let lead = self.kernel.as_ref().map_or(0, |kernel| kernel.taps() / 2 - 1);
        self.history.resize(lead, 0.0);
        (self.window, self.numerator) = (0, 0);
        (self.accepted, self.produced) = (0, 0);
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests;
