use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::*;
use crate::lifecycle::{Lifecycle, Phase};

enum Message {
    Config(&'static str),
    Audio(&'static [u8]),
    Nothing,
}

impl StreamMessage for Message {
    type Config = &'static str;

    fn into_part(self) -> Option<Part<&'static str>> {
        match self {
            Self::Config(config) => Some(Part::Config(config)),
            Self::Audio(bytes) => Some(Part::Audio(Bytes::from_static(bytes))),
            Self::Nothing => None,
        }
    }
}

struct Client {
    messages: mpsc::Sender<Result<Message, Status>>,
    end: CleanEnd,
    /// Outlives the client, as a server does.
    lifecycle: &'static Lifecycle,
}

impl Client {
    async fn send(&self, message: Message) {
        self.messages.send(Ok(message)).await.unwrap();
    }

    fn half_close(self) {
        self.end.reach();
    }
}

fn stream(limits: &Limits) -> (Client, AudioStream<ReceiverStream<Result<Message, Status>>>) {
    let (messages, received) = mpsc::channel(1024);
    let end = CleanEnd::default();
    let lifecycle: &'static Lifecycle = Box::leak(Box::new(Lifecycle::new()));
    let stream = AudioStream::new(ReceiverStream::new(received), end.clone(), lifecycle.closing(), limits);
    (Client { messages, end, lifecycle }, stream)
}

fn audio(bytes: &'static [u8]) -> Result<Input, Refusal> {
    Ok(Input::Audio(Bytes::from_static(bytes)))
}

#[tokio::test]
async fn config_then_audio_then_the_end() {
    let (client, mut stream) = stream(&Limits::default());
    client.send(Message::Config("c")).await;
    assert_eq!(stream.config().await, Ok("c"));
    client.send(Message::Audio(b"ab")).await;
    assert_eq!(stream.next().await, audio(b"ab"));
    client.half_close();
    assert_eq!(stream.next().await, Ok(Input::End(End::HalfClosed)));
}

#[tokio::test]
async fn what_has_arrived_comes_together_and_nothing_is_lost() {
    let (client, mut stream) = stream(&Limits::default());
    for _ in 0..300 {
        client.send(Message::Audio(b"x")).await;
        client.send(Message::Audio(b"")).await;
    }
    let Ok(Input::Audio(bytes)) = stream.next().await else { panic!("no audio") };
    assert!(bytes.len() > 1, "each byte came alone");
    let mut total = bytes.len();
    while total < 300 {
        let Ok(Input::Audio(more)) = stream.next().await else { panic!("no audio") };
        total += more.len();
    }
    assert_eq!(total, 300);
}

#[tokio::test]
async fn coalescing_has_a_bound() {
    static CHUNK: [u8; 20 << 10] = [0; 20 << 10];
    let (client, mut stream) = stream(&Limits::default());
    for _ in 0..10 {
        client.send(Message::Audio(&CHUNK)).await;
    }
    let Ok(Input::Audio(bytes)) = stream.next().await else { panic!("no audio") };
    assert!(bytes.len() < COALESCED_BYTES + CHUNK.len(), "{} bytes", bytes.len());
}

#[tokio::test]
async fn an_end_met_while_coalescing_comes_after_the_audio() {
    let (client, mut stream) = stream(&Limits::default());
    client.send(Message::Audio(b"a")).await;
    client.send(Message::Audio(b"b")).await;
    client.send(Message::Config("again")).await;
    assert_eq!(stream.next().await, audio(b"ab"));
    assert_eq!(stream.next().await.unwrap_err().reason(), "CONFIG_REPEATED");
}

#[tokio::test]
async fn a_cancelled_stream_is_not_an_ended_one() {
    let (client, mut stream) = stream(&Limits::default());
    client.send(Message::Audio(b"a")).await;
    drop(client);
    assert_eq!(stream.next().await, audio(b"a"));
    assert_eq!(stream.next().await.unwrap_err().code(), Code::Cancelled);
}

#[tokio::test]
async fn the_first_message_must_be_the_config() {
    let (client, mut audio_first) = stream(&Limits::default());
    client.send(Message::Audio(b"a")).await;
    let refusal = audio_first.config().await.unwrap_err();
    assert_eq!((refusal.code(), refusal.reason()), (Code::InvalidArgument, "CONFIG_MISSING"));
    let (client, mut empty) = stream(&Limits::default());
    client.half_close();
    assert_eq!(empty.config().await.unwrap_err().reason(), "CONFIG_MISSING");
    let (client, mut nothing) = stream(&Limits::default());
    client.send(Message::Nothing).await;
    assert_eq!(nothing.config().await.unwrap_err().reason(), "EMPTY_MESSAGE");
}

#[tokio::test]
async fn chunks_and_messages_too_large_say_the_limit() {
    static HUGE: [u8; MAX_CHUNK_BYTES + 1] = [0; MAX_CHUNK_BYTES + 1];
    let (client, mut chunk) = stream(&Limits::default());
    client.send(Message::Audio(&HUGE)).await;
    assert_eq!(chunk.next().await.unwrap_err().reason(), "MESSAGE_TOO_LARGE");
    let (client, mut message) = stream(&Limits::default());
    client.messages.send(Err(Status::out_of_range("decoded message length too large"))).await.unwrap();
    assert_eq!(message.next().await.unwrap_err().code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn silence_ends_a_stream_and_empty_chunks_do_not_prevent_it() {
    let limits = Limits { idle_timeout: Duration::from_millis(20), ..Limits::default() };
    let (client, mut stream) = stream(&limits);
    let keeping_alive = tokio::spawn(async move {
        while client.messages.send(Ok(Message::Audio(b""))).await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(stream.next().await, Ok(Input::End(End::Idle)));
    assert_eq!(End::Idle.outcome().unwrap_err().code(), Code::DeadlineExceeded);
    drop(stream);
    keeping_alive.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn on_hold_nothing_need_come_and_after_it_there_is_all_the_time() {
    let (idle_timeout, max_stream_duration) = (Duration::from_secs(60), Duration::from_secs(3600));
    let (client, mut stream) = stream(&Limits { idle_timeout, max_stream_duration, ..Limits::default() });
    stream.hold(true);
    let waits = tokio::time::timeout(Duration::from_secs(600), stream.next()).await;
    assert!(waits.is_err(), "a held stream ended: {waits:?}");
    stream.hold(false);
    let waits = tokio::time::timeout(Duration::from_secs(59), stream.next()).await;
    assert!(waits.is_err(), "{waits:?}");
    assert_eq!(stream.next().await, Ok(Input::End(End::Idle)));
    stream.hold(true);
    assert_eq!(stream.next().await, Ok(Input::End(End::TooLong)), "a hold is no way round the longest");
    drop(client);
}

#[tokio::test]
async fn a_stream_can_not_last_forever() {
    let limits = Limits { max_stream_duration: Duration::from_millis(20), ..Limits::default() };
    let (client, mut stream) = stream(&limits);
    let flooding =
        tokio::spawn(async move { while client.messages.send(Ok(Message::Audio(b"x"))).await.is_ok() {} });
    let end = loop {
        if let Input::End(end) = stream.next().await.unwrap() {
            break end;
        }
    };
    assert_eq!(end, End::TooLong);
    drop(stream);
    flooding.await.unwrap();
}

#[tokio::test]
async fn a_closing_server_ends_the_stream() {
    let (client, mut stream) = stream(&Limits::default());
    client.lifecycle.enter(Phase::Closing);
    assert_eq!(stream.next().await, Ok(Input::End(End::Draining)));
    assert_eq!(End::Draining.outcome().unwrap_err().code(), Code::Unavailable);
    assert_eq!(stream.config().await.unwrap_err().code(), Code::Unavailable);
}
