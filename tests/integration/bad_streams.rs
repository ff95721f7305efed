//! Streams that break the rules, as enrollments and as calls: each is refused with its reason, and
//! no customer comes of it.

use earmark_server::proto::v1::{
    CallInfo, Encoding, EnrollConfig, EnrollRequest, EnrollResponse, ScreenCallConfig, ScreenCallRequest,
    StreamFormat, WatchCallsRequest, enroll_request, screen_call_request,
};
use tonic::{Code, Status};

use crate::harness::calls::{audio, config, info};
use crate::harness::clients::{Clients, unique};
use crate::harness::enrollments::{enroll_audio, enroll_config, stream_of};
use crate::harness::refused::{field_of, nothing_left_of, refused};
use crate::harness::voices;
use crate::harness::world::client;

async fn enroll(clients: &mut Clients, messages: Vec<EnrollRequest>) -> Result<EnrollResponse, Status> {
    Ok(clients.customers.enroll(tokio_stream::iter(messages)).await?.into_inner())
}

/// A stream in this format is refused at both doors with this reason.
async fn format_refused(format: Option<StreamFormat>, reason: &str) -> Status {
    let mut clients = client().await;
    let id = unique("bad");
    let begin = EnrollConfig { format, ..stream_of(&id) };
    refused(enroll(&mut clients, vec![enroll_config(begin)]).await, Code::InvalidArgument, reason);
    let begin = ScreenCallConfig { call: Some(info(&id, "")), format };
    let begin = ScreenCallRequest { request: Some(screen_call_request::Request::Config(begin)) };
    let status = refused(clients.screen_messages(vec![begin]).await, Code::InvalidArgument, reason);
    nothing_left_of(&mut clients, &id).await;
    status
}

