//! Ten thousand AudioSocket connections that are no calls, or end in the middle: they leave nothing.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;

use crate::harness::clients::Clients;
use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::web;

const CONNECTIONS: usize = 10_000;

/// So many connections are open at once.
const AT_ONCE: usize = 50;

/// What is opened before anything is counted: the server's own tables and pools grow once.
const FIRST: usize = 1_000;

/// How often the server is asked whether all is gone.
const MOST_ASKED: usize = 20_000;

/// AudioSocket: a type, the payload's length in two bytes, the payload.
fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind], &length[..], payload].concat()
}

/// The n-th connection's bytes, before it is closed. One in ten is a call that breaks off.
fn bytes(n: usize) -> Vec<u8> {
    let id: Vec<u8> = [&n.to_be_bytes()[..], &[0x5a; 8]].concat();
    let call = frame(0x01, &id);
    let audio = frame(0x10, &[7; 320]);
    match n % 10 {
        0 => Vec::new(),
        1 => vec![0x01],
        2 => call[..11].to_vec(),
        3 => [call, audio[..100].to_vec()].concat(),
        4 => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        5 => frame(0x10, &[0; 320]),
        6 => vec![0xff; 64],
        7 => frame(0x00, &[]),
        8 => [frame(0x01, &id[..9]), audio].concat(),
        // A length that nothing follows.
        _ => vec![0x10, 0xff, 0xfe, 1, 2, 3],
    }
}

fn abort(address: &str, n: usize) {
    let mut stream = TcpStream::connect(address).expect("the server takes connections");
    // Whoever is refused at the first byte may be closed before the last.
    let _ = stream.write_all(&bytes(n));
}

/// From and to which connection, over several threads.
fn abort_all(address: &str, from: usize, to: usize) {
    std::thread::scope(|scope| {
        for lane in 0..AT_ONCE {
            scope.spawn(move || (from + lane..to).step_by(AT_ONCE).for_each(|n| abort(address, n)));
        }
    });
}

fn open_files(server: &TestServer) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("its files are listed").count()
}

fn resident_kb(server: &TestServer) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("its status reads");
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).expect("its memory is told");
    line.split_ascii_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("a number")
}

/// A gauge of the server's metrics.
fn gauge(server: &TestServer, name: &str) -> usize {
    let metrics = web::get(server.address(), "/metrics").text();
    let line = metrics.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in\n{metrics}"))
}

/// Waits until no call and no connection but the question's own is left; gives the open files then.
fn settled(server: &TestServer) -> usize {
    for _ in 0..MOST_ASKED {
        if gauge(server, "earmark_live_calls") == 0 && gauge(server, "earmark_connections") <= 1 {
            return open_files(server);
        }
    }
    panic!("calls or connections stay: {}", web::get(server.address(), "/metrics").text());
}

fn start(data: &Path) -> TestServer {
    let options = data.join("telephony.toml");
    std::fs::write(&options, "[audiosocket]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    Launch::new()
        .argument("--telephony", options.to_str().unwrap())
        .log_level("error")
        .start(&data.join("data"))
}

#[test]
fn ten_thousand_aborted_connections_leave_nothing() {
    let data = folder();
    let server = start(data.path());
    let address = server.address_for("audiosocket").to_owned();
    abort_all(&address, 0, FIRST);
    let (files, memory) = (settled(&server), resident_kb(&server));
    abort_all(&address, FIRST, FIRST + CONNECTIONS);
    let (files_after, memory_after) = (settled(&server), resident_kb(&server));
    // The question's own connection may or may not be closed yet, and SQLite's files come and go.
    assert!(files_after <= files + 3, "{files} files open before, {files_after} after");
    let grown = memory_after.saturating_sub(memory);
    assert!(grown < 16 << 10, "{grown} kB more after {CONNECTIONS} connections: {memory} before");
    // A call that broke off was a call: it is kept, and ended.
    let one = uuid_of(FIRST + 3);
    let kept = tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(async { Clients::connect(server.address()).await.call(&one).await.expect("a record") });
    assert!(kept.end_time.is_some());
}

/// As the server writes the n-th connection's id.
fn uuid_of(n: usize) -> String {
    let hex = format!("{n:016x}5a5a5a5a5a5a5a5a");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
