//! One call, from its recordings to the samples at the far end of the line.

use serde_json::{Map, Value, json};

use crate::channel::{Setting, through_telephone};
use crate::codec::{AmrLibrary, Chain, Gilbert, Line, PACKET};
use crate::design::{CallDesign, What};
use crate::draw::CallDraws;
use crate::material::Materials;
use crate::plan::Settings;
use crate::signal::{from_i16, rounded, to_i16};
use crate::{RATE_HZ, SimulationError, not_speech, spoken};

/// A call, and everything that was drawn for it.
pub struct SimulatedCall {
    pub(crate) samples: Vec<i16>,
    pub(crate) manifest: Value,
    pub(crate) facts: Facts,
}

/// What lists say about a call.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// The codecs' families, as `amr+alaw`.
    pub(crate) codec: String,
    /// None where there is no noise or no speech.
    pub(crate) snr_db: Option<f64>,
    pub(crate) net_speech_s: f64,
    /// `speech`, or what there is instead.
    pub(crate) kind: &'static str,
}

impl SimulatedCall {
    /// Samples at 8 kHz.
    #[must_use]
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The call's line of the manifest: one JSON object.
    #[must_use]
    pub fn manifest(&self) -> String {
        self.manifest.to_string()
    }

    /// How much the speaker speaks in it, in seconds, by energy on the clean recordings.
    #[must_use]
    pub fn net_speech_s(&self) -> f64 {
        self.facts.net_speech_s
    }
}

impl std::fmt::Debug for SimulatedCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SimulatedCall({} samples)", self.samples.len())
    }
}

/// What calls are made with.
pub(crate) struct Studio<'a> {
    pub(crate) plan: &'a Settings,
    pub(crate) materials: &'a Materials,
    pub(crate) seed: u64,
    pub(crate) amr: Option<&'a AmrLibrary>,
}

impl Studio<'_> {
    pub(crate) fn make(&self, call: &CallDesign) -> Result<SimulatedCall, SimulationError> {
        let draws = CallDraws::new(self.seed, call.id());
        let speaker = match call.what() {
            What::Spoken { speaker, .. } => self.materials.speakers().get(*speaker),
            What::NotSpeech => None,
        };
        let chain = self.chain(draws);
        let name = speaker.map(crate::material::Speaker::name);
        let setting =
            Setting { plan: self.plan, draws, materials: self.materials, speaker: name, chain: &chain };
        let (scene, kind) = match (call.what(), speaker) {
            (What::Spoken { half, seconds, .. }, Some(speaker)) => {
                let halves = speaker.halves();
                let scene = spoken::scene(&halves[*half], *seconds, &setting)?;
                if scene.net_speech_s() == 0.0 {
                    let speaker = speaker.name().to_owned();
                    return Err(SimulationError::NoSpeech { speaker, call: call.id().to_owned() });
                }
                (scene, "speech")
            }
            _ => not_speech::scene(&setting)?,
        };
        let (near, mut drawn) = through_telephone(&scene, &setting)?;
        let gaps = drawn.get("gaps").and_then(Value::as_bool).unwrap_or(false);
        let samples = self.over_the_line(&near, &chain, gaps, draws, &mut drawn)?;
        let facts = Facts {
            codec: chain.families(),
            snr_db: drawn.get("snr_db").and_then(Value::as_f64),
            net_speech_s: scene.net_speech_s(),
            kind,
        };
        let mut manifest = json!({
            "recording": call.recording(),
            "kind": kind,
            "net_speech_s": rounded(facts.net_speech_s),
            "seconds": rounded(samples.len() as f64 / RATE_HZ as f64),
            "channel": drawn,
            "marks": scene.marks_json(),
        });
        if let (Some(line), Value::Object(what)) = (manifest.as_object_mut(), call.to_json(name)) {
            line.extend(what);
        }
        Ok(SimulatedCall { samples, manifest, facts })
    }

    fn chain(&self, draws: CallDraws<'_>) -> Chain {
        let mut draw = draws.stage("codec");
        let weights: Vec<f64> = self.plan.codecs.iter().map(|codec| codec.weight).collect();
        let chosen = draw.weighted(&weights).and_then(|index| self.plan.codecs.get(index));
        Chain::draw(chosen.map_or(&[], |codec| codec.chain.as_slice()), &mut draw)
    }

    /// Through all codecs; packets are lost on one leg of the chain.
    fn over_the_line(
        &self,
        near: &[f32],
        chain: &Chain,
        gaps: bool,
        draws: CallDraws<'_>,
        drawn: &mut Map<String, Value>,
    ) -> Result<Vec<i16>, SimulationError> {
        let mut samples: Vec<i16> = near.iter().map(|&sample| to_i16(sample)).collect();
        drawn.insert("codecs".to_owned(), chain.to_json());
        drawn.insert("loss".to_owned(), Value::Null);
        let (plan, mut draw) = (&self.plan.loss, draws.stage("loss"));
        let mut lost = Vec::new();
        let lossy = draw.below(chain.codecs().len());
        if draw.chance(plan.share) && !chain.codecs().is_empty() {
            let gilbert =
                Gilbert { rate: draw.between(plan.rate), mean_burst: draw.between(plan.mean_burst) };
            lost = gilbert.losses(samples.len().div_ceil(PACKET), &mut draw);
            let packets = lost.iter().filter(|lost| **lost).count();
            let loss = json!({
                "rate": rounded(gilbert.rate), "mean_burst": rounded(gilbert.mean_burst),
                "codec": lossy, "packets_lost": packets, "packets": lost.len(),
            });
            drawn.insert("loss".to_owned(), loss);
        }
        for (index, codec) in chain.codecs().iter().enumerate() {
            let lost = if index == lossy { lost.as_slice() } else { &[] };
            samples = codec.pass(&samples, &Line { lost, gaps, amr: self.amr })?;
        }
        Ok(samples)
    }
}

/// For tests of levels: the samples as they would be heard.
impl SimulatedCall {
    /// Samples at 8 kHz in [-1, 1].
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        self.samples.iter().map(|&sample| from_i16(sample)).collect()
    }
}
