use diesel::RunQueryDsl as _;
use earmark_voiceprint::Seal;

use super::*;
use crate::seal::{KEY_BYTES, Keyring, SealKey};

#[test]
fn what_was_kept_is_there_after_opening_again() {
    let folder = folder();
    let done = open(folder.path()).unwrap().enroll_test("c", 2).unwrap();
    let records = open(folder.path()).unwrap();
    let found = records.customer_voiceprints(&bank(), &customer("c")).unwrap();
    assert!(found.iter().map(|v| v.info.id).eq(done.added));
    for file in folder.path().read_dir().unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.file_name());
    }
}

/// What is acknowledged is on the disk, and what is deleted is overwritten.
#[test]
fn the_writer_is_durable_and_wipes() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    let mut writer = records.pool.writer();
    let pragmas = [("synchronous", 2), ("foreign_keys", 1), ("secure_delete", 1), ("temp_store", 2)];
    for (pragma, expected) in pragmas {
        let query = format!("SELECT {pragma} AS count FROM pragma_{pragma}");
        let found: super::super::Count = diesel::sql_query(query).get_result(&mut writer.conn).unwrap();
        assert_eq!(found.count, expected, "{pragma}");
    }
    let wal = "SELECT count(*) AS count FROM pragma_journal_mode WHERE journal_mode = 'wal'";
    let found: super::super::Count = diesel::sql_query(wal).get_result(&mut writer.conn).unwrap();
    assert_eq!(found.count, 1);
}

#[test]
fn one_folder_is_served_by_one() {
    let folder = folder();
    let first = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(RecordsError::InUse { .. })));
    drop(first);
    open(folder.path()).unwrap();
}

#[test]
fn no_key_is_made_while_there_are_sealed_voiceprints() {
    let folder = folder();
    open(folder.path()).unwrap();
    std::fs::remove_file(folder.path().join("keys")).unwrap();
    open(folder.path()).unwrap().enroll_test("c", 1).unwrap();
    let away = folder.path().join("keys.away");
    std::fs::rename(folder.path().join("keys"), &away).unwrap();
    assert!(matches!(open(folder.path()), Err(RecordsError::KeyFileMissing { .. })));
    assert!(!folder.path().join("keys").exists());
    std::fs::rename(&away, folder.path().join("keys")).unwrap();
    let records = open(folder.path()).unwrap();
    assert_eq!(records.customer_voiceprints(&bank(), &customer("c")).unwrap().len(), 1);
}

#[test]
fn another_key_is_refused_and_a_rotated_one_taken() {
    let folder = folder();
    open(folder.path()).unwrap().enroll_test("old", 1).unwrap();
    let database = folder.path().join("records.db");
    let stranger = SealKey::new(&zeroize::Zeroizing::new([7; KEY_BYTES]));
    let stranger: Arc<dyn Seal> = Arc::new(Keyring::new(Vec::new(), stranger));
    assert!(matches!(SqliteRecords::open(&database, stranger), Err(RecordsError::KeyMissing { .. })));

    KeyFile::rotate(&folder.path().join("keys")).unwrap();
    open(folder.path()).unwrap().enroll_test("new", 1).unwrap();
    let records = open(folder.path()).unwrap();
    for id in ["old", "new"] {
        assert_eq!(records.customer_voiceprints(&bank(), &customer(id)).unwrap().len(), 1);
    }
}

#[test]
fn a_newer_programs_database_is_refused_unchanged() {
    let folder = folder();
    open(folder.path()).unwrap().run_sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('2999')");
    let refused = open(folder.path());
    assert!(matches!(refused, Err(RecordsError::NewerSchema { version }) if version == "2999"));
}

#[test]
fn what_is_no_database_is_refused_unchanged() {
    let folder = folder();
    let database = folder.path().join("records.db");
    let text = b"this is certainly no database\n".repeat(999);
    std::fs::write(&database, &text).unwrap();
    let refused = open(folder.path());
    assert!(matches!(refused, Err(RecordsError::Corrupt { .. })), "{refused:?}");
    assert_eq!(std::fs::read(&database).unwrap(), text);
}

#[test]
fn a_damaged_database_is_a_typed_error() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    for i in 0..50 {
        records.enroll_test(&format!("c{i}"), 5).unwrap();
    }
    drop(records);
    let database = folder.path().join("records.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let length = bytes.len();
    bytes[8192..length].fill(0x5a);
    std::fs::write(&database, bytes).unwrap();
    let refused = open(folder.path()).and_then(|records| {
        records.for_each_customer_voiceprint(None, &mut |_| std::ops::ControlFlow::Continue(()))
    });
    assert!(matches!(refused, Err(RecordsError::Corrupt { .. })), "{refused:?}");
}

#[test]
fn an_empty_folder_open_to_all_is_taken_and_narrowed() {
    let folder = folder();
    let mode = || folder.path().metadata().unwrap().permissions().mode() & 0o777;
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    open(folder.path()).unwrap();
    assert_eq!(mode(), 0o700);
}

#[test]
fn a_folder_that_can_not_be_made_is_a_typed_error() {
    let folder = folder();
    std::fs::write(folder.path().join("file"), []).unwrap();
    let below_a_file = folder.path().join("file/data");
    assert!(matches!(open(&below_a_file), Err(RecordsError::Io { .. })));
}

/// Identity data and biometrics share nothing but the random id (GB/T 35273).
#[test]
fn biometrics_stand_apart_from_identity_data() {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    records.enroll_test("6217-0001", 1).unwrap();
    records.enroll_test("6217-0002", 1).unwrap();
    records.run_sql(
        "CREATE TEMP TABLE hits AS SELECT count(*) AS n FROM voiceprints v, customers c \
         WHERE instr(concat_ws('|', v.voiceprint_id, v.subject_id, v.model_id, v.channel, v.source, v.key_id, \
         hex(v.sealed)), c.customer_id) > 0 OR instr(v.subject_id, '6217') > 0; \
         CREATE TEMP TABLE must_be_zero (n CHECK (n = 0)); INSERT INTO must_be_zero SELECT n FROM hits;",
    );
}
