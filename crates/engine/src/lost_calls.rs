//! Calls that the program was lost in the midst of, by a kill or a power cut, or whose end could not be
//! kept: they are ended when it starts again, as dropping their session would have ended them.

use earmark_records::{CallEnd, CallFilter, EvidenceUpdate, PageRequest, PageSize, RecordsError};
use earmark_voiceprint::{CallId, TenantId};

use crate::engine::Engine;
use crate::enrollment::actor;
use crate::time::now;
use crate::{EngineError, call_record, recorded};

/// Calls in memory at once.
const CALLS_AT_ONCE: u32 = 100;

impl Engine {
    /// Ends every call that is unfinished in the records. Nobody else can be screening one: a data
    /// folder is one process's. A store that can't be written leaves them for the next start.
    pub(crate) fn conclude_lost_calls(&self) -> Result<(), EngineError> {
        for tenant in &self.options().tenants {
            match self.conclude_lost_calls_of(tenant) {
                Err(EngineError::Records(error)) if error.may_pass() => return Ok(()),
                outcome => outcome?,
            }
        }
        Ok(())
    }

    fn conclude_lost_calls_of(&self, tenant: &TenantId) -> Result<(), EngineError> {
        let unfinished = CallFilter { finished: Some(false), ..CallFilter::default() };
        let mut page = PageRequest { size: PageSize::new(CALLS_AT_ONCE), token: None };
        loop {
            let found = self.records().list_calls(tenant, &unfinished, &page)?;
            for call in found.items.iter().filter(|call| !recorded::comes_again(&call.start)) {
                match self.conclude_lost_call(tenant, &call.start.call) {
                    // One damaged record must not keep the program from starting.
                    Err(EngineError::Records(RecordsError::DamagedRecord { .. })) => {}
                    outcome => outcome?,
                }
            }
            page.token = found.next;
            if page.token.is_none() {
                return Ok(());
            }
        }
    }

    fn conclude_lost_call(&self, tenant: &TenantId, call: &CallId) -> Result<(), EngineError> {
        let kept = self.records().call(tenant, call)?;
        let (last, ended_at) = match kept.updates.into_iter().next_back() {
            Some(last) => {
                let at = last.at;
                (EvidenceUpdate { sequence: last.sequence + 1, compute_ms: 0.0, ..last }, at)
            }
            None => {
                let at = kept.start.started_at;
                let update = self.final_of_nothing(tenant, call_record::info(kept.start))?;
                (EvidenceUpdate { at, ..call_record::to_record(&update)? }, at)
            }
        };
        let end = CallEnd { last: &last, duration_s: last.audio_position_s, voiceprint: None };
        Ok(self.records().conclude_lost_call(tenant, call, &end, ended_at, &actor(None)?, now())?)
    }
}
