//! An amplifier driven past its end: the loudest speech is cut off.

use serde_json::{Value, json};

use super::Setting;
use crate::signal::{from_db, rounded};

/// The part of the samples that is louder than the "loudest speech" the plan means.
const LOUDEST: f64 = 0.999;

pub(super) fn apply(near: &mut [f32], setting: &Setting<'_>) -> Value {
    let (plan, mut draw) = (&setting.plan.overdrive, setting.draws.stage("overdrive"));
    if !draw.chance(plan.share) || near.is_empty() {
        return Value::Null;
    }
    let over = draw.between(plan.over_db);
    let mut magnitudes: Vec<f32> = near.iter().map(|sample| sample.abs()).collect();
    let at = ((near.len() - 1) as f64 * LOUDEST) as usize;
    let (_, loudest, _) = magnitudes.select_nth_unstable_by(at, f32::total_cmp);
    let limit = (f64::from(*loudest) / from_db(over)) as f32;
    near.iter_mut().for_each(|sample| *sample = sample.clamp(-limit, limit));
    json!(rounded(over))
}
