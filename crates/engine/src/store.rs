//! Whether the store takes what live calls have to keep.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::EngineError;

/// A store that is away is tried again after so long.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// One try takes no longer: the store waits 5 s for a database that another program holds.
const LONGEST_TRY: Duration = Duration::from_secs(6);

/// Lets one call at a time find out whether a store that was away is back, so that not every call's
/// thread waits for it.
#[derive(Default)]
pub(crate) struct StoreState {
    /// When it may be tried again; none while it works.
    away_until: Mutex<Option<Instant>>,
}

impl StoreState {
    /// Whether to try now. Of a store that is away, asking is promising to try.
    pub(crate) fn may_be_tried(&self) -> bool {
        self.may_be_tried_at(Instant::now())
    }

    fn may_be_tried_at(&self, now: Instant) -> bool {
        let mut away_until = self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *away_until {
            None => true,
            Some(until) if *until <= now => {
                *until = now + LONGEST_TRY;
                true
            }
            Some(_) => false,
        }
    }

    /// What a try came to.
    pub(crate) fn tried<T>(&self, outcome: &Result<T, EngineError>) {
        let away = matches!(outcome, Err(EngineError::Records(error)) if error.may_pass());
        let until = away.then(|| Instant::now() + RETRY_AFTER);
        *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

#[cfg(test)]
mod tests {
    use earmark_records::RecordsError;

    use super::*;

    #[test]
    fn a_store_that_is_away_is_tried_by_one_at_a_time() {
        let (store, later) = (StoreState::default(), Instant::now() + Duration::from_secs(3600));
        assert!(store.may_be_tried() && store.may_be_tried());
        store.tried(&Err::<(), _>(RecordsError::DiskFull.into()));
        assert!(!store.may_be_tried());
        assert!(store.may_be_tried_at(later) && !store.may_be_tried_at(later));
        store.tried(&Err::<(), _>(RecordsError::Busy.into()));
        assert!(!store.may_be_tried_at(Instant::now()));
        assert!(store.may_be_tried_at(later));
        // A refusal of one call's update says nothing of the store but that it is there.
        store.tried(&Err::<(), _>(RecordsError::CallFinished { id: "k".into() }.into()));
        assert!(store.may_be_tried() && store.may_be_tried());
    }
}
