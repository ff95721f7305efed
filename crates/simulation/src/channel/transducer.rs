//! What a microphone does that is not linear, as a polynomial without memory: Quatieri, Reynolds and
//! O'Leary, "Estimation of handset nonlinearity with application to speaker recognition" (IEEE
//! Transactions on Speech and Audio Processing 8(5), 2000), who find even terms in carbon-button
//! microphones and next to none in electret ones.

use serde_json::{Value, json};

use super::Setting;
use crate::activity::speech_power;
use crate::signal::{from_db, rounded};

/// The samples at which the plan's distortion is reached, over the speech's level.
const REFERENCE_DB: f64 = 10.0;

pub(super) fn apply(near: &mut [f32], frames: &[bool], setting: &Setting<'_>) -> Value {
    let (plan, mut draw) = (&setting.plan.transducer, setting.draws.stage("transducer"));
    if !draw.chance(plan.share) {
        return Value::Null;
    }
    let carbon = draw.chance(plan.carbon_share);
    let distortion = draw.between(plan.distortion);
    let reference = speech_power(near, frames).sqrt() * from_db(REFERENCE_DB);
    if reference > 0.0 {
        distort(near, reference, carbon, distortion);
    }
    json!({ "kind": if carbon { "carbon" } else { "electret" }, "distortion": rounded(distortion) })
}

/// Odd part: saturation by tanh's first terms, bounded. Even part: a square, its mean taken off.
fn distort(near: &mut [f32], reference: f64, carbon: bool, distortion: f64) {
    let even = if carbon { distortion } else { 0.0 };
    let odd = if carbon { distortion / 2.0 } else { distortion };
    let mut mean = 0.0;
    for sample in near.iter_mut() {
        // Bounded, so that the polynomial stays monotonic for any peak.
        let x = (f64::from(*sample) / reference).clamp(-1.8, 1.8);
        let y = x + even * x * x / 2.0 - odd * x * x * x / 3.0;
        mean += y;
        *sample = (y * reference) as f32;
    }
    let offset = (mean / near.len().max(1) as f64 * reference) as f32;
    near.iter_mut().for_each(|sample| *sample -= offset);
}
