use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use earmark_engine::{CallInfo, CallObserver, CallUpdate, StoredOutcome, Timestamp};
use earmark_voiceprint::{CallId, TenantId};
use tokio::sync::broadcast;

use crate::metrics::Metrics;

/// Recordings being screened stand beside live calls for a moment; more than this is no load but a leak.
const MAX_RUNNING: usize = 4096;

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
    /// Somebody said what a call turned out to be.
    Outcome(CallInfo, StoredOutcome),
}

impl News {
    /// The call it is about.
    pub(crate) fn call(&self) -> &CallInfo {
        match self {
            Self::Began(running) => &running.call,
            Self::Update(update) => &update.call,
            Self::Outcome(call, _) => call,
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
    running: Mutex<HashMap<(TenantId, CallId), RunningCall>>,
    metrics: Arc<Metrics>,
}

impl Feed {
    pub(crate) fn new(backlog: usize, metrics: Arc<Metrics>) -> Self {
        Self { seen: broadcast::Sender::new(backlog), running: Mutex::default(), metrics }
    }

    /// All that happens from now on. Falls behind rather than holding anybody up.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Seen>> {
        self.seen.subscribe()
    }

    /// The tenant's calls that are being screened, the latest begun first. Who subscribes before
    /// asking misses none.
    pub(crate) fn running(&self, tenant: &TenantId) -> Vec<RunningCall> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let own = running.iter().filter(|((of, _), _)| of == tenant);
        let mut calls: Vec<_> = own.map(|(_, call)| call.clone()).collect();
        drop(running);
        calls.sort_by(|a, b| (b.began_at, &b.call.call_id).cmp(&(a.began_at, &a.call.call_id)));
        calls
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
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.len() < MAX_RUNNING {
            running.insert((tenant.clone(), call.call.call_id.clone()), call.clone());
        }
        drop(running);
        self.tell(tenant, || News::Began(call));
    }

    fn updated(&self, tenant: &TenantId, update: &CallUpdate) {
        self.metrics.update_compute(update.compute);
        let key = (tenant.clone(), update.call.call_id.clone());
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if update.is_final {
            self.metrics.decision(update.verdict.code());
            running.remove(&key);
        } else if let Some(call) = running.get_mut(&key) {
            call.latest = Some(Arc::new(update.clone()));
        }
        drop(running);
        self.tell(tenant, || News::Update(update.clone()));
    }

    fn reported(&self, tenant: &TenantId, call: &CallInfo, outcome: &StoredOutcome) {
        self.tell(tenant, || News::Outcome(call.clone(), outcome.clone()));
    }
}
