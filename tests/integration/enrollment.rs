//! Enrolling customers: from recordings and from a stream, and what an enrollment must have.

use earmark_server::proto::v1::{CustomerStatus, EnrollConfig, EnrollRecordingsRequest};
use tonic::Code;

use crate::harness::clients::{Clients, unique};
use crate::harness::enrollments::{enroll_audio, enroll_config, enrollment, stream_of};
use crate::harness::refused::{nothing_left_of, refused};
use crate::harness::server::{Launch, folder};
use crate::harness::world::{PROXIES, client, populated};
use crate::harness::{voices, web};

#[tokio::test]
async fn recordings_make_a_history_that_tells_what_it_was_made_from() {
    let mut clients = client().await;
    let id = unique("customer");
    let reply = clients.enroll(&id, voices::enrollment("paola")).await.unwrap();
    let customer = clients.customer(&id).await.unwrap();
    assert_eq!(reply.customer.as_ref(), Some(&customer));
    assert_eq!((customer.status(), customer.customer_id.as_str()), (CustomerStatus::Enrolled, id.as_str()));
    let names: Vec<_> = customer.enrollments.iter().map(|e| e.recording.clone()).collect();
    assert_eq!(names, voices::clips("paola", "enroll"));
    let heard: f32 = reply.speech.iter().map(|s| s.net_speech_s).sum();
    assert!((customer.net_speech_s - heard).abs() < 0.01 && heard > 30.0, "{heard} s");
    for enrollment in &customer.enrollments {
        let quality = enrollment.quality.as_ref().expect("a quality");
        assert!(quality.snr_db > 5.0 && quality.bandwidth_hz > 2000.0, "a studio's prompt: {quality:?}");
        assert!(quality.clipped_fraction < 0.01 && (-60.0..0.0).contains(&quality.level_dbfs), "{quality:?}");
        assert!(enrollment.create_time.is_some() && !enrollment.model.is_empty());
    }
}

#[tokio::test]
async fn a_stream_enrolls_as_the_same_samples_in_a_recording_do() {
    let mut clients = client().await;
    let samples = voices::samples("ivrvoice/01");
    let (streamed, recorded) = (unique("customer"), unique("customer"));
    let config = EnrollConfig { recording: "counter 3".into(), ..stream_of(&streamed) };
    let stream = clients.enroll_stream(config, &voices::pcm(&samples), 320).await.unwrap();
    let recording = voices::recording("counter 3", voices::wav(&[&samples]));
    let whole = clients.enroll(&recorded, vec![recording]).await.unwrap();
    assert_eq!(stream.speech.as_ref(), whole.speech.first());
    let (stream, whole) = (stream.customer.unwrap(), whole.customer.unwrap());
    assert_eq!(stream.enrollments.len(), 1);
    assert_eq!(stream.enrollments[0].recording, "counter 3");
    assert_eq!(stream.enrollments[0].quality, whole.enrollments[0].quality);
    assert_eq!(stream.net_speech_s, whole.net_speech_s);
}

#[tokio::test]
async fn a_stream_may_come_a_byte_at_a_time() {
    let mut clients = client().await;
    let pcm = voices::pcm(&voices::samples("ivrvoice/02")[..9 * 8000]);
    let (slow, fast) = (unique("customer"), unique("customer"));
    let slow = clients.enroll_stream(stream_of(&slow), &pcm, 1).await.unwrap();
    let fast = clients.enroll_stream(stream_of(&fast), &pcm, 4 << 20).await.unwrap();
    assert_eq!(slow.speech, fast.speech);
}

#[tokio::test]
async fn another_enrollment_adds_to_the_history() {
    let mut clients = client().await;
    let id = unique("customer");
    for count in 1..=2 {
        let clip = voices::clip(&format!("paola/0{count}"));
        let customer = clients.enroll(&id, vec![clip]).await.unwrap().customer.unwrap();
        assert_eq!(customer.enrollments.len(), count);
    }
}

#[tokio::test]
async fn a_listed_proxys_voice_is_refused_unless_forced() {
    let mut clients = populated().await;
    let id = unique("customer");
    let status = refused(
        clients.enroll(&id, voices::enrollment(PROXIES[1])).await,
        Code::FailedPrecondition,
        "PROXY_MATCH",
    );
    assert!(
        status.message().contains(PROXIES[1]) && status.message().contains("force"),
        "{}",
        status.message()
    );
    nothing_left_of(&mut clients, &id).await;
    let pcm = voices::pcm(&voices::call(PROXIES[1]));
    let outcome = clients.enroll_stream(stream_of(&id), &pcm, 8000).await;
    refused(outcome, Code::FailedPrecondition, "PROXY_MATCH");
    nothing_left_of(&mut clients, &id).await;
    let forced = EnrollRecordingsRequest { force: true, ..enrollment(&id, voices::enrollment(PROXIES[1])) };
    let reply = clients.customers.enroll_recordings(forced).await.unwrap().into_inner();
    assert_eq!(reply.warnings, ["PROXY_MATCH"]);
    assert_eq!(clients.customer(&id).await.unwrap().enrollments.len(), 4);
}

