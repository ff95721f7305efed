//! Writing calls: audio files, the manifest, lists.

mod wav;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::SimulationError;
use crate::call::{Facts, SimulatedCall, Studio};
use crate::design::CallDesign;

/// How calls are written, all at 8 kHz with one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputFormat {
    /// WAV with 16-bit samples.
    #[default]
    Pcm16,
    /// WAV with A-law octets: half as large, and one more G.711 codec in the chain.
    Alaw,
}

impl OutputFormat {
    pub(crate) fn extension(self) -> &'static str {
        "wav"
    }
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many calls.
    pub calls: usize,
    /// How many of them have less than nine tenths of the speech asked for, because the speaker's
    /// recordings have no more.
    pub short_calls: usize,
    /// The speech in all calls, in seconds.
    pub net_speech_s: f64,
}

impl Summary {
    pub(crate) fn of(calls: &[CallDesign], facts: &[Facts]) -> Self {
        let short = calls.iter().zip(facts).filter(|(call, facts)| match call.what() {
            crate::design::What::Spoken { seconds, .. } => facts.net_speech_s < 0.9 * seconds,
            crate::design::What::NotSpeech => false,
        });
        Self {
            calls: calls.len(),
            short_calls: short.count(),
            net_speech_s: facts.iter().map(|facts| facts.net_speech_s).sum(),
        }
    }
}

/// A folder that calls are written into.
pub(crate) struct Writer {
    folder: PathBuf,
    format: OutputFormat,
}

impl Writer {
    /// Makes the folder and those of the calls.
    pub(crate) fn new(
        folder: &Path,
        format: OutputFormat,
        calls: &[CallDesign],
    ) -> Result<Self, SimulationError> {
        let writer = Self { folder: folder.to_owned(), format };
        let parents: BTreeSet<&Path> =
            calls.iter().filter_map(|c| Path::new(c.recording()).parent()).collect();
        for parent in std::iter::once(Path::new("")).chain(parents) {
            let path = folder.join(parent);
            std::fs::create_dir_all(&path).map_err(|source| SimulationError::Output { path, source })?;
        }
        Ok(writer)
    }

    /// Writes a file whole, or an error that names it.
    pub(crate) fn file(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), SimulationError> {
        let path = self.folder.join(name);
        let written = File::create(&path).and_then(|file| {
            let mut file = BufWriter::new(file);
            write(&mut file)?;
            file.flush()
        });
        written.map_err(|source| SimulationError::Output { path, source })
    }

    fn call(&self, design: &CallDesign, call: &SimulatedCall) -> Result<(), SimulationError> {
        self.file(design.recording(), |file| wav::write(self.format, call.samples(), file))
    }
}

/// What a worker made of a call.
type Made = Result<(Facts, String), SimulationError>;

/// Makes and writes all calls; the manifest is written in their order, as they come.
pub(crate) fn work(
    studio: &Studio<'_>,
    calls: &[CallDesign],
    threads: usize,
    writer: &Writer,
    mut made: impl FnMut(usize),
) -> Result<Vec<Facts>, SimulationError> {
    let mut all = Vec::with_capacity(calls.len());
    let mut failed = None;
    writer.file("manifest.jsonl", |manifest| {
        in_order(studio, calls, threads, writer, |result| {
            let (facts, line) = match result {
                Ok(made) => made,
                Err(error) => {
                    failed = Some(error);
                    return Ok(false);
                }
            };
            writeln!(manifest, "{line}")?;
            all.push(facts);
            made(all.len());
            Ok(true)
        })
    })?;
    failed.map_or(Ok(all), Err)
}

/// Works on all threads and hands the results on in the calls' order, until `take` wants no more.
fn in_order(
    studio: &Studio<'_>,
    calls: &[CallDesign],
    threads: usize,
    writer: &Writer,
    mut take: impl FnMut(Made) -> std::io::Result<bool>,
) -> std::io::Result<()> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (sender, results) = mpsc::sync_channel(2 * threads.max(1));
        for _ in 0..threads.max(1) {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(design) = calls.get(at) else { return };
                    let made = studio.make(design).and_then(|call| {
                        writer.call(design, &call)?;
                        Ok((call.facts.clone(), call.manifest()))
                    });
                    if sender.send((at, made)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut due) = (BTreeMap::new(), 0);
        for (at, result) in results {
            waiting.insert(at, result);
            while let Some(result) = waiting.remove(&due) {
                if !take(result)? {
                    return Ok(());
                }
                due += 1;
            }
        }
        Ok(())
    })
}
