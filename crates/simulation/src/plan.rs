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
                let base =
                    Preset::named(&name).ok_or_else(|| refused(format!("there is no preset {name}")))?;
                merged(whole(base)?, own)
            }
            Some(_) => return Err(refused("based_on must be the name of a preset".to_owned())),
            None => merged(whole(Preset::Harsh)?, own),
        };
        let settings: Settings =
            table.try_into().map_err(|error: toml::de::Error| refused(error.to_string()))?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refusal(text: &str) -> String {
        match Plan::parse(text) {
            Err(SimulationError::Plan { what }) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plan_changes_what_it_names_and_nothing_else() {
        let plan =
            Plan::parse("based_on = \"typical\"\n[noise]\nsnr_db = [1.0, 2.0]\nweights = { pink = 1.0 }")
                .unwrap();
        let (own, typical) = (plan.settings(), Plan::preset(Preset::Typical).unwrap());
        assert_eq!(own.noise.snr_db, Span::new(1.0, 2.0));
        assert_eq!(own.noise.weights.len(), 1);
        assert_eq!(own.level.dbfs, typical.settings().level.dbfs);
        assert_eq!(own.level.dbfs, Span::new(-30.0, -18.0));
        assert_eq!(Plan::parse("").unwrap().settings().noise.snr_db, Span::new(8.0, 25.0));
    }

    #[test]
    fn wrong_plans_say_what_is_wrong() {
        for (plan, said) in [
            ("nosie = 1", "nosie"),
            ("[noise]\nsnr = [1.0, 2.0]", "snr"),
            ("[noise]\nsnr_db = [9.0, 2.0]", "is no range"),
            ("[noise]\nsnr_db = [nan, 2.0]", "is no range"),
            ("[noise]\nsnr_db = [0.0, 200.0]", "noise.snr_db is 200"),
            ("[noise]\nweights = { rain = 1.0 }", "no rain"),
            ("[noise]\nshare = 1.5", "noise.share is 1.5, and must be 0 to 1"),
            ("[probes]\neach = -1", "each"),
            ("[probes]\nnet_speech_s = [1e9]", "probes.net_speech_s"),
            ("[enrollment]\nmodels = [0]", "enrollment.models"),
            ("[handset]\nresonances = [3, 1]", "handset.resonances"),
            ("codecs = [{ chain = [\"evs\"], weight = 1.0 }]", "no codec \"evs\""),
            ("codecs = [{ chain = [], weight = 1.0 }]", "0 entries"),
            ("codecs = [{ chain = [\"alaw\"], weight = 0.0 }]", "weight above 0"),
            ("codecs = []", "weight above 0"),
            ("based_on = \"easy\"", "no preset easy"),
            ("based_on = 3", "based_on"),
            ("[[[", "TOML"),
        ] {
            let what = refusal(plan);
            assert!(what.contains(said), "{plan}: {what}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_panics(text in "(\\[[a-z_]{0,8}\\]\n)?([a-z_]{1,8} = [-0-9.e\\[\\], \"a-z]{0,12}\n){0,4}") {
            let understood = match Plan::parse(&text) {
                Ok(_) => true,
                Err(error) => matches!(error, SimulationError::Plan { .. }),
            };
            prop_assert!(understood);
        }
    }
}
