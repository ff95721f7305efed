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

/// How alike the two voices are that the windows of one channel split into best: a cosine in the
/// back end's space. None where there is too little speech for two.
///
/// Two-means on the sphere, begun with the two least alike windows. One voice splits by its words
/// and its mood, which leaves the halves alike; docs/evaluation.md has both distributions.
pub(crate) fn split_cosine(back_end: &BackEnd, windows: &[SpeechWindow]) -> Result<Option<f32>, EngineError> {
    if windows.len() < LEAST_WINDOWS {
        return Ok(None);
    }
    let moved = windows.iter().map(|w| back_end.apply(&w.voiceprint)).collect::<Result<Vec<_>, _>>()?;
    let (mut one, mut other) = least_alike(&moved)?;
    let mut first = vec![true; moved.len()];
    for _ in 0..ROUNDS {
        let nearer = |w: &Voiceprint| Ok(w.cosine(&one)?.value() >= w.cosine(&other)?.value());
        let now = moved.iter().map(nearer).collect::<Result<Vec<bool>, VoiceprintError>>()?;
        let settled = now == first;
        first = now;
        let count = first.iter().filter(|is| **is).count();
        if count < LEAST_GROUP || moved.len() - count < LEAST_GROUP {
            return Ok(None);
        }
        one = mean(&moved, &first, true)?;
        other = mean(&moved, &first, false)?;
        if settled {
            break;
        }
    }
    Ok(Some(one.cosine(&other)?.value()))
}

/// How alike the two least alike windows are; none of fewer than two.
pub(crate) fn least_cosine(back_end: &BackEnd, windows: &[SpeechWindow]) -> Result<Option<f32>, EngineError> {
    if windows.len() < 2 {
        return Ok(None);
    }
    let moved = windows.iter().map(|w| back_end.apply(&w.voiceprint)).collect::<Result<Vec<_>, _>>()?;
    let (one, other) = least_alike(&moved)?;
    Ok(Some(one.cosine(&other)?.value()))
}

fn least_alike(windows: &[Voiceprint]) -> Result<(Voiceprint, Voiceprint), EngineError> {
    let mut least = (f32::INFINITY, 0, 0);
    for (i, window) in windows.iter().enumerate() {
        for (j, other) in windows.iter().enumerate().skip(i + 1) {
            let cosine = window.cosine(other)?.value();
            if cosine < least.0 {
                least = (cosine, i, j);
            }
        }
    }
    Ok((windows[least.1].clone(), windows[least.2].clone()))
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

    fn cosine(angles: &[f32]) -> Option<f32> {
        let model = ModelId::new("m", "0");
        let back_end = BackEnd::new(model.clone(), &[0.0; 2], None).unwrap();
        let window = |a: &f32| {
            let speech = NetSpeech::from_seconds(3.0);
            let voiceprint = Voiceprint::from_embedding(model.clone(), &[a.cos(), a.sin()], speech).unwrap();
            SpeechWindow { voiceprint, span: SpeechSegment { start_s: 0.0, end_s: 3.0 } }
        };
        split_cosine(&back_end, &angles.iter().map(window).collect::<Vec<_>>()).unwrap()
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
