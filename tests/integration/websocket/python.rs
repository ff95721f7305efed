//! The same dialects by another library's socket: Python's websockets.

use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{API_KEY, CLIENT_SECRET, server};
use crate::foreign_clients::installed;
use crate::harness::server::folder;
use crate::harness::voices;
use crate::harness::world::{CUSTOMERS, PROXIES};

#[tokio::test]
async fn a_python_client_speaks_every_dialect() {
    let Some(python) = installed("python") else { return };
    let data = folder();
    let (server, _clients) = server(data.path()).await;
    let (customer, proxy) = (data.path().join("customer.pcm"), data.path().join("proxy.pcm"));
    std::fs::write(&customer, voices::pcm(&voices::call(CUSTOMERS[0]))).unwrap();
    std::fs::write(&proxy, voices::pcm(&voices::call(PROXIES[0]))).unwrap();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients/websocket_client.py");
    let mut command = Command::new(python);
    command.arg(script).arg(server.address()).args([&customer, &proxy]).args([CUSTOMERS[0], API_KEY]);
    command.arg(STANDARD.encode(CLIENT_SECRET)).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = tokio::task::spawn_blocking(move || command.output().expect("python runs")).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let held = String::from_utf8(output.stdout).unwrap();
    let checks = [
        "freeswitch_gets_a_proxys_verdict_back",
        "freeswitch_hold_and_transfer_begin_anew",
        "asterisk_hangs_up",
        "twilio_stops",
        "audiohook_closes",
        "an_unsigned_audiohook_is_refused",
    ];
    assert_eq!(held.lines().collect::<Vec<_>>(), checks, "{said}");
}
