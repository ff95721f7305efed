use std::sync::Arc;
use std::time::Duration;

use earmark_engine::CallUpdate;
use earmark_telephony::{CallBegun, CallEvent, MediaFormat};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::{Request, Streaming};
use tracing::{Instrument, Span};

use super::convert::{self, NewCall};
use crate::audio_stream::{AudioStream, End, Input};
use crate::backend::{Backend, extension};
use crate::gate::Deadline;
use crate::media::{MediaCall, MixedAudio, Route};
use crate::proto::v1::{ScreenCallRequest, ScreenCallResponse};
use crate::refusal::Refusal;
use crate::replies::{Replies, replies};

/// Screens a live call in a task of its own, until the client or the deadline ends it.
pub(super) fn screen(
    backend: &Arc<Backend>,
    request: Request<Streaming<ScreenCallRequest>>,
) -> Result<Replies<ScreenCallResponse>, Refusal> {
    let deadline: Deadline = extension(&request)?;
    let caller: crate::access::Caller = extension(&request)?;
    // Whose voice a channel carries is the client's word; both parties in one are marked.
    let mixed = MixedAudio::Mark;
    let route = Route { protocol: "grpc", tenant: caller.tenant, mixed, step: Duration::ZERO };
    let call = MediaCall::seated(backend, route)?;
    let (answer, stream) = replies();
    let updates = Updates { replies: answer.replies.clone(), patience: backend.limits.idle_timeout };
    let (end, closing) = (extension(&request)?, backend.lifecycle.closing());
    let audio = AudioStream::new(request.into_inner(), end, closing, &backend.limits);
    let task = async move {
        // Whatever ends the call first drops its session, which ends it in the records.
        let outcome = tokio::select! {
            biased;
            () = answer.replies.closed() => Err(Refusal::cancelled()),
            () = deadline.passed() => Err(Refusal::deadline()),
            outcome = converse(call, audio, &updates) => outcome,
        };
        drop(updates);
        answer.end(outcome);
    };
    backend.streams.spawn(task.instrument(Span::current()));
    Ok(stream)
}

/// From the first message to the last update.
async fn converse(
    mut call: MediaCall,
    mut audio: AudioStream<Streaming<ScreenCallRequest>>,
    updates: &Updates,
) -> Result<(), Refusal> {
    let NewCall { call: info, format, role } = convert::config(audio.config().await?)?;
    let begun = CallBegun::new(info, MediaFormat { stream: format, role });
    updates.send(&call.take(CallEvent::Begun(Box::new(begun))).await?).await?;
    loop {
        audio.hold(call.is_held());
        tokio::select! {
            biased;
            command = call.command() => updates.send(&call.obey(command).await?).await?,
            input = audio.next() => match input? {
                Input::Audio(bytes) => {
                    updates.send(&call.take(CallEvent::Audio(bytes)).await?).await?;
                    // Every update is sent before the next piece is screened.
                    while let Some(some) = call.advance().await? {
                        updates.send(&some).await?;
                    }
                }
                Input::End(end) => return finish(&mut call, end, updates).await,
            },
        }
    }
}

/// Sends the last update whatever the end was, then says what the end was.
async fn finish(call: &mut MediaCall, end: End, updates: &Updates) -> Result<(), Refusal> {
    updates.send(&call.finish().await?).await?;
    end.outcome()
}

/// The way back to the client.
struct Updates {
    replies: mpsc::Sender<ScreenCallResponse>,
    patience: Duration,
}

impl Updates {
    /// Waits for a client that reads slowly, but not forever.
    async fn send(&self, updates: &[CallUpdate]) -> Result<(), Refusal> {
        for update in updates {
            let reply = ScreenCallResponse { update: Some(convert::update(update)) };
            match timeout(self.patience, self.replies.send(reply)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Refusal::cancelled()),
                Err(_) => {
                    let problem = "the updates are not read; read them while sending audio";
                    return Err(Refusal::too_much("READER_TOO_SLOW", "waiting updates", problem));
                }
            }
        }
        Ok(())
    }
}
