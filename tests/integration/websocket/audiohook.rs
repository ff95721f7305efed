//! Genesys AudioHook: signed requests, and the protocol's transactions around a call.

use earmark_server::proto::v1::{CallInfo, RegisterCallRequest, Verdict};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Message;

use super::{borrowed, empty_server, ended, nameless, server, signed};
use crate::harness::calls::{info, verdict};
use crate::harness::clients::Clients;
use crate::harness::g711;
use crate::harness::server::{TestServer, folder};
use crate::harness::sockets::Socket;
use crate::harness::voices;
use crate::harness::world::{CUSTOMERS, PROXIES};

const PATH: &str = "/media/audiohook";
const ORGANIZATION: &str = "d7934305-0972-4844-938e-9060eef73d05";
const SESSION: &str = "30b0e395-84d3-4570-ac13-9a62d8f514c0";
const CONVERSATION: &str = "090eaa2f-72fa-480a-83e0-8667ff89c0ec";
const ZERO: &str = "00000000-0000-0000-0000-000000000000";

/// Genesys's side of a session.
struct Session {
    socket: Socket,
    seq: u64,
    serverseq: u64,
    samples: usize,
}

impl Session {
    /// Ends the session as Genesys does: `close`, `closed`, and then the socket, which is the client's to
    /// close.
    async fn end(mut self, reason: &str) {
        self.say("close", json!({"reason": reason})).await;
        assert_eq!(self.hear().await["type"], "closed");
        self.socket.try_send(Message::Close(None)).await;
        // The server's answer, which has the client's (missing) reason and none of its own.
        assert_eq!(self.socket.next().await, Some(Message::Close(None)));
        assert_eq!(self.socket.next().await, None);
    }

    async fn open(server: &TestServer) -> Self {
        let headers = signed(server.address(), PATH, SESSION, ORGANIZATION);
        let socket = Socket::open(server.address(), PATH, &borrowed(&headers)).await;
        Self { socket, seq: 0, serverseq: 0, samples: 0 }
    }

    async fn say(&mut self, kind: &str, parameters: Value) {
        self.seq += 1;
        let position = format!("PT{}S", self.samples as f64 / 8000.0);
        let message = json!({
            "version": "2", "id": SESSION, "type": kind, "seq": self.seq, "serverseq": self.serverseq,
            "position": position, "parameters": parameters,
        });
        self.socket.text(message).await;
    }

    /// The next message of the server, with its numbers checked.
    async fn hear(&mut self) -> Value {
        let message = self.socket.json().await;
        self.serverseq += 1;
        assert_eq!((&message["version"], &message["id"]), (&json!("2"), &json!(SESSION)));
        assert_eq!((&message["seq"], &message["clientseq"]), (&json!(self.serverseq), &json!(self.seq)));
        message
    }

    async fn audio(&mut self, interleaved: &[u8]) {
        self.samples += interleaved.len() / 2;
        // 200 ms of both channels, as Genesys sends it.
        self.socket.audio(interleaved, 3200).await;
    }
}

fn offer(conversation: &str, participant: &str) -> Value {
    json!({
        "organizationId": ORGANIZATION, "conversationId": conversation,
        "participant": {"id": participant, "ani": "+8613800000000", "aniName": "", "dnis": "+864008001000"},
        "media": [{"type": "audio", "format": "PCMU", "channels": ["external", "internal"], "rate": 8000}],
        "language": "zh-CN",
    })
}

/// Both channels, the customer's first.
fn stereo(customer: &[u8], agent: &[u8]) -> Vec<u8> {
    customer.iter().zip(agent.iter().cycle()).flat_map(|(left, right)| [*left, *right]).collect()
}

