use std::ops::ControlFlow;

use earmark_voiceprint::SealError;
use proptest::prelude::*;

use super::*;
use crate::VoiceprintId;

fn first_damaged(records: &SqliteRecords) -> Option<(VoiceprintId, SealError)> {
    match records.for_each_customer_voiceprint(None, &mut |_| ControlFlow::Continue(())) {
        Ok(()) => None,
        Err(RecordsError::DamagedVoiceprint { id, source }) => Some((id, source)),
        Err(other) => panic!("{other}"),
    }
}

/// A sealed voiceprint opens only in its own row, as the model's and tenant's it was sealed for.
#[test]
fn a_moved_or_altered_voiceprint_is_named() {
    let set = |column: &str, value: &str| {
        format!("UPDATE voiceprints SET {column} = {value} WHERE voiceprint_id = 2")
    };
    let changes = [
        set("sealed", "(SELECT sealed FROM voiceprints WHERE voiceprint_id = 1)"),
        set("sealed", "substr(sealed, 1, length(sealed) - 1)"),
        set("sealed", "x''"),
        set("model_id", "'other/0'"),
        set("net_speech_s", "net_speech_s + 1"),
        set("tenant_id", "'fund'"),
        set("subject_id", "(SELECT subject_id FROM voiceprints WHERE voiceprint_id = 3)"),
    ];
    for change in changes {
        let folder = folder();
        let records = open(folder.path()).unwrap();
        records.ensure_tenant(&TenantId::new("fund").unwrap(), now()).unwrap();
        records.enroll_test("a", 2).unwrap();
        records.enroll_test("b", 1).unwrap();
        assert_eq!(first_damaged(&records), None);
        records.run_sql(&change);
        let id = VoiceprintId::from_number(2).unwrap();
        assert_eq!(first_damaged(&records), Some((id, SealError::Tampered)), "{change}");
    }
}

#[test]
fn an_error_says_which_row_and_no_numbers() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    records.enroll_test("a", 1).unwrap();
    records.run_sql("UPDATE voiceprints SET sealed = zeroblob(length(sealed))");
    let error = records.customer_voiceprints(&bank(), &customer("a")).unwrap_err();
    let said = "stored voiceprint 1 can't be opened: a sealed record was altered or is damaged; restore it from a backup";
    assert_eq!(error.to_string(), said);
    // What is wrong with one customer's voiceprint does not keep the customer from being deleted.
    records.delete_customer(&bank(), &customer("a"), &by(), now()).unwrap();
    assert_eq!(first_damaged(&records), None);
}

#[test]
fn what_this_program_never_writes_is_named() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    records.enroll_test("a", 1).unwrap();
    records.run_sql("UPDATE customers SET status = 'unheard of'");
    let error = records.customer(&bank(), &customer("a")).unwrap_err();
    assert_eq!(error.to_string(), "stored customer a is damaged; restore the database from a backup");
}

/// An altered, removed, inserted or reordered entry, and a cut end.
#[test]
fn every_change_to_the_audit_trail_is_found() {
    let changes = [
        ("UPDATE audit SET actor = 'other' WHERE sequence = 3", 3),
        ("UPDATE audit SET at = at + 1 WHERE sequence = 1", 1),
        ("UPDATE audit SET object_id = 'x' WHERE sequence = 5", 5),
        ("UPDATE audit SET detail = '' WHERE sequence = 2", 2),
        ("DELETE FROM audit WHERE sequence = 2", 2),
        ("DELETE FROM audit WHERE sequence = 5", 5),
        ("DELETE FROM audit", 1),
        (
            "UPDATE audit SET sequence = 9 WHERE sequence = 2; UPDATE audit SET sequence = 2 WHERE sequence = 3; \
             UPDATE audit SET sequence = 3 WHERE sequence = 9",
            2,
        ),
        (
            "INSERT INTO audit SELECT tenant_id, 6, at, actor, action, object_id, detail, hash FROM audit \
             WHERE sequence = 5",
            6,
        ),
        ("UPDATE tenants SET audit_head = zeroblob(32)", 6),
    ];
    for (change, at) in changes {
        let folder = folder();
        let records = open(folder.path()).unwrap();
        for i in 0..5 {
            records.enroll_test(&format!("c{i}"), 1).unwrap();
        }
        assert_eq!(records.verify_chain(&bank()).unwrap().count, 5);
        records.run_sql(change);
        match records.verify_chain(&bank()) {
            Err(RecordsError::AuditBroken { sequence, .. }) => assert_eq!(sequence, at, "{change}"),
            other => panic!("{change}: {other:?}"),
        }
    }
}

/// Neither the name nor the sealed voiceprint of a deleted customer is in any file.
#[test]
fn what_is_deleted_is_in_no_file() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    for i in 0..20 {
        records.enroll_test(&format!("c{i}"), 3).unwrap();
    }
    let rows =
        records.pool.read(|conn| super::super::customers::sealed(conn, &bank(), &customer("c7"))).unwrap();
    let mut traces: Vec<Vec<u8>> = rows.iter().map(|row| row.sealed_bytes()[20..60].to_vec()).collect();
    traces.push(b"name of c7".to_vec());
    traces.push(rows[0].subject().as_bytes().to_vec());
    let is_there = |trace: &Vec<u8>| {
        folder.path().read_dir().unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(trace.len()).any(|window| window == trace)
        })
    };
    assert!(traces.iter().all(is_there));
    let mut other = enrollment("c7", 1);
    (other.mode, other.display_name) = (EnrollMode::Replace, Some("another name".to_owned()));
    records.enroll(&bank(), &other, &by(), now()).unwrap();
    assert!(!traces.iter().any(is_there), "after a replacement");
    records.delete_customer(&bank(), &customer("c7"), &by(), now()).unwrap();
    traces.push(b"another name".to_vec());
    assert!(!traces.iter().any(is_there));
    assert_eq!(records.verify_chain(&bank()).unwrap().count, 22);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn any_flipped_bit_of_a_stored_voiceprint_is_found(at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let folder = folder();
        let records = open(folder.path()).unwrap();
        records.enroll_test("a", 1).unwrap();
        let rows = records.pool.read(|conn| super::super::customers::sealed(conn, &bank(), &customer("a"))).unwrap();
        let mut bytes = rows[0].sealed_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        records.run_sql(&format!("UPDATE voiceprints SET sealed = x'{hex}'"));
        prop_assert_eq!(first_damaged(&records), Some((VoiceprintId::from_number(1).unwrap(), SealError::Tampered)));
    }
}
