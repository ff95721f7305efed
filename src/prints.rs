//! Voiceprints of many recordings: on all cores, with a progress bar, kept by content so that the
//! same recordings are heard once.

mod cache;
mod hearing;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use anyhow::Result;
use clap::Args;
use earmark_audio::{
    AudioError, ChannelChoice, ExtractOptions, Extractor, OnnxSpeakerModel, VadOptions, VoiceActivityModel,
};
use earmark_engine::EngineError;
use earmark_voiceprint::{ModelId, NetSpeech, Quality, Voiceprint};

use crate::models::ModelArgs;
use crate::{progress, setup};
use cache::Cache;

/// Counts the changes of the code between a recording's bytes and its voiceprint that the models'
/// own ids don't show: decoding, resampling, speech selection, the quality meter. Raise it with each
/// such change, so that voiceprints kept from before are made anew.
const FRONT_END_VERSION: u32 = 2;

/// How to make voiceprints of many recordings.
#[derive(Args, Clone, Debug)]
pub(crate) struct PrintsArgs {
    /// Threads; by default one a core
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// Channel of the customer in recordings with several, from 0
    #[arg(long, value_name = "N")]
    pub(crate) channel: Option<u16>,
    /// Folder where voiceprints are kept by the content of the recordings, so that a second run is
    /// quick; by default earmark/prints in the user's cache. They are biometric data: remove the
    /// folder when done
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Folder of recordings that the call center itself plays (prompts, hold music): they are no speech
    #[arg(long, env = "EARMARK_PROMPTS", value_name = "DIR")]
    pub(crate) prompts: Option<PathBuf>,
    /// Keep no voiceprints and use none that were kept
    #[arg(long, conflicts_with = "cache")]
    pub(crate) no_cache: bool,
}

impl PrintsArgs {
    /// How many threads work.
    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(setup::cores).max(1)
    }
}

/// What was heard in one recording.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// None if there was too little speech, or the recording could not be used.
    pub(crate) voiceprint: Option<Voiceprint>,
    /// All speech in it.
    pub(crate) net_speech: NetSpeech,
    /// How good it is; none of a recording that could not be used.
    pub(crate) quality: Option<Quality>,
    /// Why there is no voiceprint: a stable code.
    pub(crate) reason: Option<String>,
    /// The same in words.
    pub(crate) error: Option<String>,
}

impl Heard {
    fn failed(error: AudioError) -> Self {
        let error = EngineError::from(error);
        let (reason, text) = (Some(error.reason().to_owned()), Some(error.to_string()));
        Self { voiceprint: None, net_speech: NetSpeech::ZERO, quality: None, reason, error: text }
    }

    fn of(voiceprint: Option<Voiceprint>, net_speech: NetSpeech, quality: Option<Quality>) -> Self {
        let short = voiceprint.is_none();
        let reason = short.then(|| "INSUFFICIENT_SPEECH".to_owned());
        let error = short.then(|| "too little speech for a voiceprint".to_owned());
        Self { voiceprint, net_speech, quality, reason, error }
    }
}

/// Which voiceprints of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// One, of all speech in one pass.
    Whole,
    /// Those that a live call has at 3 s of speech and each second after, up to so many seconds.
    Live { until_s: f32 },
}

/// Makes voiceprints of recordings in files.
pub(crate) struct Prints {
    extractor: Extractor,
    channel: ChannelChoice,
    threads: usize,
    cache: Option<Cache>,
    /// Names all that decides about a voiceprint beside the recording.
    recipe: String,
}

impl Prints {
    /// Opens the models and the folder of kept voiceprints.
    pub(crate) fn open(models: &ModelArgs, args: &PrintsArgs) -> Result<Self> {
        Self::with_options(models, args, setup::extraction(args.prompts.as_deref())?)
    }

    /// The same for voiceprints of everything in a recording, speech or not.
    pub(crate) fn open_whole(models: &ModelArgs, args: &PrintsArgs) -> Result<Self> {
        let everything = f32::MIN_POSITIVE;
        let vad = VadOptions {
            enter_probability: everything,
            exit_probability: everything,
            min_speech_ms: 0,
            ..VadOptions::default()
        };
        Self::with_options(models, args, ExtractOptions { vad, ..ExtractOptions::default() })
    }

    fn with_options(models: &ModelArgs, args: &PrintsArgs, options: ExtractOptions) -> Result<Self> {
        let threads = args.threads();
        let runtime = models.runtime()?;
        let (speaker, activity) = (models.speaker()?, models.voice_activity()?);
        let open = || {
            let speaker = OnnxSpeakerModel::open(&speaker, &runtime, threads)?;
            let activity = VoiceActivityModel::open(&activity)?;
            let vad = format!("{} {}", activity.name(), activity.weights_sha256());
            let extractor = Extractor::new(Arc::new(speaker), Arc::new(activity), options)?;
            Ok((extractor, vad))
        };
        let (extractor, vad) = open().map_err(|e: AudioError| EngineError::from(e))?;
        let channel = args.channel.map_or(ChannelChoice::Mono, ChannelChoice::Index);
        let (version, options) = (env!("CARGO_PKG_VERSION"), extractor.options());
        let model = extractor.model();
        let recipe = format!("{FRONT_END_VERSION} {version} {model} {vad} {options:?} {channel:?}");
        let cache = if args.no_cache { None } else { Some(Cache::open(args.cache.as_deref())?) };
        Ok(Self { extractor, channel, threads, cache, recipe })
    }

