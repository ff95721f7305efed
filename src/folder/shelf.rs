use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::arrivals::{marker, sidecar};
use super::listing::{self, EXTENSIONS};
use super::refused::Refused;

/// The longest name that is taken, in bytes: results and reasons add an ending to it, and file systems
/// end at 255.
pub(super) const MAX_NAME_BYTES: usize = 200;

/// How often the same name may come again.
const MAX_SAME_NAME: u32 = 100_000;

const LOCK: &str = ".earmark-watch.lock";
const UNFINISHED: &str = ".earmark-unfinished-";

/// Where recordings go when they are done with: the results' and the reasons' place too.
///
/// What is told of a recording is on the disk before the recording moves, so that one that is found in
/// the folder was not done with, and one in `done/` has its result.
pub(crate) struct Shelf {
    folder: PathBuf,
    done: PathBuf,
    failed: PathBuf,
    /// Recordings that are finished stay where they are.
    leave: bool,
    /// One at a time chooses a free name.
    turn: Mutex<()>,
    unfinished: AtomicU64,
    /// Holds other programs off while it is open.
    _lock: File,
}

impl Shelf {
    /// Takes a folder, for this process alone, and finishes what a former one was killed in.
    pub(crate) fn open(folder: &Path, leave: bool) -> Result<Self> {
        let what = || format!("can't use folder {}", folder.display());
        let folder = folder.canonicalize().with_context(what)?;
        let lock = listing::open_lock(&folder.join(LOCK)).with_context(what)?;
        if lock.try_lock().is_err() {
            bail!("folder {} is watched by another process; stop it first", folder.display());
        }
        let (done, failed) = (own_folder(folder.join("done"))?, own_folder(folder.join("failed"))?);
        let (turn, unfinished) = (Mutex::default(), AtomicU64::default());
        let shelf = Self { folder, done, failed, leave, turn, unfinished, _lock: lock };
        shelf.recover().context("can't finish what was begun before")?;
        Ok(shelf)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether a recording that stays in the folder has a result that is not older than it.
    pub(super) fn has_result(&self, recording: &OsStr) -> bool {
        if !self.leave {
            return false;
        }
        let (recorded, told) = (self.folder.join(recording), self.folder.join(result_name(recording)));
        match (listing::stamp(&recorded), listing::stamp(&told)) {
            (Some(recorded), Some(told)) => !recorded.is_later_than(&told),
            _ => false,
        }
    }

    /// Writes the result and puts the recording with what belongs to it away.
    pub(super) fn finish(&self, recording: &OsStr, result: &str) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.leave {
            self.write(&self.folder, &result_name(recording), result)?;
            return remove(&self.folder.join(marker(recording)));
        }
        let name = self.free_name(&self.done, recording)?;
        self.write(&self.done, &result_name(&name), result)?;
        self.put_away(recording, &self.done, &name)?;
        // A recording that was set aside, mended and put back.
        match self.failed.join(recording).symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                remove(&self.failed.join(reason_name(recording)))
            }
            _ => Ok(()),
        }
    }

    /// Writes the reason and sets the recording with what belongs to it aside.
    pub(super) fn set_aside(&self, recording: &OsStr, refused: &Refused) -> io::Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let name = self.free_name(&self.failed, &short(recording))?;
        let reason = format!(
            "{}\n\nrecording: {}\nwhat is wrong: {refused}\n\nWhen it is mended, move the recording (and its \
             sidecar) back into the folder above.\n",
            refused.code(),
            recording.to_string_lossy().escape_debug(),
        );
        self.write(&self.failed, &reason_name(&name), &reason)?;
        self.put_away(recording, &self.failed, &name)
    }

    /// Moves a recording, then its sidecar; takes its marker away. In this order: a sidecar without its
    /// recording is found again at the next start, a recording without its sidecar would be refused.
    fn put_away(&self, recording: &OsStr, to: &Path, name: &OsStr) -> io::Result<()> {
        fs::rename(self.folder.join(recording), to.join(name))?;
        rename_if_there(&self.folder.join(sidecar(recording)), &to.join(sidecar(name)))?;
        remove(&self.folder.join(marker(recording)))?;
        sync(to)?;
        sync(&self.folder)
    }

    /// The name itself, or with a number before its ending where it or its sidecar's is taken.
    fn free_name(&self, to: &Path, recording: &OsStr) -> io::Result<OsString> {
        let is_free = |name: &OsStr| {
            listing::stamp(&to.join(name)).is_none() && listing::stamp(&to.join(sidecar(name))).is_none()
        };
        let numbered =
            |number| if number == 1 { recording.to_owned() } else { with_number(recording, number) };
        let mut names = (1..=MAX_SAME_NAME).map(numbered);
        names.find(|name| is_free(name)).ok_or_else(|| {
            let text = format!("{} holds {MAX_SAME_NAME} recordings of one name; clear it", to.display());
            io::Error::other(text)
        })
    }

    /// Writes a file so that it is there whole or not at all.
    fn write(&self, to: &Path, name: &OsStr, text: &str) -> io::Result<()> {
        let number = self.unfinished.fetch_add(1, Ordering::Relaxed);
        let unfinished = to.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
        let written = File::create_new(&unfinished).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, to.join(name))?;
            sync(to)
        });
        written.inspect_err(|_| drop(fs::remove_file(&unfinished)))
    }

    /// Removes half-written files, and lets sidecars follow their recordings.
    fn recover(&self) -> io::Result<()> {
        for folder in [&self.folder, &self.done, &self.failed] {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                    remove(&entry.path())?;
                }
            }
        }
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            if Path::new(&name).extension().is_some_and(|e| e == "json") && !self.leave {
                self.follow(Path::new(&name))?;
            }
        }
        Ok(())
    }

    /// Moves a sidecar that was left behind to its recording; one whose recording has yet to come stays.
    fn follow(&self, sidecar: &Path) -> io::Result<()> {
        let is_with = |folder: &Path| {
            EXTENSIONS.iter().any(|e| listing::stamp(&folder.join(sidecar.with_extension(e))).is_some())
        };
        if is_with(&self.folder) {
            return Ok(());
        }
        for folder in [&self.done, &self.failed] {
            if is_with(folder) && listing::stamp(&folder.join(sidecar)).is_none() {
                rename_if_there(&self.folder.join(sidecar), &folder.join(sidecar))?;
                return remove(&self.folder.join(sidecar.with_extension("done")));
            }
        }
        Ok(())
    }
}

