//! Whether one channel holds more than one voice.

use earmark_audio::SpeechWindow;
use earmark_scoring::BackEnd;
use earmark_voiceprint::{Voiceprint, VoiceprintError};

use crate::EngineError;

/// With fewer windows of 3 s there are no two groups of two.
const LEAST_WINDOWS: usize = 4;
/// Windows that one voice must have to be more than an accident, such as a cough over a word.
const LEAST_GROUP: usize = 2;
/// Moves windows between the groups until none wants to, at most so often.
const ROUNDS: usize = 10;

/// The windows of one channel in the back end's space, and the two of them that are least alike: each
/// new window is compared with those before it only, so that a long call costs no more by the minute
/// than a short one but for what grows with its windows.
#[derive(Default)]
pub(crate) struct Voices {
    windows: Vec<Voiceprint>,
    /// The least cosine, and whose it is; the first such pair.
    least: Option<(f32, usize, usize)>,
}

impl Voices {
    /// All windows of a channel.
    pub(crate) fn of(back_end: &BackEnd, windows: &[SpeechWindow]) -> Result<Self, EngineError> {
        let mut voices = Self::default();
        voices.add(back_end, windows)?;
        Ok(voices)
    }

    /// Takes the windows that were not there before.
    pub(crate) fn add(&mut self, back_end: &BackEnd, windows: &[SpeechWindow]) -> Result<(), EngineError> {
        for window in windows.iter().skip(self.windows.len()) {
            self.push(back_end.apply(&window.voiceprint)?)?;
        }
        Ok(())
    }

    fn push(&mut self, window: Voiceprint) -> Result<(), EngineError> {
        let new = self.windows.len();
        for (at, earlier) in self.windows.iter().enumerate() {
            let pair = (earlier.cosine(&window)?.value(), at, new);
            if self.least.is_none_or(|least| pair < least) {
                self.least = Some(pair);
            }
        }
        self.windows.push(window);
        Ok(())
    }

    /// The windows, in order.
    pub(crate) fn windows(&self) -> &[Voiceprint] {
        &self.windows
    }

    /// How alike the two voices are that the windows of one channel split into best: a cosine in the
    /// back end's space. None where there is too little speech for two.
    ///
    /// Two-means on the sphere, begun with the two least alike windows. One voice splits by its words
    /// and its mood, which leaves the halves alike; docs/evaluation.md has both distributions.
    pub(crate) fn split_cosine(&self) -> Result<Option<f32>, EngineError> {
        let Some((_, one, other)) = self.least.filter(|_| self.windows.len() >= LEAST_WINDOWS) else {
            return Ok(None);
        };
        let windows = &self.windows;
        let (mut one, mut other) = (windows[one].clone(), windows[other].clone());
        let mut first = vec![true; windows.len()];
        for _ in 0..ROUNDS {
            let nearer = |w: &Voiceprint| Ok(w.cosine(&one)?.value() >= w.cosine(&other)?.value());
            let now = windows.iter().map(nearer).collect::<Result<Vec<bool>, VoiceprintError>>()?;
            let settled = now == first;
            first = now;
            let count = first.iter().filter(|is| **is).count();
            if count < LEAST_GROUP || windows.len() - count < LEAST_GROUP {
                return Ok(None);
            }
            one = mean(windows, &first, true)?;
            other = mean(windows, &first, false)?;
            if settled {
                break;
            }
        }
        Ok(Some(one.cosine(&other)?.value()))
    }

    /// How alike the two least alike windows are; none of fewer than two.
    pub(crate) fn least_cosine(&self) -> Option<f32> {
        self.least.map(|(cosine, ..)| cosine)
    }
}

fn mean(windows: &[Voiceprint], first: &[bool], which: bool) -> Result<Voiceprint, EngineError> {
    let group = windows.iter().zip(first).filter(|(_, is)| **is == which).map(|(w, _)| (w, 1.0));
    Ok(Voiceprint::weighted_mean(group)?)
}

#[cfg(test)]
mod tests {
    use earmark_audio::SpeechSegment;
    use earmark_voiceprint::{ModelId, NetSpeech};

    use super::*;

    fn voices(angles: &[f32]) -> Voices {
        let model = ModelId::new("m", "0");
        let back_end = BackEnd::new(model.clone(), &[0.0; 2], None).unwrap();
        let window = |a: &f32| {
            let speech = NetSpeech::from_seconds(3.0);
            let voiceprint = Voiceprint::from_embedding(model.clone(), &[a.cos(), a.sin()], speech).unwrap();
            SpeechWindow { voiceprint, span: SpeechSegment { start_s: 0.0, end_s: 3.0 } }
        };
        Voices::of(&back_end, &angles.iter().map(window).collect::<Vec<_>>()).unwrap()
    }

    fn cosine(angles: &[f32]) -> Option<f32> {
        voices(angles).split_cosine().unwrap()
    }

    /// The plain way: every window with every other.
    fn least_alike(windows: &[Voiceprint]) -> (f32, usize, usize) {
        let mut least = (f32::INFINITY, 0, 0);
        for (i, window) in windows.iter().enumerate() {
            for (j, other) in windows.iter().enumerate().skip(i + 1) {
                let cosine = window.cosine(other).unwrap().value();
                if cosine < least.0 {
                    least = (cosine, i, j);
                }
            }
        }
        least
    }

    /// Ten minutes of speech and more, a window at a time, ties among them: always the pair that the
    /// plain way finds.
    #[test]
    fn the_least_alike_are_those_of_the_plain_way_after_every_window() {
        let angles: Vec<f32> =
            (0..260u32).map(|n| 0.01 * (n.wrapping_mul(2_654_435_761) >> 24) as f32).collect();
        let all = voices(&angles);
        let mut one_by_one = Voices::default();
        for (n, window) in all.windows().iter().enumerate() {
            one_by_one.push(window.clone()).unwrap();
            if n > 0 {
                assert_eq!(one_by_one.least, Some(least_alike(&all.windows()[..=n])), "{n}");
            }
        }
        assert_eq!(one_by_one.split_cosine().unwrap(), all.split_cosine().unwrap());
        assert_eq!(voices(&[0.3]).least_cosine(), None);
    }

    #[test]
    fn the_two_voices_are_found_in_any_order() {
        let expected = 1.2f32.cos();
        for angles in [[0.0, 0.1, 1.2, 1.3], [1.2, 0.0, 1.3, 0.1], [0.1, 1.3, 1.2, 0.0]] {
            assert!((cosine(&angles).unwrap() - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn one_voice_stays_alike_and_one_window_is_no_voice() {
        assert!(cosine(&[0.0, 0.1, 0.2, 0.3, 0.15]).unwrap() > 0.97);
        assert_eq!(cosine(&[0.0, 0.1, 1.5]), None);
        assert_eq!(cosine(&[0.0, 0.1, 0.05, 1.5]), None);
    }

    #[test]
    fn equal_windows_do_not_split() {
        assert!(cosine(&[0.5; 6]).is_none_or(|c| c > 0.999));
    }
}
