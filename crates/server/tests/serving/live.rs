use earmark_server::proto::v1;
use tonic::Code;

use crate::errors::{field, refused};
use crate::fixture::{Server, call, enroll, pcm, s16le, soon};
use crate::proxies::listing;
use crate::streaming::{OpenCall, audio, config, screen};

async fn record(server: &Server, id: &str) -> v1::Call {
    let request = v1::GetCallRequest { call_id: id.into() };
    server.screening().get_call(request).await.unwrap().into_inner().call.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_grows_while_the_customer_speaks() {
    let server = Server::start().await;
    enroll(&server, "c-1", "allison").await;
    let (updates, ended) = screen(&server, call("call-1", "c-1"), &pcm("allison", 4), 320).await;
    ended.unwrap();
    assert!(updates.len() > 4, "{} updates", updates.len());
    let speech: Vec<f32> = updates.iter().map(|u| u.speech.as_ref().unwrap().net_speech_s).collect();
    assert!((3.0..3.5).contains(&speech[0]), "first at {} s of speech", speech[0]);
    assert!(speech.windows(2).all(|w| w[0] <= w[1]), "{speech:?}");
    for (n, update) in updates.iter().enumerate() {
        assert_eq!(update.sequence as usize, n + 1);
        assert_eq!(update.r#final, n + 1 == updates.len());
        assert_eq!(update.call.as_ref().unwrap().caller_number, "13800000000");
    }
    let last = updates.last().unwrap();
    assert!(last.customer.as_ref().unwrap().llr.unwrap() > 0.0);
    assert!(last.audio_s() > 14.0 && !last.model.is_empty() && !last.calibration.is_empty());
    let kept = record(&server, "call-1").await;
    assert!(kept.end_time.is_some());
    assert_eq!(kept.updates.len(), updates.len());
    server.stop().await;
}

trait AudioSeconds {
    fn audio_s(&self) -> f64;
}

impl AudioSeconds for v1::CallUpdate {
    fn audio_s(&self) -> f64 {
        self.speech.as_ref().unwrap().audio_s
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_split_of_the_audio_changes_nothing() {
    let server = Server::start().await;
    enroll(&server, "c-1", "june").await;
    let bytes = &pcm("june", 5)[..8 * 16_000];
    let ratios = async |id: &str, chunk: usize| {
        let (updates, ended) = screen(&server, call(id, "c-1"), bytes, chunk).await;
        ended.unwrap();
        updates.iter().map(|u| u.customer.as_ref().unwrap().llr).collect::<Vec<_>>()
    };
    let one_byte = ratios("call-1", 1).await;
    assert!(one_byte.len() > 2);
    assert_eq!(one_byte, ratios("call-2", 4 << 20).await);
    assert_eq!(one_byte, ratios("call-3", 777).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_proxy_is_tagged_and_the_outcome_kept() {
    let server = Server::start().await;
    enroll(&server, "c-1", "paola").await;
    server.library().add_proxy(listing("p-1", "carlo")).await.unwrap();
    let (updates, ended) = screen(&server, call("call-1", "c-1"), &pcm("carlo", 4), 1600).await;
    ended.unwrap();
    let last = updates.last().unwrap();
    let decision = last.decision.as_ref().unwrap();
    assert_eq!((last.proxies[0].proxy_id.as_str(), last.proxies[0].label.as_str()), ("p-1", "代理 *某"));
    assert_eq!((decision.verdict(), decision.label_zh.as_str()), (v1::Verdict::SuspectedProxy, "疑似代理"));
    let report = v1::ReportOutcomeRequest {
        call_id: "call-1".into(),
        outcome: v1::Outcome::ConfirmedProxy.into(),
        note: "承认".into(),
        reported_by: "li".into(),
    };
    let kept = server.screening().report_outcome(report).await.unwrap().into_inner().call.unwrap();
    assert_eq!((kept.outcome(), kept.outcome_by.as_str()), (v1::Outcome::ConfirmedProxy, "li"));
    let unknown = v1::GetCallRequest { call_id: "call-2".into() };
    refused(server.screening().get_call(unknown).await, Code::NotFound, "NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_recording_becomes_a_call() {
    let server = Server::start().await;
    let request = v1::ScreenRecordingRequest {
        call: Some(call("call-1", "")),
        recording: Some(crate::fixture::recording("june", 5)),
    };
    let reply = server.screening().screen_recording(request.clone()).await.unwrap().into_inner();
    let update = reply.update.unwrap();
    assert!(update.r#final);
    assert_eq!(update.customer.as_ref().unwrap().state(), v1::CustomerState::NotClaimed);
    assert_eq!(record(&server, "call-1").await.updates.len(), 1);
    refused(server.screening().screen_recording(request).await, Code::AlreadyExists, "ALREADY_EXISTS");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_streams_are_refused_by_name_and_disturb_nobody() {
    let server = Server::start().await;
    let mut good = OpenCall::begin(&server, call("good", "")).await;
    let bytes = pcm("june", 5);
    good.speak(&bytes[..32_000], 320).await;
    let bad = async |messages: Vec<v1::ScreenCallRequest>, reason: &str| {
        let mut open = OpenCall::open(&server).await.unwrap();
        for message in messages {
            open.send(message).await;
        }
        open.half_close();
        let (updates, ended) = open.rest().await;
        assert!(updates.is_empty(), "{reason}");
        refused(ended, Code::InvalidArgument, reason)
    };
    assert_eq!(field(&bad(vec![audio(&[0; 320])], "CONFIG_MISSING").await), "config");
    bad(vec![], "CONFIG_MISSING").await;
    bad(vec![v1::ScreenCallRequest { request: None }], "EMPTY_MESSAGE").await;
    bad(vec![config(call("b-1", "")), config(call("b-1", ""))], "CONFIG_REPEATED").await;
    let formless = v1::ScreenCallConfig { call: Some(call("b-2", "")), format: None };
    let formless = v1::screen_call_request::Request::Config(formless);
    let status = bad(vec![v1::ScreenCallRequest { request: Some(formless) }], "FORMAT_MISSING").await;
    assert_eq!(field(&status), "config.format");
    let nameless = v1::ScreenCallConfig { call: Some(call("", "")), format: Some(s16le()) };
    let nameless = v1::screen_call_request::Request::Config(nameless);
    let status = bad(vec![v1::ScreenCallRequest { request: Some(nameless) }], "BAD_CALL_ID").await;
    assert_eq!(field(&status), "config.call.call_id");
    bad(vec![config(call("b-3", "")), audio(&[0; 321])], "STREAM_ENDS_INSIDE_SAMPLE").await;
    good.speak(&bytes[32_000..], 1600).await;
    good.half_close();
    let (updates, ended) = good.rest().await;
    ended.unwrap();
    assert!(updates.last().unwrap().r#final);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_has_one_screening() {
    let server = Server::start().await;
    let mut first = OpenCall::begin(&server, call("call-1", "")).await;
    first.speak(&pcm("june", 5)[..80_000], 1600).await;
    assert!(first.next().await.unwrap().is_ok());
    let mut second = OpenCall::begin(&server, call("call-1", "")).await;
    refused(second.rest().await.1, Code::AlreadyExists, "CALL_ALREADY_LIVE");
    first.half_close();
    first.rest().await.1.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_stands_when_the_client_leaves() {
    let server = Server::start().await;
    let mut open = OpenCall::begin(&server, call("call-1", "")).await;
    open.speak(&pcm("june", 5)[..80_000], 1600).await;
    let first = open.next().await.unwrap().unwrap();
    drop(open);
    let kept = soon(async {
        loop {
            let kept = record(&server, "call-1").await;
            if kept.end_time.is_some() {
                break kept;
            }
        }
    });
    let kept = kept.await;
    assert_eq!(kept.updates[0].sequence, first.sequence);
    assert!(kept.updates.last().unwrap().r#final);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_a_call() {
    let server = Server::start().await;
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    sender.send(config(call("call-1", ""))).await.unwrap();
    let mut request = tonic::Request::new(tokio_stream::wrappers::ReceiverStream::new(receiver));
    request.set_timeout(std::time::Duration::from_millis(300));
    let mut replies = server.screening().screen_call(request).await.unwrap().into_inner();
    refused(soon(replies.message()).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    server.stop().await;
}
