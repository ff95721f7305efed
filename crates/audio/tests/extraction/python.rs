//! The independent reference: ONNX Runtime, kaldi-native-fbank and Silero as Python packages.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::corpus::project;

pub(crate) struct Reference {
    python: PathBuf,
    script: PathBuf,
}

/// The reference, if `scripts/reference/setup.sh` was run.
pub(crate) fn reference() -> Option<Reference> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
    let python = cache.join("earmark/venv/bin/python");
    let script = project().join("scripts/reference/voiceprint_reference.py");
    if python.is_file() && script.is_file() {
        return Some(Reference { python, script });
    }
    println!("skipped: no {} (run scripts/reference/setup.sh)", python.display());
    None
}

impl Reference {
    /// Runs it with `input` as standard input; gives its standard output.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new(&self.python);
        command.arg(&self.script).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Float32, so that both sides see the same samples to the bit.
pub(crate) fn write_wav(path: &Path, samples: &[f32], sample_rate: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
}
