use std::sync::Arc;

use earmark_engine::{Cancellation, Engine, EngineError, SpeechSummary};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tonic::{Request, Status};

use crate::Limits;
use crate::access::Caller;
use crate::desk::DeskState;
use crate::feed::Feed;
use crate::lifecycle::Lifecycle;
use crate::media::{MixedAudio, Registry};
use crate::metrics::Metrics;
use crate::pool::{Lane, Pool};
use crate::refusal::Refusal;

/// What the handlers stand on.
pub(crate) struct Backend {
    pub(crate) engine: Engine,
    pub(crate) pool: Pool,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) lifecycle: Arc<Lifecycle>,
    /// What becomes of a media stream that carries both parties in one channel.
    pub(crate) mixed: MixedAudio,
    pub(crate) limits: Limits,
    pub(crate) feed: Arc<Feed>,
    pub(crate) desk: DeskState,
    pub(crate) rooms: Rooms,
    /// Calls of media streams.
    pub(crate) registry: Arc<Registry>,
    /// The tasks of streams that reply with streams.
    pub(crate) streams: TaskTracker,
}

/// Room for streams, by kind.
pub(crate) struct Rooms {
    live_calls: Arc<Semaphore>,
    enrollments: Arc<Semaphore>,
    watchers: Arc<Semaphore>,
}

impl Rooms {
    pub(crate) fn new(limits: &Limits) -> Self {
        let room = |most: usize| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self {
            live_calls: room(limits.max_live_calls),
            enrollments: room(limits.max_enrollment_streams),
            watchers: room(limits.max_watchers),
        }
    }

    pub(crate) fn live_call(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        take(&self.live_calls, "LIVE_CALLS_FULL", "live calls")
    }

    pub(crate) fn enrollment(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        take(&self.enrollments, "ENROLLMENTS_FULL", "enrollment streams")
    }

    pub(crate) fn watcher(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        take(&self.watchers, "WATCHERS_FULL", "watchers")
    }

    /// Whether one more may watch now.
    pub(crate) fn has_watcher(&self) -> bool {
        self.watchers.available_permits() > 0
    }
}

fn take(
    room: &Arc<Semaphore>,
    reason: &'static str,
    subject: &'static str,
) -> Result<OwnedSemaphorePermit, Refusal> {
    let full =
        |_| Refusal::busy(reason, subject, format!("as many {subject} as allowed are open; try again"));
    room.clone().try_acquire_owned().map_err(full)
}

impl Backend {
    /// A small read or write, on a thread that may block.
    pub(crate) async fn lookup<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Status> {
        let engine = self.engine.clone();
        let outcome = self.pool.run(Lane::Lookup, move |_| work(&engine)).await.map_err(Refusal::from)?;
        Ok(outcome.map_err(Refusal::from)?)
    }

    /// Long work over recordings, which hears when nobody waits for it any more.
    pub(crate) async fn batch<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine, &Cancellation) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Status> {
        let engine = self.engine.clone();
        let work = move |cancellation: &Cancellation| work(&engine, cancellation);
        let outcome = self.pool.run(Lane::Batch, work).await.map_err(Refusal::from)?;
        Ok(outcome.map_err(Refusal::from)?)
    }

    /// Counts audio that was taken in whole.
    pub(crate) fn count_audio<'a>(&self, speech: impl IntoIterator<Item = &'a SpeechSummary>) {
        for heard in speech {
            self.metrics.audio(heard.audio_s);
        }
    }
}

/// Splits a request into who calls, as the gate found out, and what is asked.
pub(crate) fn open<T>(request: Request<T>) -> Result<(Caller, T), Refusal> {
    let caller = extension(&request)?;
    Ok((caller, request.into_inner()))
}

/// What the gate left for the handler. It is always there: no request gets past the gate without.
pub(crate) fn extension<T, E: Clone + Send + Sync + 'static>(request: &Request<T>) -> Result<E, Refusal> {
    request.extensions().get().cloned().ok_or_else(|| Refusal::internal("GATE_PASSED_BY"))
}
