//! Calls in which the customer says nothing.

use crate::SimulationError;
use crate::channel::Setting;
use crate::draw::Draw;
use crate::plan::Span;
use crate::scene::Scene;
use crate::spoken::{play_digits, play_music, play_prompt, play_ringback};

/// What a plan can ask for.
pub(crate) const KINDS: [&str; 7] = ["music", "ringback", "dtmf", "noise", "prompt", "mix", "silence"];

/// What a mix is made of; a prompt only where there are some.
const MIXED: [&str; 5] = ["music", "ringback", "dtmf", "noise", "prompt"];
/// How many things a mix has in turn.
const MIX_PARTS: [usize; 2] = [2, 4];
/// How long one key and its pause take on average, in seconds.
const KEY_S: f64 = 0.3;
/// Between the parts of a mix, in seconds.
const PAUSE_S: Span = Span::new(0.2, 2.0);

/// Makes the call; gives its kind too.
pub(crate) fn scene(setting: &Setting<'_>) -> Result<(Scene, &'static str), SimulationError> {
    let (plan, mut draw) = (&setting.plan.not_speech, setting.draws.stage("not speech"));
    let weights = KINDS
        .map(|kind| if usable(kind, setting) { plan.weights.get(kind).copied().unwrap_or(0.0) } else { 0.0 });
    let kind = draw.weighted(&weights).map_or("silence", |index| KINDS[index]);
    let seconds = draw.between(plan.seconds);
    let mut scene = Scene::default();
    if kind == "mix" {
        let parts = MIX_PARTS[0] + draw.below(MIX_PARTS[1] - MIX_PARTS[0] + 1);
        let kinds: Vec<&str> = MIXED.into_iter().filter(|kind| usable(kind, setting)).collect();
        for part in 0..parts {
            let kind = draw.pick(&kinds).copied().unwrap_or("noise");
            play(kind, seconds / parts as f64, part, &mut scene, &mut draw, setting)?;
            scene.pause("noise", draw.between(PAUSE_S));
        }
    } else {
        play(kind, seconds, 0, &mut scene, &mut draw, setting)?;
    }
    Ok((scene, kind))
}

fn usable(kind: &str, setting: &Setting<'_>) -> bool {
    kind != "prompt" || !setting.materials.prompts().is_empty()
}

fn play(
    kind: &str,
    seconds: f64,
    part: usize,
    scene: &mut Scene,
    draw: &mut Draw,
    setting: &Setting<'_>,
) -> Result<(), SimulationError> {
    match kind {
        "music" => play_music(scene, seconds, &format!("music {part}"), setting)?,
        "ringback" => play_ringback(scene, seconds, draw),
        "dtmf" => play_digits(scene, ((seconds / KEY_S) as usize).max(1), draw),
        "noise" => scene.pause("noise", seconds),
        "prompt" => play_prompt(scene, setting)?,
        _ => scene.silence(seconds),
    }
    Ok(())
}
