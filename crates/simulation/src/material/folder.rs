//! A folder of sounds: noises, room responses, prompts or music.

use std::path::{Path, PathBuf};

use earmark_audio::{AudioError, ChannelChoice};

use crate::SimulationError;

/// The most files of a folder.
const MAX_FILES: usize = 100_000;
/// How deep folders in folders are looked into.
const MAX_DEPTH: usize = 8;
/// What is taken for a recording.
const EXTENSIONS: [&str; 8] = ["wav", "flac", "ogg", "opus", "mp3", "aif", "aiff", "gsm"];

/// The recordings in a folder and the folders in it; empty by default.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    path: PathBuf,
    /// Relative to the folder, sorted.
    names: Vec<String>,
}

impl Folder {
    /// Looks for recordings, by their extension.
    ///
    /// # Errors
    /// [`SimulationError::Folder`] when it can't be read, or has none or too many.
    pub fn open(path: &Path) -> Result<Self, SimulationError> {
        let mut folder = Self { path: path.to_owned(), names: Vec::new() };
        folder.look_into(path, 0)?;
        folder.names.sort_unstable();
        if folder.names.is_empty() {
            return Err(folder.unusable("there is no recording in it"));
        }
        Ok(folder)
    }

    fn look_into(&mut self, path: &Path, depth: usize) -> Result<(), SimulationError> {
        let failed = |error: std::io::Error| self.unusable(&error.to_string());
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let found = entry.map_err(|error| self.unusable(&error.to_string()))?.path();
            if found.is_dir() {
                if depth < MAX_DEPTH {
                    self.look_into(&found, depth + 1)?;
                }
            } else if is_recording(&found)
                && let Some(name) = found.strip_prefix(&self.path).ok().and_then(Path::to_str)
            {
                self.names.push(name.to_owned());
                if self.names.len() > MAX_FILES {
                    return Err(self.unusable(&format!("it has more than {MAX_FILES} recordings")));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    pub(super) fn path_of(&self, name: &str) -> Option<PathBuf> {
        self.names.iter().any(|n| n == name).then(|| self.path.join(name))
    }

    pub(super) fn unusable(&self, what: &str) -> SimulationError {
        SimulationError::Folder { path: self.path.clone(), what: what.to_owned() }
    }
}

fn is_recording(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// The mean of a sound's channels at 8 kHz.
pub(super) fn read(path: &Path) -> Result<Vec<f32>, SimulationError> {
    let failed = |source| SimulationError::Recording { path: path.to_owned(), source };
    let samples = super::clip::samples_of(path, ChannelChoice::Mix).map_err(failed)?;
    if samples.is_empty() { Err(failed(AudioError::Empty)) } else { Ok(samples) }
}
