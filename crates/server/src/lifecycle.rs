use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::refusal::Refusal;

/// Where the server is on its way from start to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Takes new work.
    Serving,
    /// Takes none, but lets what runs go on.
    Draining,
    /// What still runs is to finish now.
    Closing,
}

/// The phase, and how much work is under way. Only ever moves forward.
pub(crate) struct Lifecycle {
    phase: watch::Sender<Phase>,
    work: TaskTracker,
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        let work = TaskTracker::new();
        work.close();
        Self { phase: watch::Sender::new(Phase::Serving), work }
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let forward = phase > *now;
            *now = phase.max(*now);
            forward
        });
    }

    /// Counts a piece of work for as long as the token lives; refused once draining.
    pub(crate) fn begin(&self) -> Result<TaskTrackerToken, Refusal> {
        // The token first: a drain that begins in between then waits for it.
        let token = self.work.token();
        if self.phase() == Phase::Serving { Ok(token) } else { Err(Refusal::draining()) }
    }

    /// Resolves when no work is under way.
    pub(crate) async fn idle(&self) {
        self.work.wait().await;
    }

    /// Tells when what runs is to finish.
    pub(crate) fn closing(&self) -> Closing {
        Closing(self.phase.subscribe())
    }
}

/// Tells a stream when it is to finish.
#[derive(Clone)]
pub(crate) struct Closing(watch::Receiver<Phase>);

impl Closing {
    /// Resolves when the stream is to finish, or when the server is gone.
    pub(crate) async fn arrived(&mut self) {
        drop(self.0.wait_for(|phase| *phase == Phase::Closing).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn drains_what_began_and_takes_nothing_new() {
        let lifecycle = Lifecycle::new();
        let running = lifecycle.begin().unwrap();
        lifecycle.enter(Phase::Draining);
        assert_eq!(lifecycle.begin().unwrap_err().reason(), "DRAINING");
        let waiting = tokio::time::timeout(std::time::Duration::ZERO, lifecycle.idle()).await;
        assert!(waiting.is_err(), "work is still under way");
        drop(running);
        lifecycle.idle().await;
    }

    #[tokio::test]
    async fn never_moves_back() {
        let lifecycle = Lifecycle::new();
        lifecycle.enter(Phase::Closing);
        lifecycle.enter(Phase::Draining);
        assert_eq!(lifecycle.phase(), Phase::Closing);
        lifecycle.closing().arrived().await;
    }
}
