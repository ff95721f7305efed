//! Media streams over WebSockets: each dialect by real client libraries against the real server.

mod aborted;
mod access;
mod asterisk;
mod audiohook;
mod dialects;
mod limits;
mod python;
mod secrecy;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use earmark_server::proto::v1::{Call, CallUpdate};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::harness::calls::timeless;
use crate::harness::clients::Clients;
use crate::harness::server::{Launch, TestServer};
use crate::harness::world::populate;

/// A key of an AudioHook integration, and its secret.
pub(crate) const API_KEY: &str = "test-audiohook-key";
pub(crate) const CLIENT_SECRET: &[u8] = b"a client secret of the tests only";

/// All dialects, for one tenant.
pub(crate) fn telephony() -> String {
    let secret = STANDARD.encode(CLIENT_SECRET);
    format!(
        "[websocket]\n[websocket.freeswitch]\n[websocket.asterisk]\n[websocket.twilio]\n[websocket.audiohook]\n\
         [[websocket.audiohook.key]]\napi_key = \"{API_KEY}\"\nclient_secret = \"{secret}\"\n"
    )
}

/// A launch with these telephony options.
fn launch(data: &Path, telephony: &str) -> Launch {
    let options = data.join("telephony.toml");
    std::fs::write(&options, telephony).unwrap();
    Launch::new().argument("--telephony", options.to_str().unwrap())
}

/// A server with all dialects, nobody in it.
fn empty_server(data: &Path) -> TestServer {
    launch(data, &telephony()).start(&data.join("data"))
}

/// A server with all dialects, customers and proxies.
async fn server(data: &Path) -> (TestServer, Clients) {
    let server = empty_server(data);
    let mut clients = Clients::connect(server.address()).await;
    populate(&mut clients).await;
    (server, clients)
}

/// The call's record once it has ended. Asked for now and then: nothing else tells of it.
async fn ended(clients: &mut Clients, call: &str) -> Call {
    const BETWEEN: Duration = Duration::from_millis(20);
    const MOST_ASKED: usize = 15_000;
    for _ in 0..MOST_ASKED {
        if let Ok(call) = clients.call(call).await
            && call.end_time.is_some()
        {
            return call;
        }
        tokio::time::sleep(BETWEEN).await;
    }
    panic!("call {call} never ended")
}

/// An update but for the call and the moments at which it was made.
fn nameless(update: &CallUpdate) -> CallUpdate {
    CallUpdate { call: None, ..timeless(update) }
}

/// The headers of an AudioHook request, signed at this moment.
fn signed(address: &str, target: &str, session: &str, organization: &str) -> Vec<(String, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let nonce = STANDARD.encode(now.as_nanos().to_be_bytes());
    let mut headers = vec![
        ("audiohook-organization-id".to_owned(), organization.to_owned()),
        ("audiohook-session-id".to_owned(), session.to_owned()),
        ("audiohook-correlation-id".to_owned(), session.to_owned()),
        ("x-api-key".to_owned(), API_KEY.to_owned()),
    ];
    let names: Vec<String> = headers.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let covered = format!(
        "(\"@request-target\" \"@authority\" {});keyid=\"{API_KEY}\";nonce=\"{nonce}\";alg=\"hmac-sha256\";\
         created={};expires={}",
        names.join(" "),
        now.as_secs(),
        now.as_secs() + 10
    );
    let mut base = format!("\"@request-target\": {target}\n\"@authority\": {address}\n");
    for (name, value) in &headers {
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {covered}"));
    let mac = Hmac::<Sha256>::new_from_slice(CLIENT_SECRET).unwrap().chain_update(base);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    headers.push(("signature-input".to_owned(), format!("sig1={covered}")));
    headers.push(("signature".to_owned(), format!("sig1=:{signature}:")));
    headers
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}
