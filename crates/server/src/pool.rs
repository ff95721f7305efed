//! Blocking work off the async threads: a bounded number of threads, a bounded queue a lane, and
//! live calls before everything else, but for a share that lookups have.

mod job;
mod lane;
mod queues;
mod worker;

use std::sync::Arc;

use earmark_engine::Cancellation;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use self::job::{CancelOnDrop, Job};
pub(crate) use self::lane::Lane;
use self::queues::Queues;
use crate::ServerError;
use crate::metrics::Metrics;

/// How much the pool takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolOptions {
    /// At least 1. With 2 or more, one thread is never taken by batch work.
    pub(crate) threads: usize,
    /// Jobs that may wait, by [`Lane`].
    pub(crate) waiting: [usize; Lane::COUNT],
}

/// Why a job gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PoolError {
    /// The lane's queue is full: try again.
    #[error("the queue is full")]
    Full,
    /// The job panicked: a defect of ours. The thread lives on.
    #[error("the job panicked")]
    Panicked,
    /// The pool is stopping.
    #[error("the pool is stopping")]
    Stopping,
}

/// The threads and their queues. Dropping it lets the queued work finish and does not wait for it.
pub(crate) struct Pool {
    queues: Arc<Queues>,
    slots: [Arc<Semaphore>; Lane::COUNT],
    /// A permit comes back for every thread that has ended.
    ended: Arc<Semaphore>,
    threads: u32,
}

impl Pool {
    pub(crate) fn start(options: PoolOptions, metrics: &Metrics) -> Result<Self, ServerError> {
        let batch_limit = options.threads.saturating_sub(1).max(1);
        let queues = Arc::new(Queues::new(batch_limit, metrics));
        let ended = Arc::new(Semaphore::new(0));
        let slots = options.waiting.map(|n| Arc::new(Semaphore::new(n.min(Semaphore::MAX_PERMITS))));
        let mut pool = Self { queues, slots, ended, threads: 0 };
        for _ in 0..options.threads.max(1) {
            worker::spawn(pool.threads, pool.queues.clone(), pool.ended.clone())
                .map_err(|source| ServerError::System { action: "starting the work pool", source })?;
            pool.threads += 1;
        }
        Ok(pool)
    }

    /// Runs `work` on a thread, or refuses at once when the lane is full. Dropping the future
    /// cancels the work: it is not started any more, or asked to stop.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let slot = self.slots[lane.index()].clone().try_acquire_owned().map_err(|_| PoolError::Full)?;
        self.submit(lane, slot, work).await
    }

    /// As [`Pool::run`], but waits for room: for streams, which are held back meanwhile.
    pub(crate) async fn run_waiting<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let slot = self.slots[lane.index()].clone().acquire_owned().await.map_err(|_| PoolError::Stopping)?;
        self.submit(lane, slot, work).await
    }

    /// Drops `value` on a thread: what it does at its end may touch the disk. Takes no slot, as it
    /// must not fail; each stream does it once at most, so streams' limit bounds it.
    pub(crate) fn dispose<T: Send + 'static>(&self, value: T) {
        let job = Job::new(None, Cancellation::new(), move || drop(value));
        // A stopped pool gives the job back, and the value is dropped here: late, but done.
        drop(self.queues.push(Lane::Live, job));
    }

    async fn submit<T: Send + 'static>(
        &self,
        lane: Lane,
        slot: OwnedSemaphorePermit,
        work: impl FnOnce(&Cancellation) -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let cancellation = Cancellation::new();
        let _guard = CancelOnDrop(cancellation.clone());
        let (reply, answer) = oneshot::channel();
        let seen = cancellation.clone();
        // Nobody listens any more: the result is dropped on this thread.
        let job = Job::new(Some(slot), cancellation, move || drop(reply.send(work(&seen))));
        self.queues.push(lane, job).map_err(|_| PoolError::Stopping)?;
        // A job that unwinds drops its end of the channel; nothing else does.
        answer.await.map_err(|_| PoolError::Panicked)
    }

    /// Takes no more work and resolves when what is queued is done and the threads have ended.
    pub(crate) async fn stopped(&self) {
        self.queues.close();
        // Waiting fails only on a closed semaphore, and nobody closes this one.
        drop(self.ended.acquire_many(self.threads).await);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queues.close();
    }
}

#[cfg(test)]
mod tests;
