//! Calls over Asterisk's AudioSocket, against the real server over a real socket.

use std::path::Path;

use earmark_server::proto::v1::{
    CallInfo, CallSignal, CallUpdate, CustomerState, RegisterCallRequest, SignalCallRequest, Verdict,
    WatchCallsRequest, WatchCallsResponse,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::{Code, Status, Streaming};

use crate::harness::calls::{PACKET, info, net_speech_s, state, timeless, verdict};
use crate::harness::clients::Clients;
use crate::harness::refused::refused;
use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::voices;
use crate::harness::web;
use crate::harness::world::{CUSTOMERS, PROXIES, populate};

const UUID: &str = "0f5fbdd8-8a2c-4c9e-9d0a-6a2f5b7c1e";

/// A server with AudioSocket, customers and proxies.
async fn server(data: &Path) -> (TestServer, Clients) {
    let options = data.join("telephony.toml");
    std::fs::write(&options, "[audiosocket]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let server = Launch::new().argument("--telephony", options.to_str().unwrap()).start(&data.join("data"));
    let mut clients = Clients::connect(server.address()).await;
    populate(&mut clients).await;
    (server, clients)
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind], &length[..], payload].concat()
}

fn uuid_frame(uuid: &str) -> Vec<u8> {
    let hex = uuid.replace('-', "");
    let bytes: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
    frame(0x01, &bytes)
}

fn audio_frames(samples: &[i16]) -> Vec<u8> {
    voices::pcm(samples).chunks(PACKET).flat_map(|packet| frame(0x10, packet)).collect()
}

async fn connect(server: &TestServer, uuid: &str) -> TcpStream {
    let mut socket = TcpStream::connect(server.address_for("audiosocket")).await.unwrap();
    socket.write_all(&uuid_frame(uuid)).await.unwrap();
    socket
}

async fn watch(clients: &mut Clients, agent: &str) -> Streaming<WatchCallsResponse> {
    let request = WatchCallsRequest { agent_id: agent.to_owned() };
    clients.screening.watch_calls(request).await.unwrap().into_inner()
}

async fn next(watched: &mut Streaming<WatchCallsResponse>) -> CallUpdate {
    watched.message().await.unwrap().expect("an update").update.expect("an update")
}

async fn register(clients: &mut Clients, call: CallInfo, stream: &str) -> bool {
    let request = RegisterCallRequest { call: Some(call), stream_id: stream.to_owned() };
    clients.screening.register_call(request).await.unwrap().into_inner().live
}

async fn signal(clients: &mut Clients, call: &str, signal: CallSignal) -> Result<(), Status> {
    let request = SignalCallRequest { call_id: call.to_owned(), signal: signal.into() };
    clients.screening.signal_call(request).await.map(|_| ())
}

#[tokio::test]
async fn a_registered_call_gets_the_updates_that_grpc_gets() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let samples = voices::call(PROXIES[0]);
    let call = CallInfo {
        agent_id: "desk-1".into(),
        caller_number: "+8613800000000".into(),
        scene: "complaint".into(),
        ..info("cti-1", CUSTOMERS[0])
    };
    let uuid = format!("{UUID}01");
    // Registered in another spelling than Asterisk's.
    assert!(!register(&mut clients, call.clone(), &uuid.to_uppercase()).await);
    let mut watched = watch(&mut clients, "desk-1").await;
    let mut socket = connect(&server, &uuid).await;
    socket.write_all(&audio_frames(&samples)).await.unwrap();
    socket.write_all(&frame(0x00, &[])).await.unwrap();
    let mut updates = vec![next(&mut watched).await];
    while !updates[updates.len() - 1].r#final {
        updates.push(next(&mut watched).await);
    }
    assert!(updates.iter().all(|update| update.call.as_ref() == Some(&call)));
    assert_eq!(verdict(updates.last().unwrap()), Verdict::SuspectedProxy);
    // The same audio through gRPC: the same numbers to the bit.
    let by_grpc = clients.screen(info("grpc-1", CUSTOMERS[0]), &samples).await.unwrap();
    let nameless = |u: &CallUpdate| CallUpdate { call: None, ..timeless(u) };
    assert_eq!(updates.len(), by_grpc.len());
    for (update, same) in updates.iter().zip(&by_grpc) {
        assert_eq!(nameless(update), nameless(same));
    }
    let kept = clients.call("cti-1").await.unwrap();
    assert_eq!(kept.updates.len(), updates.len());
    assert_eq!(kept.call, Some(call));
    assert!(kept.end_time.is_some());
}

