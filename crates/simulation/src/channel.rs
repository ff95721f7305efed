//! From what is said in a room to what leaves the telephone, stage by stage.

mod agc;
mod biquad;
mod gaps;
mod handset;
mod noise;
mod overdrive;
mod room;
mod suppressor;
mod transducer;

use serde_json::{Map, Value, json};

pub(crate) use noise::KINDS as NOISE_KINDS;
pub(crate) use room::KINDS as ROOM_KINDS;

use crate::SimulationError;
use crate::activity::{FRAME, speech_power};
use crate::codec::Chain;
use crate::draw::CallDraws;
use crate::material::Materials;
use crate::plan::Settings;
use crate::scene::Scene;
use crate::signal::{add, from_db, power, rounded, scale, to_db};

/// What the stages need to know.
pub(crate) struct Setting<'a> {
    pub(crate) plan: &'a Settings,
    pub(crate) draws: CallDraws<'a>,
    pub(crate) materials: &'a Materials,
    /// Who speaks; none in calls without speech.
    pub(crate) speaker: Option<&'a str>,
    /// The codecs that follow.
    pub(crate) chain: &'a Chain,
}

/// The near end's signal with the network's on top, at the drawn level, and what was drawn.
///
/// The order is that of a telephone: room, noise, microphone (linear, then not), its amplifier, noise
/// suppression, level control; then the network's tones and music, which the handset never sees.
pub(crate) fn through_telephone(
    scene: &Scene,
    setting: &Setting<'_>,
) -> Result<(Vec<f32>, Map<String, Value>), SimulationError> {
    let mut drawn = Map::new();
    let mut talker = scene.talker.clone();
    let mut other = scene.other.clone();
    drawn.insert("room".to_owned(), room::apply(&mut talker, &mut other, setting)?);
    let handset = handset::draw(setting);
    handset.apply(&mut talker);
    handset.apply(&mut other);
    drawn.insert("handset".to_owned(), handset.to_json());
    let (mut noise, noise_drawn) = noise::draw(scene.len(), setting)?;
    handset.apply(&mut noise);
    let snr = noise::mix(&mut talker, &noise, scene, setting);
    drawn.insert("noise".to_owned(), noise_drawn);
    drawn.insert("snr_db".to_owned(), json!(snr.map(rounded)));
    add(&mut talker, &other, 1.0);
    let near = &mut talker;
    drawn.insert("transducer".to_owned(), transducer::apply(near, &scene.frames, setting));
    drawn.insert("overdrive_db".to_owned(), overdrive::apply(near, setting));
    drawn.insert("suppressor".to_owned(), suppressor::apply(near, setting));
    drawn.insert("agc".to_owned(), agc::apply(near, &scene.frames, setting));
    drawn.insert("gaps".to_owned(), gaps::apply(near, &scene.frames, setting));
    let level = set_level(near, scene, setting);
    drawn.insert("level_dbfs".to_owned(), json!(rounded(level)));
    drawn.insert("network_db".to_owned(), add_network(near, scene, level, setting));
    Ok((talker, drawn))
}

/// Brings the speech (or, without any, the noise) to its level, and mutes what is not connected.
fn set_level(near: &mut [f32], scene: &Scene, setting: &Setting<'_>) -> f64 {
    let level = setting.draws.stage("level").between(setting.plan.level.dbfs);
    let spoken = speech_power(near, &scene.frames);
    let reference = if spoken > 0.0 { spoken } else { speech_power(near, &scene.connected) };
    if reference > 0.0 {
        scale(near, from_db(level) / reference.sqrt());
    }
    for (frame, _) in near.chunks_mut(FRAME).zip(&scene.connected).filter(|(_, connected)| !**connected) {
        frame.fill(0.0);
    }
    level
}

/// Adds tones, prompts and music, each within 6 dB of the speech's level.
fn add_network(near: &mut [f32], scene: &Scene, level: f64, setting: &Setting<'_>) -> Value {
    const AROUND_DB: crate::plan::Span = crate::plan::Span::new(-6.0, 6.0);
    if power(&scene.network) == 0.0 {
        return Value::Null;
    }
    let offset = setting.draws.stage("network level").between(AROUND_DB);
    // The pieces have the scene's own reference level already.
    add(near, &scene.network, from_db(level + offset) / crate::scene::REFERENCE);
    json!(rounded(offset))
}

/// A signal-to-noise ratio in dB.
fn ratio_db(signal: f64, noise: f64) -> f64 {
    to_db((signal / noise.max(1e-20)).sqrt())
}

#[cfg(test)]
mod tests;
