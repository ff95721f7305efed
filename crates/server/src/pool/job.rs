use std::time::Instant;

use earmark_engine::Cancellation;
use tokio::sync::OwnedSemaphorePermit;

/// A piece of work in a queue, with its place in the lane.
pub(super) struct Job {
    work: Box<dyn FnOnce() + Send>,
    cancellation: Cancellation,
    queued: Instant,
    slot: Option<OwnedSemaphorePermit>,
}

impl Job {
    pub(super) fn new(
        slot: Option<OwnedSemaphorePermit>,
        cancellation: Cancellation,
        work: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self { work: Box::new(work), cancellation, queued: Instant::now(), slot }
    }

    pub(super) fn queued(&self) -> Instant {
        self.queued
    }

    /// Frees the place in the lane and does the work, unless nobody waits for it any more.
    pub(super) fn run(self) {
        drop(self.slot);
        if !self.cancellation.is_cancelled() {
            (self.work)();
        }
    }
}

/// Cancels when its owner, a future, is dropped: the client left or the deadline passed.
pub(super) struct CancelOnDrop(pub(super) Cancellation);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
