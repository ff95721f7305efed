//! The real server as its own process, for a bench.

#![allow(dead_code, reason = "each bench uses its part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
    /// Where it listens for AudioSocket, if it was told to.
    pub(crate) audiosocket: String,
}

impl Server {
    /// Starts `earmark serve` on a free loopback port over a data folder.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(data: &Path, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_earmark"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .arg("--models")
            .arg(models())
            .args(arguments)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stdout = BufReader::new(process.stdout.take().expect("stdout"));
        let mut server = Self { process, address: String::new(), audiosocket: String::new() };
        for line in stdout.lines() {
            let line = line.expect("a line");
            if let Some(address) = line.strip_prefix("listening for audiosocket on ") {
                address.clone_into(&mut server.audiosocket);
            } else if let Some(address) = line.strip_prefix("listening on ") {
                address.clone_into(&mut server.address);
                return server;
            }
        }
        panic!("the server does not listen");
    }

    /// A field of the kernel's account of the process, in kB: `VmHWM` is its peak memory.
    pub(crate) fn kilobytes(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("status");
        let line = status.lines().find(|l| l.starts_with(field)).expect("the field");
        line.split_ascii_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
    }

    /// Processor seconds used so far, in user and system mode.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(&self.process.id().to_string())
    }
}

/// Processor seconds that this process has used so far.
pub(crate) fn own_cpu_seconds() -> f64 {
    cpu_seconds("self")
}

fn cpu_seconds(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("stat");
    let after = stat.rsplit(") ").next().expect("fields");
    let ticks: u64 =
        after.split_ascii_whitespace().skip(11).take(2).map(|t| t.parse::<u64>().expect("ticks")).sum();
    // Linux counts in hundredths of a second on every architecture we build for.
    ticks as f64 / 100.0
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The models folder: EARMARK_MODELS, or the project's own.
pub(crate) fn models() -> PathBuf {
    std::env::var_os("EARMARK_MODELS").map_or_else(|| root().join("models"), PathBuf::from)
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
