//! What lies in the folder, never followed where it is a link.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Names that recordings end in. What a file is, is told from its content; the ending only tells
/// recordings from what else lies in a folder.
pub(super) const EXTENSIONS: [&str; 9] = ["wav", "wave", "flac", "mp3", "ogg", "oga", "opus", "aif", "aiff"];

/// The most recordings looked at at once; the others' turn comes when these are gone.
const MAX_ENTRIES: usize = 100_000;

/// A recording, or what stands under a recording's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: OsString,
    pub(super) kind: Kind,
    pub(super) stamp: Stamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    /// In words.
    Other(&'static str),
}

/// What changes when a file is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    /// The last change of content or state, in seconds and nanoseconds: unlike the time of modification,
    /// no program can set it back.
    changed: (i64, i64),
    modified: (i64, i64),
    bytes: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            bytes: metadata.len(),
        }
    }

    /// Whether the last change of this came after that of `other`.
    pub(super) fn is_later_than(&self, other: &Self) -> bool {
        self.changed > other.changed
    }

    #[cfg(test)]
    pub(super) fn at(changed_s: i64, bytes: u64) -> Self {
        Self { changed: (changed_s, 0), modified: (changed_s, 0), bytes }
    }
}

/// The recordings of a folder, the one that changed longest ago first. Hidden files are not looked at:
/// programs that copy write under such names until they are done.
pub(super) fn list(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !is_recording(&entry.file_name()) {
            continue;
        }
        match entry.metadata() {
            Ok(metadata) => {
                let (kind, stamp) = (kind(&metadata), Stamp::of(&metadata));
                entries.push(Entry { name: entry.file_name(), kind, stamp });
            }
            // Gone since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if entries.len() == MAX_ENTRIES {
            break;
        }
    }
    entries.sort_by(|a, b| (a.stamp, &a.name).cmp(&(b.stamp, &b.name)));
    Ok(entries)
}

/// What a file of this name is like, if there is one; of a link, the link itself.
pub(super) fn stamp(path: &Path) -> Option<Stamp> {
    path.symlink_metadata().ok().map(|metadata| Stamp::of(&metadata))
}

pub(super) fn is_recording(name: &OsStr) -> bool {
    let hidden = name.as_encoded_bytes().first() == Some(&b'.');
    let extension = Path::new(name).extension();
    !hidden && extension.is_some_and(|e| EXTENSIONS.iter().any(|known| e.eq_ignore_ascii_case(known)))
}

fn kind(metadata: &Metadata) -> Kind {
    let kind = metadata.file_type();
    match kind {
        _ if kind.is_file() => Kind::File,
        _ if kind.is_symlink() => Kind::Other("a symbolic link"),
        _ if kind.is_dir() => Kind::Other("a folder"),
        _ if kind.is_fifo() => Kind::Other("a pipe"),
        _ if kind.is_socket() => Kind::Other("a socket"),
        _ => Kind::Other("a device"),
    }
}

/// What stands at a path instead of a file, in words.
pub(super) fn not_a_file(path: &Path) -> Option<&'static str> {
    match kind(&path.symlink_metadata().ok()?) {
        Kind::File => None,
        Kind::Other(what) => Some(what),
    }
}

/// Opens a file of the folder to read. A link is not followed and a pipe is not waited for, even where
/// it was put in the file's place a moment ago.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    match kind(&file.metadata()?) {
        Kind::File => Ok(file),
        Kind::Other(what) => Err(io::Error::other(format!("it is {what}"))),
    }
}

/// Opens or makes the file that keeps a second process off; nothing is written to it.
pub(super) fn open_lock(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::CLOEXEC).bits().cast_signed();
    OpenOptions::new().write(true).create(true).truncate(false).custom_flags(flags).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_recordings_are_listed_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.wav", "b.MP3", ".c.wav", "d.json", "e.wav.part", "f.done"] {
            std::fs::write(at(name), "x").unwrap();
        }
        symlink("/etc/passwd", at("g.wav")).unwrap();
        std::fs::create_dir(at("h.wav")).unwrap();
        let mut found: Vec<_> = list(folder.path()).unwrap().into_iter().map(|e| (e.name, e.kind)).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [
            ("a.wav", Kind::File),
            ("b.MP3", Kind::File),
            ("g.wav", Kind::Other("a symbolic link")),
            ("h.wav", Kind::Other("a folder")),
        ];
        assert_eq!(found, expected.map(|(name, kind)| (OsString::from(name), kind)));
        assert!(open(&at("a.wav")).is_ok());
        assert!(open(&at("g.wav")).is_err() && open(&at("h.wav")).is_err());
    }
}
