//! Who speaks in the demo, and what they say.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use earmark_audio::{Limits, RecordingReader};

/// All audio of the demo is at this rate, as a telephone line carries it.
pub(in crate::commands) const RATE_HZ: u32 = 8000;

/// How much of a person's call clips one call holds, in samples.
const CALL: usize = 20 * RATE_HZ as usize;

/// Silence between two clips of a person, in samples: a breath.
const PAUSE: usize = RATE_HZ as usize * 2 / 5;

/// The people, told apart by what they do.
pub(in crate::commands) struct Cast {
    folder: PathBuf,
    /// Person, then part, then files in their order.
    clips: BTreeMap<String, BTreeMap<String, Vec<PathBuf>>>,
    customers: Vec<(String, String)>,
    proxies: Vec<(String, String)>,
    stranger: String,
}

/// One call to place.
pub(in crate::commands) struct Call {
    pub(in crate::commands) id: String,
    /// What is true of it, for the reader of the table.
    pub(in crate::commands) truth: String,
    pub(in crate::commands) claimed: String,
    pub(in crate::commands) samples: Vec<i16>,
}

#[derive(serde::Deserialize)]
struct Row {
    path: PathBuf,
    person: String,
    part: String,
}

impl Cast {
    /// Reads who there is: three customers, two proxies, and a stranger.
    pub(in crate::commands) fn load(folder: &Path) -> Result<Self> {
        let mut clips: BTreeMap<String, BTreeMap<String, Vec<PathBuf>>> = BTreeMap::new();
        let voices = folder.join("voices");
        for row in csv::Reader::from_path(voices.join("manifest.csv"))?.deserialize() {
            let row: Row = row?;
            clips.entry(row.person).or_default().entry(row.part).or_default().push(voices.join(row.path));
        }
        let people: Vec<String> = clips.keys().cloned().collect();
        let [a, b, c, d, e, f, ..] = people.as_slice() else {
            bail!("six people are needed, found {}", people.len())
        };
        let named = |prefix: &str, people: &[&String]| {
            people.iter().enumerate().map(|(n, p)| (format!("{prefix}{}", n + 1), (*p).clone())).collect()
        };
        Ok(Self {
            folder: folder.to_path_buf(),
            customers: named("customer-", &[a, b, c]),
            proxies: named("proxy-", &[d, e]),
            stranger: f.clone(),
            clips,
        })
    }

    pub(in crate::commands) fn customers(&self) -> &[(String, String)] {
        &self.customers
    }

    pub(in crate::commands) fn proxies(&self) -> &[(String, String)] {
        &self.proxies
    }

    /// The calls, none of whose clips were enrolled.
    pub(in crate::commands) fn calls(&self) -> Result<Vec<Call>> {
        let customer = |n: usize| self.customers[n].0.clone();
        let speech = |person: &str| -> Result<Vec<i16>> {
            let mut samples = joined(&self.clips(person, "call")?);
            samples.truncate(CALL);
            Ok(samples)
        };
        let mut calls = Vec::new();
        let mut call = |truth: String, claimed: String, samples: Vec<i16>| {
            calls.push(Call { id: format!("call-{}", calls.len() + 1), truth, claimed, samples });
        };
        for (id, person) in &self.customers[..2] {
            call(format!("{id} themself"), id.clone(), speech(person)?);
        }
        for (n, (id, person)) in self.proxies.iter().enumerate() {
            call(format!("{id} posing as {}", customer(n + 1)), customer(n + 1), speech(person)?);
        }
        call("a stranger".to_owned(), customer(0), speech(&self.stranger)?);
        let little = little_speech(speech(&self.customers[2].1)?);
        call("2 s of speech, then silence".to_owned(), customer(2), little);
        call("hold music only".to_owned(), customer(2), self.music()?);
        call("line noise only".to_owned(), customer(2), noise());
        Ok(calls)
    }

    /// A person's clips of one part, decoded.
    pub(in crate::commands) fn clips(&self, person: &str, part: &str) -> Result<Vec<Vec<i16>>> {
        let files = self.clips.get(person).and_then(|parts| parts.get(part));
        files
            .with_context(|| format!("{person} has no clips of part {part}"))?
            .iter()
            .map(|f| decode(f))
            .collect()
    }

    fn music(&self) -> Result<Vec<i16>> {
        let mut files: Vec<_> =
            std::fs::read_dir(self.folder.join("music"))?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let first = files.iter().find(|f| f.extension().is_some_and(|e| e == "flac" || e == "wav"));
        decode(first.context("there is no music")?)
    }
}

/// Clips one after another with a breath between.
pub(in crate::commands) fn joined(clips: &[Vec<i16>]) -> Vec<i16> {
    clips.join(&[0; PAUSE][..])
}

/// Samples as a WAV file.
pub(in crate::commands) fn wav(samples: &[i16]) -> Result<Vec<u8>> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut bytes, spec)?;
    for sample in samples {
        writer.write_sample(*sample)?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}

fn decode(file: &Path) -> Result<Vec<i16>> {
    let mut reader = RecordingReader::open(file, &Limits::default())?;
    if reader.info().sample_rate_hz != RATE_HZ || reader.info().channels != 1 {
        bail!("{} is not 8 kHz mono", file.display());
    }
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block()? {
        samples.extend(block.channels()[0].iter().map(|s| (s * 32768.0).round() as i16));
    }
    Ok(samples)
}

/// The first two seconds, then twelve of a quiet line.
fn little_speech(mut speech: Vec<i16>) -> Vec<i16> {
    speech.truncate(2 * RATE_HZ as usize);
    speech.extend(noise().iter().map(|s| s / 40));
    speech
}

/// Twelve seconds of noise from a fixed seed, at -20 dBFS or so.
fn noise() -> Vec<i16> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 48) as u16).cast_signed() / 6
    };
    std::iter::repeat_with(next).take(12 * RATE_HZ as usize).collect()
}
