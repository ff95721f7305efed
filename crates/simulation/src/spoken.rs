//! A call in which somebody speaks: clips joined until there is enough speech, and what happens
//! before and in between.

use std::path::Path;

use serde_json::json;

use crate::activity::FRAME;
use crate::channel::Setting;
use crate::draw::Draw;
use crate::events::{Country, chords, digits, ringback};
use crate::material::Clip;
use crate::plan::Span;
use crate::scene::Scene;
use crate::signal::{from_db, scale};
use crate::{RATE_HZ, SimulationError};

/// Silence between connection and speech, and after it, in seconds.
const LEAD_S: Span = Span::new(0.2, 0.8);
const TAIL_S: Span = Span::new(0.1, 0.5);
/// Things that happen once do so after this part of the speech.
const ONCE_AT: Span = Span::new(0.2, 0.8);
/// Around a clip's speech so much is kept: 80 ms.
const MARGIN_FRAMES: usize = 8;
/// No further clip is added to a call this long, in samples: 30 minutes. Clips may be next to empty.
const LONGEST_CALL: usize = 30 * 60 * RATE_HZ;
/// The fewest frames of speech worth a further clip: 100 ms.
const FEWEST_FRAMES: usize = 10;

/// Makes the call of `seconds` of speech from these recordings of the speaker.
pub(crate) fn scene(
    recordings: &[&Path],
    seconds: f64,
    setting: &Setting<'_>,
) -> Result<Scene, SimulationError> {
    let mut scene = Scene::default();
    before(&mut scene, setting)?;
    scene.pause("pause", setting.draws.stage("lead").between(LEAD_S));
    let mut order = recordings.to_vec();
    let mut draw = setting.draws.stage("clips");
    draw.shuffle(&mut order);
    let mut between = Between::draw(seconds, setting)?;
    loop {
        let before = scene.net_speech_s();
        for path in &order {
            let wanted = ((seconds - scene.net_speech_s()) * 100.0).round() as usize;
            if wanted < FEWEST_FRAMES || scene.len() > LONGEST_CALL {
                break;
            }
            if scene.net_speech_s() > 0.0 {
                between.fill(&mut scene, &mut draw, setting)?;
            }
            let clip = setting.materials.clip(path)?;
            let name = setting.materials.name_of(path);
            if let Some((from, to)) = stretch(&clip, wanted, &mut draw) {
                scene.speak(&clip, from, to, &name);
            }
        }
        let enough = scene.net_speech_s() + 0.1 >= seconds;
        if enough || !setting.plan.speech.repeat_clips || scene.net_speech_s() <= before {
            break;
        }
    }
    scene.pause("pause", draw.between(TAIL_S));
    interrupt(&mut scene, &between, setting)?;
    Ok(scene)
}

/// A random stretch of a clip with so many frames of speech, or all of its speech.
fn stretch(clip: &Clip, wanted: usize, draw: &mut Draw) -> Option<(usize, usize)> {
    let speech: Vec<usize> =
        clip.frames().iter().enumerate().filter(|(_, speech)| **speech).map(|(i, _)| i).collect();
    let (first, last) = (*speech.first()?, *speech.last()?);
    if speech.len() <= wanted {
        let to = (last + 1 + MARGIN_FRAMES).min(clip.frames().len());
        return Some((first.saturating_sub(MARGIN_FRAMES), to));
    }
    let start = draw.below(speech.len() - wanted + 1);
    Some((*speech.get(start)?, *speech.get(start + wanted - 1)? + 1))
}

/// Ringback, a menu's prompt with keys pressed, hold music.
fn before(scene: &mut Scene, setting: &Setting<'_>) -> Result<(), SimulationError> {
    let (plan, mut draw) = (setting.plan, setting.draws.stage("before"));
    if draw.chance(plan.ringback.share) {
        play_ringback(scene, draw.between(plan.ringback.seconds), &mut draw);
    }
    if draw.chance(plan.prompt.share) && !setting.materials.prompts().is_empty() {
        play_prompt(scene, setting)?;
        let [fewest, most] = plan.prompt.dtmf_digits;
        play_digits(scene, fewest + draw.below(most - fewest + 1), &mut draw);
    }
    if draw.chance(plan.music.before_share) {
        play_music(scene, draw.between(plan.music.seconds), "music before", setting)?;
    }
    Ok(())
}

pub(crate) fn play_ringback(scene: &mut Scene, seconds: f64, draw: &mut Draw) {
    let country = draw.pick(&Country::ALL).copied().unwrap_or(Country::China);
    scene.play("ringback", ringback(country, samples(seconds), draw), json!({ "country": country.name() }));
}

pub(crate) fn play_digits(scene: &mut Scene, count: usize, draw: &mut Draw) {
    let (sound, keys) = digits(count, draw);
    scene.play("dtmf", sound, json!({ "keys": keys }));
}

pub(crate) fn play_prompt(scene: &mut Scene, setting: &Setting<'_>) -> Result<(), SimulationError> {
    let (name, prompt) = setting.materials.choose(setting.materials.prompts(), "prompt", setting.draws)?;
    let longest = samples(setting.plan.prompt.max_s);
    scene.play("prompt", prompt.iter().take(longest).copied().collect(), json!({ "file": name }));
    Ok(())
}

