use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use earmark_voiceprint::{Seal, SealError, Sealed};
use zeroize::{Zeroize as _, Zeroizing};

use crate::RecordsError;
use crate::seal::{KEY_BYTES, Keyring, SealKey};
use crate::sqlite::{folder_of, holds_sealed_voiceprints, make_private};

const HEADER: &str =
    "earmark keys, version 1. Keep a copy apart from the data: without it no voiceprint opens.";
/// Some 200 keys: a rotation a month for 16 years.
const MAX_FILE_BYTES: u64 = 16 * 1024;
const OWNER_ONLY: u32 = 0o600;

/// The keys that seal voiceprints, from a file that only its owner may read. The newest seals,
/// the older ones open what they sealed. Wiped from memory when dropped; `Debug` shows ids only.
///
/// The file is text: a header, then a line `key-id base64-of-32-bytes` for each key, oldest first.
#[derive(Debug)]
pub struct KeyFile {
    keyring: Keyring,
}

impl KeyFile {
    /// Opens the key file at `path`. At the very first start, when there is neither a key file nor
    /// a sealed voiceprint in `database`, makes one from the system's randomness; two processes
    /// that start at once end up with the same one. The folder of `database` is then made too, as
    /// [`crate::SqliteRecords::open`] would.
    ///
    /// # Errors
    /// [`RecordsError::KeyFileMissing`], [`RecordsError::TooOpen`],
    /// [`RecordsError::KeyFileMalformed`] or [`RecordsError::Io`].
    pub fn open_or_create(path: &Path, database: &Path) -> Result<Self, RecordsError> {
        if let Some(found) = Self::open(path)? {
            return Ok(found);
        }
        if holds_sealed_voiceprints(database)? {
            return Err(RecordsError::KeyFileMissing { path: path.to_owned() });
        }
        // Before there is anything in it: later it could only be refused.
        make_private(folder_of(database))?;
        let content = Zeroizing::new(format!("{HEADER}\n{}", new_line()?.as_str()));
        create(path, &content)?;
        Self::open(path)?.ok_or_else(|| RecordsError::KeyFileMissing { path: path.to_owned() })
    }

    /// Adds a new key to the file at `path`; it seals from the next start on. Returns its id.
    ///
    /// # Errors
    /// As [`KeyFile::open_or_create`]; a file that is not there is [`RecordsError::KeyFileMissing`].
    pub fn rotate(path: &Path) -> Result<String, RecordsError> {
        let missing = || RecordsError::KeyFileMissing { path: path.to_owned() };
        let before = read(path)?.ok_or_else(missing)?;
        parse(path, &before)?;
        let content = Zeroizing::new(format!("{}\n{}", before.trim_end(), new_line()?.as_str()));
        let temporary = write_beside(path, &content)?;
        std::fs::rename(&temporary, path).map_err(|e| io_error(path, e))?;
        sync_folder(path)?;
        Ok(parse(path, &content)?.newest().id().to_owned())
    }

    /// The id of the key that seals.
    #[must_use]
    pub fn newest_key_id(&self) -> &str {
        self.keyring.newest().id()
    }

    /// A key for another use than sealing, such as to sign a session: the same at every start until
    /// the keys are rotated.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; KEY_BYTES] {
        self.keyring.newest().derive(purpose)
    }

    fn open(path: &Path) -> Result<Option<Self>, RecordsError> {
        let Some(content) = read(path)? else { return Ok(None) };
        Ok(Some(Self { keyring: parse(path, &content)? }))
    }
}

impl Seal for KeyFile {
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, SealError> {
        self.keyring.seal(plain, context)
    }

    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, SealError> {
        self.keyring.open(sealed, context)
    }
}

/// The content, or `None` if there is no such file. The permissions are those of the opened file,
/// so that it can't be exchanged between the look and the reading.
fn read(path: &Path) -> Result<Option<Zeroizing<String>>, RecordsError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io_error(path, e)),
    };
    let facts = file.metadata().map_err(|e| io_error(path, e))?;
    let mode = facts.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(RecordsError::TooOpen { path: path.to_owned(), mode, wanted: OWNER_ONLY });
    }
    if !facts.is_file() || facts.len() > MAX_FILE_BYTES {
        return Err(malformed(path, 1));
    }
    // Room for all of it at once: a string that grows leaves copies of the keys behind.
    let mut content = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize + 1));
    match file.take(MAX_FILE_BYTES).read_to_string(&mut content) {
        Ok(_) => Ok(Some(content)),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(malformed(path, 1)),
        Err(e) => Err(io_error(path, e)),
    }
}

