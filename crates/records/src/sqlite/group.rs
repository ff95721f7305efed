//! One transaction, and one wait for the disk, for all who write at the same moment.
//!
//! Each writer does its own work on the one connection, in turn, within a savepoint of the open
//! transaction. Who leaves while others wait for their turn leaves the commit to them; the last one
//! commits for all. So a disk that takes long to say that it has something is waited for once a group
//! and not once a writer ("group commit": DeWitt et al., Implementation Techniques for Main Memory
//! Database Systems, SIGMOD 1984). Nobody is told anything before the group is on the disk.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use diesel::{Connection as _, QueryResult};

use super::connection::{Conn, WRITER, connect};
use crate::RecordsError;

/// The most pieces of work in one transaction: the first of them waits for the last.
const MAX_PIECES: usize = 64;

/// Copies the write-ahead log into the database and cuts it to nothing.
const WIPE_LOG: &str = "PRAGMA wal_checkpoint(TRUNCATE);";

/// The one connection that writes, and those who share its transactions.
pub(super) struct GroupWriter {
    /// Those who are about to take their turn: one of them settles the open group.
    coming: AtomicUsize,
    turn: Mutex<Turn>,
}

/// What one writer at a time has.
pub(super) struct Turn {
    pub(super) conn: Conn,
    database: PathBuf,
    /// False when the connection has to be replaced before it is used again.
    sound: bool,
    group: Option<Group>,
    /// How often the disk was waited for.
    #[cfg(test)]
    pub(super) commits: usize,
}

/// The pieces of work in the open transaction.
#[derive(Default)]
struct Group {
    pieces: usize,
    /// Whether one of them deleted what must leave the write-ahead log too.
    wipe: bool,
    fate: Arc<Fate>,
}

/// What becomes of a group: whether it was kept, once that is known.
#[derive(Default)]
struct Fate {
    kept: Mutex<Option<bool>>,
    known: Condvar,
}

