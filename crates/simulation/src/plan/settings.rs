use std::collections::BTreeMap;

use serde::Deserialize;

/// From the lower to the higher value, both finite.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "[f64; 2]")]
pub(crate) struct Span {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl TryFrom<[f64; 2]> for Span {
    type Error = String;

    fn try_from([low, high]: [f64; 2]) -> Result<Self, String> {
        if low.is_finite() && high.is_finite() && low <= high {
            return Ok(Self { low, high });
        }
        Err(format!("[{low}, {high}] is no range; write [lowest, highest]"))
    }
}

impl Span {
    pub(crate) const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }
}

/// A plan's file; every key is explained in `plans/harsh.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) enrollment: Enrollment,
    pub(crate) probes: Probes,
    pub(crate) speech: Speech,
    pub(crate) watchlist: Watchlist,
    pub(crate) trials: Trials,
    pub(crate) not_speech: NotSpeech,
    pub(crate) codecs: Vec<CodecChain>,
    pub(crate) handset: Handset,
    pub(crate) transducer: Transducer,
    pub(crate) room: Room,
    pub(crate) noise: Noise,
    pub(crate) suppressor: Suppressor,
    pub(crate) agc: Agc,
    pub(crate) overdrive: Overdrive,
    pub(crate) level: Level,
    pub(crate) gaps: Gaps,
    pub(crate) loss: Loss,
    pub(crate) ringback: Ringback,
    pub(crate) prompt: Prompt,
    pub(crate) music: Music,
    pub(crate) long_pause: LongPause,
    pub(crate) double_talk: DoubleTalk,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrollment {
    pub(crate) net_speech_s: f64,
    pub(crate) models: Vec<usize>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Probes {
    pub(crate) net_speech_s: Vec<f64>,
    pub(crate) each: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Speech {
    pub(crate) repeat_clips: bool,
    pub(crate) pause_s: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watchlist {
    pub(crate) size: usize,
    pub(crate) listed_share: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trials {
    pub(crate) nontargets_per_probe: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotSpeech {
    pub(crate) calls: usize,
    pub(crate) seconds: Span,
    pub(crate) weights: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodecChain {
    pub(crate) chain: Vec<String>,
    pub(crate) weight: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handset {
    pub(crate) share: f64,
    pub(crate) low_cut_hz: Span,
    pub(crate) high_cut_hz: Span,
    pub(crate) tilt_db: Span,
    pub(crate) resonances: [usize; 2],
    pub(crate) resonance_db: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transducer {
    pub(crate) share: f64,
    pub(crate) carbon_share: f64,
    pub(crate) distortion: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Room {
    pub(crate) share: f64,
    pub(crate) rt60_s: Span,
    pub(crate) distance_m: Span,
    pub(crate) weights: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Noise {
    pub(crate) share: f64,
    pub(crate) snr_db: Span,
    pub(crate) weights: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suppressor {
    pub(crate) share: f64,
    pub(crate) over_subtraction: Span,
    pub(crate) floor_db: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agc {
    pub(crate) share: f64,
    pub(crate) attack_ms: Span,
    pub(crate) release_ms: Span,
    pub(crate) ratio: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Overdrive {
    pub(crate) share: f64,
    pub(crate) over_db: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Level {
    pub(crate) dbfs: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gaps {
    pub(crate) share: f64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Loss {
    pub(crate) share: f64,
    pub(crate) rate: Span,
    pub(crate) mean_burst: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ringback {
    pub(crate) share: f64,
    pub(crate) seconds: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prompt {
    pub(crate) share: f64,
    pub(crate) max_s: f64,
    pub(crate) dtmf_digits: [usize; 2],
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Music {
    pub(crate) before_share: f64,
    pub(crate) hold_share: f64,
    pub(crate) seconds: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongPause {
    pub(crate) share: f64,
    pub(crate) seconds: Span,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DoubleTalk {
    pub(crate) share: f64,
    pub(crate) level_db: Span,
    pub(crate) talk_share: Span,
    pub(crate) turns_share: f64,
}
