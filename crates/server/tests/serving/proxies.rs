use earmark_server::proto::v1;
use tonic::Code;

use crate::errors::{field, refused};
use crate::fixture::{Server, recording};

pub(crate) fn listing(id: &str, person: &str) -> v1::AddProxyRequest {
    v1::AddProxyRequest {
        proxy_id: id.into(),
        label: "代理 *某".into(),
        legal_basis: "prevention of fraud".into(),
        recordings: (1..=3).map(|clip| recording(person, clip)).collect(),
        ..v1::AddProxyRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_is_listed_found_and_removed() {
    let server = Server::start().await;
    let mut client = server.library();
    let added = client.add_proxy(listing("p-1", "carlo")).await.unwrap().into_inner();
    let proxy = added.proxy.unwrap();
    assert_eq!((proxy.label.as_str(), proxy.recordings.len()), ("代理 *某", 3));
    refused(client.add_proxy(listing("p-1", "paola")).await, Code::AlreadyExists, "ALREADY_EXISTS");
    let again = client.add_proxy(listing("p-2", "carlo")).await.unwrap().into_inner();
    assert_eq!(again.similar, ["p-1"], "the same voice under another id is told");
    let page = client.list_proxies(v1::ListProxiesRequest::default()).await.unwrap().into_inner();
    let ids: Vec<&str> = page.proxies.iter().map(|p| p.proxy_id.as_str()).collect();
    assert_eq!(ids, ["p-1", "p-2"]);
    client.remove_proxy(v1::RemoveProxyRequest { proxy_id: "p-1".into() }).await.unwrap();
    let get = v1::GetProxyRequest { proxy_id: "p-1".into() };
    refused(client.get_proxy(get).await, Code::NotFound, "NOT_FOUND");
    let remove = v1::RemoveProxyRequest { proxy_id: "p-1".into() };
    refused(client.remove_proxy(remove).await, Code::NotFound, "NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_voice_is_not_enrolled_unless_forced() {
    let server = Server::start().await;
    server.library().add_proxy(listing("p-1", "carlo")).await.unwrap();
    let request = |force| v1::EnrollRecordingsRequest {
        customer_id: "c-1".into(),
        recordings: (1..=3).map(|clip| recording("carlo", clip)).collect(),
        force,
        ..v1::EnrollRecordingsRequest::default()
    };
    let mut client = server.customers();
    let status =
        refused(client.enroll_recordings(request(false)).await, Code::FailedPrecondition, "PROXY_MATCH");
    assert!(status.message().contains("p-1"), "{}", status.message());
    let forced = client.enroll_recordings(request(true)).await.unwrap().into_inner();
    assert_eq!(forced.warnings, ["PROXY_MATCH"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_without_its_basis_is_refused() {
    let server = Server::start().await;
    let request = v1::AddProxyRequest { legal_basis: String::new(), ..listing("p-1", "carlo") };
    let status =
        refused(server.library().add_proxy(request).await, Code::InvalidArgument, "LEGAL_BASIS_MISSING");
    assert_eq!(field(&status), "legal_basis");
    server.stop().await;
}
