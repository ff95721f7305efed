//! A request sent twice under one request id is done once.

use earmark_server::proto::v1::{
    AddProxyRequest, DeleteCustomerRequest, EnrollConfig, EnrollRecordingsRequest,
};
use tonic::Code;

use crate::harness::clients::{Clients, unique};
use crate::harness::enrollments::{LEGAL_BASIS, enrollment, stream_of};
use crate::harness::refused::{nothing_left_of, refused};
use crate::harness::server::{Launch, folder};
use crate::harness::voices;
use crate::harness::world::client;

fn request(customer: &str, request_id: &str, clip: &str) -> EnrollRecordingsRequest {
    EnrollRecordingsRequest {
        request_id: request_id.into(),
        ..enrollment(customer, vec![voices::clip(clip)])
    }
}

#[tokio::test]
async fn an_enrollment_sent_again_is_answered_from_the_record() {
    let mut clients = client().await;
    let (id, request_id) = (unique("customer"), unique("request"));
    let asked = request(&id, &request_id, "ivrvoice/01");
    let first = clients.customers.enroll_recordings(asked.clone()).await.unwrap().into_inner();
    let second = clients.customers.enroll_recordings(asked).await.unwrap().into_inner();
    assert_eq!(second.customer, first.customer);
    assert_eq!(clients.customer(&id).await.unwrap().enrollments.len(), 1);
}

#[tokio::test]
async fn a_stream_sent_again_is_answered_from_the_record() {
    let mut clients = client().await;
    let (id, request_id) = (unique("customer"), unique("request"));
    let config = EnrollConfig { request_id, ..stream_of(&id) };
    let pcm = voices::pcm(&voices::samples("ivrvoice/02"));
    let first = clients.enroll_stream(config.clone(), &pcm, 320).await.unwrap();
    let second = clients.enroll_stream(config, &pcm, 4000).await.unwrap();
    assert_eq!(second.customer, first.customer, "however it was cut");
    assert_eq!(clients.customer(&id).await.unwrap().enrollments.len(), 1);
}

#[tokio::test]
async fn the_same_enrollment_sent_at_once_is_done_once() {
    let mut clients = client().await;
    let (id, request_id) = (unique("customer"), unique("request"));
    let asked = request(&id, &request_id, "ivrvoice/03");
    let tries: Vec<_> = (0..4)
        .map(|_| {
            let (mut customers, asked) = (clients.customers.clone(), asked.clone());
            tokio::spawn(async move { customers.enroll_recordings(asked).await })
        })
        .collect();
    for outcome in tries {
        outcome.await.unwrap().unwrap();
    }
    assert_eq!(clients.customer(&id).await.unwrap().enrollments.len(), 1);
}

#[tokio::test]
async fn a_request_id_used_for_something_else_is_refused() {
    let mut clients = client().await;
    let (id, other, request_id) = (unique("customer"), unique("customer"), unique("request"));
    clients.customers.enroll_recordings(request(&id, &request_id, "ivrvoice/01")).await.unwrap();
    for (customer, clip) in [(&id, "ivrvoice/02"), (&other, "ivrvoice/01")] {
        let asked = request(customer, &request_id, clip);
        let status = refused(
            clients.customers.enroll_recordings(asked).await,
            Code::AlreadyExists,
            "REQUEST_ID_REUSED",
        );
        assert!(status.message().contains(&request_id), "{}", status.message());
    }
    let listing = AddProxyRequest {
        proxy_id: other.clone(),
        request_id,
        legal_basis: LEGAL_BASIS.into(),
        recordings: vec![voices::clip("ivrvoice/01")],
        ..Default::default()
    };
    refused(clients.library.add_proxy(listing).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    assert_eq!(clients.customer(&id).await.unwrap().enrollments.len(), 1);
    nothing_left_of(&mut clients, &other).await;
}

#[tokio::test]
async fn a_refused_request_may_be_mended_under_the_same_id() {
    let mut clients = client().await;
    let (id, request_id) = (unique("customer"), unique("request"));
    let mut asked = request(&id, &request_id, "ivrvoice/01");
    asked.recordings[0].content = voices::hostile("truncated.wav");
    refused(clients.customers.enroll_recordings(asked).await, Code::InvalidArgument, "TRUNCATED_AUDIO");
    clients.customers.enroll_recordings(request(&id, &request_id, "ivrvoice/01")).await.unwrap();
}

#[tokio::test]
async fn a_replay_does_not_bring_a_deleted_customer_back() {
    let mut clients = client().await;
    let (id, request_id) = (unique("customer"), unique("request"));
    let asked = request(&id, &request_id, "ivrvoice/01");
    clients.customers.enroll_recordings(asked.clone()).await.unwrap();
    clients.customers.delete_customer(DeleteCustomerRequest { customer_id: id.clone() }).await.unwrap();
    assert!(clients.customers.enroll_recordings(asked).await.is_err());
    refused(clients.customer(&id).await, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn a_listing_sent_again_is_answered_from_the_record() {
    let data = folder();
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let asked = AddProxyRequest {
        proxy_id: "p-1".into(),
        request_id: "r-1".into(),
        legal_basis: LEGAL_BASIS.into(),
        recordings: vec![voices::clip("allison/01")],
        ..Default::default()
    };
    let first = clients.library.add_proxy(asked.clone()).await.unwrap().into_inner();
    let second = clients.library.add_proxy(asked.clone()).await.unwrap().into_inner();
    assert_eq!(second, first);
    let other = AddProxyRequest { label: "another label".into(), ..asked };
    refused(clients.library.add_proxy(other).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
}
