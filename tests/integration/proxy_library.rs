//! Listing proxies and taking them off the list.

use std::time::{Duration, SystemTime};

use earmark_server::proto::v1::{
    AddProxyRequest, CustomerState, ListProxiesRequest, RemoveProxyRequest, Verdict,
};
use tonic::Code;

use crate::harness::calls::{info, state, verdict};
use crate::harness::clients::{Clients, unique};
use crate::harness::enrollments::LEGAL_BASIS;
use crate::harness::refused::{field_of, nothing_left_of, refused};
use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::voices;
use crate::harness::world::client;

/// A server of its own: what is listed here would tag the calls of other tests.
async fn alone() -> (tempfile::TempDir, TestServer, Clients) {
    let data = folder();
    let server = Launch::new().start(data.path());
    let clients = Clients::connect(server.address()).await;
    (data, server, clients)
}

fn listing(id: &str, person: &str) -> AddProxyRequest {
    AddProxyRequest {
        proxy_id: id.to_owned(),
        label: "王某 (3 机构)".to_owned(),
        legal_basis: LEGAL_BASIS.to_owned(),
        note: "reported twice".to_owned(),
        recordings: voices::enrollment(person),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_listing_tells_what_it_was_made_from_and_ends_when_removed() {
    let (_data, _server, mut clients) = alone().await;
    let listed = clients.library.add_proxy(listing("p-1", "paola")).await.unwrap().into_inner();
    assert_eq!(listed.similar, [""; 0]);
    let proxy = clients.proxy("p-1").await.unwrap();
    assert_eq!(listed.proxy, Some(proxy.clone()));
    assert_eq!((proxy.label.as_str(), proxy.note.as_str()), ("王某 (3 机构)", "reported twice"));
    assert_eq!((proxy.legal_basis.as_str(), proxy.recordings.len()), (LEGAL_BASIS, 3));
    let tagged = clients.screen(info("call-1", ""), &voices::call("paola")).await.unwrap();
    let last = tagged.last().unwrap();
    assert_eq!((verdict(last), last.proxies[0].label.as_str()), (Verdict::SuspectedProxy, "王某 (3 机构)"));
    let remove = RemoveProxyRequest { proxy_id: "p-1".into() };
    clients.library.remove_proxy(remove.clone()).await.unwrap();
    refused(clients.proxy("p-1").await, Code::NotFound, "NOT_FOUND");
    refused(clients.library.remove_proxy(remove).await, Code::NotFound, "NOT_FOUND");
    let after = clients.screen(info("call-2", ""), &voices::call("paola")).await.unwrap();
    assert_eq!(verdict(after.last().unwrap()), Verdict::NoCustomerClaimed);
    assert!(after.last().unwrap().proxies.is_empty());
}

#[tokio::test]
async fn the_same_voice_listed_twice_is_reported() {
    let (_data, _server, mut clients) = alone().await;
    clients.library.add_proxy(listing("p-1", "paola")).await.unwrap();
    clients.library.add_proxy(listing("p-2", "carlo")).await.unwrap();
    let again = AddProxyRequest { recordings: vec![voices::clip("paola/04")], ..listing("p-3", "paola") };
    let listed = clients.library.add_proxy(again).await.unwrap().into_inner();
    assert_eq!(listed.similar, ["p-1"]);
}

#[tokio::test]
async fn a_proxy_id_that_is_taken_is_refused_and_the_listing_stays() {
    let (_data, _server, mut clients) = alone().await;
    clients.library.add_proxy(listing("p-1", "paola")).await.unwrap();
    let before = clients.proxy("p-1").await.unwrap();
    let outcome = clients.library.add_proxy(listing("p-1", "june")).await;
    let status = refused(outcome, Code::AlreadyExists, "ALREADY_EXISTS");
    assert!(status.message().contains("p-1"), "{}", status.message());
    assert_eq!(clients.proxy("p-1").await.unwrap(), before);
    let updates = clients.screen(info("call-1", ""), &voices::call("june")).await.unwrap();
    assert_eq!(verdict(updates.last().unwrap()), Verdict::NoCustomerClaimed, "june is not listed");
}

#[tokio::test]
async fn a_listing_is_searched_until_it_expires() {
    let (_data, _server, mut clients) = alone().await;
    let end = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_secs(2);
    let expire_time = prost_types::Timestamp { seconds: end.as_secs() as i64, nanos: 0 };
    let passing = AddProxyRequest { expire_time: Some(expire_time), ..listing("p-1", "paola") };
    clients.library.add_proxy(passing).await.unwrap();
    let recording = voices::clip("paola/04");
    let mut last = clients.screen_recording(info("call-0", "x"), recording.clone()).await.unwrap();
    // Nothing tells of the moment; each call takes some of the time until then.
    for n in 1..1000 {
        if last.proxies.is_empty() {
            break;
        }
        last = clients.screen_recording(info(&format!("call-{n}"), "x"), recording.clone()).await.unwrap();
    }
    assert!(last.proxies.is_empty(), "{last:?}");
    assert_eq!((verdict(&last), state(&last)), (Verdict::NotEnrolled, CustomerState::NotEnrolled));
    assert!(last.update_time.unwrap().seconds >= expire_time.seconds);
    assert_eq!(clients.proxy("p-1").await.unwrap().expire_time, Some(expire_time), "it is still on record");
}

#[tokio::test]
async fn a_listing_that_has_expired_already_is_refused() {
    let mut clients = client().await;
    let id = unique("proxy");
    let expire_time = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });
    let request = AddProxyRequest { expire_time, ..listing(&id, "paola") };
    refused(clients.library.add_proxy(request).await, Code::InvalidArgument, "INVALID_FIELD");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn pages_hold_every_proxy_once_in_the_order_of_their_ids() {
    let (_data, _server, mut clients) = alone().await;
    let people = ["paola", "carlo", "june", "ivrvoice", "allison"];
    for person in people {
        clients.library.add_proxy(listing(person, person)).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut page_token = String::new();
    for size in [2, 2, 1] {
        let request = ListProxiesRequest { page_size: 2, page_token };
        let page = clients.library.list_proxies(request).await.unwrap().into_inner();
        assert_eq!(page.proxies.len(), size);
        seen.extend(page.proxies.into_iter().map(|p| p.proxy_id));
        page_token = page.next_page_token;
    }
    assert_eq!(
        (seen, page_token.as_str()),
        (vec!["allison".into(), "carlo".into(), "ivrvoice".into(), "june".into(), "paola".to_owned()], "")
    );
}

#[tokio::test]
async fn a_listing_without_a_legal_basis_is_refused() {
    let mut clients = client().await;
    let id = unique("proxy");
    let request = AddProxyRequest { legal_basis: " ".into(), ..listing(&id, "paola") };
    let status =
        refused(clients.library.add_proxy(request).await, Code::InvalidArgument, "LEGAL_BASIS_MISSING");
    assert_eq!(field_of(&status), "legal_basis");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn a_listing_of_two_people_is_refused_by_the_odd_recordings_name() {
    let mut clients = client().await;
    let id = unique("proxy");
    let mut request = listing(&id, "ivrvoice");
    request.recordings.push(voices::clip("carlo/02"));
    let status =
        refused(clients.library.add_proxy(request).await, Code::FailedPrecondition, "OUTLIER_RECORDING");
    assert!(status.message().contains("carlo/02"), "{}", status.message());
    nothing_left_of(&mut clients, &id).await;
}
