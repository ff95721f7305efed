//! Which calls are made.

use serde_json::{Value, json};

use crate::draw::key;
use crate::material::{Materials, Speaker};
use crate::plan::Settings;
use crate::{OutputFormat, SimulationError};

/// The most calls made in one go.
const MAX_CALLS: usize = 1_000_000;

/// One call to be made.
#[derive(Debug, Clone)]
pub(crate) struct CallDesign {
    id: String,
    recording: String,
    what: What,
}

/// What a call is made of.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// So many seconds of a speaker's speech, from one half of their recordings.
    Spoken { speaker: usize, half: usize, seconds: f64, role: Role },
    /// No speech.
    NotSpeech,
}

/// What a call of a speaker is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// To enroll from: the speaker's and half's call with this number.
    Enroll(usize),
    /// To recognize: which of the plan's lengths, and its number.
    Probe(usize, usize),
}

impl CallDesign {
    /// Its name, from which everything in it is drawn.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Its file, relative to the output folder.
    pub(crate) fn recording(&self) -> &str {
        &self.recording
    }

    pub(crate) fn what(&self) -> &What {
        &self.what
    }

    pub(crate) fn to_json(&self, speaker: Option<&str>) -> Value {
        match &self.what {
            What::Spoken { half, seconds, role, .. } => {
                let role = if matches!(role, Role::Enroll(_)) { "enroll" } else { "probe" };
                json!({ "call": self.id, "speaker": speaker, "half": half, "role": role, "wanted_net_speech_s": seconds })
            }
            What::NotSpeech => json!({ "call": self.id, "speaker": null, "role": "probe" }),
        }
    }
}

/// All calls of a plan, speaker by speaker, then those without speech.
pub(crate) fn calls(
    plan: &Settings,
    materials: &Materials,
    format: OutputFormat,
) -> Result<Vec<CallDesign>, SimulationError> {
    let enrollments = plan.enrollment.models.iter().copied().max().unwrap_or(0);
    let probes = plan.probes.net_speech_s.len() * plan.probes.each;
    let count = 2 * (enrollments + probes) * materials.speakers().len() + plan.not_speech.calls;
    if count > MAX_CALLS {
        return Err(SimulationError::Limit { what: "calls", found: count, allowed: MAX_CALLS });
    }
    if enrollments + probes > 0 && materials.speakers().is_empty() {
        return Err(SimulationError::NoSpeakers);
    }
    let mut calls = Vec::with_capacity(count);
    for (index, speaker) in materials.speakers().iter().enumerate() {
        for half in halves(speaker) {
            let mut add = |suffix: String, seconds: f64, role: Role| {
                let id = format!("{}-{half}-{suffix}", speaker.name());
                calls.push(design(id, What::Spoken { speaker: index, half, seconds, role }, format));
            };
            for number in 0..enrollments {
                add(format!("e{number}"), plan.enrollment.net_speech_s, Role::Enroll(number));
            }
            if !is_tested(speaker) {
                continue;
            }
            for (length, &seconds) in plan.probes.net_speech_s.iter().enumerate() {
                for number in 0..plan.probes.each {
                    add(format!("p{seconds}s-{number}"), seconds, Role::Probe(length, number));
                }
            }
        }
    }
    let silent =
        (0..plan.not_speech.calls).map(|n| design(format!("not-speech-{n:05}"), What::NotSpeech, format));
    calls.extend(silent);
    Ok(calls)
}

/// Whether a speaker has recordings for both an enrollment and a call that share nothing.
pub(crate) fn is_tested(speaker: &Speaker) -> bool {
    halves(speaker).count() == 2
}

/// The halves with recordings.
fn halves(speaker: &Speaker) -> impl Iterator<Item = usize> {
    let halves = speaker.halves();
    (0..2).filter(move |half| !halves[*half].is_empty())
}

fn design(id: String, what: What, format: OutputFormat) -> CallDesign {
    let folder = match &what {
        What::Spoken { role: Role::Enroll(_), .. } => "enroll",
        What::Spoken { role: Role::Probe(..), .. } => "probe",
        What::NotSpeech => "not-speech",
    };
    let recording = format!("calls/{folder}/{}.{}", file_name(&id), format.extension());
    CallDesign { id, recording, what }
}

/// A name that every file system takes, and that no other id has.
fn file_name(id: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name: String = id.chars().map(|c| if safe(c) { c } else { '_' }).collect();
    if name == id && name.len() <= 128 && !name.starts_with('.') {
        return name;
    }
    let [a, b, c, d, ..] = key(0, &["file", id]);
    let short: String = name.trim_start_matches('.').chars().take(128).collect();
    format!("{short}~{a:02x}{b:02x}{c:02x}{d:02x}")
}
