//! Where the models are.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;
use earmark_engine::{EngineError, OnnxRuntime};

const SPEAKER_MODEL: &str = "campplus-phone-192";
const PUBLISHED_MODEL: &str = "campplus-zh-en-192";
const VOICE_ACTIVITY_MODEL: &str = "silero-vad-8k";

/// Which models to use.
#[derive(Args, Clone, Debug)]
pub(crate) struct ModelArgs {
    /// Folder of the models; by default `models` here, or beside the program
    #[arg(long, env = "EARMARK_MODELS", value_name = "DIR")]
    models: Option<PathBuf>,
    /// Speaker model: a folder's name in the models folder, or a path
    #[arg(long, default_value = SPEAKER_MODEL, value_name = "NAME")]
    model: PathBuf,
    /// ONNX Runtime's shared library; found by itself if not named
    #[arg(long, env = "ORT_DYLIB_PATH", value_name = "FILE")]
    pub(crate) onnx_runtime: Option<PathBuf>,
}

impl ModelArgs {
    /// The folder of the speaker model.
    pub(crate) fn speaker(&self) -> Result<PathBuf> {
        if self.model.components().count() > 1 || self.model.join("model.toml").is_file() {
            return Ok(self.model.clone());
        }
        Ok(self.folder()?.join(&self.model))
    }

    /// The same choice, but with the network as its authors published it.
    pub(crate) fn published(&self) -> Self {
        Self { model: PUBLISHED_MODEL.into(), ..self.clone() }
    }

    /// The folder of the voice-activity model.
    pub(crate) fn voice_activity(&self) -> Result<PathBuf> {
        Ok(self.folder()?.join(VOICE_ACTIVITY_MODEL))
    }

    /// The runtime library, loaded.
    pub(crate) fn runtime(&self) -> Result<OnnxRuntime, EngineError> {
        Ok(OnnxRuntime::load(self.onnx_runtime.as_deref())?)
    }

    /// The same choice as arguments for another run of this program.
    pub(crate) fn as_arguments(&self) -> Vec<std::ffi::OsString> {
        let named = [("--models", &self.models), ("--onnx-runtime", &self.onnx_runtime)];
        let named = named.into_iter().filter_map(|(flag, path)| Some([flag.into(), path.as_ref()?.into()]));
        named.flatten().chain(["--model".into(), self.model.clone().into()]).collect()
    }

    fn folder(&self) -> Result<PathBuf> {
        if let Some(named) = &self.models {
            return Ok(named.clone());
        }
        let program = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_path_buf()));
        let beside = program.iter().flat_map(|dir| [dir.join("models"), dir.join("../share/earmark/models")]);
        let found = std::iter::once(PathBuf::from("models")).chain(beside).find(|dir| is_models(dir));
        match found {
            Some(dir) => Ok(dir),
            None => bail!("no models folder here or beside the program; name it with --models"),
        }
    }
}

fn is_models(folder: &Path) -> bool {
    folder.join(VOICE_ACTIVITY_MODEL).join("model.toml").is_file()
}
