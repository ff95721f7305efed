use earmark_voiceprint::Quality;

use crate::Side;

/// A condition of the comparison that the calibration's slope and offset may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// ln of the probe's net speech in seconds.
    ProbeLogSpeech,
    /// ln of the enrolled side's net speech in seconds.
    EnrolledLogSpeech,
    /// 1 / the probe's net speech in seconds: the variance that short speech adds.
    ProbeInverseSpeech,
    /// 1 / the enrolled side's net speech in seconds.
    EnrolledInverseSpeech,
    /// ln of the number of enrolled recordings: each brings another channel.
    EnrolledLogRecordings,
    /// The probe's SNR in dB.
    ProbeSnr,
    /// The enrolled side's SNR in dB.
    EnrolledSnr,
    /// The part of the probe's samples at full scale, 0 to 1.
    ProbeClipping,
    /// The part of the enrolled side's samples at full scale, 0 to 1.
    EnrolledClipping,
    /// The probe's bandwidth in kHz.
    ProbeBandwidth,
    /// The enrolled side's bandwidth in kHz.
    EnrolledBandwidth,
}

const NAMES: [(Input, &str); 11] = [
    (Input::ProbeLogSpeech, "probe_log_speech"),
    (Input::EnrolledLogSpeech, "enrolled_log_speech"),
    (Input::ProbeInverseSpeech, "probe_inverse_speech"),
    (Input::EnrolledInverseSpeech, "enrolled_inverse_speech"),
    (Input::EnrolledLogRecordings, "enrolled_log_recordings"),
    (Input::ProbeSnr, "probe_snr"),
    (Input::EnrolledSnr, "enrolled_snr"),
    (Input::ProbeClipping, "probe_clipping"),
    (Input::EnrolledClipping, "enrolled_clipping"),
    (Input::ProbeBandwidth, "probe_bandwidth"),
    (Input::EnrolledBandwidth, "enrolled_bandwidth"),
];

/// Below this net speech a logarithm or an inverse says nothing more.
const MIN_SECONDS: f64 = 0.1;

impl Input {
    /// The name in backend.toml.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(input, _)| *input == self).map_or("", |(_, name)| name)
    }

    /// The input called `name` in backend.toml.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, n)| *n == name).map(|(input, _)| *input)
    }

    /// Its value for one comparison; none where the quality is not known.
    #[must_use]
    pub fn value(self, probe: &Side, enrolled: &Side) -> Option<f64> {
        let seconds = |side: &Side| f64::from(side.net_speech.seconds()).max(MIN_SECONDS);
        let rated = |side: &Side, field: fn(&Quality) -> f32| side.quality.map(|q| f64::from(field(&q)));
        let value = match self {
            Self::ProbeLogSpeech => Some(seconds(probe).ln()),
            Self::EnrolledLogSpeech => Some(seconds(enrolled).ln()),
            Self::ProbeInverseSpeech => Some(1.0 / seconds(probe)),
            Self::EnrolledInverseSpeech => Some(1.0 / seconds(enrolled)),
            Self::EnrolledLogRecordings => Some((enrolled.recordings.max(1) as f64).ln()),
            Self::ProbeSnr => rated(probe, |q| q.snr_db),
            Self::EnrolledSnr => rated(enrolled, |q| q.snr_db),
            Self::ProbeClipping => rated(probe, |q| q.clipped_fraction),
            Self::EnrolledClipping => rated(enrolled, |q| q.clipped_fraction),
            Self::ProbeBandwidth => rated(probe, |q| q.bandwidth_hz / 1000.0),
            Self::EnrolledBandwidth => rated(enrolled, |q| q.bandwidth_hz / 1000.0),
        };
        value.filter(|v| !v.is_nan())
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::NetSpeech;

    use super::*;

    #[test]
    fn every_input_has_one_name() {
        for (input, name) in NAMES {
            assert_eq!(Input::named(name), Some(input));
            assert_eq!(input.name(), name);
        }
        assert_eq!(Input::named("shoe_size"), None);
    }

    #[test]
    fn unknown_quality_is_no_number() {
        let side = Side::single(NetSpeech::ZERO, None);
        assert_eq!(Input::ProbeSnr.value(&side, &side), None);
        let bad = Quality { snr_db: f32::NAN, clipped_fraction: 0.0, level_dbfs: 0.0, bandwidth_hz: 3400.0 };
        assert_eq!(Input::ProbeSnr.value(&Side::single(NetSpeech::ZERO, Some(bad)), &side), None);
        assert_eq!(Input::ProbeInverseSpeech.value(&side, &side), Some(10.0));
    }
}
