use std::time::Duration;

use earmark_server::proto::v1;
use earmark_server::{AccessOptions, AccessToken, Limits, MAX_CHUNK_BYTES, ServerOptions};
use earmark_voiceprint::TenantId;
use tonic::codec::CompressionEncoding;
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::errors::refused;
use crate::fixture::{Server, call, pcm, recording};
use crate::streaming::{OpenCall, audio};

async fn limited(limits: Limits) -> Server {
    Server::start_with(ServerOptions { limits, ..ServerOptions::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_too_many_is_told_to_come_back() {
    let server = limited(Limits { max_live_calls: 1, ..Limits::default() }).await;
    let mut first = OpenCall::begin(&server, call("call-1", "")).await;
    let outcome = OpenCall::open(&server).await.map(|_| ());
    let status = refused(outcome, Code::ResourceExhausted, "LIVE_CALLS_FULL");
    assert!(status.get_details_retry_info().is_some() && status.get_details_quota_failure().is_some());
    first.half_close();
    first.rest().await.1.unwrap();
    crate::fixture::soon(async {
        while OpenCall::open(&server).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_gets_its_last_update() {
    let server = limited(Limits { idle_timeout: Duration::from_millis(100), ..Limits::default() }).await;
    let mut open = OpenCall::begin(&server, call("call-1", "")).await;
    let (updates, ended) = open.rest().await;
    refused(ended, Code::DeadlineExceeded, "STREAM_IDLE");
    assert_eq!(updates.len(), 1);
    assert!(updates[0].r#final && updates[0].decision.is_some());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_have_a_size_each_kind_its_own() {
    let server = limited(Limits { max_recordings_bytes: 1 << 20, ..Limits::default() }).await;
    let content = vec![0; 3 << 20];
    let recording = v1::Recording { content, ..v1::Recording::default() };
    let request = v1::ExtractRequest { recording: Some(recording) };
    let status =
        refused(server.voiceprints().extract(request).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    assert!(status.message().contains("stream the audio"), "{}", status.message());
    let request = v1::GetCustomerRequest { customer_id: "x".repeat(1 << 20) };
    refused(server.customers().get_customer(request).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    for size in [MAX_CHUNK_BYTES + 1, MAX_CHUNK_BYTES * 2] {
        let mut open = OpenCall::begin(&server, call(&format!("call-{size}"), "")).await;
        open.send(audio(&vec![0; size])).await;
        refused(open.rest().await.1, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_is_taken_and_a_bomb_is_not() {
    let server = limited(Limits { max_recordings_bytes: 1 << 20, ..Limits::default() }).await;
    let mut client = server.voiceprints().send_compressed(CompressionEncoding::Gzip);
    let request = v1::ExtractRequest { recording: Some(recording("june", 1)) };
    assert!(client.extract(request).await.unwrap().into_inner().voiceprint.is_some());
    let content = vec![0; 200 << 20];
    let bomb = v1::Recording { content, ..v1::Recording::default() };
    let request = v1::ExtractRequest { recording: Some(bomb) };
    refused(client.extract(request).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_messages_and_unknown_methods_are_told_apart() {
    let server = Server::start().await;
    let mut client = tonic::client::Grpc::new(server.channel.clone());
    client.ready().await.unwrap();
    // Field 1 of GetCustomerRequest is a text; this is half of one.
    let codec = tonic_prost::ProstCodec::<Junk, v1::GetCustomerResponse>::default();
    let path = "/earmark.v1.CustomersService/GetCustomer".parse().unwrap();
    let outcome = client.unary(Request::new(Junk { bytes: vec![0xff, 0xfe] }), path, codec).await;
    refused(outcome, Code::InvalidArgument, "MALFORMED_MESSAGE");
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<Junk, v1::GetCustomerResponse>::default();
    let path = "/earmark.v1.CustomersService/Nothing".parse().unwrap();
    let outcome = client.unary(Request::new(Junk::default()), path, codec).await;
    assert_eq!(outcome.unwrap_err().code(), Code::Unimplemented);
    server.stop().await;
}

/// Bytes under field 1, which is a text where it is sent.
#[derive(Clone, PartialEq, prost::Message)]
struct Junk {
    #[prost(bytes = "vec", tag = "1")]
    bytes: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_open_their_tenants() {
    let secret = "a-very-secret-token-of-the-desk";
    let tenant = |id: &str| TenantId::new(id).unwrap();
    let token = AccessToken::new("desk", secret, Some(vec![tenant("t38")])).unwrap();
    let access = AccessOptions { tenants: None, tokens: vec![token] };
    let server = Server::start_with(ServerOptions { access, ..ServerOptions::default() }).await;
    let ask = async |token: Option<&str>, tenant: &'static str| {
        let channel = server.channel.clone();
        let mut client = v1::customers_service_client::CustomersServiceClient::new(channel);
        let mut request = Request::new(v1::ListCustomersRequest::default());
        request.metadata_mut().insert("earmark-tenant", tenant.parse().unwrap());
        if let Some(token) = token {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        client.list_customers(request).await
    };
    ask(Some(secret), "t38").await.unwrap();
    refused(ask(None, "t38").await, Code::Unauthenticated, "TOKEN_NOT_VALID");
    refused(
        ask(Some("a-very-secret-token-of-another"), "t38").await,
        Code::Unauthenticated,
        "TOKEN_NOT_VALID",
    );
    refused(ask(Some(secret), "t39").await, Code::PermissionDenied, "TENANT_NOT_ALLOWED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_calls_at_once_all_end_well() {
    let server = Server::start().await;
    let bytes = pcm("june", 5)[..80_000].to_vec();
    let calls = (0..20).map(|n| {
        let (id, bytes) = (format!("call-{n}"), &bytes);
        let server = &server;
        async move { crate::streaming::screen(server, call(&id, ""), bytes, 320).await }
    });
    let mut counts = std::collections::BTreeSet::new();
    for (updates, ended) in join_all(calls).await {
        ended.unwrap();
        assert!(updates.last().unwrap().r#final);
        counts.insert(updates.len());
    }
    assert_eq!(counts.len(), 1, "equal audio gave different numbers of updates");
    server.stop().await;
}

/// Polls all futures together.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|context| {
        for (future, result) in pending.iter_mut().filter(|p| p.1.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *result = Some(value);
            }
        }
        if pending.iter().all(|p| p.1.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pending.into_iter().map(|p| p.1.unwrap()).collect()
}
