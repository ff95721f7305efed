use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::models::ModelArgs;

/// `earmark serve` as a process of its own. Stopped by its pid, also when the demo fails.
pub(super) struct Server {
    process: Child,
    address: String,
}

impl Server {
    pub(super) fn start(models: &ModelArgs, data: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
        command.args(models.as_arguments()).env("RUST_LOG", "warn").stdout(Stdio::piped());
        let mut server = Self { process: command.spawn()?, address: String::new() };
        let stdout = server.process.stdout.take().context("the server has no standard output")?;
        let mut first = String::new();
        BufReader::new(stdout).read_line(&mut first)?;
        let Some(address) = first.trim().strip_prefix("listening on ") else {
            bail!("the server did not start; its words are above");
        };
        address.clone_into(&mut server.address);
        Ok(server)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Asks it to drain and waits for its end.
    pub(super) fn stop(mut self) -> Result<()> {
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
