//! The data folder: only its owner may look into it, and only one process serves it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::RecordsError;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A data folder that is ours until this is dropped.
pub(super) struct DataFolder {
    _lock: File,
}

impl DataFolder {
    /// Makes the folder of `database` if need be, takes its lock, and sees to the permissions.
    pub(super) fn claim(database: &Path) -> Result<Self, RecordsError> {
        make_private(folder_of(database))?;
        let lock = lock(&database.with_added_extension("lock"))?;
        for suffix in ["", "-wal", "-shm"] {
            let mut file = database.as_os_str().to_owned();
            file.push(suffix);
            narrow(Path::new(&file))?;
        }
        // SQLite gives its other files the mode of the database, so this one must be right first.
        open_private(database)?;
        Ok(Self { _lock: lock })
    }
}

/// The folder a file is in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A folder that we make, or that is still empty, becomes the owner's only. One with other things
/// in it may be shared on purpose: that is for its owner to change.
pub(crate) fn make_private(folder: &Path) -> Result<(), RecordsError> {
    let fail = |e| io_error(folder, e);
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(fail)?;
    let mode = folder.metadata().map_err(fail)?.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    if folder.read_dir().map_err(fail)?.next().is_some() {
        return Err(RecordsError::TooOpen { path: folder.to_owned(), mode, wanted: FOLDER_MODE });
    }
    std::fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(fail)
}

fn lock(path: &Path) -> Result<File, RecordsError> {
    let file = open_private(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RecordsError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(e)) => Err(io_error(path, e)),
    }
}

fn open_private(path: &Path) -> Result<File, RecordsError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
    options.open(path).map_err(|e| io_error(path, e))
}

/// Takes the rights of others away from a file that is there, such as one copied from a backup.
fn narrow(path: &Path) -> Result<(), RecordsError> {
    match std::fs::set_permissions(path, Permissions::from_mode(FILE_MODE)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io_error(path, e)),
        _ => Ok(()),
    }
}

pub(super) fn io_error(path: &Path, source: io::Error) -> RecordsError {
    RecordsError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_folder_and_its_files_are_the_owners_only() {
        let above = tempfile::tempdir().unwrap();
        let database = above.path().join("a/b/records.db");
        let _claimed = DataFolder::claim(&database).unwrap();
        assert_eq!(mode(&above.path().join("a/b")), 0o700);
        assert_eq!(mode(&database), 0o600);
        assert_eq!(mode(&above.path().join("a/b/records.db.lock")), 0o600);
    }

    #[test]
    fn a_second_claim_is_refused_until_the_first_ends() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("records.db");
        let first = DataFolder::claim(&database).unwrap();
        assert!(matches!(DataFolder::claim(&database), Err(RecordsError::InUse { .. })));
        drop(first);
        assert!(DataFolder::claim(&database).is_ok());
    }

    #[test]
    fn an_open_folder_is_narrowed_when_empty_and_refused_when_not() {
        let folder = tempfile::tempdir().unwrap();
        let open = || std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        open();
        drop(DataFolder::claim(&folder.path().join("records.db")).unwrap());
        assert_eq!(mode(folder.path()), 0o700);
        open();
        let refused = DataFolder::claim(&folder.path().join("records.db"));
        assert!(matches!(refused, Err(RecordsError::TooOpen { mode: 0o755, wanted: 0o700, .. })));
        assert_eq!(mode(folder.path()), 0o755);
    }

    #[test]
    fn a_copied_database_loses_the_rights_of_others() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        let database = folder.path().join("records.db");
        std::fs::write(&database, []).unwrap();
        std::fs::set_permissions(&database, Permissions::from_mode(0o644)).unwrap();
        let _claimed = DataFolder::claim(&database).unwrap();
        assert_eq!(mode(&database), 0o600);
    }
}
