use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::IndexError;

/// Replaces `path` by what `write` writes, wholly or not at all, whenever the process or the
/// machine stops. After an error the old file stays and nothing is left beside it.
pub(super) fn replace(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let name = path
        .file_name()
        .ok_or_else(|| IndexError::io("write gallery file", path, io::ErrorKind::InvalidInput.into()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sweep(folder, name);
    let temporary = folder.join(temporary_name(name));
    let done = write_and_rename(&temporary, path, write);
    if done.is_err() {
        // The first error is the one to report; whatever can't be removed now the next save sweeps.
        let _ = fs::remove_file(&temporary);
    }
    done?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| IndexError::io("sync folder", folder, source))
}

fn write_and_rename(
    temporary: &Path,
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    // Voiceprints are for the service's own eyes even sealed.
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary);
    let mut file = created.map_err(|source| IndexError::io("create", temporary, source))?;
    write(&mut file)?;
    file.sync_all().map_err(|source| IndexError::io("sync", temporary, source))?;
    drop(file);
    fs::rename(temporary, path).map_err(|source| IndexError::io("replace gallery file", path, source))
}

/// Differs for each process, also where all have the same process id (containers).
fn process_mark() -> &'static str {
    static MARK: OnceLock<String> = OnceLock::new();
    MARK.get_or_init(|| format!("{:016x}", RandomState::new().hash_one(std::process::id())))
}

/// `.NAME.MARK-N.tmp`, new at each call.
fn temporary_name(name: &OsStr) -> OsString {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut temporary = prefix(name);
    temporary.push(format!("{}-{}.tmp", process_mark(), COUNT.fetch_add(1, Ordering::Relaxed)));
    temporary
}

fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// Removes what processes killed while saving left behind. Should another live process be saving to
/// the same path, which is a mistake, its save fails with a typed error and harms nothing.
fn sweep(folder: &Path, name: &OsStr) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let ours = process_mark().as_bytes();
    let stale = entries.flatten().filter(|entry| {
        let found = entry.file_name();
        let rest = found.as_encoded_bytes().strip_prefix(prefix(name).as_encoded_bytes());
        let mark = rest.and_then(|rest| rest.strip_suffix(b".tmp"));
        mark.is_some_and(|mark| is_mark(mark) && !mark.starts_with(ours))
    });
    let stale: Vec<PathBuf> = stale.map(|entry| entry.path()).collect();
    for path in stale {
        // A leftover that can't be removed takes space and does no other harm.
        let _ = fs::remove_file(path);
    }
}

/// `MARK-N`, as [`temporary_name`] makes it: anybody else's files stay.
fn is_mark(mark: &[u8]) -> bool {
    let Some((mark, count)) = mark.split_at_checked(16) else { return false };
    mark.iter().all(u8::is_ascii_hexdigit)
        && count.strip_prefix(b"-").is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn put(path: &Path, text: &str) -> Result<(), IndexError> {
        replace(path, |file| file.write_all(text.as_bytes()).map_err(|e| IndexError::io("write", path, e)))
    }

    #[test]
    fn replaces_for_the_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g");
        put(&path, "old").unwrap();
        put(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["g"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g");
        put(&path, "old").unwrap();
        let full = replace(&path, |file| {
            file.write_all(b"half").unwrap();
            Err(IndexError::io("write", &path, io::ErrorKind::StorageFull.into()))
        });
        assert!(
            matches!(full, Err(IndexError::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull)
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(folder.path()), ["g"]);
    }

    #[test]
    fn sweeps_only_what_a_killed_save_left() {
        let folder = tempfile::tempdir().unwrap();
        let kept = [".g.note.tmp", ".g.0123456789abcdef-.tmp", ".h.0123456789abcdef-0.tmp", "x"];
        for name in kept.iter().chain(&[".g.0123456789abcdef-0.tmp", ".g.fedcba9876543210-12.tmp"]) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        put(&folder.path().join("g"), "new").unwrap();
        let mut expected = [&kept[..], &["g"]].concat();
        expected.sort_unstable();
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn no_folder_is_an_error() {
        let missing = put(Path::new("/nonexistent/folder/g"), "x");
        assert!(
            matches!(missing, Err(IndexError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound)
        );
        assert!(matches!(put(Path::new("/"), "x"), Err(IndexError::Io { .. })));
    }
}