fn parse(path: &Path, content: &str) -> Result<Keyring, RecordsError> {
    let mut lines = content.lines();
    if lines.next() != Some(HEADER) {
        return Err(malformed(path, 1));
    }
    let mut keys = Vec::new();
    for (i, line) in lines.enumerate() {
        keys.push(parse_line(line).ok_or_else(|| malformed(path, i + 2))?);
    }
    let newest = keys.pop().ok_or_else(|| malformed(path, 2))?;
    Ok(Keyring::new(keys, newest))
}

fn parse_line(line: &str) -> Option<SealKey> {
    let (id, encoded) = line.split_once(' ')?;
    // The decoder wants room for the whole last group of three.
    let mut decoded = Zeroizing::new([0; KEY_BYTES + 1]);
    let length = STANDARD.decode_slice(encoded, decoded.as_mut_slice()).ok()?;
    let (key, _) = decoded.split_first_chunk::<KEY_BYTES>()?;
    let key = SealKey::new(&Zeroizing::new(*key));
    (length == KEY_BYTES && key.id() == id).then_some(key)
}

fn new_line() -> Result<Zeroizing<String>, RecordsError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice()).map_err(|_| RecordsError::Seal(SealError::Cipher))?;
    let mut encoded = STANDARD.encode(key.as_slice());
    let line = Zeroizing::new(format!("{} {encoded}\n", SealKey::new(&key).id()));
    encoded.zeroize();
    Ok(line)
}

/// Puts a complete file at `path` in one step, unless there is one: a kill leaves no half of a
/// key, and a file that another process has just made is never overwritten.
fn create(path: &Path, content: &str) -> Result<(), RecordsError> {
    let temporary = write_beside(path, content)?;
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary).map_err(|e| io_error(&temporary, e))?;
    match linked {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(io_error(path, e)),
        _ => sync_folder(path),
    }
}

fn write_beside(path: &Path, content: &str) -> Result<PathBuf, RecordsError> {
    let temporary = path.with_added_extension(uuid::Uuid::new_v4().simple().to_string());
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&temporary)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e| io_error(&temporary, e))?;
    Ok(temporary)
}

/// A new name in a folder survives a power cut only once the folder is synced.
fn sync_folder(path: &Path) -> Result<(), RecordsError> {
    let folder = folder_of(path);
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| io_error(folder, e))
}

fn io_error(path: &Path, source: io::Error) -> RecordsError {
    RecordsError::Io { path: path.to_owned(), source }
}

