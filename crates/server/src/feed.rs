use std::sync::Arc;

use earmark_engine::{CallObserver, CallUpdate};
use earmark_voiceprint::TenantId;
use tokio::sync::broadcast;

use crate::metrics::Metrics;

/// An update of some call, as watchers get it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) tenant: TenantId,
    pub(crate) update: CallUpdate,
}

/// Hears every update from the engine and hands it to the watchers, of whom none can hold it up.
pub(crate) struct Feed {
    updates: broadcast::Sender<Arc<Seen>>,
    metrics: Arc<Metrics>,
}

impl Feed {
    pub(crate) fn new(backlog: usize, metrics: Arc<Metrics>) -> Self {
        Self { updates: broadcast::Sender::new(backlog), metrics }
    }

    /// All updates from now on. Falls behind rather than holding anybody up.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<Seen>> {
        self.updates.subscribe()
    }
}

impl CallObserver for Feed {
    fn updated(&self, tenant: &TenantId, update: &CallUpdate) {
        self.metrics.update_compute(update.compute);
        if update.is_final {
            self.metrics.decision(update.verdict.code());
        }
        if self.updates.receiver_count() > 0 {
            let seen = Seen { tenant: tenant.clone(), update: update.clone() };
            // Fails only when the last watcher left meanwhile.
            drop(self.updates.send(Arc::new(seen)));
        }
    }
}