#[tokio::test]
async fn a_registered_conversation_is_screened_to_its_verdict() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let call = CallInfo { agent_id: "1001".into(), ..info(CONVERSATION, CUSTOMERS[0]) };
    let request = RegisterCallRequest { call: Some(call.clone()), stream_id: String::new() };
    clients.screening.register_call(request).await.unwrap();
    let mut session = Session::open(&server).await;
    session.say("open", offer(CONVERSATION, SESSION)).await;
    let opened = session.hear().await;
    assert_eq!((&opened["type"], &opened["parameters"]["startPaused"]), (&json!("opened"), &json!(false)));
    assert_eq!(opened["parameters"]["media"], offer(CONVERSATION, SESSION)["media"]);
    let customer = g711::encode(&voices::call(PROXIES[1]));
    let agent = g711::encode(&voices::call(CUSTOMERS[0]));
    let both = stereo(&customer, &agent);
    let half = (both.len() / 2) & !1;
    session.audio(&both[..half]).await;
    session.say("ping", json!({})).await;
    assert_eq!(session.hear().await["type"], "pong");
    session.say("update", json!({"language": "en-US"})).await;
    assert_eq!(session.hear().await["type"], "updated");
    session.audio(&both[half..]).await;
    session.end("end").await;
    let kept = ended(&mut clients, CONVERSATION).await;
    let expected = CallInfo { caller_number: "+8613800000000".into(), ..call };
    assert_eq!(kept.call, Some(expected));
    assert_eq!(verdict(kept.updates.last().unwrap()), Verdict::SuspectedProxy);
    let heard = g711::decode(&customer);
    let by_grpc = clients.screen(info("audiohook-grpc", CUSTOMERS[0]), &heard).await.unwrap();
    assert_eq!(kept.updates.len(), by_grpc.len());
    for (update, same) in kept.updates.iter().zip(&by_grpc) {
        assert_eq!(nameless(update), nameless(same));
    }
}

#[tokio::test]
async fn a_pause_is_a_hold_and_a_probe_is_no_call() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let mut probe = Session::open(&server).await;
    probe.say("open", offer(ZERO, ZERO)).await;
    assert_eq!(probe.hear().await["type"], "opened");
    probe.end("end").await;

    let mut session = Session::open(&server).await;
    session.say("open", offer(CONVERSATION, SESSION)).await;
    session.hear().await;
    let silence = g711::encode(&vec![0; 8000]);
    session.audio(&stereo(&silence, &silence)).await;
    session.say("paused", json!({})).await;
    session.samples += 8000 * 4;
    session.say("resumed", json!({"start": "PT1S", "discarded": "PT4S"})).await;
    session.audio(&stereo(&silence, &silence)).await;
    session.samples += 8000 * 4;
    session.say("discarded", json!({"start": "PT6S", "discarded": "PT4S"})).await;
    session.end("end").await;
    let kept = ended(&mut clients, CONVERSATION).await;
    let last = kept.updates.last().unwrap();
    assert_eq!(verdict(last), Verdict::InsufficientSpeech);
    // 2 s of audio, 1 s in place of what was left out, and up to 1 s for the hold.
    let audio_s = last.speech.as_ref().unwrap().audio_s;
    assert!((3.0..=4.0).contains(&audio_s), "{audio_s}");
}

#[tokio::test]
async fn the_calls_time_runs_on_over_what_was_left_out() {
    let data = folder();
    let (server, mut clients) = server(data.path()).await;
    let mut session = Session::open(&server).await;
    session.say("open", offer(CONVERSATION, SESSION)).await;
    session.hear().await;
    let silence = g711::encode(&vec![0; 8000]);
    session.audio(&stereo(&silence, &silence)).await;
    session.samples += 8000 * 4;
    session.say("discarded", json!({"start": "PT1S", "discarded": "PT4S"})).await;
    session.audio(&stereo(&silence, &silence)).await;
    session.say("close", json!({"reason": "end"})).await;
    assert_eq!(session.hear().await["type"], "closed");
    let kept = ended(&mut clients, CONVERSATION).await;
    let last = kept.updates.last().unwrap();
    assert_eq!(last.call_s, 6.0);
    assert!(last.speech.as_ref().unwrap().audio_s < 6.0);
}

#[tokio::test]
async fn a_request_must_be_signed_and_is_good_once() {
    let data = folder();
    let server = empty_server(data.path());
    let address = server.address();
    let refused = async |headers: &[(&str, &str)]| {
        let refused = Socket::try_open(address, PATH, headers).await.err().expect("a refusal");
        assert_eq!(refused.status, 401);
        refused.said.split(':').next().unwrap().to_owned()
    };
    assert_eq!(refused(&[]).await, "API_KEY_NOT_VALID");
    assert_eq!(refused(&[("x-api-key", super::API_KEY)]).await, "SIGNATURE_NOT_VALID");
    let other = signed(address, "/media/other", SESSION, ORGANIZATION);
    assert_eq!(refused(&borrowed(&other)).await, "SIGNATURE_NOT_VALID");
    let mut changed = signed(address, PATH, SESSION, ORGANIZATION);
    changed[0].1 = ZERO.to_owned();
    assert_eq!(refused(&borrowed(&changed)).await, "SIGNATURE_NOT_VALID");
    let good = signed(address, PATH, SESSION, ORGANIZATION);
    let mut socket = Socket::open(address, PATH, &borrowed(&good)).await;
    assert_eq!(refused(&borrowed(&good)).await, "SIGNATURE_REPLAYED");
    // The organization of the messages must be the one that was signed.
    let mut open = offer(CONVERSATION, SESSION);
    open["organizationId"] = json!(ZERO);
    let message = json!({"version": "2", "id": SESSION, "type": "open", "seq": 1, "serverseq": 0,
        "position": "PT0S", "parameters": open});
    socket.text(message).await;
    let disconnect = socket.json().await;
    assert_eq!(
        (&disconnect["type"], &disconnect["parameters"]["reason"]),
        (&json!("disconnect"), &json!("unauthorized"))
    );
    // A client that can't go on may close without a word of the protocol's.
    assert!(socket.try_send(Message::Close(None)).await);
    assert_eq!(socket.next().await, Some(Message::Close(None)));
}

