//! The stop signal: live calls get their last update, new ones are refused, and the end is a clean one.

use earmark_server::proto::v1::WatchCallsRequest;
use tonic::Code;

use crate::harness::calls::info;
use crate::harness::clients::Clients;
use crate::harness::refused::refused;
use crate::harness::server::{Launch, folder};
use crate::harness::voices;
use crate::harness::web;

#[tokio::test]
async fn a_live_call_ends_in_its_own_time_while_new_ones_are_refused() {
    let data = folder();
    let server = Launch::new().argument("--drain-s", "600").start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let samples = voices::call("carlo");
    let mut call = clients.begin_call(info("call", "")).await.unwrap();
    call.say(&samples[..samples.len() / 2]).await;
    call.next().await.unwrap().expect("an update");
    server.terminate();
    web::until(server.address(), "/readyz", |reply| reply.status == 503).await;
    assert_eq!(web::get(server.address(), "/healthz").status, 200, "it is well, only leaving");
    let mut newcomer = Clients::connect(server.address()).await;
    refused(newcomer.screen(info("new", ""), &samples).await, Code::Unavailable, "DRAINING");
    refused(newcomer.enroll("new", vec![voices::clip("carlo/01")]).await, Code::Unavailable, "DRAINING");
    drop(newcomer);
    call.say(&samples[samples.len() / 2..]).await;
    let rest = call.hang_up().await.unwrap();
    let last = rest.last().expect("a final update");
    assert!(last.r#final && last.speech.as_ref().unwrap().audio_s == samples.len() as f64 / 8000.0);
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let record = clients.call("call").await.unwrap();
    assert!(record.end_time.is_some() && record.updates.last() == Some(last));
    refused(clients.call("new").await, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn a_call_that_outlasts_the_drain_is_finished_with_a_last_update() {
    let data = folder();
    let server = Launch::new().argument("--drain-s", "0").start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let watch = WatchCallsRequest::default();
    let mut watched = clients.screening.watch_calls(watch).await.unwrap().into_inner();
    let mut call = clients.begin_call(info("call", "")).await.unwrap();
    call.say(&voices::call("carlo")).await;
    call.next().await.unwrap().expect("an update");
    server.terminate();
    let status = loop {
        match call.next().await {
            Ok(Some(update)) if update.r#final => break call.next().await.map(|_| ()),
            Ok(Some(_)) => {}
            other => panic!("no final update but {other:?}"),
        }
    };
    refused(status, Code::Unavailable, "DRAINING");
    let status = loop {
        match watched.message().await {
            Ok(reply) => drop(reply.expect("watchers are told why it ends")),
            Err(status) => break status,
        }
    };
    refused::<()>(Err(status), Code::Unavailable, "DRAINING");
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(0), "{log}");
}

#[tokio::test]
async fn an_idle_server_stops_with_code_zero() {
    let data = folder();
    let server = Launch::new().start(data.path());
    server.terminate();
    let (status, log) = server.ended();
    assert_eq!(status.code(), Some(0), "{log}");
}
