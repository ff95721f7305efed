//! FreeSWITCH, Asterisk and Twilio: from the first frame to the verdict, with the numbers that gRPC
//! gives for the same samples.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use earmark_server::proto::v1::{CallInfo, Verdict};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{ended, nameless, server};
use crate::harness::calls::{PACKET, info, verdict};
use crate::harness::clients::Clients;
use crate::harness::g711;
use crate::harness::server::folder;
use crate::harness::sockets::Socket;
use crate::harness::voices;
use crate::harness::world::{CUSTOMERS, PROXIES};

/// The record of `call` holds the updates that gRPC gives for these samples, to the bit.
async fn same_as_grpc(clients: &mut Clients, call: &str, customer: &str, samples: &[i16]) {
    let kept = ended(clients, call).await;
    let by_grpc = clients.screen(info(&format!("{call}-grpc"), customer), samples).await.unwrap();
    assert_eq!(kept.updates.len(), by_grpc.len());
    for (update, same) in kept.updates.iter().zip(&by_grpc) {
        assert_eq!(nameless(update), nameless(same));
    }
}

#[tokio::test]
async fn freeswitch_forks_a_proxys_call_and_gets_the_scores_back() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let protocol = [("sec-websocket-protocol", "audio.drachtio.org")];
    let mut socket = Socket::open(server.address(), "/media/freeswitch", &protocol).await;
    assert_eq!(socket.subprotocol.as_deref(), Some("audio.drachtio.org"));
    let metadata = json!({
        "uuid": "fs-1", "customer_id": CUSTOMERS[0], "caller_number": "+8613800000000", "agent_id": "1001",
        "scene": "complaint", "sampleRate": 8000, "mixType": "mono",
    });
    socket.text(metadata).await;
    let samples = voices::call(PROXIES[0]);
    socket.audio(&voices::pcm(&samples), PACKET).await;
    // `uuid_audio_fork graceful-shutdown`
    socket.binary(&[]).await;
    let mut scores: Vec<Value> = vec![socket.json().await];
    while scores[scores.len() - 1]["data"]["final"] != true {
        scores.push(socket.json().await);
    }
    assert_eq!(socket.close_frame().await.0, 1000);
    for (index, score) in scores.iter().enumerate() {
        assert_eq!((&score["type"], &score["source"]), (&json!("json"), &json!("earmark")));
        assert_eq!(
            (&score["data"]["call_id"], &score["data"]["sequence"]),
            (&json!("fs-1"), &json!(index + 1))
        );
    }
    let last = &scores[scores.len() - 1]["data"];
    assert_eq!((&last["verdict"], &last["verdict_zh"]), (&json!("SUSPECTED_PROXY"), &json!("疑似代理")));
    assert_eq!(last["proxies"][0]["proxy_id"], PROXIES[0]);
    let kept = ended(&mut clients, "fs-1").await;
    let expected = CallInfo {
        caller_number: "+8613800000000".into(),
        agent_id: "1001".into(),
        scene: "complaint".into(),
        ..info("fs-1", CUSTOMERS[0])
    };
    assert_eq!((kept.call, kept.updates.len()), (Some(expected), scores.len()));
    same_as_grpc(&mut clients, "fs-1", CUSTOMERS[0], &samples).await;
}

#[tokio::test]
async fn freeswitch_without_metadata_takes_the_urls_and_the_customers_channel_of_stereo() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let query = format!("call_id=fs-2&customer_id={}&mixType=stereo&customer_channel=1", CUSTOMERS[0]);
    let mut socket = Socket::open(server.address(), &format!("/media/freeswitch?{query}"), &[]).await;
    let customer = voices::call(CUSTOMERS[0]);
    let agent = voices::call(PROXIES[1]);
    // The agent's leg is a listed proxy's voice: were it heard, the verdict would be another.
    let both = customer.iter().zip(agent.iter().cycle()).flat_map(|(right, left)| [*left, *right]);
    socket.audio(&voices::pcm(&both.collect::<Vec<_>>()), 640).await;
    let mut last = socket.json().await;
    while last["data"]["verdict"] != "MATCH" {
        last = socket.json().await;
    }
    // `uuid_audio_fork stop`
    socket.close().await;
    let kept = ended(&mut clients, "fs-2").await;
    assert_eq!(verdict(kept.updates.last().unwrap()), Verdict::Match);
    same_as_grpc(&mut clients, "fs-2", CUSTOMERS[0], &customer).await;
}