#[tokio::test]
async fn a_proxy_that_changes_host_and_path_is_named_by_the_public_url() {
    let data = folder();
    let table = "[websocket.audiohook]\n";
    let behind = format!("{table}public_url = \"wss://voice.bank.example/hook\"\n");
    let telephony = super::telephony().replace(table, &behind);
    let server = super::launch(data.path(), &telephony).start(&data.path().join("data"));
    let address = server.address();
    let public = signed("voice.bank.example", "/hook", SESSION, ORGANIZATION);
    Socket::open(address, PATH, &borrowed(&public)).await;
    let inside = signed(address, PATH, SESSION, ORGANIZATION);
    let refused = Socket::try_open(address, PATH, &borrowed(&inside)).await.err().expect("a refusal");
    assert_eq!((refused.status, refused.said.split(':').next()), (401, Some("SIGNATURE_NOT_VALID")));
}

#[tokio::test]
async fn a_session_that_breaks_the_protocol_is_disconnected_and_may_close_in_order() {
    let data = folder();
    let server = empty_server(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let mut session = Session::open(&server).await;
    session.say("open", offer(CONVERSATION, SESSION)).await;
    session.hear().await;
    session.say("open", offer(CONVERSATION, SESSION)).await;
    // Was under way when the server had enough, and is no reason to hang up.
    let silence = g711::encode(&vec![0; 8000]);
    session.audio(&stereo(&silence, &silence)).await;
    let disconnect = session.hear().await;
    assert_eq!(
        (&disconnect["type"], &disconnect["parameters"]["reason"]),
        (&json!("disconnect"), &json!("error"))
    );
    session.end("disconnect").await;
    assert!(ended(&mut clients, CONVERSATION).await.end_time.is_some());
}

#[tokio::test]
async fn a_stopping_server_asks_to_reconnect_and_waits_for_the_close() {
    let data = folder();
    let (server, mut session) = stopping(data.path()).await;
    assert_eq!(session.hear().await["type"], "reconnect");
    session.end("reconnect").await;
    let (status, log) = server.ended();
    assert!(status.success(), "{log}");
    assert!(log.contains("media stream ended early") && !log.contains("did not stop in time"), "{log}");
}

/// A server that was told to stop in the middle of a session.
async fn stopping(data: &std::path::Path) -> (TestServer, Session) {
    let server =
        super::launch(data, &super::telephony()).argument("--drain-s", "0").start(&data.join("data"));
    let mut session = Session::open(&server).await;
    session.say("open", offer(CONVERSATION, SESSION)).await;
    session.hear().await;
    let audio = g711::encode(&voices::call(CUSTOMERS[0])[..4 * 8000]);
    session.audio(&stereo(&audio, &audio)).await;
    session.say("ping", json!({})).await;
    assert_eq!(session.hear().await["type"], "pong");
    server.terminate();
    (server, session)
}

#[tokio::test]
async fn a_stopping_server_does_not_wait_for_ever() {
    let data = folder();
    let (server, mut session) = stopping(data.path()).await;
    let mut said = Vec::new();
    while let Some(message) = session.socket.next().await {
        match message {
            Message::Text(text) => {
                said.push(serde_json::from_str::<Value>(text.as_str()).unwrap()["type"].clone())
            }
            Message::Close(frame) => said.push(json!(u16::from(frame.unwrap().code))),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(said, [json!("reconnect"), json!(1001)]);
    let (status, log) = server.ended();
    assert!(status.success() && !log.contains("did not stop in time"), "{log}");
}