#[tokio::test]
async fn a_voice_unlike_the_customers_history_is_refused_unless_forced() {
    let mut clients = client().await;
    let id = unique("customer");
    clients.enroll(&id, voices::enrollment("ivrvoice")).await.unwrap();
    let other = voices::enrollment("carlo");
    refused(clients.enroll(&id, other.clone()).await, Code::FailedPrecondition, "UNLIKE_HISTORY");
    assert_eq!(clients.customer(&id).await.unwrap().enrollments.len(), 4, "the history is as it was");
    let forced = EnrollRecordingsRequest { force: true, ..enrollment(&id, other) };
    let reply = clients.customers.enroll_recordings(forced).await.unwrap().into_inner();
    assert_eq!(reply.warnings, ["UNLIKE_HISTORY"]);
}

#[tokio::test]
async fn a_recording_of_another_voice_is_refused_by_name() {
    let mut clients = client().await;
    let id = unique("customer");
    let mut recordings = voices::enrollment("june");
    recordings.insert(2, voices::clip("carlo/01"));
    let status =
        refused(clients.enroll(&id, recordings).await, Code::FailedPrecondition, "OUTLIER_RECORDING");
    assert!(status.message().contains("carlo/01"), "{}", status.message());
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn too_little_speech_is_refused_with_what_is_needed() {
    let mut clients = client().await;
    let id = unique("customer");
    let short = voices::clips("carlo", "call").pop().unwrap();
    let status = refused(
        clients.enroll(&id, vec![voices::clip(&short)]).await,
        Code::FailedPrecondition,
        "INSUFFICIENT_SPEECH",
    );
    assert!(status.message().contains("8.0 s") || status.message().contains("8 s"), "{}", status.message());
    let pcm = voices::pcm(&voices::samples(&short));
    let outcome = clients.enroll_stream(stream_of(&id), &pcm, 320).await;
    refused(outcome, Code::FailedPrecondition, "INSUFFICIENT_SPEECH");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn none_of_several_recordings_is_enrolled_when_one_is_bad() {
    let mut clients = client().await;
    let id = unique("customer");
    let mut recordings = voices::enrollment("paola");
    recordings.push(voices::recording("cut.wav", voices::hostile("truncated.wav")));
    let status = refused(clients.enroll(&id, recordings).await, Code::InvalidArgument, "TRUNCATED_AUDIO");
    assert!(status.message().contains("cut.wav"), "{}", status.message());
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn a_cancelled_stream_leaves_nothing_behind() {
    let data = folder();
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut customers = clients.customers.clone();
    let call = tokio::spawn(async move { customers.enroll(stream).await });
    sender.send(enroll_config(stream_of("customer"))).await.unwrap();
    // Enough speech to be enrolled.
    for chunk in voices::pcm(&voices::samples("ivrvoice/01")).chunks(1600) {
        sender.send(enroll_audio(chunk)).await.unwrap();
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let ended = "earmark_rpcs_total{method=\"CustomersService/Enroll\",code=\"CANCELLED\"} 1";
    web::until(server.address(), "/metrics", |reply| reply.text().contains(ended)).await;
    nothing_left_of(&mut clients, "customer").await;
}

#[tokio::test]
async fn the_customers_channel_of_a_stereo_recording_is_chosen_by_number() {
    let mut clients = client().await;
    let (agent, caller) = (voices::samples("carlo/01"), voices::samples("ivrvoice/01"));
    let frames = agent.len().min(caller.len());
    let stereo = voices::wav(&[&agent[..frames], &caller[..frames]]);
    let id = unique("customer");
    let mut recording = voices::recording("stereo.wav", stereo);
    let outcome = clients.enroll(&id, vec![recording.clone()]).await;
    let status = refused(outcome, Code::InvalidArgument, "CHANNEL_NOT_CHOSEN");
    assert!(status.message().contains("2 channels"), "{}", status.message());
    recording.channel = Some(2);
    refused(clients.enroll(&id, vec![recording.clone()]).await, Code::InvalidArgument, "NO_SUCH_CHANNEL");
    recording.channel = None;
    recording.mix = true;
    refused(clients.enroll(&id, vec![recording.clone()]).await, Code::FailedPrecondition, "SEVERAL_VOICES");
    nothing_left_of(&mut clients, &id).await;
    (recording.channel, recording.mix) = (Some(1), false);
    let stereo = clients.enroll(&id, vec![recording]).await.unwrap();
    let mono = voices::recording("mono.wav", voices::wav(&[&caller[..frames]]));
    let mono = clients.enroll(&unique("customer"), vec![mono]).await.unwrap();
    assert_eq!(stereo.speech, mono.speech);
}
