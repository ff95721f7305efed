use super::*;

/// Enrolls until the disk is full, then checks that the one that failed left nothing.
#[test]
fn a_full_disk_loses_and_halves_nothing_and_then_goes_on() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    records.enroll_test("first", 1).unwrap();
    let limit = |pages: u32| {
        let mut turn = records.pool.writer();
        turn.conn.batch_execute(&format!("PRAGMA max_page_count = {pages}")).unwrap();
    };
    limit(120);
    let mut kept = vec!["first".to_owned()];
    let failed = loop {
        let id = format!("c{:03}", kept.len());
        match records.enroll_test(&id, 30) {
            Ok(_) => kept.push(id),
            Err(RecordsError::DiskFull) => break id,
            Err(other) => panic!("{other}"),
        }
        assert!(kept.len() < 100, "the disk never got full");
    };
    assert!(kept.len() > 2);
    // Again and again, while it is full.
    for _ in 0..3 {
        let again = records.enroll_test(&failed, 30);
        assert!(matches!(again, Err(RecordsError::DiskFull)), "{again:?}");
    }
    check(&records, &kept, &failed);
    // Deleting is what makes space, so it must work on a full disk.
    let deleted = kept.pop().unwrap();
    records.delete_customer(&bank(), &customer(&deleted), &by(), now()).unwrap();
    records.enroll_test(&failed, 20).unwrap();
    kept.push(failed);
    check(&records, &kept, &deleted);
    limit(1_000_000);
    records.enroll_test(&deleted, 60).unwrap();
    kept.push(deleted);
    check(&records, &kept, "never");
    drop(records);
    check(&open(folder.path()).unwrap(), &kept, "never");
}

fn check(records: &SqliteRecords, kept: &[String], not_kept: &str) {
    let unknown = records.customer(&bank(), &customer(not_kept));
    assert!(matches!(unknown, Err(RecordsError::NotFound { .. })));
    let mut expected = 0;
    for id in kept {
        let infos = records.customer(&bank(), &customer(id)).unwrap().voiceprints;
        let opened = records.customer_voiceprints(&bank(), &customer(id)).unwrap();
        assert!(!opened.is_empty() && opened.len() == infos.len());
        expected += opened.len();
    }
    let mut found = 0;
    let count = &mut |_| {
        found += 1;
        std::ops::ControlFlow::Continue(())
    };
    records.for_each_customer_voiceprint(None, count).unwrap();
    assert_eq!(found, expected);
    let rows: i64 = records.pool.read(super::super::voiceprints::count_all).unwrap();
    assert_eq!(rows, expected as i64, "voiceprints that nobody owns");
    records.verify_chain(&bank()).unwrap();
}
