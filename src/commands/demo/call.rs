//! Placing calls: audio in frames of 20 ms as a switch sends them, in real time.

use std::time::Duration;

use anyhow::{Context, Result};
use earmark_server::proto::v1::screen_call_request::Request;
use earmark_server::proto::v1::screening_service_client::ScreeningServiceClient;
use earmark_server::proto::v1::{
    CallInfo, CallUpdate, Encoding, ScreenCallConfig, ScreenCallRequest, StreamFormat, Verdict,
};
use tokio::time::{Instant, sleep_until};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use super::cast::{Call, RATE_HZ};
use crate::output;

const FRAME: usize = RATE_HZ as usize / 50;

/// A call and all that came back.
pub(super) struct Screened {
    pub(super) truth: String,
    pub(super) claimed: String,
    pub(super) updates: Vec<CallUpdate>,
}

/// Places all calls at the same time and waits for their ends.
pub(super) async fn place_all(channel: &Channel, calls: Vec<Call>) -> Result<Vec<Screened>> {
    let longest = calls.iter().map(|c| c.samples.len()).max().unwrap_or(0) / RATE_HZ as usize;
    output::note(&format!("placing {} calls at once in real time, {longest} s ...", calls.len()));
    let running: Vec<_> = calls.into_iter().map(|call| tokio::spawn(place(channel.clone(), call))).collect();
    let mut screened = Vec::new();
    for call in running {
        screened.push(call.await??);
    }
    Ok(screened)
}

async fn place(channel: Channel, call: Call) -> Result<Screened> {
    let Call { id, truth, claimed, samples } = call;
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let config = config(&id, &claimed);
    tokio::spawn(async move {
        let began = Instant::now();
        let _ = sender.send(request(Request::Config(config))).await;
        for (n, frame) in samples.chunks(FRAME).enumerate() {
            sleep_until(began + Duration::from_millis(20 * (n as u64 + 1))).await;
            let bytes = frame.iter().flat_map(|s| s.to_le_bytes()).collect();
            if sender.send(request(Request::Audio(bytes))).await.is_err() {
                return;
            }
        }
    });
    let mut client = ScreeningServiceClient::new(channel);
    let mut replies = client.screen_call(ReceiverStream::new(receiver)).await?.into_inner();
    let mut updates: Vec<CallUpdate> = Vec::new();
    while let Some(reply) = replies.next().await {
        let update =
            reply.with_context(|| format!("screening {id}"))?.update.context("a reply without update")?;
        tell_change(&id, updates.last(), &update);
        updates.push(update);
    }
    Ok(Screened { truth, claimed, updates })
}

fn config(id: &str, claimed: &str) -> ScreenCallConfig {
    let call = CallInfo {
        call_id: id.to_owned(),
        claimed_customer_id: claimed.to_owned(),
        agent_id: "desk-1".to_owned(),
        ..Default::default()
    };
    let format = StreamFormat {
        encoding: Encoding::PcmS16le.into(),
        sample_rate_hz: RATE_HZ,
        channels: 1,
        ..Default::default()
    };
    ScreenCallConfig { call: Some(call), format: Some(format) }
}

fn request(request: Request) -> ScreenCallRequest {
    ScreenCallRequest { request: Some(request) }
}

/// Says when a call's verdict becomes another.
fn tell_change(id: &str, last: Option<&CallUpdate>, update: &CallUpdate) {
    if last.is_some_and(|l| verdict(l) == verdict(update)) {
        return;
    }
    let Some(decision) = &update.decision else { return };
    let speech = update.speech.as_ref();
    let (at, net) = speech.map_or((0.0, 0.0), |s| (s.audio_s, s.net_speech_s));
    let (zh, en) = (&decision.label_zh, &decision.label_en);
    output::note(&format!("  {at:4.1} s into {id}, from {net:.1} s of speech: {zh} ({en})"));
}

pub(super) fn verdict(update: &CallUpdate) -> Verdict {
    update.decision.as_ref().map_or(Verdict::Unspecified, earmark_server::proto::v1::Decision::verdict)
}
