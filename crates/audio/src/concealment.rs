use std::ops::RangeInclusive;

/// The rate that the recommendation's numbers are for, in Hz.
const NARROWBAND_HZ: u32 = 8_000;
/// The shortest and longest pitch period, in samples at 8 kHz: 5 to 15 ms (Appendix I, I.2.2).
const PITCH: (usize, usize) = (40, 120);
/// How much of the past is compared to find it: 20 ms.
const COMPARED: usize = 160;
/// The past that is kept.
const HISTORY: usize = 390;
/// The samples before the fade begins, and those after which it ends: 10 and 60 ms (I.2.7).
const FADE: (usize, usize) = (80, 480);
/// Over how many samples the substitute runs into what arrives after it: 4 ms.
const OVERLAP: usize = 32;
/// Full scale of 16 bits: energies are compared on that scale.
const FULL_SCALE: f32 = 32_768.0;

/// What a receiver plays in place of lost audio: the last pitch period again, fading to silence in 60 ms.
///
/// After ITU-T G.711 Appendix I (09/1999), in one point simpler: one pitch period is repeated where the
/// standard lengthens the repeated stretch to two and three after 10 and 20 ms. Samples are of one
/// channel, full scale ±1; what comes out does not depend on how what goes in is cut.
pub struct Concealment {
    /// Times 8 kHz.
    scale: f64,
    history: Vec<f32>,
    gap: Option<Gap>,
}

/// While audio is lost, and until the substitute has run into what arrives after it.
struct Gap {
    period: Vec<f32>,
    /// Samples made of it.
    made: usize,
    /// Samples that arrived since.
    arrived: usize,
}

