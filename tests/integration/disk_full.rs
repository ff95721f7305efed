//! A full disk: the server stays up, refuses what it can't keep, and works again once there is space.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use earmark_server::proto::v1::{
    CallInfo, CallUpdate, Outcome, RegisterCallRequest, ReportOutcomeRequest, Verdict,
};
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tonic::Code;

use crate::harness::calls::{info, verdict};
use crate::harness::clients::Clients;
use crate::harness::events::EventStream;
use crate::harness::refused::{nothing_left_of, refused};
use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::voices;
use crate::harness::web;

/// A name space of its own, in which a disk of 4 MiB is mounted on `$0`; nothing is left of either
/// when the server is gone.
const ON_A_SMALL_DISK: &str = "mount -t tmpfs -o size=4m,mode=700 none \"$0\" && exec \"$@\"";

fn may_mount() -> bool {
    let probe = Command::new("unshare").args(["-m", "sh", "-c", "mount -t tmpfs none /mnt"]).output();
    probe.is_ok_and(|output| output.status.success())
}

/// Fills the disk to its last byte.
fn fill(disk: &Path) -> PathBuf {
    let filler = disk.join("filler");
    let mut file = File::create(&filler).expect("the server's disk is seen through its process");
    for size in [1 << 16, 1 << 10, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    filler
}

/// A server whose data folder is on a small disk of its own.
struct SmallDisk {
    server: TestServer,
    /// The disk, as this process sees it.
    disk: PathBuf,
    _mount: TempDir,
}

impl SmallDisk {
    /// None, with a line that says why, where no disk can be mounted.
    fn start() -> Option<Self> {
        if !may_mount() {
            eprintln!("skipped: mounting a small disk needs root");
            return None;
        }
        let mount = folder();
        let wrapper = ["unshare", "-m", "sh", "-c", ON_A_SMALL_DISK, mount.path().to_str().unwrap()];
        let server = Launch::new().through(&wrapper).start(&mount.path().join("data"));
        let disk = PathBuf::from(format!("/proc/{}/root{}", server.pid(), mount.path().display()));
        Some(Self { server, disk, _mount: mount })
    }

    /// Fills it, the room that the database has set aside included, by writes as small as a call's.
    async fn fill(&self, clients: &mut Clients) -> PathBuf {
        clients.screen(info("ended", ""), &voices::noise()).await.unwrap();
        let filler = fill(&self.disk);
        let mut outcome = Ok(());
        for _ in 0..1000 {
            let report = ReportOutcomeRequest {
                call_id: "ended".into(),
                outcome: Outcome::Undetermined.into(),
                ..ReportOutcomeRequest::default()
            };
            outcome = clients.screening.report_outcome(report).await.map(drop);
            if outcome.is_err() {
                break;
            }
        }
        refused(outcome, Code::ResourceExhausted, "DISK_FULL");
        filler
    }
}

#[tokio::test]
async fn a_full_disk_refuses_by_name_and_keeps_what_was_acknowledged() {
    let Some(SmallDisk { server, disk, _mount }) = SmallDisk::start() else { return };
    let mut clients = Clients::connect(server.address()).await;
    clients.enroll("before", vec![voices::clip("carlo/01")]).await.unwrap();

    let filler = fill(&disk);
    refused_while_full(&server, &mut clients).await;
    std::fs::remove_file(filler).unwrap();

    clients.enroll("after", vec![voices::clip("june/01")]).await.unwrap();
    nothing_left_of(&mut clients, "meanwhile").await;
    clients.screen(info("call-after", "before"), &voices::samples("carlo/04")).await.unwrap();
    for id in ["before", "after"] {
        assert_eq!(clients.customer(id).await.unwrap().enrollments.len(), 1);
    }
}

/// Long enough for a server to hear what it was sent. Nothing is asserted on it: a slower one makes the
/// test weaker and not wrong.
const A_WHILE: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_live_call_outlives_a_full_disk_and_then_tells_and_keeps_all_of_it() {
    let Some(small) = SmallDisk::start() else { return };
    let mut clients = Clients::connect(small.server.address()).await;
    clients.enroll("before", voices::enrollment("carlo")).await.unwrap();
    let samples = voices::call("carlo");
    let undisturbed = clients.screen(info("undisturbed", "before"), &samples).await.unwrap();

    let agent = |name: &str| CallInfo { agent_id: name.into(), ..info("call", "before") };
    let mut call = clients.begin_call(agent("a-1")).await.unwrap();
    let (before, meanwhile) = samples.split_at(6 * 8000);
    call.say(before).await;
    let mut told = vec![call.next().await.unwrap().expect("an update")];
    let filler = small.fill(&mut clients).await;
    for second in meanwhile.chunks(8000) {
        call.say(second).await;
    }
    // What becomes known of the call meanwhile waits too.
    let known = RegisterCallRequest { call: Some(agent("a-2")), ..RegisterCallRequest::default() };
    clients.screening.register_call(known).await.unwrap();
    tokio::time::sleep(A_WHILE).await;
    let kept = clients.call("call").await.unwrap();
    assert!(kept.updates.len() < undisturbed.len() - 1 && kept.end_time.is_none());

    std::fs::remove_file(filler).unwrap();
    told.extend(call.hang_up().await.expect("the call goes on"));
    let count = told.len();
    assert!((1..).zip(&told).all(|(n, update)| update.sequence == n), "a gap");
    // The one more is of the agent.
    assert_eq!(count, undisturbed.len() + 1);
    assert_eq!(verdict(&told[count - 1]), Verdict::Match);
    let record = clients.call("call").await.unwrap();
    let known_later = |update: &CallUpdate| CallUpdate { call: record.call.clone(), ..update.clone() };
    assert_eq!(record.updates, told.iter().map(known_later).collect::<Vec<_>>());
    assert_eq!(record.call.as_ref().unwrap().agent_id, "a-2");
    assert!(record.end_time.is_some());
}

/// Calls at once that end while the disk is full: the first may still find room.
const ENDING: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ends_on_a_full_disk_is_over_for_everybody() {
    let Some(small) = SmallDisk::start() else { return };
    let address = small.server.address().to_owned();
    let mut clients = Clients::connect(&address).await;
    let mut calls = Vec::new();
    for n in 0..ENDING {
        let id = format!("call-{n}");
        let mut call = clients.begin_call(info(&id, "")).await.unwrap();
        call.say(&voices::samples("carlo/04")).await;
        call.next().await.unwrap().expect("an update");
        let (address, path) = (address.clone(), format!("/events?call_id={id}"));
        let page = spawn_blocking(move || EventStream::open(&address, &path, None).expect("a stream"));
        calls.push((id, call, page.await.unwrap()));
    }
    small.fill(&mut clients).await;
    let mut unkept = 0;
    for (id, call, mut page) in calls {
        let outcome = call.hang_up().await;
        let own = address.clone();
        spawn_blocking(move || {
            page.next_named("end");
            assert!(page.next().is_none(), "the page's stream ends with the call");
            let mut late = EventStream::open(&own, &format!("/events?call_id={id}"), None).expect("a stream");
            late.next_named("end");
            assert!(late.next().is_none(), "so does that of a page that comes later");
        })
        .await
        .unwrap();
        if let Err(status) = outcome {
            let status = refused(Err::<(), _>(status), Code::ResourceExhausted, "CALL_NOT_CONCLUDED");
            assert!(status.message().contains("next start"), "{}", status.message());
            unkept += 1;
        }
    }
    assert!(unkept > 0, "the disk was full");
    let overview = spawn_blocking(move || web::get(&address, "/desk/api/overview").text()).await.unwrap();
    let overview: serde_json::Value = serde_json::from_str(&overview).unwrap();
    assert_eq!(overview["live_count"], 0);
}

/// Enrollments until one finds no room, as each may still fit into a page that is there already.
async fn refused_while_full(server: &TestServer, clients: &mut Clients) {
    let mut outcome = Ok(());
    for n in 0..50 {
        let id = format!("filling-{n}");
        outcome = clients.enroll(&id, vec![voices::clip("carlo/02")]).await.map(|_| ());
        if outcome.is_err() {
            nothing_left_of(clients, &id).await;
            break;
        }
    }
    let status = refused(outcome, Code::ResourceExhausted, "DISK_FULL");
    assert!(status.message().contains("free some"), "{}", status.message());
    refused(
        clients.enroll("meanwhile", vec![voices::clip("june/01")]).await,
        Code::ResourceExhausted,
        "DISK_FULL",
    );
    refused(
        clients.list("meanwhile", vec![voices::clip("june/01")]).await,
        Code::ResourceExhausted,
        "DISK_FULL",
    );
    let outcome = clients.screen(info("call-meanwhile", "before"), &voices::samples("carlo/04")).await;
    refused(outcome, Code::ResourceExhausted, "DISK_FULL");
    assert_eq!(clients.customer("before").await.unwrap().enrollments.len(), 1, "reading goes on");
    assert_eq!(web::get(server.address(), "/healthz").status, 200);
}
