//! Several other people of the list at once.

use serde_json::{Value, json};

use super::Setting;
use crate::SimulationError;
use crate::draw::Draw;
use crate::signal::add;

/// How many voices there are at most.
const MOST: usize = 8;

pub(super) fn draw(
    samples: usize,
    setting: &Setting<'_>,
    draw: &mut Draw,
) -> Result<(Vec<f32>, Value), SimulationError> {
    let count = super::FEWEST_IN_BABBLE + draw.below(MOST - super::FEWEST_IN_BABBLE + 1);
    let names = setting.draws.order("babble", setting.materials.others(setting.speaker));
    let mut mixed = vec![0.0; samples];
    let chosen: Vec<&str> = names.into_iter().take(count).collect();
    for name in &chosen {
        let mut voice: Vec<f32> = Vec::with_capacity(samples);
        let recordings = setting.materials.recordings_of(name);
        // From a drawn recording on, round and round.
        let first = draw.below(recordings.len());
        for path in recordings.iter().cycle().skip(first).take(samples) {
            voice.extend_from_slice(setting.materials.clip(path)?.samples());
            if voice.len() >= samples {
                break;
            }
        }
        add(&mut mixed, &voice, 0.5 + draw.unit());
    }
    Ok((mixed, json!({ "kind": "babble", "voices": chosen })))
}
