//! Killed at any moment, the records reopen with all that was acknowledged.
//!
//! The child is this test executable itself, run again with an environment variable: it enrolls
//! customers, lists proxies and records calls without end, and prints an id as soon as the call
//! that kept it has returned. The parent kills it with SIGKILL after some number of lines, so that
//! the kill falls anywhere in the work that follows, and looks at what is left.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test, its helpers included")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use earmark_records::{
    Actor, CallEnd, CallStart, Code, CustomerEvidence, EnrollMode, Enrollment, EvidenceUpdate, KeyFile,
    NewProxy, NewVoiceprint, Records, RecordsError, SqliteRecords, Timestamp,
};
use earmark_voiceprint::{CallId, CustomerId, ModelId, NetSpeech, ProxyId, Quality, TenantId, Voiceprint};

const FOLDER: &str = "EARMARK_TEST_KILLED_FOLDER";
const ROUND: &str = "EARMARK_TEST_KILLED_ROUND";
const ROUNDS: usize = 12;

fn open(folder: &Path) -> SqliteRecords {
    let database = folder.join("records.db");
    let keys = KeyFile::open_or_create(&folder.join("keys"), &database).unwrap();
    SqliteRecords::open(&database, Arc::new(keys)).unwrap()
}

fn bank() -> TenantId {
    TenantId::new("bank").unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_000)
}

fn prints(count: usize) -> Vec<NewVoiceprint> {
    let numbers: Vec<f32> = (0..192u16).map(|i| f32::from(i) - 90.0).collect();
    let model = ModelId::new("m", "0");
    let voiceprint = Voiceprint::from_embedding(model, &numbers, NetSpeech::from_seconds(9.0)).unwrap();
    let quality = Quality { snr_db: 20.0, clipped_fraction: 0.0, level_dbfs: -20.0, bandwidth_hz: 3400.0 };
    vec![NewVoiceprint { voiceprint, quality, weight: 1.0, channel: None, source: None }; count]
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
        customer: CustomerEvidence::Llr(f64::from(sequence)),
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

/// Works until it is killed. Not a test by itself: without the variables it does nothing.
#[test]
fn child() {
    let (Some(folder), Ok(round)) = (std::env::var_os(FOLDER), std::env::var(ROUND)) else { return };
    let records = open(Path::new(&folder));
    let by = Actor::new("child").unwrap();
    records.ensure_tenant(&bank(), now()).unwrap();
    std::thread::scope(|scope| {
        // Another writes beside, so that both share transactions.
        scope.spawn(|| {
            for i in 0.. {
                let id = format!("{round}-{i}-beside");
                records.enroll(&bank(), &enrollment(&id), &by, now()).unwrap();
                acknowledge("customer", &id);
            }
        });
        work(&records, &round, &by);
    });
}

fn work(records: &SqliteRecords, round: &str, by: &Actor) {
    for i in 0.. {
        let id = format!("{round}-{i}");
        records.enroll(&bank(), &enrollment(&id), by, now()).unwrap();
        acknowledge("customer", &id);
        let leaving = enrollment(&format!("{id}-leaving"));
        records.enroll(&bank(), &leaving, by, now()).unwrap();
        records.delete_customer(&bank(), &leaving.customer, by, now()).unwrap();
        acknowledge("deleted", leaving.customer.as_str());
        let proxy = NewProxy {
            proxy: ProxyId::new(&id).unwrap(),
            label: id.clone(),
            legal_basis: "fraud prevention".to_owned(),
            note: None,
            source_call: None,
            expires_at: None,
            voiceprints: prints(2),
            request: None,
        };
        records.add_proxy(&bank(), &proxy, by, now()).unwrap();
        acknowledge("proxy", &id);
        one_call(records, &id);
    }
}

fn enrollment(id: &str) -> Enrollment {
    Enrollment {
        customer: CustomerId::new(id).unwrap(),
        display_name: None,
        voiceprints: prints(3),
        mode: EnrollMode::Create,
        request: None,
    }
}

fn one_call(records: &SqliteRecords, id: &str) {
    let call = CallId::new(id).unwrap();
    let start = CallStart {
        call: call.clone(),
        claimed_customer: None,
        caller_number: None,
        agent: None,
        scene: None,
        encoding: "pcmu/8000".to_owned(),
        channel: None,
        started_at: now(),
    };
    records.begin_call(&bank(), &start).unwrap();
    for sequence in 0..3 {
        records.append_update(&bank(), &call, &update(sequence)).unwrap();
        acknowledge("update", id);
    }
    let end = CallEnd { last: &update(3), duration_s: 9.0, voiceprint: Some(&prints(1)[0]) };
    records.finish_call(&bank(), &call, &end, now()).unwrap();
    acknowledge("finish", id);
}

fn acknowledge(kind: &str, id: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nacknowledged {kind} {id}").unwrap();
    out.flush().unwrap();
}

/// Runs the child, kills it after `lines` acknowledgements; all that it acknowledged till then.
fn run_and_kill(folder: &Path, round: usize, lines: usize) -> Vec<(String, String)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    let mut parse = |line: String| {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["acknowledged", kind, id] = words[..] {
            acknowledged.push((kind.to_owned(), id.to_owned()));
        }
        acknowledged.len()
    };
    while parse(out.next().expect("the child ended by itself").unwrap()) < lines {}
    child.kill().unwrap();
    // What it acknowledged between the last line read and its death counts too.
    while let Some(Ok(line)) = out.next() {
        parse(line);
    }
    assert!(!child.wait().unwrap().success());
    acknowledged
}