#[tokio::test]
async fn freeswitch_mixed_audio_is_refused_and_the_dialplan_is_told() {
    let data = folder();
    let (server, _clients) = server(data.path()).await;
    let mut socket = Socket::open(server.address(), "/media/freeswitch?call_id=fs-3", &[]).await;
    socket.text(json!({"mixType": "mixed"})).await;
    let error = socket.json().await;
    assert_eq!(error["type"], "error");
    assert!(error["data"]["problem"].as_str().unwrap().starts_with("MIXED_AUDIO: "), "{error}");
    assert_eq!(socket.close_frame().await.0, 1011);
}

#[tokio::test]
async fn asterisk_sends_slin_and_ulaw_and_hangs_up_by_closing() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let protocol = [("sec-websocket-protocol", "media")];
    let samples = voices::call(CUSTOMERS[1]);
    let codes = g711::encode(&samples);
    for (call, format, audio, heard) in [
        ("1763867000.1", "slin", voices::pcm(&samples), samples.clone()),
        ("1763867000.2", "ulaw", codes.clone(), g711::decode(&codes)),
    ] {
        let path = format!("/media/asterisk?call_id={call}&customer_id={}", CUSTOMERS[1]);
        let mut socket = Socket::open(server.address(), &path, &protocol).await;
        assert_eq!(socket.subprotocol.as_deref(), Some("media"));
        let start = format!(
            "MEDIA_START connection_id:earmark channel:WebSocket/earmark/0x7f0c8c01e0b0 format:{format} \
             optimal_frame_size:160 ptime:20"
        );
        socket.text(start).await;
        socket.audio(&audio, 320).await;
        socket.text("DTMF_END digit:1 channel_id:1763867000.1").await;
        socket.close().await;
        let kept = ended(&mut clients, call).await;
        assert_eq!(verdict(kept.updates.last().unwrap()), Verdict::Match, "{format}");
        same_as_grpc(&mut clients, call, CUSTOMERS[1], &heard).await;
    }
}

fn twilio(number: usize, track: &str, chunk: usize, payload: &[u8]) -> Value {
    json!({
        "event": "media", "sequenceNumber": number.to_string(), "streamSid": "MZ1",
        "media": {"track": track, "chunk": chunk.to_string(), "timestamp": (20 * chunk).to_string(),
            "payload": STANDARD.encode(payload)},
    })
}

#[tokio::test]
async fn twilio_sends_both_tracks_out_of_order_and_the_customers_is_heard() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let mut socket = Socket::open(server.address(), "/media/twilio", &[]).await;
    socket.text(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})).await;
    let start = json!({
        "event": "start", "sequenceNumber": "1", "streamSid": "MZ1",
        "start": {
            "accountSid": "AC1", "streamSid": "MZ1", "callSid": "CA1", "tracks": ["inbound", "outbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"customer_id": CUSTOMERS[0], "agent_id": "1001"},
        },
    });
    socket.text(start).await;
    let customer = g711::encode(&voices::call(CUSTOMERS[0]));
    let agent = g711::encode(&voices::call(PROXIES[0]));
    let mut messages = Vec::new();
    for (index, (ours, theirs)) in customer.chunks(160).zip(agent.chunks_exact(160).cycle()).enumerate() {
        messages.push(twilio(2 * index + 2, "inbound", index + 1, ours));
        messages.push(twilio(2 * index + 3, "outbound", index + 1, theirs));
    }
    let count = messages.len();
    // Every seventh message comes after the two behind it, and some come twice.
    for at in (7..count - 2).step_by(7) {
        messages.swap(at, at + 2);
    }
    for (at, message) in messages.iter().enumerate() {
        socket.send(Message::text(message.to_string())).await;
        if at % 50 == 0 {
            socket.send(Message::text(message.to_string())).await;
        }
    }
    let stop = json!({"event": "stop", "sequenceNumber": (count + 2).to_string(), "streamSid": "MZ1",
        "stop": {"accountSid": "AC1", "callSid": "CA1"}});
    socket.text(stop).await;
    assert_eq!(socket.close_frame().await.0, 1000);
    let kept = ended(&mut clients, "CA1").await;
    let expected = CallInfo { agent_id: "1001".into(), ..info("CA1", CUSTOMERS[0]) };
    assert_eq!(kept.call, Some(expected));
    assert_eq!(verdict(kept.updates.last().unwrap()), Verdict::Match);
    same_as_grpc(&mut clients, "CA1", CUSTOMERS[0], &g711::decode(&customer)).await;
}
