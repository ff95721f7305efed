//! All that is SQLite's own: how connections are made, shared and used.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};

use super::errors::from_message;
use super::folder::io_error;
use super::group::GroupWriter;
#[cfg(test)]
use super::group::Turn;
use crate::RecordsError;

/// The queries are written once for this; only this module knows more of SQLite.
pub(super) type Conn = SqliteConnection;

/// Reads take well under a millisecond, so a few connections serve many threads; each may hold
/// 2 MB of cache.
const READERS: usize = 4;

/// FULL: what is acknowledged survives a power cut, not only a kill. Deleted content is overwritten
/// with zeros (`secure_delete`) and never reaches a temporary file. A database is only waited for
/// when another program looks into it.
const COMMON: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
     PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;";
pub(super) const WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864;";
const READER: &str = "PRAGMA query_only = ON;";

/// One writer and a few readers on one database.
pub(super) struct Pool {
    database: PathBuf,
    writer: GroupWriter,
    readers: Vec<Mutex<Conn>>,
    turn: AtomicUsize,
}

impl Pool {
    /// Opens the database; `prepare` runs on the writer before any reader is made.
    pub(super) fn open(
        database: &Path,
        prepare: impl FnOnce(&mut Conn) -> Result<(), RecordsError>,
    ) -> Result<Self, RecordsError> {
        let mut writer = connect(database, WRITER)?;
        prepare(&mut writer)?;
        let readers =
            (0..READERS).map(|_| connect(database, READER).map(Mutex::new)).collect::<Result<_, _>>()?;
        Ok(Self {
            database: database.to_owned(),
            writer: GroupWriter::new(writer, database),
            readers,
            turn: AtomicUsize::new(0),
        })
    }

    /// Runs `work` in a transaction that is kept, on disk, when it returns `Ok`, and undone when
    /// it returns an error. It may be run again where what it did was undone through others.
    pub(super) fn write<T>(
        &self,
        work: impl Fn(&mut Conn) -> Result<T, RecordsError>,
    ) -> Result<T, RecordsError> {
        self.writer.write(false, work)
    }

    /// As [`Pool::write`] for deletions: what was deleted is wiped from the write-ahead log too,
    /// unless a reader is at work on it just then; in that case with the next one.
    pub(super) fn write_and_wipe<T>(
        &self,
        work: impl Fn(&mut Conn) -> Result<T, RecordsError>,
    ) -> Result<T, RecordsError> {
        self.writer.write(true, work)
    }

    /// Runs `work` on one unchanging state of the database.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, RecordsError>,
    ) -> Result<T, RecordsError> {
        let mut conn = self.reader()?;
        conn.transaction(work)
    }

    #[cfg(test)]
    pub(super) fn writer(&self) -> MutexGuard<'_, Turn> {
        self.writer.enter()
    }

    #[cfg(test)]
    pub(super) fn writers_coming(&self) -> usize {
        self.writer.coming()
    }

    /// A free reader, or a wait for one of them if all are at work.
    fn reader(&self) -> Result<MutexGuard<'_, Conn>, RecordsError> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.readers.len();
        let (wrapped, onward) = self.readers.split_at(first);
        for reader in onward.iter().chain(wrapped) {
            match reader.try_lock() {
                Ok(conn) => return Ok(conn),
                Err(TryLockError::Poisoned(poisoned)) => {
                    return self.renew(reader, poisoned.into_inner());
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let last = &self.readers[first];
        last.lock().or_else(|poisoned| self.renew(last, poisoned.into_inner()))
    }

    /// A connection whose holder panicked may be anywhere in a transaction: another takes its
    /// place, and closing it undoes the transaction.
    fn renew<'a>(
        &self,
        of: &Mutex<Conn>,
        mut conn: MutexGuard<'a, Conn>,
    ) -> Result<MutexGuard<'a, Conn>, RecordsError> {
        *conn = connect(&self.database, READER)?;
        of.clear_poison();
        Ok(conn)
    }
}

/// A connection outside any pool, for a look before the pool is made.
pub(super) fn look(database: &Path) -> Result<Conn, RecordsError> {
    connect(database, READER)
}

pub(super) fn connect(database: &Path, role: &str) -> Result<Conn, RecordsError> {
    let not_text = || io_error(database, std::io::ErrorKind::InvalidFilename.into());
    // An absolute path, because SQLite takes `file:` and `:memory:` at the start for something else.
    let path = std::path::absolute(database).map_err(|e| io_error(database, e))?;
    let mut conn =
        Conn::establish(path.to_str().ok_or_else(not_text)?).map_err(|e| from_message(&e.to_string()))?;
    conn.batch_execute(COMMON)?;
    conn.batch_execute(role)?;
    Ok(conn)
}
