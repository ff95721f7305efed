//! What to make: which calls, and from which channels they are drawn.

mod check;
mod settings;

use std::path::Path;

pub(crate) use settings::*;

use crate::SimulationError;

/// The largest plan read, in bytes.
const MAX_PLAN_BYTES: u64 = 1 << 20;

/// A plan that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Every call its own handset, room, noise of 8 to 25 dB, level and codec chain; loss, AGC, noise
    /// suppression and overdrive on some.
    Harsh,
    /// What most calls are like: 15 to 35 dB, G.711 and mobile codecs, little loss.
    Typical,
    /// A quiet room and G.711: what the simulation itself costs.
    Clean,
    /// Calls without the customer's voice: music, ringback, DTMF, noise, prompts, silence.
    NotSpeech,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Harsh, Self::Typical, Self::Clean, Self::NotSpeech];

    /// As `--preset` names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Harsh => "harsh",
            Self::Typical => "typical",
            Self::Clean => "clean",
            Self::NotSpeech => "not-speech",
        }
    }

    /// By its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// The plan's file, with comments.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Harsh => include_str!("../plans/harsh.toml"),
            Self::Typical => include_str!("../plans/typical.toml"),
            Self::Clean => include_str!("../plans/clean.toml"),
            Self::NotSpeech => include_str!("../plans/not-speech.toml"),
        }
    }
}

/// A checked plan.
#[derive(Debug, Clone)]
pub struct Plan {
    settings: Settings,
}

impl Plan {
    /// One that comes with the program.
    ///
    /// # Errors
    /// None for the presets as shipped.
    pub fn preset(preset: Preset) -> Result<Self, SimulationError> {
        Self::parse(preset.text())
    }

    /// Reads a plan's file.
    ///
    /// # Errors
    /// [`SimulationError::PlanFile`], and as [`Plan::parse`].
    pub fn read(path: &Path) -> Result<Self, SimulationError> {
        let failed = |source| SimulationError::PlanFile { path: path.to_owned(), source };
        if std::fs::metadata(path).map_err(failed)?.len() > MAX_PLAN_BYTES {
            return Err(refused(format!("{} is larger than {MAX_PLAN_BYTES} bytes", path.display())));
        }
        Self::parse(&std::fs::read_to_string(path).map_err(failed)?)
    }

    /// Reads TOML. What it leaves out is as in the preset that its key `based_on` names, by default
    /// `harsh`; lists are replaced whole.
    ///
    /// # Errors
    /// [`SimulationError::Plan`] for anything but known keys with possible values.
    pub fn parse(text: &str) -> Result<Self, SimulationError> {
        let mut own = table(text)?;
        let table = match own.remove("based_on") {
            Some(toml::Value::String(name)) => {
                let base = Preset::named(&name).ok_or_else(|| refused(format!("there is no preset {name}")))?;
                merged(whole(base)?, own)
            }
            Some(_) => return Err(refused("based_on must be the name of a preset".to_owned())),
            None => merged(whole(Preset::Harsh)?, own),
        };
        let settings: Settings = table.try_into().map_err(|error: toml::de::Error| refused(error.message().to_owned()))?;
        settings.check().map_err(refused)?;
        Ok(Self { settings })
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }
}

/// A preset with what it is based on.
fn whole(preset: Preset) -> Result<toml::Table, SimulationError> {
    let mut own = table(preset.text())?;
    own.remove("based_on");
    if preset == Preset::Harsh { Ok(own) } else { Ok(merged(table(Preset::Harsh.text())?, own)) }
}

fn merged(mut base: toml::Table, own: toml::Table) -> toml::Table {
    for (key, value) in own {
        match (base.remove(&key), value) {
            // Weights are replaced whole: a noise that is not named is not wanted.
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) if !key.ends_with("weights") => {
                base.insert(key, toml::Value::Table(merged(below, above)));
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    base
}

fn table(text: &str) -> Result<toml::Table, SimulationError> {
    text.parse().map_err(|error: toml::de::Error| refused(error.to_string()))
}

fn refused(what: String) -> SimulationError {
    SimulationError::Plan { what }
}
