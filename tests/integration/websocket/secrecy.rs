//! Audio is a biometric: no log holds it, at no level.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{ended, launch, telephony};
use crate::harness::clients::Clients;
use crate::harness::server::folder;
use crate::harness::sockets::Socket;

#[tokio::test]
async fn the_log_holds_no_audio_at_its_finest_level() {
    let data = folder();
    let server = launch(data.path(), &telephony()).log_level("trace").start(&data.path().join("data"));
    let mut clients = Clients::connect(server.address()).await;
    let audio = b"<these bytes stand for somebody's voice>";
    let mut socket = Socket::open(server.address(), "/media/twilio", &[]).await;
    socket.text(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})).await;
    let start = json!({"event": "start", "sequenceNumber": "1", "start": {"callSid": "quiet", "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}});
    socket.text(start).await;
    let payload = STANDARD.encode(audio.repeat(4));
    socket
        .text(json!({"event": "media", "sequenceNumber": "2",
            "media": {"track": "inbound", "chunk": "1", "timestamp": "0", "payload": payload}}))
        .await;
    socket.text(json!({"event": "stop", "sequenceNumber": "3"})).await;
    socket.close().await;
    ended(&mut clients, "quiet").await;
    let mut socket = Socket::open(server.address(), "/media/freeswitch?call_id=quiet-2", &[]).await;
    socket.text("{}").await;
    socket.binary(audio).await;
    socket.close().await;
    ended(&mut clients, "quiet-2").await;
    let log = server.log();
    assert!(log.contains("TRACE"), "the log is not as fine as it can be");
    let listed = format!("{:?}", &audio[..8]);
    for shown in [&payload[..24], "somebody's voice", listed.trim_matches(['[', ']'])] {
        assert!(!log.contains(shown), "{shown} is in the log");
    }
}
