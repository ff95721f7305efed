//! Where somebody speaks in a clean recording: by energy.

use crate::RATE_HZ;
use crate::signal::power;

/// The samples of one frame: 10 ms.
pub(crate) const FRAME: usize = RATE_HZ / 100;
/// How far below the loud frames speech still is, in dB.
const BELOW_LOUD_DB: f64 = 35.0;
/// Which part of the frames is quieter than the loud ones.
const LOUD_QUANTILE: f64 = 0.95;
/// How many frames after the last speech still count as it: 60 ms.
const HANGOVER: usize = 6;
/// Below this power nothing is speech: -75 dB of full scale, the noise floor of 12 bits.
const SILENCE: f64 = 3.2e-8;

/// For each whole 10 ms frame, whether it is speech: within 35 dB of the loud frames, or within
/// 60 ms after such a frame.
pub(crate) fn speech_frames(samples: &[f32]) -> Vec<bool> {
    let powers: Vec<f64> = samples.chunks_exact(FRAME).map(power).collect();
    let mut sorted = powers.clone();
    sorted.sort_unstable_by(f64::total_cmp);
    let loud = sorted.get((sorted.len() as f64 * LOUD_QUANTILE) as usize).copied().unwrap_or(0.0);
    let least = (loud / 10f64.powf(BELOW_LOUD_DB / 10.0)).max(SILENCE);
    let mut hangover = 0;
    let is_speech = |power: &f64| {
        hangover = if *power >= least { HANGOVER + 1 } else { usize::saturating_sub(hangover, 1) };
        hangover > 0
    };
    powers.iter().map(is_speech).collect()
}

/// The mean square over the frames that are speech; 0 without any.
pub(crate) fn speech_power(samples: &[f32], frames: &[bool]) -> f64 {
    let spoken = samples.chunks_exact(FRAME).zip(frames).filter(|(_, speech)| **speech);
    let (sum, count) = spoken.fold((0.0, 0usize), |(sum, n), (frame, _)| (sum + power(frame), n + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone of this many frames at a level in dB.
    fn tone(frames: usize, db: f64) -> Vec<f32> {
        let gain = 10f64.powf(db / 20.0);
        (0..frames * FRAME).map(|i| (gain * (i as f64 * 0.5).sin()) as f32).collect()
    }

    #[test]
    fn what_is_35_db_below_is_no_speech() {
        let samples = [tone(50, -10.0), tone(50, -40.0), tone(50, -50.0), tone(50, -10.0)].concat();
        let frames = speech_frames(&samples);
        assert!(frames[..100].iter().all(|speech| *speech));
        // 60 ms of hangover, then silence, then speech from its first frame.
        assert!(frames[100..106].iter().all(|speech| *speech) && frames[106..150].iter().all(|s| !s));
        assert!(frames[150..].iter().all(|speech| *speech));
        let level = 10.0 * speech_power(&tone(50, -10.0), &[true; 50]).log10();
        assert!((level + 13.0).abs() < 0.1, "{level}");
    }

    #[test]
    fn silence_has_no_speech() {
        assert!(speech_frames(&[0.0; 8000]).iter().all(|speech| !speech));
        assert!(speech_frames(&[]).is_empty());
        assert_eq!(speech_power(&[0.5; 80], &[false]), 0.0);
    }
}
