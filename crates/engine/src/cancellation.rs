use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::EngineError;

/// Tells long work that nobody waits for it any more: cancelled by its caller, or past its
/// deadline. Cheap to clone; all clones share one fate.
#[derive(Clone, Debug, Default)]
pub struct Cancellation {
    cancelled: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

impl Cancellation {
    /// Never ends by itself; only [`Cancellation::cancel`] ends it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends at `deadline` at the latest.
    #[must_use]
    pub fn at(deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..Self::default() }
    }

    /// Asks the work to stop at its next step.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the work is no longer wanted.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.deadline.is_some_and(|d| Instant::now() >= d)
    }

    /// Called between the steps of long work.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] once it is no longer wanted.
    pub fn check(&self) -> Result<(), EngineError> {
        if self.is_cancelled() { Err(EngineError::Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_shares_the_fate_and_a_past_deadline_ends_it() {
        let first = Cancellation::new();
        let second = first.clone();
        assert!(second.check().is_ok());
        first.cancel();
        assert!(matches!(second.check(), Err(EngineError::Cancelled)));
        assert!(Cancellation::at(Instant::now()).is_cancelled());
    }
}