fn malformed(path: &Path, line: usize) -> RecordsError {
    RecordsError::KeyFileMalformed { path: path.to_owned(), line }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::sync::Barrier;

    use proptest::prelude::*;

    use super::*;

    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let place = Self { folder: tempfile::tempdir().unwrap() };
            std::fs::set_permissions(place.folder.path(), Permissions::from_mode(0o700)).unwrap();
            place
        }

        fn keys(&self) -> PathBuf {
            self.folder.path().join("keys")
        }

        fn open(&self) -> Result<KeyFile, RecordsError> {
            KeyFile::open_or_create(&self.keys(), &self.folder.path().join("records.db"))
        }

        fn write(&self, content: &[u8]) {
            std::fs::write(self.keys(), content).unwrap();
            self.set_mode(0o600);
        }

        fn set_mode(&self, mode: u32) {
            std::fs::set_permissions(self.keys(), Permissions::from_mode(mode)).unwrap();
        }
    }

    #[test]
    fn made_once_for_the_owner_only_and_alone_in_its_folder() {
        let place = Place::new();
        let made = place.open().unwrap();
        assert_eq!(place.keys().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(place.folder.path().read_dir().unwrap().count(), 1);
        let sealed = made.seal(b"print", b"row").unwrap();
        let again = place.open().unwrap();
        assert_eq!(again.open(&sealed, b"row").unwrap(), b"print");
        assert_ne!(Place::new().open().unwrap().newest_key_id(), made.newest_key_id());
    }

    #[test]
    fn two_that_start_at_once_get_the_same_key() {
        let place = Place::new();
        let start = Barrier::new(8);
        let ids: Vec<String> = std::thread::scope(|scope| {
            let open = || {
                start.wait();
                place.open().unwrap().newest_key_id().to_owned()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }

    #[test]
    fn open_to_others_it_is_refused() {
        let place = Place::new();
        place.open().unwrap();
        for mode in [0o640, 0o604, 0o660, 0o601, 0o620] {
            place.set_mode(mode);
            let refused = place.open();
            assert!(
                matches!(refused, Err(RecordsError::TooOpen { mode: m, wanted: 0o600, .. }) if m == mode)
            );
        }
        for mode in [0o600, 0o400] {
            place.set_mode(mode);
            place.open().unwrap();
        }
    }

    #[test]
    fn a_rotated_file_opens_the_old_and_seals_with_the_new() {
        let place = Place::new();
        let sealed = place.open().unwrap().seal(b"print", b"row").unwrap();
        let newest = KeyFile::rotate(&place.keys()).unwrap();
        let rotated = place.open().unwrap();
        assert_eq!(rotated.newest_key_id(), newest);
        assert_ne!(newest, sealed.key_id);
        assert_eq!(rotated.open(&sealed, b"row").unwrap(), b"print");
        assert_eq!(rotated.seal(b"print", b"row").unwrap().key_id, newest);
        assert_eq!(place.keys().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(place.folder.path().read_dir().unwrap().count(), 1);
        let missing = KeyFile::rotate(&place.folder.path().join("none"));
        assert!(matches!(missing, Err(RecordsError::KeyFileMissing { .. })));
    }

    #[test]
    fn debug_and_errors_hide_the_key() {
        let place = Place::new();
        let keys = place.open().unwrap();
        let content = std::fs::read_to_string(place.keys()).unwrap();
        let encoded = content.split_whitespace().last().unwrap();
        assert!(!format!("{keys:?}").contains(encoded));
        place.write(content.replace(HEADER, "other").as_bytes());
        let error = place.open().unwrap_err();
        assert!(!format!("{error} {error:?}").contains(encoded));
    }

    #[test]
    fn what_is_no_key_file_is_refused_and_left_alone() {
        let place = Place::new();
        place.open().unwrap();
        let good = std::fs::read_to_string(place.keys()).unwrap();
        let line = good.lines().nth(1).unwrap();
        let short = format!("{HEADER}\n{} {}\n", &line[..16], STANDARD.encode([0; 31]));
        let long = format!("{HEADER}\n{} {}\n", &line[..16], STANDARD.encode([0; 33]));
        let bad = [
            (String::new(), 1),
            (format!("{HEADER}\n"), 2),
            (line.to_owned(), 1),
            (short, 2),
            (long, 2),
            (format!("{good}{}\n", &line[..40]), 3),
            (format!("{good}\n"), 3),
            (good.repeat(200), 1),
        ];
        for (content, at) in bad {
            place.write(content.as_bytes());
            let refused = place.open();
            assert!(
                matches!(refused, Err(RecordsError::KeyFileMalformed { line, .. }) if line == at),
                "{at}"
            );
            assert_eq!(std::fs::read_to_string(place.keys()).unwrap(), content);
        }
        place.write(b"\xff\xfe");
        assert!(matches!(place.open(), Err(RecordsError::KeyFileMalformed { line: 1, .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_altered_byte_or_cut_is_noticed(at in any::<prop::sample::Index>(), to in any::<u8>(), cut in any::<bool>()) {
            let place = Place::new();
            place.open().unwrap();
            let good = std::fs::read(place.keys()).unwrap();
            let mut bad = good.clone();
            // The line break at the very end is no part of any key.
            let at = at.index(good.len() - 1);
            if cut { bad.truncate(at) } else { bad[at] = to }
            prop_assume!(bad != good);
            place.write(&bad);
            let refused = matches!(place.open(), Err(RecordsError::KeyFileMalformed { .. }));
            prop_assert!(refused);
        }
    }
}
