//! Calls, as a telephone system places them.

use earmark_server::proto::v1::{
    CallInfo, CallUpdate, CustomerState, Recording, ScreenCallConfig, ScreenCallRequest, ScreenCallResponse,
    ScreenRecordingRequest, Verdict, screen_call_request,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::clients::Clients;
use super::voices;

/// How much of a call a telephone system sends at once: 20 ms of 8 kHz PCM.
pub(crate) const PACKET: usize = 320;

/// A call of which only the id and the claimed customer are known.
pub(crate) fn info(call: &str, claimed: &str) -> CallInfo {
    let (call_id, claimed_customer_id) = (call.to_owned(), claimed.to_owned());
    CallInfo { call_id, claimed_customer_id, ..Default::default() }
}

/// The first message of a call in 8 kHz PCM.
pub(crate) fn config(call: CallInfo) -> ScreenCallRequest {
    let config = ScreenCallConfig { call: Some(call), format: Some(voices::pcm_format()) };
    ScreenCallRequest { request: Some(screen_call_request::Request::Config(config)) }
}

pub(crate) fn audio(audio: &[u8]) -> ScreenCallRequest {
    ScreenCallRequest { request: Some(screen_call_request::Request::Audio(audio.to_vec().into())) }
}

impl Clients {
    /// Screens a call whose audio is all there, in chunks of so many bytes; gives all its updates.
    pub(crate) async fn screen_in_chunks(
        &mut self,
        call: CallInfo,
        pcm: &[u8],
        chunk: usize,
    ) -> Result<Vec<CallUpdate>, Status> {
        let mut messages = vec![config(call)];
        messages.extend(pcm.chunks(chunk).map(audio));
        self.screen_messages(messages).await
    }

    pub(crate) async fn screen(
        &mut self,
        call: CallInfo,
        samples: &[i16],
    ) -> Result<Vec<CallUpdate>, Status> {
        self.screen_in_chunks(call, &voices::pcm(samples), PACKET).await
    }

    /// Sends these messages and half-closes.
    pub(crate) async fn screen_messages(
        &mut self,
        messages: Vec<ScreenCallRequest>,
    ) -> Result<Vec<CallUpdate>, Status> {
        let mut replies = self.screening.screen_call(tokio_stream::iter(messages)).await?.into_inner();
        let mut updates = Vec::new();
        while let Some(reply) = replies.message().await? {
            updates.push(reply.update.expect("an update"));
        }
        Ok(updates)
    }

    pub(crate) async fn screen_recording(
        &mut self,
        call: CallInfo,
        recording: Recording,
    ) -> Result<CallUpdate, Status> {
        let request = ScreenRecordingRequest { call: Some(call), recording: Some(recording) };
        let reply = self.screening.screen_recording(request).await?.into_inner();
        Ok(reply.update.expect("an update"))
    }

    /// Begins a call whose audio comes later.
    pub(crate) async fn begin_call(&mut self, call: CallInfo) -> Result<LiveCall, Status> {
        let (sender, receiver) = mpsc::channel(64);
        sender.send(config(call)).await.expect("room for the config");
        let replies = self.screening.screen_call(ReceiverStream::new(receiver)).await?.into_inner();
        Ok(LiveCall { sender, replies })
    }
}

/// A call that goes on until it is hung up.
pub(crate) struct LiveCall {
    sender: mpsc::Sender<ScreenCallRequest>,
    replies: Streaming<ScreenCallResponse>,
}

impl LiveCall {
    pub(crate) async fn say(&self, samples: &[i16]) {
        self.sender.send(audio(&voices::pcm(samples))).await.expect("the call is open");
    }

    pub(crate) async fn next(&mut self) -> Result<Option<CallUpdate>, Status> {
        Ok(self.replies.message().await?.map(|reply| reply.update.expect("an update")))
    }

    /// Half-closes; gives the updates that are left.
    pub(crate) async fn hang_up(self) -> Result<Vec<CallUpdate>, Status> {
        let Self { sender, mut replies } = self;
        drop(sender);
        let mut updates = Vec::new();
        while let Some(reply) = replies.message().await? {
            updates.push(reply.update.expect("an update"));
        }
        Ok(updates)
    }
}

/// The verdict of an update.
pub(crate) fn verdict(update: &CallUpdate) -> Verdict {
    update.decision.as_ref().expect("a decision").verdict()
}

/// Whether and why the customer's history was compared.
pub(crate) fn state(update: &CallUpdate) -> CustomerState {
    update.customer.as_ref().expect("evidence").state()
}

pub(crate) fn customer_llr(update: &CallUpdate) -> Option<f64> {
    update.customer.as_ref().expect("evidence").llr
}

pub(crate) fn net_speech_s(update: &CallUpdate) -> f32 {
    update.speech.as_ref().expect("speech").net_speech_s
}

/// The same update but for the moments at which it was made.
pub(crate) fn timeless(update: &CallUpdate) -> CallUpdate {
    CallUpdate { compute_ms: 0.0, update_time: None, ..update.clone() }
}