#[test]
fn killed_at_any_moment_it_reopens_with_all_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        // Spread over the steps of a turn, and over early and late in a run.
        let lines = 1 + (round * 11) % 29;
        all.extend(run_and_kill(folder.path(), round, lines));
        check(folder.path(), &all);
    }
    assert!(all.len() >= ROUNDS);
}

fn check(folder: &Path, acknowledged: &[(String, String)]) {
    let records = open(folder);
    let mut updates = 0;
    for (i, (kind, id)) in acknowledged.iter().enumerate() {
        match kind.as_str() {
            "customer" => {
                let customer = CustomerId::new(id).unwrap();
                assert_eq!(records.customer_voiceprints(&bank(), &customer).unwrap().len(), 3, "{id}");
            }
            "deleted" => {
                let found = records.customer(&bank(), &CustomerId::new(id).unwrap());
                assert!(matches!(found, Err(RecordsError::NotFound { .. })), "{id}");
            }
            "proxy" => {
                let proxy = records.proxy(&bank(), &ProxyId::new(id).unwrap()).unwrap();
                assert_eq!(proxy.voiceprints.len(), 2, "{id}");
            }
            "update" => {
                updates = if i > 0 && acknowledged[i - 1].0 == "update" { updates + 1 } else { 1 };
                let call = records.call(&bank(), &CallId::new(id).unwrap()).unwrap();
                assert!(call.updates.len() >= updates, "{id}");
            }
            _ => {
                let call = CallId::new(id).unwrap();
                let found = records.call(&bank(), &call).unwrap();
                assert!(found.updates.len() == 4 && found.conclusion.is_some(), "{id}");
                assert!(records.call_voiceprint(&bank(), &call).unwrap().is_some(), "{id}");
            }
        }
    }
    // Every row opens, acknowledged or not, and each customer and proxy is whole.
    let (mut customers, mut proxies) = (0, 0);
    let count = &mut |_| {
        customers += 1;
        ControlFlow::Continue(())
    };
    records.for_each_customer_voiceprint(None, count).unwrap();
    let count = &mut |_| {
        proxies += 1;
        ControlFlow::Continue(())
    };
    records.for_each_proxy_voiceprint(None, count).unwrap();
    assert!(customers % 3 == 0 && proxies % 2 == 0, "{customers} {proxies}");
    let deletions = acknowledged.iter().filter(|(kind, _)| kind == "deleted").count() as i64;
    let entries = records.verify_chain(&bank()).unwrap().count;
    // What was not acknowledged may be kept all the same: at most one step of each of the two writers in
    // each round.
    let unseen = entries - (customers / 3 + proxies / 2 + 2 * deletions);
    assert!((0..=2 * ROUNDS as i64).contains(&unseen), "{unseen}");
}
