//! A real browser: Debian's Chromium, driven through scripts/browser/drive.js.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::telephone::run_script;

/// A browser; it ends with its input, that is with this.
pub(crate) struct Browser {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Browser {
    /// Brings what it needs by the project's script and starts it; the error says why that can't be.
    pub(crate) fn start(project: &Path, shown: bool) -> Result<Self> {
        let folder = run_script(project, "setup-browser.sh")?;
        let mut command = Command::new("node");
        command.arg(project.join("scripts/browser/drive.js")).env("EARMARK_BROWSER", folder);
        command.env("EARMARK_BROWSER_SHOWN", if shown { "1" } else { "" });
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("can't start node")?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().context("node has no output")?);
        Ok(Self { process, input, output })
    }

    /// Opens an address, and gives the HTTP status.
    pub(crate) fn open(&mut self, page: &str, url: &str) -> Result<Value> {
        self.ask(&json!({"do": "open", "page": page, "url": url}))
    }

    /// Waits until a script in the page is true.
    pub(crate) fn until(&mut self, page: &str, script: &str) -> Result<()> {
        let wait = json!({"do": "until", "page": page, "script": script, "timeout_ms": 60_000});
        if let Err(error) = self.ask(&wait) {
            bail!("on page {page} never was {script} ({error}); it shows:\n{}", self.text(page)?);
        }
        Ok(())
    }

    /// What the page shows in words.
    pub(crate) fn text(&mut self, page: &str) -> Result<String> {
        let text = self.eval(page, "document.body.innerText")?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// The value of a script in the page.
    pub(crate) fn eval(&mut self, page: &str, script: &str) -> Result<Value> {
        self.ask(&json!({"do": "eval", "page": page, "script": script}))
    }

    /// What the page shows as a picture.
    pub(crate) fn shot(&mut self, page: &str, file: &Path) -> Result<()> {
        self.ask(&json!({"do": "shot", "page": page, "file": file})).map(drop)
    }

    /// Errors on the page's console, exceptions, and requests to other hosts.
    pub(crate) fn troubles(&mut self, page: &str) -> Result<Value> {
        self.ask(&json!({"do": "troubles", "page": page}))
    }

    fn ask(&mut self, command: &Value) -> Result<Value> {
        let input = self.input.as_mut().context("the browser has ended")?;
        writeln!(input, "{command}")?;
        input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let mut reply: Value = serde_json::from_str(&line).context("the browser has ended")?;
        match reply.get("error").and_then(Value::as_str) {
            Some(error) => bail!("{error}"),
            None => Ok(reply["value"].take()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.input.take();
        let _ = self.process.wait();
    }
}
