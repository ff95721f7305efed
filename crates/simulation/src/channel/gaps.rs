//! Discontinuous transmission: in pauses nothing is sent, and the receiver makes comfort noise
//! (as ITU-T G.711 Appendix II; here white).

use serde_json::{Value, json};

use super::Setting;
use crate::activity::FRAME;
use crate::signal::rms;

/// How long transmission goes on after speech, in frames: 200 ms.
const HANGOVER: usize = 20;
/// The quantile of the pauses' frames that the comfort noise is as loud as.
const COMFORT_QUANTILE: f64 = 0.3;

pub(super) fn apply(near: &mut [f32], frames: &[bool], setting: &Setting<'_>) -> Value {
    let mut draw = setting.draws.stage("gaps");
    if !draw.chance(setting.plan.gaps.share) {
        return json!(false);
    }
    // AMR and Opus do it themselves, with comfort noise of their own.
    if setting.chain.has_own_gaps() {
        return json!(true);
    }
    let mut since_speech = HANGOVER;
    let silent: Vec<bool> = frames
        .iter()
        .map(|speech| {
            since_speech = if *speech { 0 } else { since_speech + 1 };
            since_speech > HANGOVER
        })
        .collect();
    let in_gaps = near.chunks(FRAME).zip(&silent).filter(|(_, silent)| **silent);
    let mut levels: Vec<f64> = in_gaps.map(|(frame, _)| rms(frame)).collect();
    levels.sort_unstable_by(f64::total_cmp);
    let level = levels.get((levels.len() as f64 * COMFORT_QUANTILE) as usize).copied().unwrap_or(0.0);
    for (frame, _) in near.chunks_mut(FRAME).zip(&silent).filter(|(_, silent)| **silent) {
        frame.iter_mut().for_each(|sample| *sample = (draw.normal() * level) as f32);
    }
    json!(true)
}
