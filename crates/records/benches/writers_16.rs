//! Sixteen writers at once, each adding evidence to a call of its own: one commit a write, as when
//! each waits until nobody else writes, beside group commit, in one run on the real file system that
//! holds the build. Prints the ratio at the end.
//!
//! `cargo bench -p earmark-records --bench writers_16`
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a benchmark stops and reports on the terminal"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use earmark_records::{
    CallStart, Code, CustomerEvidence, EvidenceUpdate, KeyFile, MAX_UPDATES_PER_CALL, Records, SqliteRecords,
    Timestamp,
};
use earmark_voiceprint::{CallId, ModelId, NetSpeech, TenantId};

const WRITERS: usize = 16;
/// Updates that each writer adds in one measured step.
const EACH: u32 = 8;

fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_000)
}

fn update(sequence: u32) -> EvidenceUpdate {
    let code = |text| Code::new(text).unwrap();
    EvidenceUpdate {
        sequence,
        speaker: 1,
        excerpts: Vec::new(),
        at: now(),
        quality: None,
        warnings: Vec::new(),
        net_speech: NetSpeech::from_seconds(3.0),
        audio_position_s: 4.0,
        call_position_s: 4.0,
        customer: CustomerEvidence::Llr(1.5),
        proxies: Vec::new(),
        posterior: None,
        verdict: code("match"),
        risk: code("low"),
        reasons: vec![code("customer_alike")],
        compute_ms: 40.0,
        calibration: "c".to_owned(),
        model: ModelId::new("m", "0"),
    }
}

/// The records of sixteen calls that never end.
struct Calls {
    records: SqliteRecords,
    bank: TenantId,
    round: u32,
    next: u32,
}

impl Calls {
    fn new(folder: &Path) -> Self {
        let database = folder.join("records.db");
        let keys = KeyFile::open_or_create(&folder.join("keys"), &database).unwrap();
        let records = SqliteRecords::open(&database, Arc::new(keys)).unwrap();
        let bank = TenantId::new("bank").unwrap();
        records.ensure_tenant(&bank, now()).unwrap();
        let mut calls = Self { records, bank, round: 0, next: 0 };
        calls.begin();
        calls
    }

    fn call(&self, writer: usize) -> CallId {
        CallId::new(&format!("{}-{writer}", self.round)).unwrap()
    }

    fn begin(&mut self) {
        (self.round, self.next) = (self.round + 1, 0);
        for writer in 0..WRITERS {
            let start = CallStart {
                call: self.call(writer),
                claimed_customer: None,
                caller_number: None,
                agent: None,
                scene: None,
                encoding: "pcmu/8000".to_owned(),
                channel: None,
                started_at: now(),
            };
            self.records.begin_call(&self.bank, &start).unwrap();
        }
    }

    /// All writers at once; `turn` is held by each while it writes, if there is one.
    fn step(&mut self, turn: Option<&Mutex<()>>) -> Duration {
        if self.next + EACH >= MAX_UPDATES_PER_CALL {
            self.begin();
        }
        let (own, first) = (&*self, self.next);
        let began = Instant::now();
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                scope.spawn(move || {
                    let call = own.call(writer);
                    for sequence in first..first + EACH {
                        let _held = turn.map(|turn| turn.lock().unwrap());
                        own.records.append_update(&own.bank, &call, &update(sequence)).unwrap();
                    }
                });
            }
        });
        self.next += EACH;
        began.elapsed()
    }

    fn steps(&mut self, count: u64, turn: Option<&Mutex<()>>, total: &mut (Duration, u64)) -> Duration {
        let took = (0..count).map(|_| self.step(turn)).sum();
        *total = (total.0 + took, total.1 + count);
        took
    }
}

fn writers(criterion: &mut Criterion) {
    // Not the folder for temporary files, which may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let (mut calls, turn) = (Calls::new(folder.path()), Mutex::new(()));
    let (mut single, mut group) = ((Duration::ZERO, 0), (Duration::ZERO, 0));
    let mut benches = criterion.benchmark_group(format!("{WRITERS} writers, {EACH} updates each"));
    benches.sample_size(20).measurement_time(Duration::from_secs(8));
    benches.bench_function("a commit a write", |b| {
        b.iter_custom(|count| calls.steps(count, Some(&turn), &mut single));
    });
    benches.bench_function("group commit", |b| {
        b.iter_custom(|count| calls.steps(count, None, &mut group));
    });
    benches.finish();
    let mean = |(time, steps): (Duration, u64)| time.as_secs_f64() / steps as f64;
    if single.1 > 0 && group.1 > 0 {
        eprintln!("a commit a write takes {:.2} times as long as group commit", mean(single) / mean(group));
    }
}

criterion_group!(benches, writers);
criterion_main!(benches);
