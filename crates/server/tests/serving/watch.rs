use earmark_server::proto::v1;
use earmark_server::{Limits, ServerOptions};
use tonic::{Code, Streaming};

use crate::errors::refused;
use crate::fixture::{Server, call, pcm, soon};
use crate::streaming::screen;

async fn watch(server: &Server, agent: &str) -> Streaming<v1::WatchCallsResponse> {
    let request = v1::WatchCallsRequest { agent_id: agent.into() };
    server.screening().watch_calls(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn desktops_see_their_calls_and_no_others() {
    let server = Server::start().await;
    let mut all = watch(&server, "").await;
    let mut other = watch(&server, "agent-9").await;
    let bytes = &pcm("june", 5)[..80_000];
    let (updates, _) = screen(&server, call("call-1", ""), bytes, 1600).await;
    let mine = v1::CallInfo { agent_id: "agent-9".into(), ..call("call-2", "") };
    screen(&server, mine, bytes, 1600).await.1.unwrap();
    for expected in &updates {
        let seen = soon(all.message()).await.unwrap().unwrap().update.unwrap();
        assert_eq!(&seen, expected);
    }
    let seen = soon(other.message()).await.unwrap().unwrap().update.unwrap();
    assert_eq!(seen.call.unwrap().call_id, "call-2", "another agent's call was shown");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_calls_are_not_shown() {
    let (server, stranger) = (Server::start().await, Server::start().await);
    let mut watching = watch(&stranger, "").await;
    let bytes = &pcm("june", 5)[..80_000];
    screen(&server, call("call-1", ""), bytes, 1600).await.1.unwrap();
    screen(&stranger, call("call-2", ""), bytes, 1600).await.1.unwrap();
    let seen = soon(watching.message()).await.unwrap().unwrap().update.unwrap();
    assert_eq!(seen.call.unwrap().call_id, "call-2");
    server.stop().await;
    stranger.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_have_a_limit_and_leave_with_the_server() {
    let limits = Limits { max_watchers: 1, ..Limits::default() };
    let mut server = Server::start_with(ServerOptions { limits, ..ServerOptions::default() }).await;
    let mut watching = watch(&server, "").await;
    let request = v1::WatchCallsRequest::default();
    refused(server.screening().watch_calls(request).await, Code::ResourceExhausted, "WATCHERS_FULL");
    server.signal();
    refused(soon(watching.message()).await, Code::Unavailable, "DRAINING");
    server.ended().await;
}