/// Makes a folder of ours if it is not there; a link in its place is refused.
fn own_folder(path: PathBuf) -> Result<PathBuf> {
    let what = || format!("can't use folder {}", path.display());
    match fs::create_dir(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error).with_context(what)?,
        _ => {}
    }
    if !path.symlink_metadata().with_context(what)?.is_dir() {
        bail!("{} is no folder of its own; move it away", path.display());
    }
    Ok(path)
}

fn result_name(recording: &OsStr) -> OsString {
    [recording, OsStr::new(".result.json")].into_iter().collect()
}

fn reason_name(recording: &OsStr) -> OsString {
    [recording, OsStr::new(".reason.txt")].into_iter().collect()
}

fn with_number(recording: &OsStr, number: u32) -> OsString {
    let path = Path::new(recording);
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    name
}

/// A name that an ending can be added to.
fn short(recording: &OsStr) -> OsString {
    if recording.len() <= MAX_NAME_BYTES {
        return recording.to_owned();
    }
    let digest = Sha256::digest(recording.as_encoded_bytes());
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let name = PathBuf::from(format!("long-name-{hex}"));
    let extension = Path::new(recording).extension().unwrap_or_default();
    name.with_extension(extension).into_os_string()
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    none_if_missing(fs::rename(from, to))
}

fn remove(path: &Path) -> io::Result<()> {
    none_if_missing(fs::remove_file(path))
}

fn none_if_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes renames within a folder survive a power cut.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
