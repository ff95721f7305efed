use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use tokio::sync::Semaphore;

use super::queues::Queues;

/// Starts a thread that works until the queues are closed and empty, and adds a permit then.
pub(super) fn spawn(number: u32, queues: Arc<Queues>, ended: Arc<Semaphore>) -> io::Result<()> {
    let body = move || {
        work(&queues);
        ended.add_permits(1);
    };
    thread::Builder::new().name(format!("earmark-work-{number}")).spawn(body).map(drop)
}

fn work(queues: &Queues) {
    while let Some((lane, job)) = queues.pop() {
        // What a job owns is dropped while it unwinds, so nothing broken is seen again.
        let outcome = catch_unwind(AssertUnwindSafe(|| job.run()));
        queues.done(lane);
        if outcome.is_err() {
            // The panic's own text went to the panic hook; it may quote data, so it isn't repeated.
            tracing::error!(lane = lane.label(), "a job panicked");
        }
    }
}
