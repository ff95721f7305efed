//! What the commands over a data folder have in common: the engine and how to listen.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use earmark_engine::{
    ChannelChoice, ChannelRole, Engine, EngineError, EngineOptions, ExtractOptions, PromptLibrary,
    RecordingInput,
};
use earmark_voiceprint::TenantId;

use crate::models::ModelArgs;

/// The data folder and the models.
#[derive(Args, Clone, Debug)]
pub(crate) struct EngineArgs {
    /// Data folder with records and key; made if it is not there. One process at a time holds it
    #[arg(long, default_value = "earmark-data", value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Tenant (institution) the records belong to
    #[arg(long, default_value = "default", value_name = "ID")]
    pub(crate) tenant: String,
    /// Threads that run the networks; by default one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Folder of recordings that the call center itself plays (prompts, hold music): they are no
    /// speech. Live updates then come 1.8 s later
    #[arg(long, env = "EARMARK_PROMPTS", value_name = "DIR")]
    prompts: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) models: ModelArgs,
}

impl EngineArgs {
    /// The options of an engine with everything else as shipped.
    pub(crate) fn options(&self) -> Result<EngineOptions> {
        let tenants = vec![self.tenant()?];
        engine_options(self.data.clone(), &self.models, tenants, self.threads(), self.prompts.as_deref())
    }

    pub(crate) fn open(&self) -> Result<Engine> {
        let what = || format!("can't start with data folder {}", self.data.display());
        Engine::open(self.options()?).with_context(what)
    }

    pub(crate) fn tenant(&self) -> Result<TenantId> {
        Ok(TenantId::new(&self.tenant)?)
    }

    pub(crate) fn threads(&self) -> usize {
        self.threads.unwrap_or_else(cores).max(1)
    }
}

/// The options of an engine with everything else as shipped.
pub(crate) fn engine_options(
    data: PathBuf,
    models: &ModelArgs,
    tenants: Vec<TenantId>,
    sessions: usize,
    prompts: Option<&Path>,
) -> Result<EngineOptions> {
    Ok(EngineOptions {
        onnx_runtime: models.onnx_runtime.clone(),
        sessions,
        extraction: extraction(prompts)?,
        ..EngineOptions::shipped(data, models.speaker()?, models.voice_activity()?, tenants)
    })
}

/// How voiceprints are made, with the prompts of a folder known.
pub(crate) fn extraction(prompts: Option<&Path>) -> Result<ExtractOptions> {
    let read = |folder: &Path| PromptLibrary::read_folder(folder).map_err(EngineError::from);
    Ok(ExtractOptions { prompts: prompts.map(read).transpose()?.map(Arc::new), ..ExtractOptions::default() })
}

/// Which channel of the recordings to listen to.
#[derive(Args, Clone, Debug)]
pub(crate) struct ListenArgs {
    /// Channel of the customer in recordings with several, from 0, or `mix`
    #[arg(long, value_name = "N|mix", value_parser = channel)]
    pub(crate) channel: Option<ChannelChoice>,
}

impl ListenArgs {
    /// A recording in a file, heard as asked.
    pub(crate) fn recording(&self, path: PathBuf) -> RecordingInput {
        let channel = self.channel.unwrap_or(ChannelChoice::Mono);
        let role = if channel == ChannelChoice::Mix { ChannelRole::Mixed } else { ChannelRole::Customer };
        RecordingInput { channel, role, ..RecordingInput::file(path) }
    }
}

/// How many threads the machine runs at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn channel(text: &str) -> Result<ChannelChoice, String> {
    match text {
        "mix" => Ok(ChannelChoice::Mix),
        number => number
            .parse()
            .map(ChannelChoice::Index)
            .map_err(|_| "give a channel's number from 0, or mix".to_owned()),
    }
}
