//! Peak memory of the server with 10,000 customers (two recordings each) and 1,000 proxies.
//!
//!     cargo bench --bench memory
//!
//! Their voiceprints are random unit vectors: memory does not depend on whose they are. They go
//! in through the records, as enrolling them through the network would take hours of audio.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints its table"
)]

#[path = "shared/server.rs"]
mod server;

use std::path::Path;
use std::sync::Arc;

use earmark_records::{
    Actor, EnrollMode, Enrollment, KeyFile, NewProxy, NewVoiceprint, Records, SqliteRecords, Timestamp,
};
use earmark_voiceprint::{CustomerId, ModelId, NetSpeech, ProxyId, Quality, TenantId, Voiceprint};

const CUSTOMERS: usize = 10_000;
const PROXIES: usize = 1_000;
const DIMENSION: usize = 192;

fn main() {
    let empty = tempfile::tempdir().expect("a folder");
    let without = server::Server::start(empty.path());
    let base = (without.kilobytes("VmHWM"), without.kilobytes("VmRSS"));
    drop(without);

    let full = tempfile::tempdir().expect("a folder");
    fill(full.path(), &model());
    let with = server::Server::start(full.path());
    println!("| server | peak (VmHWM) | at rest (VmRSS) |");
    println!("|---|---|---|");
    println!("| empty data folder | {} MB | {} MB |", base.0 / 1000, base.1 / 1000);
    println!(
        "| {CUSTOMERS} customers x 2 recordings, {PROXIES} proxies x 2 | {} MB | {} MB |",
        with.kilobytes("VmHWM") / 1000,
        with.kilobytes("VmRSS") / 1000
    );
}

/// The id of the shipped model, as its own process tells it.
fn model() -> ModelId {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_earmark"))
        .args(["model", "verify", "--json", "--models"])
        .arg(server::models())
        .output()
        .expect("model verify runs");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    ModelId::from_stored(found["model"].as_str().expect("a model id"))
}

fn fill(data: &Path, model: &ModelId) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).expect("a private folder");
    let database = data.join("records.db");
    let keys = KeyFile::open_or_create(&data.join("voiceprints.key"), &database).expect("a key");
    let records = SqliteRecords::open(&database, Arc::new(keys)).expect("records");
    let (tenant, by) = (TenantId::new("default").expect("an id"), Actor::new("bench").expect("a name"));
    let now = Timestamp::from_unix_millis(1_700_000_000_000);
    records.ensure_tenant(&tenant, now).expect("a tenant");
    let mut seed = 1u64;
    for n in 0..CUSTOMERS {
        let enrollment = Enrollment {
            customer: CustomerId::new(&format!("c{n}")).expect("an id"),
            display_name: None,
            voiceprints: two(model, &mut seed),
            mode: EnrollMode::Create,
            request: None,
        };
        records.enroll(&tenant, &enrollment, &by, now).expect("enrolled");
    }
    for n in 0..PROXIES {
        let proxy = NewProxy {
            proxy: ProxyId::new(&format!("p{n}")).expect("an id"),
            label: format!("p{n}"),
            legal_basis: "bench".to_owned(),
            note: None,
            source_call: None,
            expires_at: None,
            voiceprints: two(model, &mut seed),
            request: None,
        };
        records.add_proxy(&tenant, &proxy, &by, now).expect("listed");
    }
}

fn two(model: &ModelId, seed: &mut u64) -> Vec<NewVoiceprint> {
    let mut uniform = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let mut print = || {
        let values: Vec<f32> = (0..DIMENSION).map(|_| uniform()).collect();
        let speech = NetSpeech::from_seconds(20.0);
        let voiceprint = Voiceprint::from_embedding(model.clone(), &values, speech).expect("a voiceprint");
        let quality =
            Quality { snr_db: 20.0, clipped_fraction: 0.0, level_dbfs: -20.0, bandwidth_hz: 3400.0 };
        NewVoiceprint { voiceprint, quality, weight: 20.0, channel: None, source: None }
    };
    vec![print(), print()]
}