impl Concealment {
    /// Nothing was heard yet; `rate_hz` is 8,000 for what the recommendation is for, and others scale.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        let scale = f64::from(rate_hz) / f64::from(NARROWBAND_HZ);
        let history = vec![0.0; scaled(scale, HISTORY)];
        Self { scale, history, gap: None }
    }

    /// Takes the next samples that arrived; the first 4 ms after a gap are run into.
    pub fn arrived(&mut self, samples: &mut [f32]) {
        let length = scaled(self.scale, OVERLAP);
        if let Some(mut gap) = self.gap.take() {
            for sample in samples.iter_mut().take(length - gap.arrived) {
                let weight = (gap.arrived as f32 + 0.5) / length as f32;
                *sample = *sample * weight + gap.substitute(self.scale) * (1.0 - weight);
                gap.arrived += 1;
            }
            self.gap = Some(gap).filter(|gap| gap.arrived < length);
        }
        self.remember(samples);
    }

    /// Puts so many samples in place of lost ones.
    pub fn lost(&mut self, count: usize, out: &mut Vec<f32>) {
        let scale = self.scale;
        let mut gap = match self.gap.take() {
            Some(gap) if gap.arrived == 0 => gap,
            _ => Gap { period: self.last_period(), made: 0, arrived: 0 },
        };
        let from = out.len();
        out.extend((0..count).map(|_| gap.substitute(scale)));
        self.gap = Some(gap);
        self.remember(&out[from..]);
    }

    /// The last pitch period, its end smoothed into its beginning over a quarter of it.
    fn last_period(&self) -> Vec<f32> {
        let pitch = self.pitch();
        let end = self.history.len();
        let mut period = self.history[end - pitch..].to_vec();
        let quarter = pitch / 4;
        for i in 0..quarter {
            let weight = (i as f32 + 0.5) / quarter as f32;
            let before = self.history[end - pitch - quarter + i];
            let at = pitch - quarter + i;
            period[at] = period[at] * (1.0 - weight) + before * weight;
        }
        period
    }

    /// The lag at which the past is most like itself (normalized cross-correlation).
    fn pitch(&self) -> usize {
        let compared = scaled(self.scale, COMPARED);
        let end = self.history.len();
        let newest = &self.history[end - compared..];
        let likeness = |lag: usize| {
            let older = &self.history[end - compared - lag..end - lag];
            let product: f32 = newest.iter().zip(older).map(|(a, b)| a * b).sum();
            let energy: f32 = older.iter().map(|b| b * b).sum();
            product / (energy + 1.0 / (FULL_SCALE * FULL_SCALE)).sqrt()
        };
        let lags = self.lags();
        let longest = *lags.end();
        lags.map(|lag| (lag, likeness(lag)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(longest, |(lag, _)| lag)
    }

    fn lags(&self) -> RangeInclusive<usize> {
        scaled(self.scale, PITCH.0)..=scaled(self.scale, PITCH.1)
    }

    fn remember(&mut self, samples: &[f32]) {
        let kept = self.history.len();
        let new = &samples[samples.len().saturating_sub(kept)..];
        self.history.drain(..new.len());
        self.history.extend_from_slice(new);
    }
}

impl Gap {
    fn substitute(&mut self, scale: f64) -> f32 {
        let (begins, ends) = (scaled(scale, FADE.0), scaled(scale, FADE.1));
        let sample = self.period[self.made % self.period.len()];
        let faded = self.made.saturating_sub(begins) as f32 / (ends - begins) as f32;
        self.made += 1;
        sample * (1.0 - faded).max(0.0)
    }
}

fn scaled(scale: f64, samples: usize) -> usize {
    (scale * samples as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tone(hz: f64, rate_hz: u32, from: usize, count: usize) -> Vec<f32> {
        let at = |n: usize| (std::f64::consts::TAU * hz * n as f64 / f64::from(rate_hz)).sin() as f32 * 0.5;
        (from..from + count).map(at).collect()
    }

    /// Audio with one gap of so many samples, concealed, in pieces of `piece`.
    fn played(before: &[f32], missing: usize, after: &[f32], rate_hz: u32, piece: usize) -> Vec<f32> {
        let (mut concealment, mut out) = (Concealment::new(rate_hz), Vec::new());
        for part in before.chunks(piece) {
            let from = out.len();
            out.extend_from_slice(part);
            concealment.arrived(&mut out[from..]);
        }
        for length in std::iter::repeat_n(piece, missing / piece).chain([missing % piece]) {
            concealment.lost(length, &mut out);
        }
        for part in after.chunks(piece) {
            let from = out.len();
            out.extend_from_slice(part);
            concealment.arrived(&mut out[from..]);
        }
        out
    }

    #[test]
    fn a_vowel_goes_on_and_fades() {
        for rate_hz in [8_000, 16_000, 48_000] {
            let ms = rate_hz as usize / 1000;
            let (before, missing) = (200 * ms, 100 * ms);
            let after = tone(125.0, rate_hz, before + missing, 100 * ms);
            let out = played(&tone(125.0, rate_hz, 0, before), missing, &after, rate_hz, 20 * ms);
            assert_eq!(out.len(), before + missing + after.len());
            let whole = tone(125.0, rate_hz, 0, out.len());
            let error = |from: usize, to: usize| {
                let pairs = out[from..to].iter().zip(&whole[from..to]);
                pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
            };
            assert!(error(before, before + 10 * ms) < 0.06, "{rate_hz}: the wave goes on in its phase");
            let quiet = &out[before + 60 * ms..before + missing];
            assert!(quiet.iter().all(|&sample| sample == 0.0), "{rate_hz}: after 60 ms nothing is made up");
            assert_eq!(error(before + missing + 4 * ms, out.len()), 0.0, "{rate_hz}: what arrives stays");
        }
    }

    #[test]
    fn nothing_before_is_silence() {
        assert!(played(&[], 400, &[], 8_000, 160).iter().all(|&sample| sample == 0.0));
    }

    proptest! {
        #[test]
        fn how_it_is_cut_does_not_matter(
            hz in 60.0..400.0f64, missing in 1usize..900, piece in 1usize..700, after in 0usize..400
        ) {
            let (before, after) = (tone(hz, 8_000, 0, 700), tone(hz, 8_000, 700 + missing, after));
            let whole = played(&before, missing, &after, 8_000, usize::MAX >> 1);
            prop_assert_eq!(played(&before, missing, &after, 8_000, piece), whole);
        }

        #[test]
        fn nothing_is_louder_than_what_was_said(
            samples in prop::collection::vec(-1.0f32..1.0, 0..900), missing in 0usize..600
        ) {
            let loudest = samples.iter().fold(0.0f32, |most, s| most.max(s.abs()));
            let out = played(&samples, missing, &samples, 8_000, 160);
            prop_assert!(out.iter().all(|s| s.abs() <= loudest * (1.0 + 1e-6)));
        }
    }
}