/// Audio in this format is refused at both doors with this reason. The call is on record and ended.
async fn audio_refused(format: StreamFormat, bytes: &[u8], reason: &str) -> Status {
    let mut clients = client().await;
    let id = unique("bad");
    let begin = EnrollConfig { format: Some(format), ..stream_of(&id) };
    let outcome = clients.enroll_stream(begin, bytes, 1000).await;
    refused(outcome, Code::InvalidArgument, reason);
    nothing_left_of(&mut clients, &id).await;
    let agent_id = unique("agent");
    let watch = WatchCallsRequest { agent_id: agent_id.clone() };
    let mut watched = clients.screening.watch_calls(watch).await.unwrap().into_inner();
    let call = CallInfo { agent_id, ..info(&id, "") };
    let begin = ScreenCallConfig { call: Some(call), format: Some(format) };
    let mut messages = vec![ScreenCallRequest { request: Some(screen_call_request::Request::Config(begin)) }];
    messages.extend(bytes.chunks(1000).map(audio));
    let status = refused(clients.screen_messages(messages).await, Code::InvalidArgument, reason);
    while !watched.message().await.unwrap().expect("a final update").update.unwrap().r#final {}
    let record = clients.call(&id).await.unwrap();
    assert!(
        record.end_time.is_some() && record.updates.last().is_some_and(|u| u.r#final),
        "the call is ended"
    );
    status
}

fn encoded(encoding: Encoding) -> StreamFormat {
    StreamFormat { encoding: encoding.into(), ..voices::pcm_format() }
}

#[tokio::test]
async fn audio_before_the_config_is_refused() {
    let mut clients = client().await;
    let outcome = enroll(&mut clients, vec![enroll_audio(&[0; 320])]).await;
    let status = refused(outcome, Code::InvalidArgument, "CONFIG_MISSING");
    assert_eq!(field_of(&status), "config");
    let outcome = clients.screen_messages(vec![audio(&[0; 320]), config(info("x", ""))]).await;
    refused(outcome, Code::InvalidArgument, "CONFIG_MISSING");
}

#[tokio::test]
async fn a_stream_without_any_message_is_refused() {
    let mut clients = client().await;
    refused(enroll(&mut clients, vec![]).await, Code::InvalidArgument, "CONFIG_MISSING");
    refused(clients.screen_messages(vec![]).await, Code::InvalidArgument, "CONFIG_MISSING");
}

#[tokio::test]
async fn a_config_sent_twice_is_refused() {
    let mut clients = client().await;
    let id = unique("bad");
    let audio_of_it = enroll_audio(&voices::pcm(&voices::samples("ivrvoice/01")));
    let messages = vec![enroll_config(stream_of(&id)), audio_of_it, enroll_config(stream_of(&id))];
    refused(enroll(&mut clients, messages).await, Code::InvalidArgument, "CONFIG_REPEATED");
    nothing_left_of(&mut clients, &id).await;
    let call = unique("bad");
    let messages = vec![config(info(&call, "")), audio(&[0; 320]), config(info(&call, ""))];
    refused(clients.screen_messages(messages).await, Code::InvalidArgument, "CONFIG_REPEATED");
}

#[tokio::test]
async fn a_message_that_holds_nothing_is_refused() {
    let mut clients = client().await;
    let id = unique("bad");
    let messages = vec![enroll_config(stream_of(&id)), EnrollRequest { request: None }];
    refused(enroll(&mut clients, messages).await, Code::InvalidArgument, "EMPTY_MESSAGE");
    let messages = vec![ScreenCallRequest { request: None }];
    refused(clients.screen_messages(messages).await, Code::InvalidArgument, "EMPTY_MESSAGE");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn an_encoding_is_never_guessed() {
    format_refused(None, "FORMAT_MISSING").await;
    let status = format_refused(Some(encoded(Encoding::Unspecified)), "ENCODING_MISSING").await;
    assert_eq!(field_of(&status), "config.format.encoding");
    format_refused(Some(StreamFormat { encoding: 99, ..voices::pcm_format() }), "UNKNOWN_ENCODING").await;
}

#[tokio::test]
async fn a_rate_or_a_count_of_channels_that_cannot_be_is_refused() {
    for (sample_rate_hz, limit) in [(3999, "min_sample_rate_hz"), (192_001, "max_sample_rate_hz")] {
        let format = StreamFormat { sample_rate_hz, ..voices::pcm_format() };
        let status = format_refused(Some(format), "LIMIT_REACHED").await;
        assert!(status.message().contains(limit), "{}", status.message());
    }
    let channels = |channels| Some(StreamFormat { channels, channel: Some(0), ..voices::pcm_format() });
    for count in [9, 65_536, u32::MAX] {
        format_refused(channels(count), "LIMIT_REACHED").await;
    }
    let several = StreamFormat { channels: 2, ..voices::pcm_format() };
    let status = format_refused(Some(several), "CHANNEL_NOT_CHOSEN").await;
    assert!(status.message().contains("2 channels"), "{}", status.message());
    format_refused(Some(StreamFormat { channel: Some(2), ..several }), "NO_SUCH_CHANNEL").await;
}

#[tokio::test]
async fn speech_in_another_encoding_than_declared_is_refused_by_name() {
    let pcm = voices::pcm(&voices::call("ivrvoice"));
    for declared in [Encoding::Alaw, Encoding::Mulaw, Encoding::PcmS16be] {
        let status = audio_refused(encoded(declared), &pcm, "WRONG_ENCODING").await;
        assert!(status.message().contains("reads as"), "{}", status.message());
        assert!(field_of(&status).ends_with("format"), "{status:?}");
    }
}

#[tokio::test]
async fn a_file_sent_as_raw_samples_is_refused() {
    let wav = voices::wav(&[&voices::samples("ivrvoice/01")]);
    let status = audio_refused(encoded(Encoding::PcmS16le), &wav, "FILE_IN_RAW_STREAM").await;
    assert!(status.message().contains("as a recording"), "{}", status.message());
    let flac = voices::clip("ivrvoice/01").content;
    audio_refused(encoded(Encoding::Mulaw), &flac, "FILE_IN_RAW_STREAM").await;
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_sample_is_refused() {
    let mut pcm = voices::pcm(&voices::samples("ivrvoice/01"));
    pcm.push(0);
    audio_refused(encoded(Encoding::PcmS16le), &pcm, "STREAM_ENDS_INSIDE_SAMPLE").await;
    audio_refused(
        encoded(Encoding::PcmS16le),
        &voices::hostile("odd-bytes.pcm"),
        "STREAM_ENDS_INSIDE_SAMPLE",
    )
    .await;
}

#[tokio::test]
async fn a_float_that_is_no_number_is_refused() {
    let mut bytes: Vec<u8> = (0..8000).flat_map(|n| (n as f32 * 0.01).sin().to_le_bytes()).collect();
    bytes[4 * 5000..4 * 5000 + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    let status = audio_refused(encoded(Encoding::Float32le), &bytes, "NOT_FINITE").await;
    assert!(status.message().contains("sample 5000"), "{}", status.message());
}

#[tokio::test]
async fn a_chunk_over_four_megabytes_enrolls_nobody() {
    let mut clients = client().await;
    let id = unique("bad");
    for size in [(4 << 20) + 1, 8 << 20] {
        let messages = vec![enroll_config(stream_of(&id)), enroll_audio(&vec![0; size])];
        let status =
            refused(enroll(&mut clients, messages).await, Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
        assert!(
            status.message().contains("4194304") || status.message().contains("smaller"),
            "{}",
            status.message()
        );
    }
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn digital_silence_enrolls_nobody() {
    let mut clients = client().await;
    let id = unique("bad");
    let outcome = clients.enroll_stream(stream_of(&id), &vec![0; 320_000], 320).await;
    refused(outcome, Code::FailedPrecondition, "INSUFFICIENT_SPEECH");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn two_voices_by_turns_in_a_stream_enroll_nobody() {
    let mut clients = client().await;
    let id = unique("bad");
    let samples = voices::decode(&voices::path("hostile/two-voices.flac"));
    let outcome = clients.enroll_stream(stream_of(&id), &voices::pcm(&samples), 320).await;
    refused(outcome, Code::FailedPrecondition, "SEVERAL_VOICES");
    nothing_left_of(&mut clients, &id).await;
}

#[tokio::test]
async fn an_agents_leg_in_the_stream_is_left_out_when_the_customers_channel_is_named() {
    let mut clients = client().await;
    let (agent, caller) = (voices::samples("carlo/01"), voices::samples("ivrvoice/01"));
    let interleaved: Vec<i16> = agent.iter().zip(&caller).flat_map(|(a, c)| [*a, *c]).collect();
    let format = StreamFormat { channels: 2, channel: Some(1), ..voices::pcm_format() };
    let config = EnrollConfig { format: Some(format), ..stream_of(&unique("stereo")) };
    let stereo = clients.enroll_stream(config, &voices::pcm(&interleaved), 333).await.unwrap();
    let frames = interleaved.len() / 2;
    let mono = clients
        .enroll_stream(stream_of(&unique("mono")), &voices::pcm(&caller[..frames]), 333)
        .await
        .unwrap();
    assert_eq!(stereo.speech, mono.speech);
}

#[tokio::test]
async fn an_enrollment_config_without_a_customer_is_refused() {
    let mut clients = client().await;
    let config = EnrollConfig { format: Some(voices::pcm_format()), ..Default::default() };
    let request = EnrollRequest { request: Some(enroll_request::Request::Config(config)) };
    let status = refused(enroll(&mut clients, vec![request]).await, Code::InvalidArgument, "BAD_CUSTOMER_ID");
    assert_eq!(field_of(&status), "config.customer_id");
}
