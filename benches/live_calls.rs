//! Time from the last needed audio byte to the reply that holds it, over the real server and gRPC
//! in real time, with 1 and with 20 calls at once; and whether any call falls behind.
//!
//!     cargo bench --bench live_calls
//!
//! Which byte is needed is known, not guessed: the same extractor is fed the same frames here
//! beforehand, and the frame that makes an update possible is noted.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints its table"
)]

#[path = "shared/server.rs"]
mod server;
#[path = "shared/speech.rs"]
mod speech;

use std::time::Duration;

use earmark_audio::{Encoding, StreamFormat};
use earmark_server::proto::v1;
use earmark_server::proto::v1::screen_call_request::Request;
use earmark_server::proto::v1::screening_service_client::ScreeningServiceClient;
use tokio::time::{Instant, sleep_until};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use speech::RATE_HZ;

const FRAME: usize = RATE_HZ / 50;
const CALL_S: usize = 20;

/// What one call measured, in milliseconds.
#[derive(Default)]
struct Times {
    /// From the needed frame's send to the reply, each update.
    replies: Vec<f64>,
    /// From the last frame to the final reply.
    last: f64,
    /// The most a frame was sent behind its time: back-pressure.
    behind: f64,
}

fn main() {
    let calls = calls();
    let extractor = speech::extractor();
    let format = StreamFormat::mono(Encoding::ALaw, RATE_HZ as u32);
    let needed: Vec<Vec<usize>> =
        calls.iter().map(|c| speech::needed_frames(&extractor, format, c, FRAME)).collect();
    let data = tempfile::tempdir().expect("a folder");
    let server = server::Server::start(data.path());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!(
        "| calls at once | updates | median | 99th percentile | final, median | final, worst | worst send delay | server CPU a call |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (round, at_once) in [1usize, 20].into_iter().enumerate() {
        let rounds = if at_once == 1 { 5 } else { 1 };
        let before = server.cpu_seconds();
        let mut times = Vec::new();
        for turn in 0..rounds {
            times.extend(runtime.block_on(place(
                &server.address,
                &calls,
                &needed,
                at_once,
                round * 100 + turn,
            )));
        }
        report(at_once, &times, (server.cpu_seconds() - before) / times.len() as f64);
    }
}

async fn place(
    address: &str,
    calls: &[Vec<u8>],
    needed: &[Vec<usize>],
    at_once: usize,
    round: usize,
) -> Vec<Times> {
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
    let running: Vec<_> = (0..at_once)
        .map(|n| {
            let which = (n + round) % calls.len();
            let (endpoint, audio, needed) = (endpoint.clone(), calls[which].clone(), needed[which].clone());
            tokio::spawn(async move {
                // As over a second of a busy hour, not all in one instant.
                tokio::time::sleep(Duration::from_millis(1000 * n as u64 / at_once as u64)).await;
                let channel = endpoint.connect().await.expect("a connection");
                call(channel, format!("bench-{round}-{n}"), audio, needed).await
            })
        })
        .collect();
    let mut times = Vec::new();
    for one in running {
        times.push(one.await.expect("the call runs"));
    }
    times
}

async fn call(channel: Channel, id: String, audio: Vec<u8>, needed: Vec<usize>) -> Times {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let frames = audio.len().div_ceil(FRAME);
    let config = v1::ScreenCallConfig {
        call: Some(v1::CallInfo { call_id: id, ..Default::default() }),
        format: Some(v1::StreamFormat { encoding: v1::Encoding::Alaw.into(), ..Default::default() }),
    };
    let message = |request| v1::ScreenCallRequest { request: Some(request) };
    let sent = tokio::spawn(async move {
        sender.send(message(Request::Config(config))).await.expect("open");
        let began = Instant::now();
        let mut sent = Vec::with_capacity(frames);
        let mut behind = 0f64;
        for (n, frame) in audio.chunks(FRAME).enumerate() {
            let due = began + Duration::from_millis(20 * (n as u64 + 1));
            sleep_until(due).await;
            sender.send(message(Request::Audio(frame.to_vec().into()))).await.expect("open");
            sent.push(Instant::now());
            behind = behind.max(due.elapsed().as_secs_f64() * 1e3);
        }
        (sent, behind)
    });
    let mut client = ScreeningServiceClient::new(channel);
    let mut replies = client.screen_call(ReceiverStream::new(receiver)).await.expect("a call").into_inner();
    let mut arrived = Vec::new();
    while let Some(reply) = replies.next().await {
        reply.expect("an update");
        arrived.push(Instant::now());
    }
    let (sent, behind) = sent.await.expect("sent");
    let since = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1e3;
    assert_eq!(arrived.len(), needed.len() + 1, "an update for each needed frame, and a final one");
    Times {
        replies: needed.iter().zip(&arrived).map(|(frame, at)| since(sent[*frame], *at)).collect(),
        last: since(*sent.last().expect("frames"), *arrived.last().expect("a final update")),
        behind,
    }
}

fn report(at_once: usize, times: &[Times], cpu_s: f64) {
    let mut replies: Vec<f64> = times.iter().flat_map(|t| t.replies.iter().copied()).collect();
    let mut last: Vec<f64> = times.iter().map(|t| t.last).collect();
    let behind = times.iter().map(|t| t.behind).fold(0.0, f64::max);
    replies.sort_by(f64::total_cmp);
    last.sort_by(f64::total_cmp);
    let at =
        |sorted: &[f64], part: f64| sorted[((sorted.len() as f64 * part) as usize).min(sorted.len() - 1)];
    println!(
        "| {at_once} | {} | {:.0} ms | {:.0} ms | {:.0} ms | {:.0} ms | {behind:.0} ms | {cpu_s:.2} s for {CALL_S} s of audio |",
        replies.len(),
        at(&replies, 0.5),
        at(&replies, 0.99),
        at(&last, 0.5),
        at(&last, 1.0),
    );
}

/// Twenty seconds of each person of tests/data, as A-law.
fn calls() -> Vec<Vec<u8>> {
    let people = speech::people(CALL_S);
    people.iter().map(|samples| samples.iter().map(|&s| encode_alaw(s)).collect()).collect()
}

/// ITU-T G.711 A-law, with the even bits inverted.
fn encode_alaw(sample: i16) -> u8 {
    let (sign, magnitude) = if sample < 0 { (0x00, !sample) } else { (0x80, sample) };
    let magnitude = (magnitude >> 3).min(0xfff);
    let exponent = (12 - (magnitude | 1).leading_zeros() as i16 + 3).max(0) - 4;
    let code = if exponent > 0 {
        ((exponent << 4) | ((magnitude >> exponent) & 0x0f)) as u8
    } else {
        (magnitude >> 1) as u8
    };
    (sign | code) ^ 0x55
}
