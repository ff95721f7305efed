use earmark_voiceprint::{NetSpeech, Quality};

/// What is known about one side of a comparison besides the voice: an input of the calibration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Side {
    /// Speech behind the voiceprint, over all its recordings.
    pub net_speech: NetSpeech,
    /// Quality of the audio; of several recordings the mean weighted by net speech. Without it the
    /// calibration assumes what was usual in training.
    pub quality: Option<Quality>,
    /// How many recordings (calls) were averaged; a live call is one. 0 counts as 1.
    pub recordings: usize,
}

impl Side {
    /// One recording.
    #[must_use]
    pub fn single(net_speech: NetSpeech, quality: Option<Quality>) -> Self {
        Self { net_speech, quality, recordings: 1 }
    }

    /// Several recordings whose voiceprints are averaged: speech adds up, quality is the mean
    /// weighted by net speech over those that have one. None of no recordings.
    #[must_use]
    pub fn merged(parts: &[(NetSpeech, Option<Quality>)]) -> Option<Self> {
        if parts.is_empty() {
            return None;
        }
        let net_speech = parts.iter().fold(NetSpeech::ZERO, |sum, (speech, _)| sum + *speech);
        let rated = || parts.iter().filter_map(|(s, q)| q.map(|q| (s.seconds(), q)));
        let weight: f32 = rated().map(|(s, _)| s).sum();
        let mean = |field: fn(&Quality) -> f32| rated().map(|(s, q)| s * field(&q)).sum::<f32>() / weight;
        let quality = (weight > 0.0).then(|| Quality {
            snr_db: mean(|q| q.snr_db),
            clipped_fraction: mean(|q| q.clipped_fraction),
            level_dbfs: mean(|q| q.level_dbfs),
            bandwidth_hz: mean(|q| q.bandwidth_hz),
        });
        Some(Self { net_speech, quality, recordings: parts.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quality(snr_db: f32) -> Quality {
        Quality { snr_db, clipped_fraction: 0.0, level_dbfs: -20.0, bandwidth_hz: 3400.0 }
    }

    #[test]
    fn merging_adds_speech_and_weights_quality_by_it() {
        let s = NetSpeech::from_seconds;
        let side =
            Side::merged(&[(s(30.0), Some(quality(20.0))), (s(10.0), Some(quality(8.0))), (s(5.0), None)])
                .unwrap();
        assert_eq!(side.net_speech, s(45.0));
        assert_eq!(side.recordings, 3);
        assert!((side.quality.unwrap().snr_db - 17.0).abs() < 1e-5);
    }

    #[test]
    fn merging_nothing_or_unrated_recordings() {
        assert_eq!(Side::merged(&[]), None);
        let silent = Side::merged(&[(NetSpeech::ZERO, Some(quality(20.0)))]).unwrap();
        assert_eq!(silent.quality, None);
    }
}
