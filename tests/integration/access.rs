//! Who may call, and how much at once.

use std::os::unix::fs::PermissionsExt;

use earmark_server::proto::v1::{GetCustomerRequest, ListCustomersRequest};
use tonic::{Code, Request};
use tonic_types::StatusExt;

use crate::harness::calls::info;
use crate::harness::clients::Clients;
use crate::harness::refused::refused;
use crate::harness::server::{Launch, folder};
use crate::harness::sockets::Socket;
use crate::harness::{voices, web};

const TOKEN: &str = "a-token-of-thirty-two-characters";

fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

#[tokio::test]
async fn with_tokens_only_their_holders_get_in_and_the_log_never_tells_one() {
    let (data, files) = (folder(), folder());
    let tokens = files.path().join("tokens.toml");
    std::fs::write(&tokens, format!("[[token]]\nname = \"desk\"\ntoken = \"{TOKEN}\"\n")).unwrap();
    std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o600)).unwrap();
    let launch = Launch::new().log_level("trace").argument("--tokens", tokens.to_str().unwrap());
    let server = launch.start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let all = ListCustomersRequest::default();
    refused(clients.customers.list_customers(all.clone()).await, Code::Unauthenticated, "TOKEN_NOT_VALID");
    for wrong in ["", "wrong", &TOKEN[1..], &TOKEN.to_uppercase()] {
        let outcome = clients.customers.list_customers(with_token(all.clone(), wrong)).await;
        refused(outcome, Code::Unauthenticated, "TOKEN_NOT_VALID");
    }
    let outcome = clients.screen(info("call", ""), &voices::noise()).await;
    refused(outcome, Code::Unauthenticated, "TOKEN_NOT_VALID");
    clients.customers.list_customers(with_token(all, TOKEN)).await.unwrap();
    let nobody = GetCustomerRequest { customer_id: "nobody".into() };
    refused(clients.customers.get_customer(with_token(nobody, TOKEN)).await, Code::NotFound, "NOT_FOUND");
    assert_eq!(web::get(server.address(), "/healthz").status, 200, "probes need none");
    server.terminate();
    let (_, log) = server.ended();
    assert!(log.contains("TRACE") && !log.contains(TOKEN));
}

fn tokens_with(folder: &std::path::Path, allow: &str) -> String {
    let tokens = folder.join("tokens.toml");
    std::fs::write(&tokens, format!("[[token]]\nname = \"switch\"\ntoken = \"{TOKEN}\"\nallow = {allow}\n"))
        .unwrap();
    tokens.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_opens_what_its_file_allows() {
    let (data, files) = (folder(), folder());
    let telephony = files.path().join("telephony.toml");
    std::fs::write(&telephony, "[websocket.freeswitch]\n").unwrap();
    let launch = Launch::new()
        .argument("--tokens", &tokens_with(files.path(), "[\"media\"]"))
        .argument("--telephony", telephony.to_str().unwrap());
    let server = launch.start(data.path());
    let path = format!("/media/freeswitch?call_id=c&token={TOKEN}");
    assert!(Socket::try_open(server.address(), &path, &[]).await.is_ok(), "a stream comes in");
    let mut clients = Clients::connect(server.address()).await;
    let all = with_token(ListCustomersRequest::default(), TOKEN);
    let outcome = clients.customers.list_customers(all).await;
    let status = refused(outcome, Code::PermissionDenied, "PERMISSION_MISSING");
    assert!(status.message().contains("not allowed customers"), "{}", status.message());
    drop(server);
    for wrong in ["[\"medai\"]", "[]"] {
        let launch = Launch::new().argument("--tokens", &tokens_with(files.path(), wrong));
        let said = launch.refused_late(data.path()).said;
        assert!(said.contains("media, screening, voiceprints"), "{said}");
        assert!(!said.contains(TOKEN), "{said}");
    }
}

#[tokio::test]
async fn one_live_call_more_than_allowed_is_refused_with_when_to_retry() {
    let data = folder();
    let server = Launch::new().argument("--max-calls", "2").start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let mut calls = Vec::new();
    for id in ["first", "second"] {
        let mut call = clients.begin_call(info(id, "")).await.unwrap();
        call.say(&voices::samples("carlo/01")).await;
        call.next().await.unwrap().expect("an update");
        calls.push(call);
    }
    let outcome = clients.screen(info("third", ""), &voices::noise()).await;
    let status = refused(outcome, Code::ResourceExhausted, "LIVE_CALLS_FULL");
    assert!(status.get_details_retry_info().is_some_and(|info| info.retry_delay.is_some()));
    refused(clients.call("third").await, Code::NotFound, "NOT_FOUND");
    for call in calls {
        assert!(call.hang_up().await.unwrap().last().unwrap().r#final, "the others go on");
    }
    // A place is free once the server has heard that a call's stream is over.
    web::until(server.address(), "/metrics", |reply| reply.text().contains("earmark_live_calls 0")).await;
    clients.screen(info("third", ""), &voices::noise()).await.unwrap();
}
