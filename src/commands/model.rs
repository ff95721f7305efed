use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use earmark_engine::{EngineError, ModelVerification};
use earmark_scoring::BackEndBundle;
use serde_json::json;

use crate::exit::Done;
use crate::models::ModelArgs;
use crate::output;

/// Look after models
#[derive(Args)]
pub(crate) struct Model {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Verify(Verify),
}

/// Check a model: its files' hashes, its graph, a self test, and the back end bound to it
#[derive(Args)]
#[command(after_help = "Example:
  earmark model verify
  earmark model verify --model path/to/a/folder/with/model.toml --json")]
struct Verify {
    /// Fingerprint that the self test must give, as an earlier run printed it
    #[arg(long, value_name = "HEX")]
    expect: Option<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    models: ModelArgs,
}

impl Model {
    pub(crate) fn run(self) -> Result<Done> {
        match self.command {
            Command::Verify(verify) => verify.run(),
        }
    }
}

impl Verify {
    fn run(self) -> Result<Done> {
        let (folder, runtime) = (self.models.speaker()?, self.models.runtime()?);
        let found =
            ModelVerification::run(&folder, &runtime, self.expect.as_deref()).map_err(EngineError::from)?;
        let back_end = self.back_end(&found)?;
        if self.json {
            output::json(&as_json(&found, back_end.as_deref()));
        } else {
            tell(&found, back_end.as_deref());
        }
        match found.as_expected {
            Some(false) => {
                bail!("the self test gave another result than expected; this is not the model it was")
            }
            _ => Ok(Done::All),
        }
    }

    /// The name of the back end, checked and bound to this model; a model may come without one.
    fn back_end(&self, found: &ModelVerification) -> Result<Option<String>> {
        let folder = found.folder.join("backend");
        if !folder.is_dir() {
            return Ok(None);
        }
        let bundle = BackEndBundle::open(&folder).map_err(EngineError::from)?;
        bundle.require_model(&found.model).map_err(EngineError::from)?;
        Ok(Some(format!("{} ({})", bundle.name(), bundle.calibration().id())))
    }
}

fn tell(found: &ModelVerification, back_end: Option<&str>) {
    let rows = [
        ("model", found.model.to_string()),
        ("folder", found.folder.display().to_string()),
        ("weights sha256", format!("{} (as model.toml says)", found.weights_sha256)),
        ("front end", format!("{} Hz, {} mels", found.sample_rate_hz, found.mel_bins)),
        ("voiceprint", format!("{} numbers", found.dimension)),
        ("back end", back_end.unwrap_or("none").to_owned()),
        ("self test", found.self_test.fingerprint()),
    ];
    for (name, value) in rows {
        output::line(&format!("{name:15} {value}"));
    }
}

fn as_json(found: &ModelVerification, back_end: Option<&str>) -> serde_json::Value {
    json!({
        "model": found.model.as_str(),
        "folder": found.folder,
        "weights_sha256": found.weights_sha256,
        "sample_rate_hz": found.sample_rate_hz,
        "mel_bins": found.mel_bins,
        "dimension": found.dimension,
        "back_end": back_end,
        "self_test": found.self_test.fingerprint(),
        "as_expected": found.as_expected,
    })
}
