//! Who may open a media socket.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::launch;
use crate::harness::server::{TestServer, folder};
use crate::harness::sockets::Socket;
use crate::harness::web;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const FREESWITCH: &str = "/media/freeswitch";

/// A server with a token for the tenant north, which FreeSWITCH's calls are of.
fn guarded(data: &std::path::Path) -> TestServer {
    let tokens = data.join("tokens.toml");
    let text = format!("[[token]]\nname = \"switch\"\ntoken = \"{TOKEN}\"\ntenants = [\"north\"]\n");
    std::fs::write(&tokens, text).unwrap();
    let telephony = "[websocket.freeswitch]\ntenant = \"north\"\n[websocket.asterisk]\ntenant = \"south\"\n";
    launch(data, telephony).argument("--tokens", tokens.to_str().unwrap()).start(&data.join("data"))
}

async fn status(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> u16 {
    Socket::try_open(server.address(), path, headers).await.map_or_else(|refused| refused.status, |_| 101)
}

#[tokio::test]
async fn a_token_is_taken_wherever_a_switch_can_put_it() {
    let data = folder();
    let server = guarded(data.path());
    let bearer = format!("Bearer {TOKEN}");
    let basic = format!("Basic {}", STANDARD.encode(format!("earmark:{TOKEN}")));
    assert_eq!(status(&server, FREESWITCH, &[("authorization", &bearer)]).await, 101);
    assert_eq!(status(&server, FREESWITCH, &[("authorization", &basic)]).await, 101);
    assert_eq!(status(&server, &format!("{FREESWITCH}?token={TOKEN}"), &[]).await, 101);
    assert_eq!(status(&server, FREESWITCH, &[]).await, 401);
    assert_eq!(status(&server, FREESWITCH, &[("authorization", "Bearer wrong")]).await, 401);
    assert_eq!(status(&server, &format!("{FREESWITCH}?token=wrong"), &[]).await, 401);
    // The token is not good for the tenant of this path.
    assert_eq!(status(&server, "/media/asterisk", &[("authorization", &bearer)]).await, 403);
    assert!(!server.log().contains(TOKEN), "a token is in the log");
}

#[tokio::test]
async fn a_path_that_is_not_configured_is_not_open() {
    let data = folder();
    let server = guarded(data.path());
    assert_eq!(status(&server, "/media/twilio", &[]).await, 404);
    assert_eq!(status(&server, "/media/audiohook", &[]).await, 404);
    let none = crate::harness::server::Launch::new().start(&data.path().join("none"));
    assert_eq!(status(&none, FREESWITCH, &[]).await, 404);
}

#[tokio::test]
async fn what_is_another_switchs_or_no_websocket_is_refused() {
    let data = folder();
    let server = launch(data.path(), "[websocket.freeswitch]\n[websocket.asterisk]\n")
        .start(&data.path().join("data"));
    let media = [("sec-websocket-protocol", "media")];
    assert_eq!(status(&server, FREESWITCH, &media).await, 400);
    assert_eq!(status(&server, "/media/asterisk", &media).await, 101);
    let several = [("sec-websocket-protocol", "other, audio.drachtio.org")];
    assert_eq!(status(&server, FREESWITCH, &several).await, 101);
    assert_eq!(status(&server, &format!("{FREESWITCH}?sampleRate=7"), &[]).await, 400);
    assert!((400..500).contains(&web::get(server.address(), FREESWITCH).status));
}
