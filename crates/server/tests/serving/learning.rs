//! What a running call learns from outside its stream.

use std::time::Duration;

use earmark_server::proto::v1;
use earmark_server::{AccessOptions, AccessToken, Limits, Permission, ServerOptions};
use tonic::{Code, Request, Status};

use crate::errors::{field, refused};
use crate::fixture::{Server, call, pcm};
use crate::streaming::OpenCall;

async fn register(
    server: &Server,
    call: v1::CallInfo,
    stream: &str,
) -> Result<v1::RegisterCallResponse, Status> {
    let request = v1::RegisterCallRequest { call: Some(call), stream_id: stream.into() };
    server.screening().register_call(request).await.map(tonic::Response::into_inner)
}

async fn signal(server: &Server, call: &str, signal: v1::CallSignal) {
    let request = v1::SignalCallRequest { call_id: call.into(), signal: signal.into() };
    server.screening().signal_call(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_field_is_refused_by_name_and_the_call_goes_on() {
    let server = Server::start().await;
    let bytes = pcm("june", 5);
    let mut open = OpenCall::begin(&server, call("call-1", "")).await;
    open.speak(&bytes[..80_000], 1600).await;
    open.next().await.unwrap().unwrap();
    for bad in ["x".repeat(129), "a\nb".into(), " a".into()] {
        let unfit = v1::CallInfo { agent_id: bad, ..call("call-1", "") };
        let status = refused(register(&server, unfit, "").await, Code::InvalidArgument, "INVALID_FIELD");
        assert_eq!(field(&status), "call.agent_id");
    }
    open.half_close();
    let (updates, ended) = open.rest().await;
    ended.unwrap();
    assert!(updates.last().unwrap().r#final);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_began_unregistered_is_found_by_its_stream() {
    const STREAM: &str = "0f5fbdd88a2c4c9e9d0a6a2f5b7c1e01";
    let server = Server::start().await;
    let mut open = OpenCall::begin(&server, call(STREAM, "")).await;
    open.speak(&pcm("june", 5)[..80_000], 1600).await;
    open.next().await.unwrap().unwrap();
    let known = v1::CallInfo { agent_id: "agent-9".into(), ..call("cti-1", "") };
    let reply = register(&server, known, "0F5FBDD8-8A2C-4C9E-9D0A-6A2F5B7C1E01").await.unwrap();
    assert_eq!((reply.live, reply.running_call_id.as_str()), (true, STREAM));
    open.half_close();
    let (updates, ended) = open.rest().await;
    ended.unwrap();
    let last = updates.last().unwrap().call.clone().unwrap();
    assert_eq!((last.call_id.as_str(), last.agent_id.as_str()), (STREAM, "agent-9"));
    let later = register(&server, call("cti-2", ""), STREAM).await.unwrap();
    assert_eq!((later.live, later.running_call_id.as_str()), (false, ""));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_no_idleness() {
    let idle_timeout = Duration::from_secs(2);
    let limits = Limits { idle_timeout, ..Limits::default() };
    let server = Server::start_with(ServerOptions { limits, ..ServerOptions::default() }).await;
    let bytes = pcm("june", 5);
    let mut open = OpenCall::begin(&server, call("call-1", "")).await;
    open.speak(&bytes[..80_000], 1600).await;
    open.next().await.unwrap().unwrap();
    signal(&server, "call-1", v1::CallSignal::Held).await;
    tokio::time::sleep(2 * idle_timeout).await;
    signal(&server, "call-1", v1::CallSignal::Resumed).await;
    open.speak(&bytes[80_000..160_000], 1600).await;
    open.half_close();
    let (updates, ended) = open.rest().await;
    ended.unwrap();
    let heard_s = updates.last().unwrap().speech.as_ref().unwrap().audio_s;
    assert!(heard_s >= 10.0, "{heard_s} s: what came after the hold was not heard");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switchs_token_brings_calls_and_nothing_else() {
    let secret = "a-very-secret-token-of-the-switch";
    let token = AccessToken::new("switch", secret, None).unwrap().allowing(vec![Permission::Media]);
    let access = AccessOptions { tenants: None, tokens: vec![token] };
    let server = Server::start_with(ServerOptions { access, ..ServerOptions::default() }).await;
    fn with<T>(secret: &str, tenant: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", format!("Bearer {secret}").parse().unwrap());
        request.metadata_mut().insert("earmark-tenant", tenant.parse().unwrap());
        request
    }
    let tenant = server.tenant();
    let known =
        v1::RegisterCallRequest { call: Some(call("call-1", "")), ..v1::RegisterCallRequest::default() };
    server.screening().register_call(with(secret, tenant, known)).await.unwrap();
    let read = v1::GetCallRequest { call_id: "call-1".into() };
    let outcome = server.screening().get_call(with(secret, tenant, read)).await;
    let status = refused(outcome, Code::PermissionDenied, "PERMISSION_MISSING");
    assert!(status.message().contains("not allowed screening"), "{}", status.message());
    let list = v1::ListCustomersRequest::default();
    let outcome = server.customers().list_customers(with(secret, tenant, list)).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_MISSING");
    let list = v1::ListProxiesRequest::default();
    let outcome = server.library().list_proxies(with(secret, tenant, list)).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_MISSING");
    let mut desk = v1::desk_service_client::DeskServiceClient::new(server.channel.clone());
    let scope = v1::create_desk_token_request::Scope::Supervisor(true);
    let pages = v1::CreateDeskTokenRequest { scope: Some(scope), ..v1::CreateDeskTokenRequest::default() };
    let outcome = desk.create_desk_token(with(secret, tenant, pages)).await;
    refused(outcome, Code::PermissionDenied, "PERMISSION_MISSING");
    server.stop().await;
}