/// From the given folder, else chords.
pub(crate) fn play_music(
    scene: &mut Scene,
    seconds: f64,
    stage: &str,
    setting: &Setting<'_>,
) -> Result<(), SimulationError> {
    let mut draw = setting.draws.stage(stage);
    if setting.materials.music().is_empty() {
        scene.play("music", chords(samples(seconds), &mut draw), json!({ "made": true }));
        return Ok(());
    }
    let (name, music) = setting.materials.choose(setting.materials.music(), stage, setting.draws)?;
    let offset = draw.below(music.len());
    let part = music.iter().cycle().skip(offset).take(samples(seconds)).copied().collect();
    scene.play("music", part, json!({ "file": name }));
    Ok(())
}

/// What fills the time between clips.
struct Between {
    pause_s: Span,
    /// After how much speech there is one long pause, and of how many seconds.
    long_pause: Option<(f64, f64)>,
    /// After how much speech the call is put on hold, and for how many seconds.
    hold: Option<(f64, f64)>,
    other: Option<Other>,
}

/// Somebody else in the same channel.
struct Other {
    name: String,
    /// Against the talker.
    level_db: f64,
    /// How much they still speak, in seconds.
    left_s: f64,
    /// Turn by turn, or over the talker.
    turns: bool,
}

impl Between {
    fn draw(seconds: f64, setting: &Setting<'_>) -> Result<Self, SimulationError> {
        let (plan, mut draw) = (setting.plan, setting.draws.stage("between"));
        let long_pause = draw
            .chance(plan.long_pause.share)
            .then(|| (seconds * draw.between(ONCE_AT), draw.between(plan.long_pause.seconds)));
        let hold = draw
            .chance(plan.music.hold_share)
            .then(|| (seconds * draw.between(ONCE_AT), draw.between(plan.music.seconds)));
        let double = draw.chance(plan.double_talk.share);
        let others = || setting.draws.order("double talk", setting.materials.others(setting.speaker));
        let name = if double { others().first().map(|name| (*name).to_owned()) } else { None };
        let other = name.map(|name| Other {
            name,
            level_db: draw.between(plan.double_talk.level_db),
            left_s: seconds * draw.between(plan.double_talk.talk_share),
            turns: draw.chance(plan.double_talk.turns_share),
        });
        Ok(Self { pause_s: plan.speech.pause_s, long_pause, hold, other })
    }

    fn fill(
        &mut self,
        scene: &mut Scene,
        draw: &mut Draw,
        setting: &Setting<'_>,
    ) -> Result<(), SimulationError> {
        scene.pause("pause", draw.between(self.pause_s));
        let due = |once: &Option<(f64, f64)>| once.is_some_and(|(after, _)| scene.net_speech_s() >= after);
        if due(&self.long_pause)
            && let Some((_, seconds)) = self.long_pause.take()
        {
            scene.pause("pause", seconds);
        }
        if self.hold.is_some_and(|(after, _)| scene.net_speech_s() >= after)
            && let Some((_, seconds)) = self.hold.take()
        {
            play_music(scene, seconds, "music on hold", setting)?;
            scene.pause("pause", draw.between(self.pause_s));
        }
        if let Some(other) = self.other.as_mut().filter(|other| other.turns && other.left_s > 0.1) {
            let spoken = other.speech(draw, setting)?;
            scene.other_speaks(&spoken, &other.name);
            scene.pause("pause", draw.between(self.pause_s));
        }
        Ok(())
    }
}

impl Other {
    /// One of their clips, at their level, no longer than they still speak.
    fn speech(&mut self, draw: &mut Draw, setting: &Setting<'_>) -> Result<Vec<f32>, SimulationError> {
        let recordings = setting.materials.recordings_of(&self.name);
        let Some(path) = draw.pick(&recordings) else { return Ok(Vec::new()) };
        let clip = setting.materials.clip(path)?;
        let frames = ((self.left_s * 100.0) as usize).max(1);
        let Some((from, to)) = stretch(&clip, frames, draw) else {
            self.left_s = 0.0;
            return Ok(Vec::new());
        };
        self.left_s -= clip.frames()[from..to].iter().filter(|speech| **speech).count() as f64 / 100.0;
        let mut spoken = clip.samples()[from * FRAME..to * FRAME].to_vec();
        crate::signal::fade_ends(&mut spoken, FRAME / 2);
        scale(&mut spoken, from_db(self.level_db));
        Ok(spoken)
    }
}

/// Lays the other's speech over the talker's, at random places.
fn interrupt(scene: &mut Scene, between: &Between, setting: &Setting<'_>) -> Result<(), SimulationError> {
    let Some(other) = between.other.as_ref().filter(|other| !other.turns) else { return Ok(()) };
    let mut other = Other { name: other.name.clone(), ..*other };
    let mut draw = setting.draws.stage("interruptions");
    let speech = scene.speech();
    while other.left_s > 0.1 {
        let Some((from, to)) = draw.pick(&speech).copied() else { return Ok(()) };
        let at = from + draw.below(to - from);
        let spoken = other.speech(&mut draw, setting)?;
        if !spoken.is_empty() {
            let name = other.name.clone();
            scene.other_interrupts(at, &spoken, &name);
        }
    }
    Ok(())
}

fn samples(seconds: f64) -> usize {
    (seconds * RATE_HZ as f64) as usize / FRAME * FRAME
}
