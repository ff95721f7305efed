use std::time::Duration;

use earmark_server::ServerOptions;
use earmark_server::proto::v1;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use crate::errors::refused;
use crate::fixture::{Server, call, pcm, soon};
use crate::http::get;
use crate::streaming::OpenCall;

async fn health(server: &Server, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.into() };
    HealthClient::new(server.channel.clone()).check(request).await.unwrap().into_inner().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn live_calls_go_on_and_new_ones_are_sent_away() {
    let mut server = Server::start().await;
    let bytes = pcm("june", 5);
    let mut open = OpenCall::begin(&server, call("call-1", "")).await;
    open.speak(&bytes[..80_000], 1600).await;
    assert!(open.next().await.unwrap().is_ok());
    assert_eq!(health(&server, "earmark.v1.ScreeningService").await, ServingStatus::Serving);
    assert!(get(&server, "/readyz").await.starts_with("HTTP/1.1 200"));
    server.signal();
    soon(async { while !get(&server, "/readyz").await.starts_with("HTTP/1.1 503") {} }).await;
    for service in ["", "earmark.v1.CustomersService", "earmark.v1.ScreeningService"] {
        assert_eq!(health(&server, service).await, ServingStatus::NotServing, "{service}");
    }
    assert!(get(&server, "/healthz").await.starts_with("HTTP/1.1 200"));
    let status = refused(OpenCall::open(&server).await.map(|_| ()), Code::Unavailable, "DRAINING");
    assert!(status.get_details_retry_info().is_some());
    let lookup = v1::GetCallRequest { call_id: "call-1".into() };
    refused(server.screening().get_call(lookup).await, Code::Unavailable, "DRAINING");
    open.speak(&bytes[80_000..160_000], 1600).await;
    open.half_close();
    let (updates, ended) = open.rest().await;
    ended.unwrap();
    assert!(updates.last().unwrap().r#final);
    server.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_outlast_the_drain_get_their_last_update() {
    let options = ServerOptions { drain_timeout: Duration::from_millis(50), ..ServerOptions::default() };
    let mut server = Server::start_with(options).await;
    let mut open = OpenCall::begin(&server, call("call-1", "")).await;
    open.speak(&pcm("june", 5)[..80_000], 1600).await;
    assert!(open.next().await.unwrap().is_ok());
    server.signal();
    let (updates, ended) = open.rest().await;
    refused(ended, Code::Unavailable, "DRAINING");
    assert!(updates.last().unwrap().r#final);
    server.ended().await;
}
