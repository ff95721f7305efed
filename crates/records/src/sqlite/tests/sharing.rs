use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;

use diesel::connection::{AnsiTransactionManager, TransactionManager as _};

use super::*;
use crate::PageRequest;

/// Many threads at once: each enrollment is seen wholly or not at all, and none is lost.
#[test]
fn readers_see_whole_enrollments_while_others_write() {
    const WRITERS: usize = 4;
    const EACH: usize = 15;
    let folder = folder();
    let records = open(folder.path()).unwrap();
    records.ensure_tenant(&bank(), now()).unwrap();
    let start = Barrier::new(2 * WRITERS);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (records, start) = (&records, &start);
            scope.spawn(move || {
                start.wait();
                for i in 0..EACH {
                    records.enroll_test(&format!("c{writer}-{i:02}"), 3).unwrap();
                }
            });
            scope.spawn(move || {
                start.wait();
                for _ in 0..EACH {
                    let page = records.list_customers(&bank(), &PageRequest::default()).unwrap();
                    assert!(page.items.iter().all(|c| c.voiceprints.len() == 3));
                }
            });
        }
    });
    assert_eq!(records.verify_chain(&bank()).unwrap().count, (WRITERS * EACH) as i64);
}

/// A panic in the midst of a transaction undoes it, and the next one is served.
#[test]
fn a_panic_undoes_its_transaction_and_harms_nobody_else() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    records.enroll_test("a", 1).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        records.pool.write::<()>(|conn| {
            conn.batch_execute("DELETE FROM voiceprints")?;
            panic!("in the midst")
        })
    }));
    assert!(panicked.is_err());
    for _ in 0..8 {
        let panicked =
            catch_unwind(AssertUnwindSafe(|| records.pool.read::<()>(|_| panic!("while reading"))));
        assert!(panicked.is_err());
    }
    assert_eq!(records.customer_voiceprints(&bank(), &customer("a")).unwrap().len(), 1);
    records.enroll_test("b", 1).unwrap();
    assert_eq!(records.verify_chain(&bank()).unwrap().count, 2);
}

/// What diesel takes for broken, as after a rollback that failed, is replaced.
#[test]
fn a_broken_connection_is_replaced() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    let failed = records.pool.write::<()>(|conn| {
        AnsiTransactionManager::transaction_manager_status_mut(conn).set_in_error();
        Err(RecordsError::Busy)
    });
    assert!(matches!(failed, Err(RecordsError::Busy)));
    records.enroll_test("a", 1).unwrap();
}

/// Another program that holds the database is waited for and then named.
#[test]
fn a_database_locked_by_another_program_is_a_typed_error() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    records.enroll_test("a", 1).unwrap();
    records.pool.writer().conn.batch_execute("PRAGMA busy_timeout = 1").unwrap();
    let mut other = super::super::connection::look(&folder.path().join("records.db")).unwrap();
    other.batch_execute("PRAGMA query_only = OFF; BEGIN IMMEDIATE").unwrap();
    assert!(matches!(records.enroll_test("b", 1), Err(RecordsError::Busy)));
    assert!(records.customer(&bank(), &customer("a")).is_ok());
    other.batch_execute("ROLLBACK").unwrap();
    records.enroll_test("b", 1).unwrap();
}