#[tokio::test]
async fn an_unknown_uuid_is_screened_with_no_claim_and_learns_of_one() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let uuid = format!("{UUID}02");
    let mut watched = watch(&mut clients, "").await;
    let mut socket = connect(&server, &uuid).await;
    let samples = voices::call(CUSTOMERS[1]);
    socket.write_all(&audio_frames(&samples[..8 * 8000])).await.unwrap();
    let first = next(&mut watched).await;
    assert_eq!(first.call, Some(info(&uuid, "")));
    assert_eq!(state(&first), CustomerState::NotClaimed);
    // By an id of the CTI's own, and in another spelling than the switch's; the record keeps its id.
    let spelled = uuid.replace('-', "").to_uppercase();
    assert!(register(&mut clients, info("cti-2", CUSTOMERS[1]), &spelled).await, "the call runs");
    let mut update = next(&mut watched).await;
    while update.call != Some(info(&uuid, CUSTOMERS[1])) {
        update = next(&mut watched).await;
    }
    assert_eq!(verdict(&update), Verdict::Match, "{update:?}");
    // The connection is closed with no goodbye, as Asterisk often does.
    drop(socket);
    while !update.r#final {
        update = next(&mut watched).await;
    }
    assert_eq!(verdict(&update), Verdict::Match);
    let kept = clients.call(&uuid).await.unwrap();
    assert_eq!(kept.call.unwrap().claimed_customer_id, CUSTOMERS[1]);
}

#[tokio::test]
async fn after_a_transfer_the_evidence_begins_anew_and_says_so() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let uuid = format!("{UUID}03");
    register(&mut clients, CallInfo { agent_id: "desk-3".into(), ..info(&uuid, CUSTOMERS[0]) }, "").await;
    let mut watched = watch(&mut clients, "desk-3").await;
    let mut socket = connect(&server, &uuid).await;
    socket.write_all(&audio_frames(&voices::call(PROXIES[0])[..12 * 8000])).await.unwrap();
    let mut update = next(&mut watched).await;
    while verdict(&update) != Verdict::SuspectedProxy {
        update = next(&mut watched).await;
    }
    assert!(!update.excerpts.is_empty() && update.excerpts.iter().all(|e| e.end_s > e.start_s));
    signal(&mut clients, &uuid, CallSignal::SpeakerChanged).await.unwrap();
    while update.speaker == 1 {
        update = next(&mut watched).await;
    }
    assert_eq!(verdict(&update), Verdict::InsufficientSpeech);
    assert_eq!(net_speech_s(&update), 0.0);
    socket.write_all(&audio_frames(&voices::call(CUSTOMERS[0]))).await.unwrap();
    socket.shutdown().await.unwrap();
    while !update.r#final {
        update = next(&mut watched).await;
    }
    // The rest of the proxy's audio may have come after the signal; the customer's is most of it.
    assert_eq!(update.speaker, 2);
    let reasons: Vec<_> = update.decision.unwrap().reasons.into_iter().map(|r| r.code).collect();
    for code in ["SPEAKER_CHANGED", "EARLIER_SPEAKER_TAGGED"] {
        assert!(reasons.iter().any(|r| r == code), "{reasons:?}");
    }
    let gone = signal(&mut clients, &uuid, CallSignal::Held).await;
    refused(gone, Code::NotFound, "CALL_NOT_LIVE");
}

#[tokio::test]
async fn what_is_heard_on_hold_is_not_the_caller() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let uuid = format!("{UUID}04");
    let mut watched = watch(&mut clients, "").await;
    let mut socket = connect(&server, &uuid).await;
    let samples = voices::call(CUSTOMERS[0]);
    socket.write_all(&audio_frames(&samples[..6 * 8000])).await.unwrap();
    let before = next(&mut watched).await;
    assert!(net_speech_s(&before) >= 3.0);
    signal(&mut clients, &uuid, CallSignal::Held).await.unwrap();
    // As long as the server says that the stream is being read: all of it is, and dropped.
    socket.write_all(&audio_frames(&voices::call(PROXIES[0]))).await.unwrap();
    drop(socket);
    let mut last = next(&mut watched).await;
    while !last.r#final {
        last = next(&mut watched).await;
    }
    assert!(net_speech_s(&last) < 7.0, "{} s of speech, the proxy's among them", net_speech_s(&last));
    assert_ne!(verdict(&last), Verdict::SuspectedProxy);
}

#[tokio::test]
async fn what_is_not_audiosocket_is_hung_up_on_and_leaves_nothing() {
    let data = folder();
    let (server, _clients) = server(data.path()).await;
    let address = server.address_for("audiosocket");
    for bytes in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0x10, 0, 2, 0, 0], &[0x01, 0, 17]] {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let mut said = Vec::new();
        // A reset instead of an end is as good.
        let _ = socket.read_to_end(&mut said).await;
        assert!(said.is_empty() || said == [0, 0, 0], "{said:?}");
    }
    let mut same = Vec::new();
    for _ in 0..2 {
        same.push(connect(&server, &format!("{UUID}05")).await);
    }
    let mut said = Vec::new();
    // The second of two streams of one call is hung up on; the first goes on.
    let _ = same[1].read_to_end(&mut said).await;
    same[0].write_all(&frame(0x00, &[])).await.unwrap();
    let _ = same[0].read_to_end(&mut said).await;
    let metrics = web::get(server.address(), "/metrics").text();
    assert!(metrics.contains("earmark_live_calls 0"), "{metrics}");
    assert!(metrics.contains("protocol=\"audiosocket\",end=\"PROTOCOL_ERROR\"} 3"), "{metrics}");
    assert!(server.log().contains("connect asterisk here"), "{}", server.log());
}
