use std::sync::Arc;
use std::time::{Duration, Instant};

use earmark_engine::Cancellation;

use crate::backend::Backend;
use crate::pool::Lane;
use crate::refusal::Refusal;

/// Bytes of audio that one step takes: 2 s of 8 kHz PCM, so that a 4 MiB chunk does not hold a
/// thread while other calls wait.
pub(crate) const STEP_BYTES: usize = 32 << 10;

/// Holds a stream's state between its steps, each of which runs on a thread of the pool. The state
/// is never dropped on an async thread, because its end may touch the disk.
pub(crate) struct Seat<T: Send + 'static> {
    held: Option<T>,
    lane: Lane,
    backend: Arc<Backend>,
}

impl<T: Send + 'static> Seat<T> {
    /// Makes the state, on a thread.
    pub(crate) async fn take(
        backend: &Arc<Backend>,
        lane: Lane,
        make: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<Self, Refusal> {
        let held = Some(backend.pool.run_waiting(lane, move |_| make()).await??);
        Ok(Self { held, lane, backend: backend.clone() })
    }

    /// Works on the state. If the caller is dropped meanwhile, the thread drops the state.
    pub(crate) async fn step<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, Refusal> {
        let mut held = self.held.take().ok_or_else(left)?;
        let step = move |_: &_| {
            let result = work(&mut held);
            (held, result)
        };
        let (held, result) = self.backend.pool.run_waiting(self.lane, step).await?;
        self.held = Some(held);
        Ok(result)
    }

    /// Uses the state up; the work hears when nobody waits for it any more.
    pub(crate) async fn leave<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(T, &Cancellation) -> R + Send + 'static,
    ) -> Result<R, Refusal> {
        let held = self.held.take().ok_or_else(left)?;
        Ok(self.backend.pool.run_waiting(self.lane, move |cancellation| work(held, cancellation)).await?)
    }
}

/// A step after a step that failed: a defect of ours.
fn left() -> Refusal {
    Refusal::internal("STREAM_LEFT")
}

impl<T: Send + 'static> Drop for Seat<T> {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            self.backend.pool.dispose(held);
        }
    }
}

/// How long something takes on this thread.
pub(crate) fn timed<R>(work: impl FnOnce() -> R) -> (R, Duration) {
    let began = Instant::now();
    let result = work();
    (result, began.elapsed())
}
