use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use metrics::{Gauge, Histogram};

use super::job::Job;
use super::lane::Lane;
use crate::metrics::Metrics;

/// Live jobs that may go before a lookup that waits: a page's read gets its turn however many calls
/// there are, and takes no more than a ninth of the jobs from them.
pub(super) const MAX_LIVE_BEFORE_LOOKUP: usize = 8;

/// The lanes' queues, shared by the threads.
pub(super) struct Queues {
    state: Mutex<State>,
    changed: Condvar,
    batch_limit: usize,
    depth: [Gauge; Lane::COUNT],
    wait: [Histogram; Lane::COUNT],
}

#[derive(Default)]
struct State {
    lanes: [VecDeque<Job>; Lane::COUNT],
    batch_running: usize,
    /// Live jobs that went before the lookup that waits.
    lookup_passed: usize,
    closed: bool,
}

impl Queues {
    pub(super) fn new(batch_limit: usize, metrics: &Metrics) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            batch_limit,
            depth: Lane::ALL.map(|lane| metrics.queue_depth(lane)),
            wait: Lane::ALL.map(|lane| metrics.queue_wait(lane)),
        }
    }

    /// Gives the job back if the queues are closed.
    pub(super) fn push(&self, lane: Lane, job: Job) -> Result<(), Job> {
        let mut state = self.lock();
        if state.closed {
            return Err(job);
        }
        state.lanes[lane.index()].push_back(job);
        self.depth[lane.index()].increment(1.0);
        drop(state);
        // All, not one: a thread may wait that may not take batch work.
        self.changed.notify_all();
        Ok(())
    }

    /// Waits for the next job; none when the queues are closed and empty.
    pub(super) fn pop(&self) -> Option<(Lane, Job)> {
        let mut state = self.lock();
        loop {
            if let Some((lane, job)) = state.take(self.batch_limit) {
                drop(state);
                self.depth[lane.index()].decrement(1.0);
                self.wait[lane.index()].record(job.queued().elapsed());
                return Some((lane, job));
            }
            if state.closed && state.lanes.iter().all(VecDeque::is_empty) {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Must follow every job that [`Queues::pop`] gave.
    pub(super) fn done(&self, lane: Lane) {
        if lane == Lane::Batch {
            self.lock().batch_running -= 1;
            self.changed.notify_all();
        }
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Jobs run outside of the lock, so a panic can't leave the state half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, batch_limit: usize) -> Option<(Lane, Job)> {
        let first = if self.lookup_passed >= MAX_LIVE_BEFORE_LOOKUP { Lane::Lookup } else { Lane::Live };
        for lane in std::iter::once(first).chain(Lane::ALL) {
            if lane == Lane::Batch && self.batch_running >= batch_limit {
                continue;
            }
            if let Some(job) = self.lanes[lane.index()].pop_front() {
                self.note(lane);
                return Some((lane, job));
            }
        }
        None
    }

    fn note(&mut self, taken: Lane) {
        self.batch_running += usize::from(taken == Lane::Batch);
        let lookup_waits = !self.lanes[Lane::Lookup.index()].is_empty();
        self.lookup_passed = match taken {
            Lane::Live if lookup_waits => self.lookup_passed + 1,
            _ => 0,
        };
    }
}
