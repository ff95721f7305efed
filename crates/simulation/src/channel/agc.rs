//! Automatic gain control: a feed-forward compressor (Giannoulis, Massberg and Reiss, "Digital dynamic
//! range compressor design", JAES 60(6), 2012) that follows the level with its own attack and release.

use serde_json::{Value, json};

use super::Setting;
use crate::RATE_HZ;
use crate::activity::speech_power;
use crate::signal::{from_db, rounded, to_db};

/// Below the speech's level the gain rises no further than this: it would lift nothing but noise.
const MOST_GAIN_DB: f64 = 20.0;

pub(super) fn apply(near: &mut [f32], frames: &[bool], setting: &Setting<'_>) -> Value {
    let (plan, mut draw) = (&setting.plan.agc, setting.draws.stage("agc"));
    if !draw.chance(plan.share) {
        return Value::Null;
    }
    let attack = draw.log_between(plan.attack_ms);
    let release = draw.log_between(plan.release_ms);
    let ratio = draw.between(plan.ratio);
    let target = speech_power(near, frames).sqrt();
    if target > 0.0 {
        compress(near, target, ratio, [attack, release]);
    }
    json!({ "attack_ms": rounded(attack), "release_ms": rounded(release), "ratio": rounded(ratio) })
}

/// Pulls the level towards `target`: `ratio` dB around it become one.
fn compress(near: &mut [f32], target: f64, ratio: f64, [attack_ms, release_ms]: [f64; 2]) {
    let per_sample = |ms: f64| (-1000.0 / (ms * RATE_HZ as f64)).exp();
    let (attack, release) = (per_sample(attack_ms), per_sample(release_ms));
    let mut envelope = target * target;
    for sample in near {
        let power = f64::from(*sample) * f64::from(*sample);
        let keep = if power > envelope { attack } else { release };
        envelope = keep * envelope + (1.0 - keep) * power;
        let over = to_db(envelope.sqrt() / target);
        let gain = (-over * (1.0 - 1.0 / ratio)).min(MOST_GAIN_DB);
        *sample = (f64::from(*sample) * from_db(gain)) as f32;
    }
}
