use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use earmark_engine::{CallSession, CallUpdate, EngineError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use tonic::{Request, Streaming};
use tracing::{Instrument, Span};

use super::convert::{self, NewCall};
use crate::access::Caller;
use crate::audio_stream::{AudioStream, End, Input};
use crate::backend::{Backend, extension};
use crate::gate::Deadline;
use crate::metrics::{Counted, Metrics, Stage};
use crate::pool::Lane;
use crate::proto::v1::{ScreenCallRequest, ScreenCallResponse};
use crate::refusal::Refusal;
use crate::replies::{Replies, replies};
use crate::seat::{STEP_BYTES, Seat, timed};

/// Screens a live call in a task of its own, until the client or the deadline ends it.
pub(super) fn screen(
    backend: &Arc<Backend>,
    request: Request<Streaming<ScreenCallRequest>>,
) -> Result<Replies<ScreenCallResponse>, Refusal> {
    let room = backend.rooms.live_call()?;
    let deadline: Deadline = extension(&request)?;
    let (answer, stream) = replies();
    let call = LiveCall {
        backend: backend.clone(),
        caller: extension(&request)?,
        replies: answer.replies.clone(),
        counted_s: 0.0,
        _counted: Counted::new(&backend.metrics.live_calls),
        _room: room,
    };
    let (end, closing) = (extension(&request)?, backend.lifecycle.closing());
    let audio = AudioStream::new(request.into_inner(), end, closing, &backend.limits);
    let task = async move {
        // Whatever ends the call first drops its session, which ends it in the records.
        let outcome = tokio::select! {
            biased;
            () = answer.replies.closed() => Err(Refusal::cancelled()),
            () = deadline.passed() => Err(Refusal::deadline()),
            outcome = call.run(audio) => outcome,
        };
        answer.end(outcome);
    };
    backend.streams.spawn(task.instrument(Span::current()));
    Ok(stream)
}

/// A live call between its first message and its last update.
struct LiveCall {
    backend: Arc<Backend>,
    caller: Caller,
    replies: mpsc::Sender<ScreenCallResponse>,
    /// Seconds of audio that the metrics know of.
    counted_s: f64,
    _counted: Counted,
    _room: OwnedSemaphorePermit,
}

impl LiveCall {
    async fn run(mut self, mut audio: AudioStream<Streaming<ScreenCallRequest>>) -> Result<(), Refusal> {
        let asked = convert::config(audio.config().await?)?;
        Span::current().record("call", asked.call.call_id.as_str());
        let mut seat = self.begin(asked).await?;
        loop {
            match audio.next().await? {
                Input::Audio(bytes) => self.hear(&mut seat, bytes).await?,
                Input::End(end) => return self.finish(&mut seat, end).await,
            }
        }
    }

    async fn begin(&self, asked: NewCall) -> Result<Seat<CallSession>, Refusal> {
        let NewCall { call, format, role } = asked;
        let (engine, tenant) = (self.backend.engine.clone(), self.caller.tenant.clone());
        let metrics = self.backend.metrics.clone();
        let make = move || {
            let (session, took) = timed(|| engine.begin_call(&tenant, call, format, role));
            metrics.stage(Stage::Begin, took);
            Ok(session?)
        };
        Seat::take(&self.backend, Lane::Live, make).await
    }

    /// Takes audio a step at a time and sends every update that a step allows before the next, so
    /// that the updates are the same however the audio was split.
    async fn hear(&mut self, seat: &mut Seat<CallSession>, mut bytes: Bytes) -> Result<(), Refusal> {
        while !bytes.is_empty() {
            let mut part = Some(bytes.split_to(bytes.len().min(STEP_BYTES)));
            loop {
                let (metrics, part) = (self.backend.metrics.clone(), part.take());
                let update = seat.step(move |session| step(session, part, &metrics)).await??;
                match update {
                    Some(update) => self.send(&update).await?,
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// Sends the last update whatever the end was, then says what the end was.
    async fn finish(&mut self, seat: &mut Seat<CallSession>, end: End) -> Result<(), Refusal> {
        let (update, took) = seat.leave(|session, _| timed(|| session.finish())).await?;
        self.backend.metrics.stage(Stage::Finish, took);
        self.send(&update?).await?;
        end.outcome()
    }

    /// Waits for a client that reads slowly, but not forever.
    async fn send(&mut self, update: &CallUpdate) -> Result<(), Refusal> {
        let heard_s = update.speech.audio_s;
        self.backend.metrics.audio(heard_s - self.counted_s);
        self.counted_s = heard_s;
        let (verdict, compute_ms) = (update.verdict.code(), update.compute.as_secs_f64() * 1000.0);
        tracing::debug!(update.sequence, update.is_final, verdict, compute_ms, "call update");
        let reply = ScreenCallResponse { update: Some(convert::update(update)) };
        match timeout(self.patience(), self.replies.send(reply)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Refusal::cancelled()),
            Err(_) => {
                let problem = "the updates are not read; read them while sending audio";
                Err(Refusal::too_much("READER_TOO_SLOW", "waiting updates", problem))
            }
        }
    }

    fn patience(&self) -> Duration {
        self.backend.limits.idle_timeout
    }
}

/// One step on a thread: the audio if there is some, then at most one update.
fn step(
    session: &mut CallSession,
    part: Option<Bytes>,
    metrics: &Metrics,
) -> Result<Option<CallUpdate>, EngineError> {
    if let Some(part) = part {
        let (accepted, took) = timed(|| session.accept(&part));
        metrics.stage(Stage::Accept, took);
        accepted?;
    }
    let (update, took) = timed(|| session.next_update());
    if matches!(update, Ok(Some(_))) {
        metrics.stage(Stage::Update, took);
    }
    update
}
