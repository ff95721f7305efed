//! What is on a line beside the talker: tones, prompts, music.

mod music;
mod tones;

pub(crate) use music::chords;
pub(crate) use tones::{Country, digits, ringback};
