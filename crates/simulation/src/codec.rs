//! Telephone codecs: real encoders and decoders, one after the other, with lost packets concealed.

mod amr;
mod amr_library;
mod g711;
mod gsm;
mod gsm_library;
mod loss;
mod opus;

use serde_json::{Value, json};

use crate::SimulationError;
use crate::draw::Draw;

pub(crate) use amr::AmrMode;
pub(crate) use amr_library::AmrLibrary;
pub(crate) use g711::alaw;
pub use g711::ulaw;
pub(crate) use loss::Gilbert;

/// The samples of one packet: 20 ms at 8 kHz, the frame of all codecs here.
pub(crate) const PACKET: usize = 160;

/// The longest chain of codecs.
const MAX_CHAIN: usize = 6;

/// The bit rates that `opus` draws from, in kbit/s.
const OPUS_KBIT_S: [u16; 7] = [6, 8, 10, 12, 16, 20, 24];

/// One codec with its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// ITU-T G.711 A-law.
    Alaw,
    /// ITU-T G.711 mu-law.
    Ulaw,
    /// ETSI GSM 06.10 full rate.
    Gsm,
    /// 3GPP AMR narrowband.
    Amr(AmrMode),
    /// Opus (RFC 6716), narrowband, at so many kbit/s.
    Opus(u16),
}

impl Codec {
    /// As a plan names it; without a rate where it has one: that is drawn.
    fn named(name: &str, draw: &mut Draw) -> Option<Self> {
        match name {
            "alaw" => Some(Self::Alaw),
            "ulaw" => Some(Self::Ulaw),
            "gsm" => Some(Self::Gsm),
            "amr" => draw.pick(&AmrMode::ALL).copied().map(Self::Amr),
            "opus" => draw.pick(&OPUS_KBIT_S).copied().map(Self::Opus),
            _ => {
                let amr = || name.strip_prefix("amr").and_then(AmrMode::named).map(Self::Amr);
                let rate = || name.strip_prefix("opus")?.parse().ok().filter(|rate| (6..=24).contains(rate));
                amr().or_else(|| rate().map(Self::Opus))
            }
        }
    }

    /// Without its rate.
    fn family(self) -> &'static str {
        match self {
            Self::Alaw => "alaw",
            Self::Ulaw => "ulaw",
            Self::Gsm => "gsm",
            Self::Amr(_) => "amr",
            Self::Opus(_) => "opus",
        }
    }

    fn name(self) -> String {
        match self {
            Self::Amr(mode) => format!("amr{}", mode.name()),
            Self::Opus(rate) => format!("opus{rate}"),
            _ => self.family().to_owned(),
        }
    }

    /// Encodes and decodes. The output is as long as the input and not delayed against it. `lost`
    /// says which packets do not arrive; those past its end do. `gaps`: nothing but comfort noise is
    /// sent in pauses, where the codec knows how.
    pub(crate) fn pass(self, samples: &[i16], line: &Line<'_>) -> Result<Vec<i16>, SimulationError> {
        let packets = samples.len().div_ceil(PACKET);
        let mut out = match self {
            Self::Alaw | Self::Ulaw => g711::pass(self == Self::Alaw, samples, line.lost)?,
            Self::Gsm => gsm::pass(samples, line.lost)?,
            Self::Amr(mode) => amr::pass(mode, samples, line)?,
            Self::Opus(rate) => opus::pass(rate, samples, line)?,
        };
        debug_assert!(out.len() <= (packets + 2) * PACKET);
        out.resize(samples.len(), 0);
        Ok(out)
    }
}

/// What a codec works on.
pub(crate) struct Line<'a> {
    /// Which packets do not arrive.
    pub(crate) lost: &'a [bool],
    /// Whether nothing but comfort noise is sent in pauses.
    pub(crate) gaps: bool,
    /// There when the plan has AMR in it.
    pub(crate) amr: Option<&'a AmrLibrary>,
}

impl Line<'_> {
    fn is_lost(&self, packet: usize) -> bool {
        self.lost.get(packet).copied().unwrap_or(false)
    }
}

/// Codecs one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain(Vec<Codec>);

impl Chain {
    /// Whether a plan's chain can be made.
    pub(crate) fn check(names: &[String]) -> Result<(), String> {
        if names.is_empty() || names.len() > MAX_CHAIN {
            return Err(format!(
                "a chain of codecs has {} entries, and must have 1 to {MAX_CHAIN}",
                names.len()
            ));
        }
        let mut draw = Draw::of(0, &["check"]);
        match names.iter().find(|name| *name != "none" && Codec::named(name, &mut draw).is_none()) {
            Some(name) => Err(format!("there is no codec {name:?}")),
            None => Ok(()),
        }
    }

    /// With its rates drawn.
    pub(crate) fn draw(names: &[String], draw: &mut Draw) -> Self {
        Self(names.iter().filter_map(|name| Codec::named(name, draw)).collect())
    }

    /// The families, as `amr+alaw`; `none` without a codec.
    pub(crate) fn families(&self) -> String {
        let names: Vec<&str> = self.0.iter().map(|codec| codec.family()).collect();
        if names.is_empty() { "none".to_owned() } else { names.join("+") }
    }

    pub(crate) fn codecs(&self) -> &[Codec] {
        &self.0
    }

    /// Whether the first codec has discontinuous transmission of its own.
    pub(crate) fn has_own_gaps(&self) -> bool {
        matches!(self.0.first(), Some(Codec::Amr(_) | Codec::Opus(_)))
    }

    pub(crate) fn to_json(&self) -> Value {
        json!(self.0.iter().map(|codec| codec.name()).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests;
