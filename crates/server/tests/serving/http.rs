use earmark_server::proto::v1;
use earmark_server::{ServerError, ServerOptions};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic_reflection::pb::{v1 as reflection, v1alpha};

use crate::fixture::{Server, call, pcm, soon};
use crate::streaming::screen;

/// A plain HTTP/1.1 exchange, as probes make it; the whole reply.
async fn exchange(server: &Server, head: &str, body: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let head =
        format!("{head}\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body).await.unwrap();
    let mut reply = Vec::new();
    soon(socket.read_to_end(&mut reply)).await.unwrap();
    String::from_utf8_lossy(&reply).into_owned()
}

pub(crate) async fn get(server: &Server, path: &str) -> String {
    exchange(server, &format!("GET {path} HTTP/1.1"), &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_show_what_happened() {
    let server = Server::start().await;
    screen(&server, call("call-1", ""), &pcm("june", 5)[..80_000], 1600).await.1.unwrap();
    let unknown = v1::GetCallRequest { call_id: "nowhere".into() };
    server.screening().get_call(unknown).await.unwrap_err();
    let metrics = soon(async {
        loop {
            let text = get(&server, "/metrics").await;
            if text.contains("method=\"ScreeningService/GetCall\",code=\"NOT_FOUND\"") {
                break text;
            }
        }
    });
    let metrics = metrics.await;
    for line in [
        "earmark_live_calls 0",
        "earmark_audio_seconds_total 5",
        "earmark_rpcs_total{method=\"ScreeningService/ScreenCall\",code=\"OK\"} 1",
        "earmark_refusals_total{reason=\"NOT_FOUND\"} 1",
        "earmark_decisions_total{verdict=",
        "earmark_stage_seconds_count{stage=\"update\"}",
        "earmark_queue_wait_seconds_count{lane=\"live\"}",
        "earmark_queue_depth{lane=\"batch\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains("13800000000") && !metrics.contains("call-1"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_call_through_grpc_web_from_allowed_origins() {
    let options =
        ServerOptions { cors_origins: vec!["https://desk.example".into()], ..ServerOptions::default() };
    let server = Server::start_with(options).await;
    let message = v1::OptOutRequest { customer_id: "c-1".into() }.encode_to_vec();
    let mut body = vec![0];
    body.extend((message.len() as u32).to_be_bytes());
    body.extend(message);
    let path = "/earmark.v1.CustomersService/OptOut";
    let head = format!(
        "POST {path} HTTP/1.1\r\ncontent-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n\
         earmark-tenant: {}\r\norigin: https://desk.example\r\nx-request-id: web-1",
        server.tenant()
    );
    let reply = exchange(&server, &head, &body).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    assert!(reply.contains("grpc-status:0"), "{reply}");
    let reply = reply.to_lowercase();
    assert!(reply.contains("access-control-allow-origin: https://desk.example"), "{reply}");
    assert!(reply.contains("x-request-id: web-1"), "{reply}");
    let preflight = |origin: &str| {
        format!(
            "OPTIONS {path} HTTP/1.1\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: content-type,x-grpc-web,earmark-tenant"
        )
    };
    let allowed = exchange(&server, &preflight("https://desk.example"), &[]).await.to_lowercase();
    assert!(allowed.contains("access-control-allow-origin: https://desk.example"), "{allowed}");
    let other = exchange(&server, &preflight("https://evil.example"), &[]).await.to_lowercase();
    assert!(!other.contains("access-control-allow-origin"), "{other}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_lists_the_services_in_both_versions() {
    let server = Server::start().await;
    let services = [
        "earmark.v1.CustomersService",
        "earmark.v1.ProxyLibraryService",
        "earmark.v1.ScreeningService",
        "earmark.v1.VoiceprintsService",
        "grpc.health.v1.Health",
    ];
    let ask = reflection::ServerReflectionRequest {
        message_request: Some(reflection::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
        ..reflection::ServerReflectionRequest::default()
    };
    let mut client =
        reflection::server_reflection_client::ServerReflectionClient::new(server.channel.clone());
    let mut replies = client.server_reflection_info(tokio_stream::iter([ask])).await.unwrap().into_inner();
    let listed = format!("{:?}", soon(replies.message()).await.unwrap());
    assert!(services.iter().all(|s| listed.contains(s)), "{listed}");
    let ask = v1alpha::ServerReflectionRequest {
        message_request: Some(
            v1alpha::server_reflection_request::MessageRequest::ListServices(String::new()),
        ),
        ..v1alpha::ServerReflectionRequest::default()
    };
    let mut client = v1alpha::server_reflection_client::ServerReflectionClient::new(server.channel.clone());
    let mut replies = client.server_reflection_info(tokio_stream::iter([ask])).await.unwrap().into_inner();
    let listed = format!("{:?}", soon(replies.message()).await.unwrap());
    assert!(services.iter().all(|s| listed.contains(s)), "{listed}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_ids_come_back() {
    let server = Server::start().await;
    let mut request = tonic::Request::new(v1::ListCustomersRequest::default());
    request.metadata_mut().insert("x-request-id", "desk-1".parse().unwrap());
    let reply = server.customers().list_customers(request).await.unwrap();
    assert_eq!(reply.metadata().get("x-request-id").unwrap(), "desk-1");
    let missing = v1::GetCustomerRequest { customer_id: "nobody".into() };
    let status = server.customers().get_customer(missing).await.unwrap_err();
    assert_eq!(status.metadata().get("x-request-id").unwrap().len(), 36, "a uuid was made");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plaintext_beyond_loopback_is_refused_unless_allowed() {
    let options = ServerOptions { allow_remote_plaintext: false, ..ServerOptions::default() };
    let outcome = crate::fixture::serve_on("0.0.0.0:0", options.clone()).await;
    assert!(matches!(outcome, Err(ServerError::RemotePlaintext { .. })), "{outcome:?}");
    let allowed = ServerOptions { allow_remote_plaintext: true, ..options };
    crate::fixture::serve_on("0.0.0.0:0", allowed).await.unwrap();
}
