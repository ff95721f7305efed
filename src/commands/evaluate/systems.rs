//! The systems that are compared: the shipped one, the peer's recipe, the trivial baseline. Each
//! makes a side of a comparison of a model's or a call's recordings, and scores two sides.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use earmark_audio::{ChannelChoice, Fbank, FbankOptions, Limits, read_samples};
use earmark_evaluation::MfccGaussian;
use earmark_scoring::{Matcher, Prepared, Score};
use earmark_voiceprint::Voiceprint;

use super::Recordings;
use crate::models::ModelArgs;
use crate::parallel;
use crate::prints::{Prints, PrintsArgs};

/// The longest stretch of a recording that the baseline looks at, in seconds.
const BASELINE_S: usize = 120;
const BASELINE_RATE_HZ: u32 = 8_000;

/// The shipped system.
pub(super) struct Earmark<'a> {
    pub(super) matcher: &'a Matcher,
    pub(super) recordings: &'a Recordings,
}

impl Earmark<'_> {
    /// A model's side, as enrollment makes it: what has no voiceprint is left out.
    pub(super) fn enroll(&self, paths: &[&Path]) -> Result<Option<Prepared>> {
        let heard = paths.iter().filter_map(|path| self.recordings.get(path));
        let parts: Vec<_> = heard.filter_map(|h| Some((h.voiceprint.clone()?, h.quality))).collect();
        if parts.is_empty() { Ok(None) } else { Ok(Some(self.matcher.enroll(&parts)?)) }
    }

    /// A call's side.
    pub(super) fn probe(&self, path: &Path) -> Result<Option<Prepared>> {
        let Some(heard) = self.recordings.get(path) else { return Ok(None) };
        let prepare = |print: &Voiceprint| self.matcher.prepare(print, heard.quality);
        Ok(heard.voiceprint.as_ref().map(prepare).transpose()?)
    }

    pub(super) fn score(&self, enrolled: &Prepared, probe: &Prepared) -> Result<Score> {
        Ok(self.matcher.score(enrolled, probe)?)
    }
}

/// A system that gives plain scores.
pub(super) trait Plain {
    /// One side of a comparison.
    type Side;
    /// Its key in metrics.json.
    const NAME: &'static str;
    /// For people.
    const TITLE: &'static str;
    /// The side that these recordings make together; none where there is too little in them.
    fn side(&self, paths: &[&Path]) -> Option<Self::Side>;
    /// How alike two sides are.
    fn score(&self, enrolled: &Self::Side, probe: &Self::Side) -> Option<f64>;
}

/// The network as its authors publish it: everything in the call, one pass, plain cosine.
pub(super) struct Peer(Recordings);

impl Peer {
    pub(super) fn hear<'a>(
        models: &ModelArgs,
        prints: &PrintsArgs,
        paths: impl Iterator<Item = &'a Path>,
    ) -> Result<Self> {
        let prints = Prints::open_whole(&models.published(), prints)?;
        Ok(Self(Recordings::hear(&prints, paths)?))
    }
}

impl Plain for Peer {
    type Side = Voiceprint;
    const NAME: &'static str = "peer";
    const TITLE: &'static str = "CAM++ as published: whole call, plain cosine";

    fn side(&self, paths: &[&Path]) -> Option<Voiceprint> {
        let prints: Vec<_> = paths.iter().filter_map(|p| self.0.get(p)?.voiceprint.as_ref()).collect();
        Voiceprint::weighted_mean(prints.into_iter().map(|p| (p, 1.0))).ok()
    }

    fn score(&self, enrolled: &Voiceprint, probe: &Voiceprint) -> Option<f64> {
        Some(f64::from(enrolled.cosine(probe).ok()?.value()))
    }
}

/// The trivial baseline.
pub(super) struct Baseline(HashMap<PathBuf, MfccGaussian>);

impl Baseline {
    pub(super) fn hear<'a>(paths: impl Iterator<Item = &'a Path>, threads: usize) -> Self {
        let mut paths: Vec<&Path> = paths.collect();
        paths.sort();
        paths.dedup();
        // What can't be read was told of by the shipped system.
        let known = parallel::map(&paths, threads, |_, path| Some((path.to_path_buf(), gaussian(path)?)));
        Self(known.into_iter().flatten().collect())
    }
}

impl Plain for Baseline {
    type Side = MfccGaussian;
    const NAME: &'static str = "mfcc";
    const TITLE: &'static str = "Trivial baseline: a Gaussian of MFCCs";

    fn side(&self, paths: &[&Path]) -> Option<MfccGaussian> {
        let known: Vec<_> = paths.iter().filter_map(|p| self.0.get(*p).cloned()).collect();
        MfccGaussian::pool(&known)
    }

    fn score(&self, enrolled: &MfccGaussian, probe: &MfccGaussian) -> Option<f64> {
        Some(enrolled.score(probe)).filter(|s| s.is_finite())
    }
}

fn gaussian(path: &Path) -> Option<MfccGaussian> {
    let most = BASELINE_S * BASELINE_RATE_HZ as usize;
    let narrow = read_samples(path, ChannelChoice::Mix, BASELINE_RATE_HZ, &Limits::default(), most).ok()?;
    let options = FbankOptions {
        sample_rate_hz: BASELINE_RATE_HZ,
        mel_bins: 30,
        high_hz: 4_000.0,
        ..FbankOptions::default()
    };
    let frames = Fbank::whole(&options, &narrow).ok()?;
    MfccGaussian::from_log_mels(frames.as_slice()?, options.mel_bins)
}
