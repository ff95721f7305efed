use earmark_server::proto::v1;
use earmark_server::proto::v1::enroll_request::Request as Part;
use tonic::Code;

use crate::errors::{field, refused};
use crate::fixture::{Server, enroll, pcm, recording, s16le, soon};

fn stream(config: v1::EnrollConfig, bytes: &[u8], chunk: usize) -> Vec<v1::EnrollRequest> {
    let config = v1::EnrollRequest { request: Some(Part::Config(config)) };
    let audio =
        bytes.chunks(chunk).map(|c| v1::EnrollRequest { request: Some(Part::Audio(c.to_vec().into())) });
    std::iter::once(config).chain(audio).collect()
}

fn config(customer: &str) -> v1::EnrollConfig {
    v1::EnrollConfig {
        customer_id: customer.into(),
        format: Some(s16le()),
        recording: "call-1".into(),
        ..v1::EnrollConfig::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_comes_and_goes() {
    let server = Server::start().await;
    let mut client = server.customers();
    let enrolled = enroll(&server, "c-1", "allison").await;
    assert_eq!((enrolled.customer_id.as_str(), enrolled.enrollments.len()), ("c-1", 3));
    assert_eq!(enrolled.enrollments[0].recording, "allison-1.flac");
    assert!(enrolled.net_speech_s > 20.0 && enrolled.create_time.is_some());
    let get = v1::GetCustomerRequest { customer_id: "c-1".into() };
    let got = client.get_customer(get.clone()).await.unwrap().into_inner().customer.unwrap();
    assert_eq!(got, enrolled);
    client.delete_customer(v1::DeleteCustomerRequest { customer_id: "c-1".into() }).await.unwrap();
    let status = refused(client.get_customer(get).await, Code::NotFound, "NOT_FOUND");
    let resource = tonic_types::StatusExt::get_details_resource_info(&status).unwrap();
    assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("customer", "c-1"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_enrolls_and_may_be_sent_again() {
    let server = Server::start().await;
    let bytes = pcm("june", 1);
    let asked = v1::EnrollConfig { request_id: "r-1".into(), ..config("c-1") };
    let send = async |config, chunk| {
        let messages = tokio_stream::iter(stream(config, &bytes, chunk));
        server.customers().enroll(messages).await.map(tonic::Response::into_inner)
    };
    let first = send(asked.clone(), 1600).await.unwrap();
    assert!(first.speech.as_ref().unwrap().net_speech_s > 8.0);
    assert_eq!(first.customer.as_ref().unwrap().enrollments[0].recording, "call-1");
    let again = send(asked.clone(), 4000).await.unwrap();
    assert_eq!((again.customer, again.speech), (first.customer, None));
    let other = v1::EnrollConfig { customer_id: "c-2".into(), ..asked };
    refused(send(other, 1600).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_stream_leaves_nothing_behind() {
    let server = Server::start().await;
    let mut client = server.customers();
    let (sender, receiver) = tokio::sync::mpsc::channel(1024);
    for message in stream(config("c-1"), &pcm("june", 1), 1600) {
        sender.send(message).await.unwrap();
    }
    let enrolling =
        tokio::spawn(
            async move { client.enroll(tokio_stream::wrappers::ReceiverStream::new(receiver)).await },
        );
    // All of it is taken in before the client leaves.
    soon(async {
        while sender.capacity() < sender.max_capacity() {
            tokio::task::yield_now().await
        }
    })
    .await;
    enrolling.abort();
    assert!(enrolling.await.unwrap_err().is_cancelled());
    let get = v1::GetCustomerRequest { customer_id: "c-1".into() };
    refused(server.customers().get_customer(get).await, Code::NotFound, "NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_out_of_order_are_refused_by_name() {
    let server = Server::start().await;
    let send = async |messages: Vec<v1::EnrollRequest>| {
        server.customers().enroll(tokio_stream::iter(messages)).await
    };
    let audio = || v1::EnrollRequest { request: Some(Part::Audio(vec![0; 320].into())) };
    let configured = || v1::EnrollRequest { request: Some(Part::Config(config("c-1"))) };
    let status = refused(send(vec![audio()]).await, Code::InvalidArgument, "CONFIG_MISSING");
    assert_eq!(field(&status), "config");
    refused(send(vec![]).await, Code::InvalidArgument, "CONFIG_MISSING");
    refused(send(vec![configured(), audio(), configured()]).await, Code::InvalidArgument, "CONFIG_REPEATED");
    let nothing = v1::EnrollRequest { request: None };
    refused(send(vec![configured(), nothing]).await, Code::InvalidArgument, "EMPTY_MESSAGE");
    let formless = v1::EnrollConfig { format: None, ..config("c-1") };
    let status = refused(send(stream(formless, &[], 1)).await, Code::InvalidArgument, "FORMAT_MISSING");
    assert_eq!(field(&status), "config.format");
    refused(send(vec![configured(), audio()]).await, Code::FailedPrecondition, "INSUFFICIENT_SPEECH");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_remembered_and_taken_back() {
    let server = Server::start().await;
    let mut client = server.customers();
    let out = v1::OptOutRequest { customer_id: "c-1".into() };
    let customer = client.opt_out(out).await.unwrap().into_inner().customer.unwrap();
    assert_eq!(customer.status(), v1::CustomerStatus::OptedOut);
    let request = v1::EnrollRecordingsRequest {
        customer_id: "c-1".into(),
        recordings: vec![recording("june", 1)],
        ..v1::EnrollRecordingsRequest::default()
    };
    refused(client.enroll_recordings(request).await, Code::FailedPrecondition, "CUSTOMER_OPTED_OUT");
    client.opt_in(v1::OptInRequest { customer_id: "c-1".into() }).await.unwrap();
    assert_eq!(enroll(&server, "c-1", "june").await.status(), v1::CustomerStatus::Enrolled);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_everybody_once() {
    let server = Server::start().await;
    let mut client = server.customers();
    for n in 0..5 {
        client.opt_out(v1::OptOutRequest { customer_id: format!("c-{n}") }).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut request = v1::ListCustomersRequest { page_size: 2, ..v1::ListCustomersRequest::default() };
    loop {
        let page = client.list_customers(request.clone()).await.unwrap().into_inner();
        assert!(page.customers.len() <= 2);
        seen.extend(page.customers.into_iter().map(|c| c.customer_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen, ["c-0", "c-1", "c-2", "c-3", "c-4"]);
    let bad = v1::ListCustomersRequest { page_token: "nonsense".into(), ..request };
    let status = refused(client.list_customers(bad).await, Code::InvalidArgument, "BAD_PAGE_TOKEN");
    assert_eq!(field(&status), "page_token");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_recording_is_named_and_nothing_is_kept() {
    let server = Server::start().await;
    let mut client = server.customers();
    let text = v1::Recording { content: b"not audio at all".repeat(100), ..v1::Recording::default() };
    let request = v1::EnrollRecordingsRequest {
        customer_id: "c-1".into(),
        recordings: vec![recording("june", 1), text],
        ..v1::EnrollRecordingsRequest::default()
    };
    let status = refused(client.enroll_recordings(request).await, Code::InvalidArgument, "NOT_AUDIO");
    assert_eq!(field(&status), "recordings[1].content");
    let get = v1::GetCustomerRequest { customer_id: "c-1".into() };
    refused(client.get_customer(get).await, Code::NotFound, "NOT_FOUND");
    server.stop().await;
}
