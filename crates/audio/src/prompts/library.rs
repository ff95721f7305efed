use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::fingerprint::Fingerprinter;
use crate::{AudioError, ChannelChoice, Limits, VAD_RATE_HZ, read_samples};

/// Sub-fingerprints of known prompts.
#[derive(Clone, PartialEq)]
pub struct PromptLibrary {
    /// All prompts one after the other.
    prints: Vec<u32>,
    /// Where in `prints` each prompt begins, and the end of the last.
    starts: Vec<usize>,
}

impl PromptLibrary {
    /// The most audio in a library, in seconds: every call is compared with all of it, which takes
    /// some 0.5 % of a core a call for so much.
    pub const MAX_SECONDS: f64 = 900.0;
    /// A shorter prompt can't be told from chance, in seconds.
    pub const MIN_SECONDS: f64 = 1.0;

    /// Reads prompts: a file each, any format and sample rate that recordings may have; several
    /// channels are mixed.
    ///
    /// # Errors
    /// [`AudioError::Prompt`] names the file that can't be read, is too short, or is too much.
    pub fn read(files: &[PathBuf]) -> Result<Self, AudioError> {
        let mut library = Self { prints: Vec::new(), starts: vec![0] };
        let most = (Self::MAX_SECONDS * f64::from(VAD_RATE_HZ)) as usize;
        let mut seconds = 0.0;
        for file in files {
            let refused = |what: String| AudioError::Prompt { path: file.clone(), what };
            let samples = read_samples(file, ChannelChoice::Mix, VAD_RATE_HZ, &Limits::default(), most);
            let samples = samples.map_err(|e| refused(e.to_string()))?;
            let length = samples.len() as f64 / f64::from(VAD_RATE_HZ);
            seconds += length;
            if length < Self::MIN_SECONDS {
                return Err(refused(format!("it is shorter than {} s; leave it out", Self::MIN_SECONDS)));
            }
            if seconds > Self::MAX_SECONDS {
                let most = Self::MAX_SECONDS;
                return Err(refused(format!(
                    "with it the prompts are longer than {most} s in all; leave some out"
                )));
            }
            Fingerprinter::new().accept(&samples, |print| library.prints.push(print));
            library.starts.push(library.prints.len());
        }
        Ok(library)
    }

    /// Reads all files of a folder but hidden ones, in the order of their names.
    ///
    /// # Errors
    /// As [`PromptLibrary::read`].
    pub fn read_folder(folder: &Path) -> Result<Self, AudioError> {
        let refused = |e: std::io::Error| AudioError::Prompt { path: folder.into(), what: e.to_string() };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if path.is_file() && !hidden {
                files.push(path);
            }
        }
        files.sort();
        Self::read(&files)
    }

    /// How many prompts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn prints(&self) -> &[u32] {
        &self.prints
    }

    pub(super) fn prompts(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.starts.windows(2).map(|w| w[0]..w[1])
    }
}

impl std::fmt::Debug for PromptLibrary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names the content: voiceprints kept for one library are not those of another.
        let mut hash = DefaultHasher::new();
        self.prints.hash(&mut hash);
        write!(f, "PromptLibrary({} prompts, {:016x})", self.len(), hash.finish())
    }
}
