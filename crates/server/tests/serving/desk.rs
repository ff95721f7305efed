//! The desk's pages over the real server: who may see them, what they hold open, and what they are told.

use std::collections::HashMap;

use earmark_server::proto::v1::{self, CallInfo};
use earmark_server::{AccessOptions, AccessToken, DeskOptions, Limits, ServerOptions};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::fixture::{Server, call, pcm, soon};
use crate::streaming::{OpenCall, screen};

/// A request's head and what of its body is sent; gives all that comes back until the server closes.
async fn send(server: &Server, head: &str, body: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(format!("{head}\r\n\r\n").as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    let mut reply = Vec::new();
    soon(socket.read_to_end(&mut reply)).await.unwrap();
    String::from_utf8_lossy(&reply).into_owned()
}

async fn get(server: &Server, path: &str, headers: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    let path = format!("{path}{sign}tenant={}", server.tenant());
    send(server, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close{headers}"), b"").await
}

async fn json(server: &Server, path: &str) -> Value {
    let reply = get(server, path, "").await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{path}: {reply}");
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// A page's stream, read event by event.
struct Stream(BufReader<TcpStream>);

impl Stream {
    async fn open(server: &Server, path: &str, headers: &str) -> Self {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let head =
            format!("GET {path}&tenant={} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n", server.tenant());
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut stream = Self(BufReader::new(socket));
        let head = stream.line().await.unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        stream
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = soon(self.0.read_line(&mut line)).await.unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event of one of these names; none once the stream has ended.
    async fn next(&mut self, names: &[&str]) -> Option<(String, Value)> {
        let mut name = None;
        loop {
            let line = self.line().await?;
            if let Some(found) = line.strip_prefix("event: ") {
                name = names.iter().find(|wanted| **wanted == found).map(|found| (*found).to_owned());
            }
            if let (Some(data), Some(name)) = (line.strip_prefix("data: "), &name) {
                return Some((name.clone(), serde_json::from_str(data).unwrap()));
            }
            // The last chunk (RFC 9112, 7.1).
            if line == "0" {
                return None;
            }
        }
    }
}

/// A server that wants tokens, and a page's cookie for what one of them opens.
async fn guarded() -> Server {
    let token = AccessToken::new("crm", "a-token-of-thirty-two-characters", None).unwrap();
    let access = AccessOptions { tokens: vec![token], ..AccessOptions::default() };
    Server::start_with(ServerOptions { access, ..ServerOptions::default() }).await
}

const BEARER: &str = "Bearer a-token-of-thirty-two-characters";

fn signed<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", BEARER.parse().unwrap());
    request
}

/// Opens a page by a token as a browser does; the cookie it got.
async fn cookie(server: &Server, scope: v1::create_desk_token_request::Scope) -> String {
    let request = v1::CreateDeskTokenRequest { scope: Some(scope), ..Default::default() };
    let mut desk = server.desk();
    let token = desk.create_desk_token(signed(request)).await.unwrap().into_inner().token.unwrap();
    let reply = get(server, &token.path, "").await;
    let set = reply.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
    format!("cookie: {}", set.split(';').next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_behind_a_proxy_is_open_to_nobody() {
    let server = Server::start().await;
    assert!(get(&server, "/supervisor", "").await.starts_with("HTTP/1.1 200"));
    // What a proxy on the same machine sends for a browser elsewhere.
    for header in
        ["X-Forwarded-For: 10.1.2.3", "X-Forwarded-Host: desk.bank.example", "Forwarded: for=10.1.2.3"]
    {
        let reply = get(&server, "/supervisor", &format!("\r\n{header}")).await;
        assert!(reply.starts_with("HTTP/1.1 401"), "{header}: {reply}");
    }
    server.stop().await;
    let desk = DeskOptions { https: true, ..DeskOptions::default() };
    let server = Server::start_with(ServerOptions { desk, ..ServerOptions::default() }).await;
    let reply = get(&server, "/supervisor", "").await;
    assert!(reply.starts_with("HTTP/1.1 401"), "{reply}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_body_is_waited_for_who_may_not_report() {
    let server = guarded().await;
    let head = "POST /desk/api/outcome HTTP/1.1\r\nhost: localhost\r\ncontent-length: 50000";
    let own = "content-type: application/json\r\nx-earmark-desk: 1";
    // The rest of the body never comes, and the reply does all the same.
    let reply = send(&server, head, b"{").await;
    assert!(reply.starts_with("HTTP/1.1 403") && reply.contains("NOT_FROM_A_PAGE"), "{reply}");
    let reply = send(&server, &format!("{head}\r\n{own}"), b"{").await;
    assert!(reply.starts_with("HTTP/1.1 401") && reply.contains("NO_SESSION"), "{reply}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_too_many_is_told_so() {
    let limits = Limits { max_watchers: 1, ..Limits::default() };
    let server = Server::start_with(ServerOptions { limits, ..ServerOptions::default() }).await;
    assert_eq!(json(&server, "/desk/api/session?call_id=a").await["full"], false);
    let _first = Stream::open(&server, "/events?call_id=a", "").await;
    let refused = get(&server, "/events?call_id=b", "").await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("PAGES_FULL"), "{refused}");
    let told = json(&server, "/desk/api/session?call_id=b").await;
    assert_eq!((&told["full"], &told["over"]), (&true.into(), &false.into()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_call_is_one_reply_and_nothing_to_come_back_for() {
    let server = Server::start().await;
    let updates = screen(&server, call("done", ""), &pcm("june", 5)[..160_000], 1600).await.0;
    let last = updates.last().unwrap().sequence;
    let card = json(&server, "/desk/api/call?call_id=done").await;
    assert_eq!(card["call"]["call_id"], "done");
    assert!(card["call"]["ended_ms"].is_i64());
    let sequences: Vec<_> =
        card["updates"].as_array().unwrap().iter().map(|u| u["sequence"].as_u64()).collect();
    assert_eq!(sequences, updates.iter().map(|u| Some(u64::from(u.sequence))).collect::<Vec<_>>());
    for (told, over) in [(last, true), (last - 1, false)] {
        let path = format!("/desk/api/session?call_id=done&last_event_id={told}");
        assert_eq!(json(&server, &path).await["over"], over, "{told}");
    }
    assert!(get(&server, "/desk/api/call?call_id=nowhere", "").await.starts_with("HTTP/1.1 404"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_of_finished_calls_and_says_whether_there_are_more() {
    let server = Server::start().await;
    for n in 0..3 {
        screen(&server, call(&format!("done-{n}"), ""), &[0; 1600], 1600).await.1.unwrap();
    }
    // Begun later, and still going on.
    let mut live = Vec::new();
    for n in 0..4 {
        live.push(OpenCall::begin(&server, call(&format!("live-{n}"), "")).await);
    }
    until_live(&server, 4).await;
    let ids = |list: &Value| -> Vec<String> {
        let calls = list["calls"].as_array().unwrap().iter();
        calls.map(|line| line["call"]["call_id"].as_str().unwrap().to_owned()).collect()
    };
    let two = json(&server, "/desk/api/calls?count=2").await;
    assert_eq!((ids(&two), &two["more"]), (vec!["done-2".into(), "done-1".into()], &true.into()));
    let all = json(&server, "/desk/api/calls").await;
    assert_eq!((ids(&all).len(), &all["more"]), (3, &false.into()));
    for bad in ["0", "1001", "x"] {
        let reply = get(&server, &format!("/desk/api/calls?count={bad}"), "").await;
        assert!(reply.starts_with("HTTP/1.1 400"), "{bad}");
    }
    drop(live);
    server.stop().await;
}

/// Waits until so many calls run.
async fn until_live(server: &Server, count: u64) -> Value {
    soon(async {
        loop {
            let overview = json(server, "/desk/api/overview").await;
            if overview["live_count"].as_u64() == Some(count) {
                return overview;
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_live_calls_those_that_need_care_are_shown() {
    let server = Server::start().await;
    let mut first = OpenCall::begin(&server, call("with-a-verdict", "")).await;
    first.speak(&pcm("june", 5)[..160_000], 1600).await;
    first.next().await.unwrap().unwrap();
    let mut others = Vec::new();
    for n in 0..101 {
        others.push(OpenCall::begin(&server, call(&format!("other-{n}"), "")).await);
    }
    let overview = until_live(&server, 102).await;
    let live = overview["live"].as_array().unwrap();
    assert_eq!((live.len(), &live[0]["call"]["call_id"]), (100, &"with-a-verdict".into()));
    drop((first, others));
    server.stop().await;
}

/// Tells the server that a running call is another agent's now.
async fn give_to(server: &Server, id: &str, agent: &str) {
    let call = CallInfo { call_id: id.into(), agent_id: agent.into(), ..CallInfo::default() };
    let request = v1::RegisterCallRequest { call: Some(call), ..Default::default() };
    server.screening().register_call(signed(request)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transferred_call_leaves_one_agents_page_and_pops_on_the_others() {
    let server = Server::start().await;
    let mut live = OpenCall::begin(&server, CallInfo { agent_id: "a".into(), ..call("moved", "") }).await;
    until_live(&server, 1).await;
    let mut one = Stream::open(&server, "/events?agent_id=a", "").await;
    assert_eq!(one.next(&["call"]).await.unwrap().1["call_id"], "moved");
    // The other's page was opened after the call began.
    let mut other = Stream::open(&server, "/events?agent_id=b", "").await;
    give_to(&server, "moved", "b").await;
    assert_eq!(one.next(&["transferred"]).await.unwrap().1["call_id"], "moved");
    let popped = other.next(&["call"]).await.unwrap().1;
    assert_eq!((&popped["call_id"], &popped["agent_id"]), (&"moved".into(), &"b".into()));
    live.speak(&pcm("june", 5)[..160_000], 1600).await;
    let mut told = Vec::new();
    while let Some((_, update)) = other.next(&["update"]).await {
        told.push(update["sequence"].as_u64().unwrap());
        if told.len() == 3 {
            break;
        }
    }
    assert_eq!(told, [1, 2, 3]);
    // And back: what happened meanwhile is told as well, once.
    give_to(&server, "moved", "a").await;
    assert_eq!(other.next(&["transferred"]).await.unwrap().1["call_id"], "moved");
    assert_eq!(one.next(&["transferred", "call"]).await.unwrap().0, "call");
    assert_eq!(one.next(&["transferred", "update"]).await.unwrap().1["sequence"], 1);
    live.half_close();
    let mut counted = HashMap::new();
    loop {
        let (_, update) = one.next(&["update"]).await.unwrap();
        *counted.entry(update["sequence"].as_u64().unwrap()).or_insert(0) += 1;
        if update["final"] == true {
            break;
        }
    }
    assert!(counted.values().all(|times| *times == 1), "{counted:?}");
    server.stop().await;
}

/// The call's own stream, for an agent who has it no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_stream_ends_for_an_agent_whose_call_it_no_longer_is() {
    let server = guarded().await;
    let agent = cookie(&server, v1::create_desk_token_request::Scope::AgentId("a".into())).await;
    let begun = v1::ScreenCallConfig {
        call: Some(CallInfo { agent_id: "a".into(), ..call("moved", "") }),
        format: Some(crate::fixture::s16le()),
    };
    let config = v1::ScreenCallRequest { request: Some(v1::screen_call_request::Request::Config(begun)) };
    let (sender, messages) = tokio::sync::mpsc::channel(4);
    sender.send(config).await.unwrap();
    let messages = signed(tokio_stream::wrappers::ReceiverStream::new(messages));
    let _replies = server.screening().screen_call(messages).await.unwrap().into_inner();
    let headers = format!("{agent}\r\n");
    soon(async {
        let path = "/events?call_id=moved";
        while get(&server, "/desk/api/call?call_id=moved", &format!("\r\n{agent}"))
            .await
            .starts_with("HTTP/1.1 404")
        {}
        let mut stream = Stream::open(&server, path, &headers).await;
        assert_eq!(stream.next(&["call"]).await.unwrap().1["call_id"], "moved");
        give_to(&server, "moved", "b").await;
        assert_eq!(stream.next(&["transferred", "update", "call"]).await.unwrap().0, "transferred");
        assert!(stream.next(&["update", "call"]).await.is_none(), "and nothing after it");
        assert!(get(&server, path, &format!("\r\n{agent}")).await.starts_with("HTTP/1.1 404"));
    })
    .await;
    drop(sender);
    server.stop().await;
}
