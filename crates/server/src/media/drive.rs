use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use earmark_engine::CallUpdate;
use earmark_telephony::{CallEvent, EndReason, Parting, ProtocolError};
use tokio::time::timeout;
use tracing::Instrument;

use super::call::{MediaCall, Route};
use super::patience::{Happened, INTRODUCTION_PATIENCE, Patience, State};
use crate::backend::Backend;
use crate::refusal::Refusal;

/// How long saying goodbye may take.
pub(super) const PARTING_PATIENCE: Duration = Duration::from_secs(2);

/// A connection that brings one call.
pub(crate) trait MediaSource: Send {
    /// What happened next; empty where only the protocol moved on. Whatever comes back is a sign of life
    /// from the far end, so what a source does by itself, as asking or waiting, is no reason to return.
    /// After [`CallEvent::Ended`] it is not asked again. May be dropped and asked again at any time:
    /// nothing is lost by it.
    fn next(&mut self) -> impl Future<Output = Result<Vec<CallEvent>, ProtocolError>> + Send;

    /// How long the far end may take to say which call it brings.
    fn introduction_patience(&self) -> Duration {
        INTRODUCTION_PATIENCE
    }

    /// Shows the far end an update, where its protocol has a way. A connection that is gone is found
    /// out by [`MediaSource::next`].
    fn tell(&mut self, update: &CallUpdate) -> impl Future<Output = ()> + Send;

    /// Says goodbye.
    fn part(&mut self, parting: &Parting) -> impl Future<Output = ()> + Send;

    /// What [`MediaSource::part`] may take beyond [`PARTING_PATIENCE`], where the far end is to close first.
    fn close_patience(&self) -> Duration {
        Duration::ZERO
    }
}

/// Screens the call that a connection brings, to its end.
pub(crate) async fn drive(backend: &Arc<Backend>, route: Route, mut source: impl MediaSource) -> Parting {
    let span = tracing::info_span!(
        "media",
        protocol = route.protocol,
        tenant = route.tenant.as_str(),
        call = tracing::field::Empty
    );
    let drive = async {
        let protocol = route.protocol;
        let parting = screen(backend, route, &mut source).await;
        note(backend, protocol, &parting);
        // A far end that does not take the goodbye misses it.
        let patience = source.close_patience() + PARTING_PATIENCE;
        drop(timeout(patience, source.part(&parting)).await);
        parting
    };
    drive.instrument(span).await
}

async fn screen(backend: &Arc<Backend>, route: Route, source: &mut impl MediaSource) -> Parting {
    // The drain waits for the call while this lives.
    let Ok(_work) = backend.lifecycle.begin() else { return Parting::Draining };
    let mut call = MediaCall::new(backend, route);
    let outcome = converse(backend, &mut call, source).await;
    let end = match outcome {
        Ok(parting) => parting,
        Err(refusal) => return failed(&refusal),
    };
    match call.finish().await {
        Ok(updates) => {
            tell(backend, source, &updates).await;
            end
        }
        Err(refusal) => failed(&refusal),
    }
}

/// Takes what happens until something ends the call, which is then still to be finished.
async fn converse(
    backend: &Arc<Backend>,
    call: &mut MediaCall,
    source: &mut impl MediaSource,
) -> Result<Parting, Refusal> {
    let mut patience =
        Patience::new(&backend.limits, source.introduction_patience(), backend.lifecycle.closing());
    loop {
        let state =
            State { has_begun: call.has_begun(), is_held: call.is_held(), is_waiting: call.is_waiting() };
        match patience.next(state, call.command(), source).await {
            Happened::Enough(parting) => return Ok(parting),
            Happened::Stream(Err(error)) => return Ok(Parting::Refused(error)),
            Happened::Told(command) => {
                let updates = call.obey(command).await?;
                tell(backend, source, &updates).await;
                patience.renew();
            }
            Happened::Paused => {
                let updates = call.hear().await?;
                tell(backend, source, &updates).await;
            }
            Happened::Stream(Ok(events)) => {
                let has_audio = events.iter().any(|event| matches!(event, CallEvent::Audio(_)));
                for event in events {
                    if let CallEvent::Ended(reason) = event {
                        return Ok(Parting::Finished(reason));
                    }
                    let updates = call.take(event).await?;
                    tell(backend, source, &updates).await;
                    while let Some(updates) = call.advance().await? {
                        tell(backend, source, &updates).await;
                    }
                }
                patience.renew();
                if has_audio {
                    patience.audio_came();
                }
            }
        }
    }
}

/// A far end that does not read its updates in time misses them: the call goes on, and desktops have
/// them all the same.
async fn tell(backend: &Arc<Backend>, source: &mut impl MediaSource, updates: &[CallUpdate]) {
    for update in updates {
        if timeout(backend.limits.idle_timeout, source.tell(update)).await.is_err() {
            tracing::warn!("an update could not be sent in time");
        }
    }
}

fn failed(refusal: &Refusal) -> Parting {
    Parting::Failed { code: refusal.reason(), problem: refusal.message().to_owned() }
}

/// Logs and counts how a stream ended, once.
fn note(backend: &Backend, protocol: &'static str, parting: &Parting) {
    let end = match parting {
        Parting::Finished(EndReason::HungUp) => "HUNG_UP",
        Parting::Finished(EndReason::Lost) => "LOST",
        Parting::Finished(EndReason::Failed) => "FAR_END_FAILED",
        Parting::Refused(ProtocolError::CustomerUndecided) => "CUSTOMER_UNDECIDED",
        Parting::Refused(_) => "PROTOCOL_ERROR",
        Parting::Failed { code, .. } => code,
        Parting::Draining => "DRAINING",
    };
    backend.metrics.media_stream(protocol, end);
    match parting {
        Parting::Finished(_) => tracing::info!(end, "media stream ended"),
        Parting::Refused(error) => tracing::warn!(end, %error, "media stream refused"),
        Parting::Failed { problem, .. } => tracing::warn!(end, problem, "media stream ended early"),
        Parting::Draining => tracing::info!(end, "media stream ended early"),
    }
}

#[cfg(test)]
mod tests;
