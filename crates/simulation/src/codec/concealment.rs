//! What a receiver plays instead of lost PCM packets: the last pitch period again, fading.
//!
//! After ITU-T G.711 Appendix I (09/1999), in one point simpler: one pitch period is repeated where
//! the standard lengthens the repeated stretch to two and three after 10 and 20 ms.

/// The shortest and longest pitch period, in samples: 5 to 15 ms (Appendix I, I.2.2).
const PITCH: std::ops::RangeInclusive<usize> = 40..=120;
/// How much of the past is compared to find it: 20 ms.
const COMPARED: usize = 160;
/// The past that is kept.
const HISTORY: usize = 390;
/// The samples before the fade begins, and those after which it ends: 10 and 60 ms.
const FADE: (usize, usize) = (80, 480);
/// Over how many samples the substitute runs into what arrives after it: 4 ms.
const OVERLAP: usize = 32;

pub(super) struct Concealment {
    history: Vec<f32>,
    /// While packets are lost: the period repeated, and how many samples were made of it.
    gap: Option<(Vec<f32>, usize)>,
}

impl Concealment {
    pub(super) fn new() -> Self {
        Self { history: vec![0.0; HISTORY], gap: None }
    }

    pub(super) fn arrived(&mut self, packet: &[i16], out: &mut Vec<i16>) {
        let from = out.len();
        out.extend_from_slice(packet);
        if self.gap.is_some() {
            let tail: Vec<f32> = (0..OVERLAP.min(packet.len())).map(|_| self.substitute()).collect();
            let length = tail.len() as f32;
            for (i, (sample, old)) in out[from..].iter_mut().zip(&tail).enumerate() {
                let weight = (i as f32 + 0.5) / length;
                *sample = (f32::from(*sample) * weight + old * (1.0 - weight)).round() as i16;
            }
            self.gap = None;
        }
        self.remember(&out[from..]);
    }

    pub(super) fn lost(&mut self, samples: usize, out: &mut Vec<i16>) {
        if self.gap.is_none() {
            self.gap = Some((self.last_period(), 0));
        }
        let from = out.len();
        for _ in 0..samples {
            let sample = self.substitute();
            out.push(sample.round().clamp(-32_768.0, 32_767.0) as i16);
        }
        self.remember(&out[from..]);
    }

    fn substitute(&mut self) -> f32 {
        let Some((period, made)) = &mut self.gap else { return 0.0 };
        let sample = period[*made % period.len()];
        let faded = made.saturating_sub(FADE.0) as f32 / (FADE.1 - FADE.0) as f32;
        *made += 1;
        sample * (1.0 - faded).max(0.0)
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
        let end = self.history.len();
        let newest = &self.history[end - COMPARED..];
        let likeness = |lag: usize| {
            let older = &self.history[end - COMPARED - lag..end - lag];
            let product: f32 = newest.iter().zip(older).map(|(a, b)| a * b).sum();
            let energy: f32 = older.iter().map(|b| b * b).sum();
            product / (energy + 1.0).sqrt()
        };
        PITCH
            .map(|lag| (lag, likeness(lag)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map_or(*PITCH.end(), |(lag, _)| lag)
    }

    fn remember(&mut self, samples: &[i16]) {
        self.history.extend(samples.iter().map(|&s| f32::from(s)));
        let spent = self.history.len() - HISTORY;
        self.history.drain(..spent);
    }
}
