//! A full disk: the server stays up, refuses what it can't keep, and works again once there is space.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tonic::Code;

use crate::harness::calls::info;
use crate::harness::clients::Clients;
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

#[tokio::test]
async fn a_full_disk_refuses_by_name_and_keeps_what_was_acknowledged() {
    if !may_mount() {
        eprintln!("skipped: mounting a small disk needs root");
        return;
    }
    let mount = folder();
    let wrapper = ["unshare", "-m", "sh", "-c", ON_A_SMALL_DISK, mount.path().to_str().unwrap()];
    let data = mount.path().join("data");
    let server = Launch::new().through(&wrapper).start(&data);
    let disk = PathBuf::from(format!("/proc/{}/root{}", server.pid(), mount.path().display()));
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
