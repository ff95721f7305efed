use std::path::{Path, PathBuf};

/// A recording as a list names it, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Recording {
    name: String,
    path: PathBuf,
}

impl Recording {
    /// A recording of this name; a relative name lies under `root`.
    #[must_use]
    pub fn new(name: &str, root: &Path) -> Self {
        Self { name: name.to_owned(), path: root.join(name) }
    }

    /// One with a name of its own (Kaldi's utterance id), at this path, relative to `root`.
    #[must_use]
    pub fn named(name: &str, path: &str, root: &Path) -> Self {
        Self { name: name.to_owned(), path: root.join(path) }
    }

    /// As the list names it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folder that a list's relative paths start from.
pub(super) fn folder_of(list: &Path) -> &Path {
    list.parent().unwrap_or(Path::new(""))
}
