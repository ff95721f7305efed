//! What only this implementation can be held to: its files, its disk, and tampering with both.

mod bounds;
mod damage;
mod disk_full;
mod grouped;
mod opening;
mod sharing;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use earmark_voiceprint::{CustomerId, ModelId, NetSpeech, Quality, TenantId, Voiceprint};
use tempfile::TempDir;

use super::SqliteRecords;
use crate::{
    Actor, EnrollMode, Enrolled, Enrollment, KeyFile, NewVoiceprint, Records, RecordsError, Timestamp,
};

crate::conformance_tests!(fresh);

fn fresh() -> (TempDir, Box<dyn Records>) {
    let folder = folder();
    let records = open(folder.path()).unwrap();
    (folder, Box::new(records))
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    folder
}

fn open(folder: &Path) -> Result<SqliteRecords, RecordsError> {
    let database = folder.join("records.db");
    let keys = KeyFile::open_or_create(&folder.join("keys"), &database)?;
    SqliteRecords::open(&database, Arc::new(keys))
}

fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_000)
}

fn bank() -> TenantId {
    TenantId::new("bank").unwrap()
}

fn by() -> Actor {
    Actor::new("test").unwrap()
}

fn customer(id: &str) -> CustomerId {
    CustomerId::new(id).unwrap()
}

fn enrollment(id: &str, voiceprints: usize) -> Enrollment {
    let numbers: Vec<f32> = (0..192u16).map(|i| f32::from(i) - 90.0).collect();
    let speech = NetSpeech::from_seconds(9.0);
    let voiceprint = NewVoiceprint {
        voiceprint: Voiceprint::from_embedding(ModelId::new("m", "0"), &numbers, speech).unwrap(),
        quality: Quality { snr_db: 20.0, clipped_fraction: 0.0, level_dbfs: -20.0, bandwidth_hz: 3400.0 },
        weight: 1.0,
        channel: None,
        source: None,
    };
    Enrollment {
        customer: customer(id),
        display_name: Some(format!("name of {id}")),
        voiceprints: vec![voiceprint; voiceprints],
        mode: EnrollMode::Create,
        request: None,
    }
}

impl SqliteRecords {
    fn enroll_test(&self, id: &str, voiceprints: usize) -> Result<Enrolled, RecordsError> {
        self.ensure_tenant(&bank(), now())?;
        self.enroll(&bank(), &enrollment(id, voiceprints), &by(), now())
    }

    /// Does to the file what no method of this crate would.
    fn run_sql(&self, sql: &str) {
        self.pool.write(|conn| Ok(conn.batch_execute(sql)?)).unwrap();
    }
}
