use earmark_audio::{SpeechSegment, SpeechWindow};
use earmark_scoring::BackEnd;
use earmark_voiceprint::Voiceprint;

use crate::EngineError;
use crate::call::MAX_EXCERPTS;
use crate::voices::Voices;

/// Excerpts no further apart than this, in seconds, are one.
const MERGED_S: f64 = 1.0;

/// The 3 s windows of one speaker, in the back end's space, to find those worth listening to.
#[derive(Default)]
pub(super) struct Windows {
    voices: Voices,
    spans: Vec<SpeechSegment>,
}

/// What a window must be to be worth listening to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// As like the reference as can be.
    Alike,
    /// As unlike it as can be.
    Unlike,
}

impl Windows {
    /// Takes the windows that were not there before.
    pub(super) fn add(&mut self, back_end: &BackEnd, windows: &[SpeechWindow]) -> Result<(), EngineError> {
        self.voices.add(back_end, windows)?;
        self.spans.extend(windows.iter().skip(self.spans.len()).map(|window| window.span));
        Ok(())
    }

    /// As [`Voices::split_cosine`].
    pub(super) fn split_cosine(&self) -> Result<Option<f32>, EngineError> {
        self.voices.split_cosine()
    }

    /// Where the windows lie that say most beside `reference`, in order and by the listener's time.
    pub(super) fn worth_hearing(
        &self,
        reference: &Voiceprint,
        wanted: Wanted,
    ) -> Result<Vec<SpeechSegment>, EngineError> {
        let sign = if wanted == Wanted::Alike { 1.0 } else { -1.0 };
        let mut ranked = Vec::with_capacity(self.spans.len());
        for (voiceprint, span) in self.voices.windows().iter().zip(&self.spans) {
            ranked.push((sign * voiceprint.cosine(reference)?.value(), *span));
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut best: Vec<_> = ranked.into_iter().take(MAX_EXCERPTS).map(|(_, span)| span).collect();
        best.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
        best.dedup_by(|later, earlier| {
            let one = later.start_s <= earlier.end_s + MERGED_S;
            if one {
                earlier.end_s = earlier.end_s.max(later.end_s);
            }
            one
        });
        Ok(best)
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::{ModelId, NetSpeech};

    use super::*;

    fn print(angle: f32) -> Voiceprint {
        let values = [angle.cos(), angle.sin()];
        Voiceprint::from_embedding(ModelId::new("m", "0"), &values, NetSpeech::from_seconds(3.0)).unwrap()
    }

    fn found(angles: &[f32], wanted: Wanted) -> Vec<(f64, f64)> {
        let back_end = BackEnd::new(ModelId::new("m", "0"), &[0.0; 2], None).unwrap();
        let window = |(n, angle): (usize, &f32)| {
            let start_s = 10.0 * n as f64;
            let span = SpeechSegment { start_s, end_s: start_s + 3.0 + f64::from(n as u8 % 2) * 6.5 };
            SpeechWindow { voiceprint: print(*angle), span }
        };
        let windows: Vec<_> = angles.iter().enumerate().map(window).collect();
        let mut all = Windows::default();
        all.add(&back_end, &windows[..1]).unwrap();
        all.add(&back_end, &windows).unwrap();
        let reference = back_end.apply(&print(0.0)).unwrap();
        let spans = all.worth_hearing(&reference, wanted).unwrap();
        spans.into_iter().map(|s| (s.start_s, s.end_s)).collect()
    }

    #[test]
    fn the_most_telling_windows_come_in_order_and_neighbours_are_one() {
        let angles = [0.5, 0.1, 0.2, 1.4, 0.0, 1.5];
        // Windows 1, 2 and 4; 1 ends half a second before 2.
        assert_eq!(found(&angles, Wanted::Alike), [(10.0, 23.0), (40.0, 43.0)]);
        assert_eq!(
            found(&angles, Wanted::Unlike),
            [(0.0, 3.0), (30.0, 39.5), (50.0, 59.5)].into_iter().collect::<Vec<_>>()
        );
        assert!(found(&[0.3], Wanted::Unlike).len() == 1);
    }
}
