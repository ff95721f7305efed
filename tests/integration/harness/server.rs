//! `earmark serve` as a process of its own, stopped by its pid.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::web;

/// The program under test.
pub(crate) const EARMARK: &str = env!("CARGO_BIN_EXE_earmark");

/// The models to run with: `EARMARK_MODELS`, or the repository's own.
pub(crate) fn models() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    std::env::var_os("EARMARK_MODELS").map_or_else(own, PathBuf::from)
}

/// A temporary folder with a name that says whose it is.
pub(crate) fn folder() -> TempDir {
    tempfile::Builder::new().prefix("earmark-test-").tempdir().expect("a temporary folder")
}

/// How a server is to be started.
pub(crate) struct Launch {
    program: Vec<OsString>,
    listen: String,
    models: PathBuf,
    arguments: Vec<String>,
    log_level: &'static str,
    /// Whether the data folder goes with the server.
    passing: bool,
}

impl Launch {
    pub(crate) fn new() -> Self {
        Self {
            program: vec![EARMARK.into()],
            listen: "127.0.0.1:0".to_owned(),
            models: models(),
            arguments: Vec::new(),
            log_level: "info",
            passing: false,
        }
    }

    pub(crate) fn listen(self, address: &str) -> Self {
        Self { listen: address.to_owned(), ..self }
    }

    pub(crate) fn models(self, models: &Path) -> Self {
        Self { models: models.to_path_buf(), ..self }
    }

    pub(crate) fn argument(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
        self
    }

    pub(crate) fn log_level(self, log_level: &'static str) -> Self {
        Self { log_level, ..self }
    }

    /// The data folder is removed when this process ends.
    pub(crate) fn passing(self) -> Self {
        Self { passing: true, ..self }
    }

    /// Starts the program through another one, which must become it (`exec`).
    pub(crate) fn through(mut self, wrapper: &[&str]) -> Self {
        self.program.splice(0..0, wrapper.iter().map(OsString::from));
        self
    }

    /// Starts it on a data folder and waits until it listens.
    pub(crate) fn start(&self, data: &Path) -> TestServer {
        match self.launch(data) {
            Outcome::Listening(server) => server,
            Outcome::Ended(failure) => panic!("the server did not start: {}", failure.said),
        }
    }

    /// Starts it where it must refuse to start.
    pub(crate) fn fail(&self, data: &Path) -> Failure {
        match self.launch(data) {
            Outcome::Listening(_) => panic!("the server started, and should have refused to"),
            Outcome::Ended(failure) => failure,
        }
    }

    /// Starts it where it listens before it finds out that it must not serve.
    pub(crate) fn refused_late(&self, data: &Path) -> Failure {
        match self.launch(data) {
            Outcome::Listening(mut server) => {
                while server.process.try_wait().expect("it can be asked for").is_none() {
                    assert!(!web::answers(&server.address), "the server serves, and should have refused to");
                }
                let (status, said) = server.ended();
                Failure { code: status.code(), said }
            }
            Outcome::Ended(failure) => failure,
        }
    }

    fn launch(&self, data: &Path) -> Outcome {
        let files = folder();
        let log = files.path().join("stderr");
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).args(["serve", "--listen", &self.listen, "--data"]).arg(data);
        command.arg("--models").arg(&self.models).args(&self.arguments);
        command.env("RUST_LOG", self.log_level).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(&log).expect("a log file"));
        let mut process = command.spawn().expect("the server's process starts");
        let passing = if self.passing { data } else { Path::new("") };
        let watchdog = watch(process.id(), files.path(), passing);
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let others = BTreeMap::new();
        let mut server = TestServer { process, watchdog, address: String::new(), others, log, _files: files };
        for line in lines {
            let line = line.expect("its output reads");
            if let Some(address) = line.strip_prefix("listening on ") {
                address.clone_into(&mut server.address);
                return Outcome::Listening(server);
            }
            if let Some((what, address)) =
                line.strip_prefix("listening for ").and_then(|l| l.split_once(" on "))
            {
                server.others.insert(what.to_owned(), address.to_owned());
            }
        }
        let status = server.process.wait().expect("it ends");
        Outcome::Ended(Failure { code: status.code(), said: server.log() })
    }
}

enum Outcome {
    Listening(TestServer),
    Ended(Failure),
}

/// A server that did not start.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

/// A server that runs until this is dropped.
pub(crate) struct TestServer {
    process: Child,
    watchdog: Child,
    address: String,
    /// Where else it listens, by what for.
    others: BTreeMap<String, String>,
    log: PathBuf,
    _files: TempDir,
}

impl TestServer {
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Where it listens for a telephone system's protocol.
    pub(crate) fn address_for(&self, protocol: &str) -> &str {
        self.others.get(protocol).expect("it listens for that protocol")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// All it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).expect("the log reads")).into_owned()
    }

    /// Asks it to stop, as an orchestrator does.
    pub(crate) fn terminate(&self) {
        signal(self.pid(), "TERM");
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        (self.process.wait().expect("it ends"), self.log())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        // The watchdog first: it must not outlive the pid that it would end.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ends the server by its pid and removes its files when this process is gone, which closes the pipe:
/// servers shared by several tests stand in a static, and statics are never dropped.
fn watch(pid: u32, files: &Path, passing: &Path) -> Child {
    let mut command = Command::new("sh");
    let script = "read _; kill -KILL \"$1\"; rm -rf -- \"$2\" \"$3\"";
    command.args(["-c", script, "sh", &pid.to_string()]).args([files, passing]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a shell starts")
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().expect("kill runs");
    assert!(sent.success(), "signal {name} reaches the server");
}
