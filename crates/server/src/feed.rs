use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use earmark_engine::{CallInfo, CallObserver, CallUpdate, StoredOutcome, Timestamp};
use earmark_voiceprint::{CallId, TenantId};
use tokio::sync::broadcast;

use crate::metrics::Metrics;

/// Recordings being screened stand beside live calls for a moment; more than this is no load but a leak.
const MAX_RUNNING: usize = 4096;
/// Calls that ended and whose record does not say so: no store is away for so many.
const MAX_UNCONCLUDED: usize = 4096;

/// Something that happened to some call, as watchers get it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) tenant: TenantId,
    pub(crate) news: News,
}

/// What happened. The order is that in which it happened; updates and outcomes are in the records
/// before they are told.
#[derive(Debug)]
pub(crate) enum News {
    /// A call is being screened from now on.
    Began(RunningCall),
    /// There is more evidence.
    Update(CallUpdate),
    /// A call ended and there is no final update: its end could not be kept.
    Ended(CallInfo),
    /// Somebody said what a call turned out to be.
    Outcome(CallInfo, StoredOutcome),
}

impl News {
    /// The call it is about.
    pub(crate) fn call(&self) -> &CallInfo {
        match self {
            Self::Began(running) => &running.call,
            Self::Update(update) => &update.call,
            Self::Ended(call) | Self::Outcome(call, _) => call,
        }
    }
}

/// A call that this process is screening.
#[derive(Clone, Debug)]
pub(crate) struct RunningCall {
    pub(crate) call: CallInfo,
    pub(crate) began_at: Timestamp,
    /// None until there is speech enough for one.
    pub(crate) latest: Option<Arc<CallUpdate>>,
}

/// Hears of every call from the engine and hands it to the watchers, of whom none can hold it up.
pub(crate) struct Feed {
    seen: broadcast::Sender<Arc<Seen>>,
    calls: Mutex<Calls>,
    metrics: Arc<Metrics>,
}

type Key = (TenantId, CallId);

#[derive(Default)]
struct Calls {
    running: HashMap<Key, RunningCall>,
    /// Ended, though their records say that they run.
    unconcluded: HashSet<Key>,
}

impl Feed {
    pub(crate) fn new(backlog: usize, metrics: Arc<Metrics>) -> Self {
        Self { seen: broadcast::Sender::new(backlog), calls: Mutex::default(), metrics }
    }

    /// All that happens from now on. Falls behind rather than holding anybody up.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Seen>> {
        self.seen.subscribe()
    }

    /// The tenant's calls that are being screened, the latest begun first. Who subscribes before
    /// asking misses none.
    pub(crate) fn running(&self, tenant: &TenantId) -> Vec<RunningCall> {
        let held = self.lock();
        let own = held.running.iter().filter(|((of, _), _)| of == tenant);
        let mut calls: Vec<_> = own.map(|(_, call)| call.clone()).collect();
        drop(held);
        calls.sort_by(|a, b| (b.began_at, &b.call.call_id).cmp(&(a.began_at, &a.call.call_id)));
        calls
    }

    /// Whether a call ended and its record does not say so, as its end could not be kept.
    pub(crate) fn is_unconcluded(&self, tenant: &TenantId, call: &CallId) -> bool {
        self.lock().unconcluded.contains(&(tenant.clone(), call.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, tenant: &TenantId, news: impl FnOnce() -> News) {
        if self.seen.receiver_count() > 0 {
            let seen = Seen { tenant: tenant.clone(), news: news() };
            // Fails only when the last watcher left meanwhile.
            drop(self.seen.send(Arc::new(seen)));
        }
    }
}

impl CallObserver for Feed {
    fn began(&self, tenant: &TenantId, call: &CallInfo, at: Timestamp) {
        let call = RunningCall { call: call.clone(), began_at: at, latest: None };
        let mut calls = self.lock();
        if calls.running.len() < MAX_RUNNING {
            calls.running.insert((tenant.clone(), call.call.call_id.clone()), call.clone());
        }
        drop(calls);
        self.tell(tenant, || News::Began(call));
    }

    fn updated(&self, tenant: &TenantId, update: &CallUpdate) {
        self.metrics.update_compute(update.compute);
        let key = (tenant.clone(), update.call.call_id.clone());
        let mut calls = self.lock();
        if update.is_final {
            self.metrics.decision(update.verdict.code());
            calls.running.remove(&key);
        } else if let Some(call) = calls.running.get_mut(&key) {
            // Whom the caller claims to be and who answers may have become known, or have changed.
            call.call = update.call.clone();
            call.latest = Some(Arc::new(update.clone()));
        }
        drop(calls);
        self.tell(tenant, || News::Update(update.clone()));
    }

    fn ended(&self, tenant: &TenantId, call: &CallInfo, concluded: bool) {
        let key = (tenant.clone(), call.call_id.clone());
        let mut calls = self.lock();
        calls.running.remove(&key);
        if concluded {
            calls.unconcluded.remove(&key);
            return;
        }
        if calls.unconcluded.len() < MAX_UNCONCLUDED {
            calls.unconcluded.insert(key);
        }
        drop(calls);
        self.tell(tenant, || News::Ended(call.clone()));
    }

    fn reported(&self, tenant: &TenantId, call: &CallInfo, outcome: &StoredOutcome) {
        self.tell(tenant, || News::Outcome(call.clone(), outcome.clone()));
    }
}

#[cfg(test)]
mod tests;