impl Fate {
    fn tell(&self, kept: bool) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        self.known.notify_all();
    }

    fn wait(&self) -> bool {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match *kept {
                Some(kept) => return kept,
                None => kept = self.known.wait(kept).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// How a piece of work went in its group.
enum Ended<T> {
    Settled(Result<T, RecordsError>),
    /// The whole group was undone, by no fault of this piece.
    Lost,
}

impl GroupWriter {
    pub(super) fn new(conn: Conn, database: &Path) -> Self {
        let turn = Turn {
            conn,
            database: database.to_owned(),
            sound: true,
            group: None,
            #[cfg(test)]
            commits: 0,
        };
        Self { coming: AtomicUsize::new(0), turn: Mutex::new(turn) }
    }

    /// Runs `work`, which is kept, on disk, when this returns `Ok`, and undone when it returns an
    /// error. `wipe` is for deletions. Work may be run again where its group was undone.
    pub(super) fn write<T>(
        &self,
        wipe: bool,
        work: impl Fn(&mut Conn) -> Result<T, RecordsError>,
    ) -> Result<T, RecordsError> {
        match self.with_others(wipe, &work) {
            Ended::Settled(outcome) => outcome,
            Ended::Lost => self.alone(wipe, &work),
        }
    }

    fn with_others<T>(&self, wipe: bool, work: impl Fn(&mut Conn) -> Result<T, RecordsError>) -> Ended<T> {
        let mut turn = self.enter();
        let (fate, pieces) = match turn.join(wipe) {
            Ok(joined) => joined,
            Err(error) => return Ended::Settled(Err(error)),
        };
        let outcome = turn.piece(work);
        if turn.group.is_none() {
            // It broke the transaction: its own error says why.
            return Ended::Settled(outcome);
        }
        if self.coming.load(Ordering::SeqCst) == 0 || pieces >= MAX_PIECES {
            return match turn.commit() {
                Ok(()) => Ended::Settled(outcome),
                Err(error) if pieces == 1 => Ended::Settled(outcome.and(Err(error))),
                Err(_) => Ended::Lost,
            };
        }
        drop(turn);
        if fate.wait() { Ended::Settled(outcome) } else { Ended::Lost }
    }

    /// As a group of its own, so that nobody else's failure is met.
    fn alone<T>(
        &self,
        wipe: bool,
        work: impl Fn(&mut Conn) -> Result<T, RecordsError>,
    ) -> Result<T, RecordsError> {
        let mut turn = self.enter();
        // The open group counts on who comes next; if it fails, its members hear of it by themselves.
        let _ = turn.commit();
        turn.join(wipe)?;
        let outcome = turn.piece(work);
        let kept = turn.commit();
        outcome.and_then(|done| kept.map(|()| done))
    }

    /// Waits for its turn. Whoever enters must join and settle the open group, or leave it to another
    /// who is coming.
    pub(super) fn enter(&self) -> MutexGuard<'_, Turn> {
        self.coming.fetch_add(1, Ordering::SeqCst);
        // A panic of a piece goes on only after the group was settled, so nothing is half done.
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.coming.fetch_sub(1, Ordering::SeqCst);
        turn
    }

    #[cfg(test)]
    pub(super) fn coming(&self) -> usize {
        self.coming.load(Ordering::SeqCst)
    }
}

impl Turn {
    /// Adds a piece to the open group, or begins one; the group's fate and its number of pieces.
    fn join(&mut self, wipe: bool) -> Result<(Arc<Fate>, usize), RecordsError> {
        if !self.sound {
            self.conn = connect(&self.database, WRITER)?;
            self.sound = true;
        }
        if self.group.is_none() {
            // Taking the lock at the start means that no statement within can find it taken.
            let begun = AnsiTransactionManager::begin_transaction_sql(&mut self.conn, "BEGIN IMMEDIATE");
            if let Err(error) = begun {
                self.sound = matches!(depth(&mut self.conn), Ok(None));
                return Err(error.into());
            }
        }
        let group = self.group.get_or_insert_default();
        group.pieces += 1;
        group.wipe |= wipe;
        Ok((Arc::clone(&group.fate), group.pieces))
    }

    /// Does one piece; what it did is undone if it fails, and nothing else unless it broke the whole
    /// transaction.
    fn piece<T>(&mut self, work: impl Fn(&mut Conn) -> Result<T, RecordsError>) -> Result<T, RecordsError> {
        let mut cause = None;
        let conn = &mut self.conn;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            conn.transaction(|conn| {
                work(conn).map_err(|error| {
                    cause = Some(error);
                    diesel::result::Error::RollbackTransaction
                })
            })
        }));
        match outcome {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                if !still_open(&mut self.conn) {
                    self.lose();
                }
                Err(cause.unwrap_or_else(|| error.into()))
            }
            Err(panic) => {
                self.lose();
                resume_unwind(panic)
            }
        }
    }

    /// Puts the open group on the disk and tells it so.
    fn commit(&mut self) -> Result<(), RecordsError> {
        let Some(group) = self.group.take() else { return Ok(()) };
        let kept = AnsiTransactionManager::commit_transaction(&mut self.conn);
        #[cfg(test)]
        {
            self.commits += 1;
        }
        if kept.is_err() {
            self.undo();
        } else if group.wipe {
            // The deletion itself is on disk already: a wipe that can't be done now is no failure.
            let _ = self.conn.batch_execute(WIPE_LOG);
        }
        group.fate.tell(kept.is_ok());
        Ok(kept?)
    }

    /// Undoes the open group and tells it so.
    fn lose(&mut self) {
        self.undo();
        if let Some(group) = self.group.take() {
            group.fate.tell(false);
        }
    }

    /// Ends whatever transaction is open. If that can't be done another connection takes this one's
    /// place.
    fn undo(&mut self) {
        while matches!(depth(&mut self.conn), Ok(Some(_)))
            && AnsiTransactionManager::rollback_transaction(&mut self.conn).is_ok()
        {}
        // One that diesel does not know of, such as that of `still_open`; mostly there is none.
        let _ = self.conn.batch_execute("ROLLBACK");
        self.sound = matches!(depth(&mut self.conn), Ok(None));
    }
}

/// How many transactions and savepoints diesel takes for open; an error where it can't follow any more,
/// as after a rollback that failed, and refuses the connection for ever.
fn depth(conn: &mut Conn) -> QueryResult<Option<NonZeroU32>> {
    AnsiTransactionManager::transaction_manager_status_mut(conn).transaction_depth()
}

/// Whether the transaction is open after a piece failed. SQLite ends it by itself where the disk is
/// full or fails (`sqlite3_get_autocommit`); then it lets another begin, which [`Turn::lose`] ends.
fn still_open(conn: &mut Conn) -> bool {
    depth(conn).is_ok() && conn.batch_execute("BEGIN").is_err()
}
