//! Noise in the talker's room: recordings of it, other people, or made.

mod babble;
mod made;

use serde_json::{Value, json};

use super::{Setting, ratio_db};
use crate::SimulationError;
use crate::activity::speech_power;
use crate::scene::Scene;
use crate::signal::{add, from_db, power};

/// What a plan can ask for.
pub(crate) const KINDS: [&str; 10] =
    ["file", "babble", "white", "pink", "brown", "hum", "car", "fan", "clicks", "street"];

/// Fewer other people are no babble.
const FEWEST_IN_BABBLE: usize = 3;

/// Noise of so many samples, of any level, and what was drawn.
pub(super) fn draw(samples: usize, setting: &Setting<'_>) -> Result<(Vec<f32>, Value), SimulationError> {
    let (plan, mut draw) = (&setting.plan.noise, setting.draws.stage("noise"));
    // A call without speech has its noise as what there is to hear.
    if !draw.chance(plan.share) && setting.speaker.is_some() {
        return Ok((vec![0.0; samples], Value::Null));
    }
    let files = setting.materials.noises();
    let others = setting.materials.others(setting.speaker).count();
    let usable = |kind: &str| match kind {
        "file" => !files.is_empty(),
        "babble" => others >= FEWEST_IN_BABBLE && setting.speaker.is_some(),
        _ => true,
    };
    let weights =
        KINDS.map(|kind| if usable(kind) { plan.weights.get(kind).copied().unwrap_or(0.0) } else { 0.0 });
    let Some(kind) = draw.weighted(&weights) else { return Ok((vec![0.0; samples], Value::Null)) };
    match KINDS[kind] {
        "file" => {
            let (name, recording) = setting.materials.choose(files, "noise file", setting.draws)?;
            let offset = draw.below(recording.len());
            let looped = recording.iter().cycle().skip(offset).take(samples).copied().collect();
            let at = offset as f64 / crate::RATE_HZ as f64;
            Ok((looped, json!({ "kind": "file", "file": name, "offset_s": crate::signal::rounded(at) })))
        }
        "babble" => babble::draw(samples, setting, &mut draw),
        kind => Ok((made::noise(kind, samples, &mut draw), json!({ "kind": kind }))),
    }
}

/// Adds the noise so that the speech is as much louder than it, over the speech, as drawn; gives the
/// ratio in dB, or none where there is no speech or no noise.
pub(super) fn mix(talker: &mut [f32], noise: &[f32], scene: &Scene, setting: &Setting<'_>) -> Option<f64> {
    let snr = setting.draws.stage("snr").between(setting.plan.noise.snr_db);
    let speech = speech_power(talker, &scene.frames);
    let under_speech = speech_power(noise, &scene.frames);
    // Clicks may all fall into the pauses.
    let loudness = if under_speech > 0.0 { under_speech } else { power(noise) };
    if loudness <= 0.0 {
        return None;
    }
    if speech <= 0.0 {
        add(talker, noise, crate::scene::REFERENCE / power(noise).sqrt());
        return None;
    }
    add(talker, noise, from_db(ratio_db(speech, loudness) - snr));
    Some(snr)
}
