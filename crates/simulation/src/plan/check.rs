//! Whether a plan's values are possible.

use std::collections::BTreeMap;

use super::{Settings, Span};
use crate::channel::{NOISE_KINDS, ROOM_KINDS};
use crate::codec::Chain;
use crate::not_speech::KINDS as NOT_SPEECH_KINDS;

/// The longest call asked for, in seconds of speech.
const MAX_SPEECH_S: f64 = 600.0;
/// The most calls a model, a probe length or a kind is made of.
const MAX_EACH: usize = 1_000;
/// The most calls without speech.
const MAX_NOT_SPEECH: usize = 1_000_000;
/// The most entries of any list.
const MAX_ENTRIES: usize = 64;

impl Settings {
    pub(super) fn check(&self) -> Result<(), String> {
        self.check_calls()?;
        self.check_shares()?;
        self.check_ranges()?;
        self.check_weights()?;
        self.codecs.iter().try_for_each(|codec| {
            weight("codecs", codec.weight)?;
            Chain::check(&codec.chain)
        })?;
        entries("codecs", self.codecs.len())?;
        if self.codecs.iter().all(|codec| codec.weight == 0.0) {
            return Err("codecs needs a chain with a weight above 0".to_owned());
        }
        Ok(())
    }

    fn check_calls(&self) -> Result<(), String> {
        within("enrollment.net_speech_s", self.enrollment.net_speech_s, 0.5, MAX_SPEECH_S)?;
        entries("enrollment.models", self.enrollment.models.len())?;
        for &calls in &self.enrollment.models {
            count("enrollment.models", calls, 1, 16)?;
        }
        entries("probes.net_speech_s", self.probes.net_speech_s.len())?;
        for &seconds in &self.probes.net_speech_s {
            within("probes.net_speech_s", seconds, 0.5, MAX_SPEECH_S)?;
        }
        count("probes.each", self.probes.each, 0, MAX_EACH)?;
        count("not_speech.calls", self.not_speech.calls, 0, MAX_NOT_SPEECH)?;
        count("handset.resonances", self.handset.resonances[1], self.handset.resonances[0], 8)?;
        count("prompt.dtmf_digits", self.prompt.dtmf_digits[1], self.prompt.dtmf_digits[0], 32)
    }

    fn check_shares(&self) -> Result<(), String> {
        let shares = [
            ("watchlist.listed_share", self.watchlist.listed_share),
            ("handset.share", self.handset.share),
            ("transducer.share", self.transducer.share),
            ("transducer.carbon_share", self.transducer.carbon_share),
            ("room.share", self.room.share),
            ("noise.share", self.noise.share),
            ("suppressor.share", self.suppressor.share),
            ("agc.share", self.agc.share),
            ("overdrive.share", self.overdrive.share),
            ("gaps.share", self.gaps.share),
            ("loss.share", self.loss.share),
            ("ringback.share", self.ringback.share),
            ("prompt.share", self.prompt.share),
            ("music.before_share", self.music.before_share),
            ("music.hold_share", self.music.hold_share),
            ("long_pause.share", self.long_pause.share),
            ("double_talk.share", self.double_talk.share),
            ("double_talk.turns_share", self.double_talk.turns_share),
        ];
        shares.into_iter().try_for_each(|(key, share)| within(key, share, 0.0, 1.0))
    }

    fn check_ranges(&self) -> Result<(), String> {
        let ranges = [
            ("speech.pause_s", self.speech.pause_s, 0.0, 60.0),
            ("not_speech.seconds", self.not_speech.seconds, 0.5, MAX_SPEECH_S),
            ("handset.low_cut_hz", self.handset.low_cut_hz, 20.0, 1_000.0),
            ("handset.high_cut_hz", self.handset.high_cut_hz, 1_500.0, 3_900.0),
            ("handset.tilt_db", self.handset.tilt_db, -30.0, 30.0),
            ("handset.resonance_db", self.handset.resonance_db, -30.0, 30.0),
            ("transducer.distortion", self.transducer.distortion, 0.0, 1.0),
            ("room.rt60_s", self.room.rt60_s, 0.05, 3.0),
            ("room.distance_m", self.room.distance_m, 0.02, 5.0),
            ("noise.snr_db", self.noise.snr_db, -20.0, 80.0),
            ("suppressor.over_subtraction", self.suppressor.over_subtraction, 0.5, 10.0),
            ("suppressor.floor_db", self.suppressor.floor_db, -60.0, 0.0),
            ("agc.attack_ms", self.agc.attack_ms, 0.1, 1_000.0),
            ("agc.release_ms", self.agc.release_ms, 1.0, 10_000.0),
            ("agc.ratio", self.agc.ratio, 1.0, 50.0),
            ("overdrive.over_db", self.overdrive.over_db, 0.0, 40.0),
            ("level.dbfs", self.level.dbfs, -60.0, -3.0),
            ("loss.rate", self.loss.rate, 0.0, 0.5),
            ("loss.mean_burst", self.loss.mean_burst, 1.0, 20.0),
            ("ringback.seconds", self.ringback.seconds, 0.1, 120.0),
            ("music.seconds", self.music.seconds, 0.1, 120.0),
            ("long_pause.seconds", self.long_pause.seconds, 0.0, 120.0),
            ("double_talk.level_db", self.double_talk.level_db, -60.0, 20.0),
            ("double_talk.talk_share", self.double_talk.talk_share, 0.0, 1.0),
        ];
        for (key, Span { low, high }, lowest, highest) in ranges {
            within(key, low, lowest, highest)?;
            within(key, high, lowest, highest)?;
        }
        within("prompt.max_s", self.prompt.max_s, 0.1, 120.0)
    }

    fn check_weights(&self) -> Result<(), String> {
        kinds("not_speech.weights", &self.not_speech.weights, &NOT_SPEECH_KINDS)?;
        kinds("room.weights", &self.room.weights, &ROOM_KINDS)?;
        kinds("noise.weights", &self.noise.weights, &NOISE_KINDS)
    }
}

fn within(key: &str, value: f64, lowest: f64, highest: f64) -> Result<(), String> {
    if (lowest..=highest).contains(&value) {
        return Ok(());
    }
    Err(format!("{key} is {value}, and must be {lowest} to {highest}"))
}

fn count(key: &str, value: usize, lowest: usize, highest: usize) -> Result<(), String> {
    if (lowest..=highest).contains(&value) {
        return Ok(());
    }
    Err(format!("{key} is {value}, and must be {lowest} to {highest}"))
}

fn entries(key: &str, found: usize) -> Result<(), String> {
    if found <= MAX_ENTRIES {
        return Ok(());
    }
    Err(format!("{key} has {found} entries, and may have {MAX_ENTRIES}"))
}

fn weight(key: &str, weight: f64) -> Result<(), String> {
    within(&format!("a weight of {key}"), weight, 0.0, 1e6)
}

fn kinds(key: &str, weights: &BTreeMap<String, f64>, known: &[&str]) -> Result<(), String> {
    for (kind, value) in weights {
        if !known.contains(&kind.as_str()) {
            return Err(format!("{key} knows no {kind}; there are {}", known.join(", ")));
        }
        weight(key, *value)?;
    }
    Ok(())
}
