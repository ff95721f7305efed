//! Requests that are wrong beside their audio.

use earmark_server::proto::v1::{
    CallInfo, EnrollRecordingsRequest, ExtractRequest, GetCallRequest, ScreenCallConfig, ScreenCallRequest,
    ScreenRecordingRequest, screen_call_request,
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::harness::calls::info;
use crate::harness::clients::unique;
use crate::harness::enrollments::enrollment;
use crate::harness::refused::{field_of, nothing_left_of, refused};
use crate::harness::voices;
use crate::harness::world::client;

#[tokio::test]
async fn a_call_id_that_is_taken_is_refused_and_the_first_call_stays() {
    let mut clients = client().await;
    let id = unique("call");
    clients.screen(info(&id, ""), &voices::noise()).await.unwrap();
    let before = clients.call(&id).await.unwrap();
    let status = refused(
        clients.screen(info(&id, "x"), &voices::noise()).await,
        Code::AlreadyExists,
        "ALREADY_EXISTS",
    );
    assert_eq!(status.get_details_resource_info().unwrap().resource_name, id);
    let recording = voices::clip("carlo/01");
    refused(clients.screen_recording(info(&id, "x"), recording).await, Code::AlreadyExists, "ALREADY_EXISTS");
    assert_eq!(clients.call(&id).await.unwrap(), before);
}

#[tokio::test]
async fn a_call_id_of_a_running_call_is_refused_and_the_call_goes_on() {
    let mut clients = client().await;
    let id = unique("call");
    let mut call = clients.begin_call(info(&id, "")).await.unwrap();
    call.say(&voices::samples("carlo/01")).await;
    call.next().await.unwrap().expect("an update");
    refused(clients.screen(info(&id, ""), &voices::noise()).await, Code::AlreadyExists, "CALL_ALREADY_LIVE");
    assert!(clients.call(&id).await.unwrap().end_time.is_none(), "it runs on");
    assert!(call.hang_up().await.unwrap().last().unwrap().r#final);
}

#[tokio::test]
async fn a_call_must_have_an_id_that_can_be_shown() {
    let mut clients = client().await;
    for id in ["", "tab\there", &"x".repeat(129)] {
        let outcome = clients.screen_recording(info(id, ""), voices::clip("carlo/01")).await;
        let status = refused(outcome, Code::InvalidArgument, "BAD_CALL_ID");
        assert_eq!(field_of(&status), "call.call_id");
        let outcome = clients.screening.get_call(GetCallRequest { call_id: id.into() }).await;
        refused(outcome, Code::InvalidArgument, "BAD_CALL_ID");
    }
    let request = ScreenRecordingRequest { call: None, recording: Some(voices::clip("carlo/01")) };
    refused(clients.screening.screen_recording(request).await, Code::InvalidArgument, "CALL_MISSING");
    let config = ScreenCallConfig { call: None, format: Some(voices::pcm_format()) };
    let message = ScreenCallRequest { request: Some(screen_call_request::Request::Config(config)) };
    refused(clients.screen_messages(vec![message]).await, Code::InvalidArgument, "CALL_MISSING");
}

#[tokio::test]
async fn what_is_said_of_a_call_has_limits() {
    let mut clients = client().await;
    let id = unique("call");
    for (field, call) in [
        ("agent", CallInfo { agent_id: "x".repeat(5000), ..info(&id, "") }),
        ("caller_number", CallInfo { caller_number: "1".repeat(5000), ..info(&id, "") }),
        ("claimed_customer_id", CallInfo { claimed_customer_id: "x".repeat(129), ..info(&id, "") }),
    ] {
        let status = clients.screen(call, &voices::noise()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert!(field_of(&status).contains(field), "{status:?}");
    }
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn an_enrollment_has_one_to_twenty_recordings() {
    let mut clients = client().await;
    let id = unique("bad");
    for count in [0, 21] {
        let recordings = vec![voices::clip("ivrvoice/09"); count];
        let status = refused(clients.enroll(&id, recordings).await, Code::InvalidArgument, "RECORDING_COUNT");
        assert_eq!(field_of(&status), "recordings");
    }
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn names_and_request_ids_have_limits() {
    let mut clients = client().await;
    let id = unique("bad");
    for name in ["two\nlines".to_owned(), "x".repeat(513)] {
        let mut recording = voices::clip("ivrvoice/01");
        recording.name = name;
        let status = refused(clients.enroll(&id, vec![recording]).await, Code::InvalidArgument, "BAD_NAME");
        assert_eq!(field_of(&status), "recordings[0].name");
    }
    let request = EnrollRecordingsRequest {
        request_id: "x".repeat(129),
        ..enrollment(&id, vec![voices::clip("ivrvoice/01")])
    };
    let status = clients.customers.enroll_recordings(request).await.unwrap_err();
    assert_eq!((status.code(), field_of(&status)), (Code::InvalidArgument, "request_id".to_owned()));
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn an_extraction_needs_a_recording() {
    let mut clients = client().await;
    let outcome = clients.voiceprints.extract(ExtractRequest::default()).await;
    let status = refused(outcome, Code::InvalidArgument, "RECORDING_MISSING");
    assert_eq!(field_of(&status), "recording");
}

#[tokio::test]
async fn a_bad_recording_of_several_is_named_by_its_place() {
    let mut clients = client().await;
    let recordings =
        vec![voices::clip("ivrvoice/01"), voices::recording("", voices::hostile("not-audio.wav"))];
    let id = unique("bad");
    let status = refused(clients.enroll(&id, recordings).await, Code::InvalidArgument, "NOT_AUDIO");
    assert_eq!(field_of(&status), "recordings[1].content");
    assert!(status.message().contains("recording 2"), "{}", status.message());
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn a_refusal_has_an_id_to_look_up_in_the_log() {
    let mut clients = client().await;
    let status = clients.customer(&unique("nobody")).await.unwrap_err();
    assert!(status.metadata().get("x-request-id").is_some(), "{:?}", status.metadata());
}
