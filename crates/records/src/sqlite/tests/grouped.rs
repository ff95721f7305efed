//! Many who write at once share transactions, and nothing else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Runs `each` on so many threads at once while the writer is held, so that they form one group; what
/// each came to.
fn together<T: Send>(
    records: &SqliteRecords,
    threads: usize,
    each: impl Fn(usize) -> T + Send + Sync,
) -> Vec<T> {
    let held = records.pool.writer();
    std::thread::scope(|scope| {
        let each = &each;
        let all: Vec<_> = (0..threads).map(|n| scope.spawn(move || each(n))).collect();
        while records.pool.writers_coming() < threads {
            std::thread::yield_now();
        }
        drop(held);
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn has(records: &SqliteRecords, id: &str) -> bool {
    match records.customer(&bank(), &customer(id)) {
        Ok(found) => found.voiceprints.len() == 2,
        Err(RecordsError::NotFound { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

fn enroll(records: &SqliteRecords, n: usize) -> Result<(), RecordsError> {
    records.enroll(&bank(), &enrollment(&format!("c{n:03}"), 2), &by(), now()).map(drop)
}

/// So many enrollments, of which every third is something else; all the others must be kept.
fn among(
    records: &SqliteRecords,
    threads: usize,
    else_do: impl Fn() -> Result<(), RecordsError> + Sync,
) -> usize {
    let done = together(records, threads, |n| if n % 3 == 1 { else_do() } else { enroll(records, n) });
    for (n, done) in done.iter().enumerate() {
        let kept = n % 3 != 1;
        assert_eq!((done.is_ok(), has(records, &format!("c{n:03}"))), (kept, kept), "{n}: {done:?}");
    }
    let kept = done.iter().filter(|d| d.is_ok()).count();
    assert_eq!(records.verify_chain(&bank()).unwrap().count, kept as i64);
    records.pool.writer().commits
}

fn opened(folder: &Path) -> SqliteRecords {
    let records = open(folder).unwrap();
    records.ensure_tenant(&bank(), now()).unwrap();
    records.pool.writer().commits = 0;
    records
}

#[test]
fn those_who_write_at_once_wait_for_the_disk_once() {
    let folder = folder();
    let records = opened(folder.path());
    for (threads, commits) in [(1, 1), (16, 1), (64, 1), (70, 2)] {
        records.pool.writer().commits = 0;
        let done = together(&records, threads, |n| enroll(&records, 1000 * threads + n));
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        assert_eq!(records.pool.writer().commits, commits, "{threads} at once");
    }
    drop(records);
    let records = open(folder.path()).unwrap();
    for threads in [1, 16, 64, 70] {
        assert!((0..threads).all(|n| has(&records, &format!("c{}", 1000 * threads + n))), "{threads}");
    }
}

#[test]
fn a_failure_undoes_its_own_work_only() {
    let folder = folder();
    let records = opened(folder.path());
    let commits = among(&records, 24, || {
        records.pool.write(|conn| {
            conn.batch_execute("DELETE FROM voiceprints; DELETE FROM audit;")?;
            Err(RecordsError::Busy)
        })
    });
    assert_eq!(commits, 1);
}

#[test]
fn a_panic_in_a_group_harms_nobody_else() {
    let folder = folder();
    let records = opened(folder.path());
    among(&records, 12, || {
        let panicked = catch_unwind(AssertUnwindSafe(|| records.pool.write::<()>(|_| panic!("in a group"))));
        assert!(panicked.is_err());
        Err(RecordsError::Busy)
    });
}

/// SQLite ends the whole transaction by itself when the disk is full in the midst of a statement.
#[test]
fn a_transaction_that_ends_by_itself_loses_nobody_elses_work() {
    let folder = folder();
    let records = opened(folder.path());
    among(&records, 12, || {
        records.pool.write(|conn| {
            conn.batch_execute("ROLLBACK")?;
            Err(RecordsError::DiskFull)
        })
    });
}

/// A constraint that is looked at only at the commit makes the whole group's commit fail.
#[test]
fn a_commit_that_fails_fails_only_whom_it_must() {
    let folder = folder();
    let records = opened(folder.path());
    among(&records, 12, || {
        let orphan = "PRAGMA defer_foreign_keys = ON; \
             INSERT INTO subjects (subject_id, tenant_id) VALUES ('s', 'nobody');";
        records.pool.write(|conn| Ok(conn.batch_execute(orphan)?))
    });
}

/// Without a held writer, as it comes, for a while: what was acknowledged is there, what was refused
/// is not.
#[test]
fn any_mix_of_writers_keeps_what_it_acknowledged() {
    const THREADS: usize = 12;
    let folder = folder();
    let records = opened(folder.path());
    let (start, kept) = (Barrier::new(THREADS), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (records, start, kept) = (&records, &start, &kept);
            scope.spawn(move || {
                start.wait();
                for round in 0..12 {
                    let n = 100 * thread + round;
                    match (thread + round) % 5 {
                        0 => assert!(records.pool.write::<()>(|_| Err(RecordsError::Busy)).is_err()),
                        1 => {
                            enroll(records, n).unwrap();
                            assert!(matches!(enroll(records, n), Err(RecordsError::AlreadyExists { .. })));
                            kept.fetch_add(1, Ordering::SeqCst);
                        }
                        _ => {
                            enroll(records, n).unwrap();
                            assert!(has(records, &format!("c{n:03}")), "acknowledged and not there");
                            kept.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                }
            });
        }
    });
    let kept = kept.into_inner();
    assert_eq!(records.verify_chain(&bank()).unwrap().count, kept as i64);
    drop(records);
    let records = open(folder.path()).unwrap();
    let rows: i64 = records.pool.read(super::super::voiceprints::count_all).unwrap();
    assert_eq!(rows, 2 * kept as i64);
}
