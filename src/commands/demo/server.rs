use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::models::ModelArgs;

/// `earmark serve` as a process of its own. Stopped by its pid, also when the demo fails.
pub(in crate::commands) struct Server {
    process: Child,
    address: String,
    audiosocket: Option<SocketAddr>,
}

impl Server {
    pub(in crate::commands) fn start(models: &ModelArgs, data: &Path) -> Result<Self> {
        Self::start_with(models, data, &[])
    }

    /// With a free loopback port for AudioSocket beside.
    pub(in crate::commands) fn with_audiosocket(models: &ModelArgs, data: &Path) -> Result<Self> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), "[audiosocket]\nlisten = \"127.0.0.1:0\"\n")?;
        Self::start_with(models, data, &["--telephony".into(), file.path().into()])
    }

    fn start_with(models: &ModelArgs, data: &Path, more: &[OsString]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.args(models.as_arguments()).args(more).env("RUST_LOG", "warn").stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let stdout = process.stdout.take().context("the server has no standard output")?;
        let mut server = Self { process, address: String::new(), audiosocket: None };
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(address) = line.strip_prefix("listening for audiosocket on ") {
                server.audiosocket = Some(address.parse()?);
            } else if let Some(address) = line.strip_prefix("listening on ") {
                address.clone_into(&mut server.address);
                return Ok(server);
            }
        }
        bail!("the server did not start; its words are above");
    }

    /// Where it listens for AudioSocket.
    pub(in crate::commands) fn audiosocket(&self) -> Result<SocketAddr> {
        self.audiosocket.context("the server does not listen for AudioSocket")
    }

    pub(in crate::commands) fn address(&self) -> &str {
        &self.address
    }

    /// Asks it to drain and waits for its end.
    pub(in crate::commands) fn stop(mut self) -> Result<()> {
        let pid = self.process.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status()?;
        let ended = self.process.wait()?;
        if asked.success() && ended.success() { Ok(()) } else { bail!("the server ended with {ended}") }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
