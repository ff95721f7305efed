use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use earmark_audio::{AudioError, ChannelChoice, ChannelRole, StreamFormat};
use sha2::{Digest, Sha256};

/// Where a recording's bytes are.
#[derive(Clone, PartialEq, Eq)]
pub enum RecordingSource {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file of this machine.
    File(PathBuf),
}

impl fmt::Debug for RecordingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// One whole recording, and how to listen to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingInput {
    /// What errors and records call it.
    pub name: Option<String>,
    /// Its bytes.
    pub source: RecordingSource,
    /// Which of its channels to listen to.
    pub channel: ChannelChoice,
    /// Whose voice that channel carries.
    pub role: ChannelRole,
    /// For bytes without a header: how they are laid out. Its own channel choice counts then.
    pub format: Option<StreamFormat>,
}

impl RecordingInput {
    /// A mono recording in a file, called by its file name.
    #[must_use]
    pub fn file(path: PathBuf) -> Self {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
        Self { name, source: RecordingSource::File(path), ..Self::bytes(Vec::new()) }
    }

    /// A mono recording in memory.
    #[must_use]
    pub fn bytes(content: Vec<u8>) -> Self {
        Self {
            name: None,
            source: RecordingSource::Bytes(content),
            channel: ChannelChoice::Mono,
            role: ChannelRole::Customer,
            format: None,
        }
    }

    /// The SHA-256 of its bytes.
    pub(crate) fn content_digest(&self) -> Result<[u8; 32], AudioError> {
        let mut digest = Sha256::new();
        match &self.source {
            RecordingSource::Bytes(bytes) => digest.update(bytes),
            RecordingSource::File(path) => {
                let mut file = File::open(path)?;
                let mut chunk = vec![0; 1 << 16];
                loop {
                    match file.read(&mut chunk)? {
                        0 => break,
                        read => digest.update(&chunk[..read]),
                    }
                }
            }
        }
        Ok(digest.finalize().into())
    }

    /// What to call it: its name, or its place in the request counted from 1.
    pub(crate) fn title(&self, position: usize) -> String {
        self.name.clone().unwrap_or_else(|| format!("recording {}", position + 1))
    }
}
