//! A call before its channel: who speaks when, and what the network plays.

use serde_json::{Value, json};

use crate::RATE_HZ;
use crate::activity::FRAME;
use crate::material::Clip;
use crate::signal::{power, rounded, scale};

/// The level of speech, prompts, tones and music in a scene: root mean square 0.05, -26 dB.
pub(crate) const REFERENCE: f64 = 0.05;

/// Three tracks of equal length in whole frames of 10 ms, and what is in them.
#[derive(Default)]
pub(crate) struct Scene {
    /// The talker, dry.
    pub(crate) talker: Vec<f32>,
    /// Other people in the talker's room, dry.
    pub(crate) other: Vec<f32>,
    /// What the network plays: tones, prompts, music.
    pub(crate) network: Vec<f32>,
    /// For each frame, whether the talker speaks.
    pub(crate) frames: Vec<bool>,
    /// For each frame, whether the talker's telephone is heard at all.
    pub(crate) connected: Vec<bool>,
    marks: Vec<Mark>,
}

/// What is heard from one time to another.
#[derive(Debug, Clone)]
struct Mark {
    what: &'static str,
    from: usize,
    to: usize,
    detail: Value,
}

impl Scene {
    pub(crate) fn len(&self) -> usize {
        self.talker.len()
    }

    /// A stretch in which nobody speaks; the telephone is open.
    pub(crate) fn pause(&mut self, what: &'static str, seconds: f64) {
        let frames = (seconds * 100.0).round() as usize;
        let from = self.len();
        self.grow(frames, true);
        self.mark(what, from, Value::Null);
    }

    /// A stretch in which nothing is heard at all.
    pub(crate) fn silence(&mut self, seconds: f64) {
        let from = self.len();
        self.grow((seconds * 100.0).round() as usize, false);
        self.mark("silence", from, Value::Null);
    }

    /// A stretch of a clip, from one of its frames to another.
    pub(crate) fn speak(&mut self, clip: &Clip, from: usize, to: usize, name: &str) {
        let start = self.len();
        self.grow(to - from, true);
        self.talker[start..].copy_from_slice(&clip.samples()[from * FRAME..to * FRAME]);
        crate::signal::fade_ends(&mut self.talker[start..], FRAME / 2);
        let first = start / FRAME;
        self.frames[first..].copy_from_slice(&clip.frames()[from..to]);
        self.mark("speech", start, json!({ "clip": name }));
    }

    /// Another person, while the talker is silent.
    pub(crate) fn other_speaks(&mut self, samples: &[f32], name: &str) {
        let start = self.len();
        self.grow(samples.len() / FRAME, true);
        let length = self.len() - start;
        self.other[start..].copy_from_slice(&samples[..length]);
        self.mark("other voice", start, json!({ "speaker": name }));
    }

    /// Another person on top of what is there already.
    pub(crate) fn other_interrupts(&mut self, at: usize, samples: &[f32], name: &str) {
        for (sample, other) in self.other.iter_mut().skip(at).zip(samples) {
            *sample += other;
        }
        let to = (at + samples.len()).min(self.len());
        self.marks.push(Mark {
            what: "other voice",
            from: at,
            to,
            detail: json!({ "speaker": name, "over": true }),
        });
    }

    /// The network plays, and the telephone is not heard.
    pub(crate) fn play(&mut self, what: &'static str, mut samples: Vec<f32>, detail: Value) {
        let loud: Vec<f32> = samples.iter().copied().filter(|sample| *sample != 0.0).collect();
        let level = power(&loud).sqrt();
        if level > 0.0 {
            scale(&mut samples, REFERENCE / level);
        }
        let start = self.len();
        self.grow(samples.len().div_ceil(FRAME), false);
        self.network[start..start + samples.len()].copy_from_slice(&samples);
        self.mark(what, start, detail);
    }

    /// How much the talker speaks, in seconds.
    pub(crate) fn net_speech_s(&self) -> f64 {
        self.frames.iter().filter(|speech| **speech).count() as f64 / 100.0
    }

    /// Where the talker's clips lie, in samples.
    pub(crate) fn speech(&self) -> Vec<(usize, usize)> {
        self.marks.iter().filter(|mark| mark.what == "speech").map(|mark| (mark.from, mark.to)).collect()
    }

    /// In order of time.
    pub(crate) fn marks_json(&self) -> Value {
        let mut marks = self.marks.clone();
        marks.sort_by_key(|mark| mark.from);
        let seconds = |sample: usize| rounded(sample as f64 / RATE_HZ as f64);
        marks
            .into_iter()
            .map(|mark| {
                let mut value =
                    json!({ "what": mark.what, "start_s": seconds(mark.from), "end_s": seconds(mark.to) });
                if let (Some(all), Value::Object(detail)) = (value.as_object_mut(), mark.detail) {
                    all.extend(detail);
                }
                value
            })
            .collect()
    }

    fn grow(&mut self, frames: usize, connected: bool) {
        let count = self.frames.len() + frames;
        self.frames.resize(count, false);
        self.connected.resize(count, connected);
        for track in [&mut self.talker, &mut self.other, &mut self.network] {
            track.resize(count * FRAME, 0.0);
        }
    }

    fn mark(&mut self, what: &'static str, from: usize, detail: Value) {
        let to = self.len();
        if to > from {
            self.marks.push(Mark { what, from, to, detail });
        }
    }
}