    /// The model that makes the voiceprints.
    pub(crate) fn model(&self) -> &ModelId {
        self.extractor.model()
    }

    /// How many threads it listens on.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// The voiceprint of each recording's whole speech, in the order given.
    pub(crate) fn of(&self, recordings: &[PathBuf]) -> Result<Vec<Heard>> {
        let mut all = Vec::with_capacity(recordings.len());
        self.each(recordings, |_, heard| {
            all.push(heard);
            Ok(())
        })?;
        Ok(all)
    }

    /// The same, handed on one by one in the order given.
    pub(crate) fn each(
        &self,
        recordings: &[PathBuf],
        mut take: impl FnMut(usize, Heard) -> Result<()>,
    ) -> Result<()> {
        self.work(recordings, Mode::Whole, |at, heard| take(at, last(heard)))
    }

    /// What a live call has at 3 s of speech and at each second after, up to `until_s`: for each
    /// recording all of these, in the order given. Empty where there is less speech; a recording
    /// that can't be used has one entry that says why.
    pub(crate) fn live(&self, recordings: &[PathBuf], until_s: f32) -> Result<Vec<Vec<Heard>>> {
        let mut all = Vec::with_capacity(recordings.len());
        self.work(recordings, Mode::Live { until_s }, |_, heard| {
            all.push(heard);
            Ok(())
        })?;
        Ok(all)
    }

    /// The last voiceprint that a live call has with at most `until_s` of speech, handed on one by one.
    pub(crate) fn each_live(
        &self,
        recordings: &[PathBuf],
        until_s: f32,
        mut take: impl FnMut(usize, Heard) -> Result<()>,
    ) -> Result<()> {
        self.work(recordings, Mode::Live { until_s }, |at, heard| take(at, last(heard)))
    }

    /// Hears on all threads and hands the results on in order.
    fn work(
        &self,
        recordings: &[PathBuf],
        mode: Mode,
        mut take: impl FnMut(usize, Vec<Heard>) -> Result<()>,
    ) -> Result<()> {
        let (unique, place) = unique(recordings);
        let bar = progress::bar(unique.len());
        let next = AtomicUsize::new(0);
        let result = std::thread::scope(|scope| {
            let (sender, heard) = mpsc::sync_channel(2 * self.threads);
            for _ in 0..self.threads {
                let (sender, next, unique) = (sender.clone(), &next, &unique);
                scope.spawn(move || {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some(path) = unique.get(at) else { return };
                        if sender.send((at, self.hear(path, mode))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let mut known: BTreeMap<usize, Vec<Heard>> = BTreeMap::new();
            let mut due = 0;
            for (at, one) in heard {
                bar.inc(1);
                known.insert(at, one);
                while let Some(one) = place.get(due).and_then(|at| known.get(at)) {
                    take(due, one.clone())?;
                    let done = place[due];
                    due += 1;
                    // What no later row repeats is not held any longer.
                    if place.last_use(done) < due {
                        known.remove(&done);
                    }
                }
            }
            Ok(())
        });
        bar.finish_and_clear();
        result
    }

    fn hear(&self, path: &Path, mode: Mode) -> Vec<Heard> {
        let key =
            self.cache.as_ref().and_then(|c| Some((c, c.key(path, &format!("{} {mode:?}", self.recipe))?)));
        if let Some((cache, key)) = &key
            && let Some(kept) = cache.read(key, self.model())
        {
            return kept;
        }
        match hearing::hear(&self.extractor, path, self.channel, mode) {
            Ok(heard) => {
                if let Some((cache, key)) = &key {
                    cache.write(key, &heard);
                }
                heard
            }
            Err(error) => vec![Heard::failed(error)],
        }
    }
}

/// The newest of what was heard; without any there was too little speech.
fn last(mut heard: Vec<Heard>) -> Heard {
    heard.pop().unwrap_or_else(|| Heard::of(None, NetSpeech::ZERO, None))
}

/// The recordings without repetitions, and for each row of the list which of them it is.
fn unique(recordings: &[PathBuf]) -> (Vec<&Path>, Places) {
    let mut seen: HashMap<&Path, usize> = HashMap::new();
    let mut unique = Vec::new();
    let rows = recordings.iter().map(|path| {
        *seen.entry(path).or_insert_with(|| {
            unique.push(path.as_path());
            unique.len() - 1
        })
    });
    let rows: Vec<usize> = rows.collect();
    let mut last = vec![0; unique.len()];
    rows.iter().enumerate().for_each(|(row, at)| last[*at] = row);
    (unique, Places { rows, last })
}

/// Which of the unique recordings each row of a list names.
struct Places {
    rows: Vec<usize>,
    last: Vec<usize>,
}

impl Places {
    fn get(&self, row: usize) -> Option<&usize> {
        self.rows.get(row)
    }

    fn last_use(&self, unique: usize) -> usize {
        self.last[unique]
    }
}

impl std::ops::Index<usize> for Places {
    type Output = usize;

    fn index(&self, row: usize) -> &usize {
        &self.rows[row]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_recording_is_heard_once() {
        let list = ["a", "b", "a", "c", "b"].map(PathBuf::from);
        let (unique, places) = unique(&list);
        assert_eq!(unique, ["a", "b", "c"].map(Path::new));
        assert_eq!(places.rows, [0, 1, 0, 2, 1]);
        assert_eq!(places.last, [2, 4, 3]);
    }
}
