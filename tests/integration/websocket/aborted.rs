//! Sockets that break off in every way, thousands of them: nothing of them may stay.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{borrowed, empty_server, signed};
use crate::harness::server::{TestServer, folder};
use crate::harness::sockets::Socket;
use crate::harness::web;

const SOCKETS: usize = 10_000;
const AT_ONCE: usize = 32;
/// One in so many becomes a call before it breaks off; each leaves a record on disk.
const CALLS: usize = 20;
/// What the server's memory may grow by; a leak of a buffer a socket would be over it.
const GROWTH_KIB: u64 = 48 << 10;
/// How often the open files are counted until they are as few as before.
const MOST_LOOKS: usize = 500;

fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a running process").count()
}

fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Opens one as soon as there is room: they break off faster than the server lets go of them.
async fn open(address: &str, path: &str, headers: &[(&str, &str)]) -> Socket {
    loop {
        match Socket::try_open(address, path, headers).await {
            Ok(socket) => return socket,
            Err(refused) => assert_eq!(refused.status, 503, "{path}: {refused:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Breaks one off in a way that its number decides.
async fn abort(server: &TestServer, number: usize) {
    let address = server.address();
    let socket = match number % 5 {
        0 => {
            // In the middle of the upgrade.
            let mut tcp = TcpStream::connect(address).await.expect("a connection");
            let half = b"GET /media/asterisk HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n";
            tcp.write_all(half).await.expect("half a request");
            return;
        }
        1 => open(address, &format!("/media/freeswitch?call_id=gone-{number}"), &[]).await,
        2 => open(address, "/media/asterisk", &[("sec-websocket-protocol", "media")]).await,
        // Signed at this moment: a request that found no room was good once.
        3 => loop {
            let session = "30b0e395-84d3-4570-ac13-9a62d8f514c0";
            let headers = signed(address, "/media/audiohook", session, session);
            if let Ok(socket) = Socket::try_open(address, "/media/audiohook", &borrowed(&headers)).await {
                break socket;
            }
        },
        _ => open(address, "/media/twilio", &[]).await,
    };
    end(socket, number).await;
}

async fn end(mut socket: Socket, number: usize) {
    match (number / 5) % 4 {
        // At once, without a word.
        0 => drop(socket),
        // In the middle of a frame.
        1 => {
            let mut tcp = socket.into_tcp();
            let _ = tcp.write_all(&[0x82, 0xfe, 0x10, 0x00, 1, 2, 3, 4, 5]).await;
        }
        // After garbage, whose refusal is not waited for.
        2 => {
            let mut tcp = socket.into_tcp();
            let _ = tcp.write_all(&[0xff; 64]).await;
        }
        // Unread and reset, where some are calls by then.
        _ => {
            if number % CALLS == 16 {
                let _ = socket.text(json!({})).await;
                socket.audio(&[0; 1600], 320).await;
            }
            let tcp = socket.into_tcp();
            tcp.set_zero_linger().expect("an option");
            drop(tcp);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_aborted_sockets_leave_nothing() {
    let data = folder();
    let server = Arc::new(empty_server(data.path()));
    // The first ones warm up what stays for good: threads, buffers, the records' files.
    run(&server, 0..400).await;
    settled(&server).await;
    let (files, memory) = (open_files(server.pid()), resident_kib(server.pid()));
    run(&server, 400..SOCKETS).await;
    settled(&server).await;
    let after = resident_kib(server.pid());
    // The connections that asked whether all is gone go a moment later; a leak does not.
    for _ in 0..MOST_LOOKS {
        if open_files(server.pid()) <= files {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(open_files(server.pid()) <= files, "{} files are open, {files} before", open_files(server.pid()));
    assert!(after < memory + GROWTH_KIB, "{after} KiB are in use, {memory} KiB before");
    // And it still serves.
    let mut socket = Socket::open(server.address(), "/media/freeswitch?call_id=alive", &[]).await;
    socket.text(json!({})).await;
    socket.binary(&[]).await;
    assert_eq!(socket.json().await["data"]["final"], true);
}

async fn run(server: &Arc<TestServer>, numbers: std::ops::Range<usize>) {
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (server, next, end) = (server.clone(), next.clone(), numbers.end);
        tasks.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    return;
                }
                abort(&server, number).await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no socket's task panics");
    }
}

/// Waits until the server has let go of all but the connection that asks.
async fn settled(server: &TestServer) {
    let gone = |reply: &web::Reply| {
        let text = reply.text();
        text.contains("earmark_live_calls 0\n") && text.contains("earmark_connections 1\n")
    };
    web::until(server.address(), "/metrics", gone).await;
    let mut byte = [0];
    let mut tcp = TcpStream::connect(server.address()).await.expect("a connection");
    tcp.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.expect("a request");
    tcp.read_exact(&mut byte).await.expect("an answer");
}
