//! Recordings that may come again: the record of the call decides whether one was screened before.

use earmark_records::{CallStart, RecordsError};
use earmark_voiceprint::{CallId, TenantId};

use crate::call::{CallInfo, CallUpdate};
use crate::engine::Engine;
use crate::{Cancellation, EngineError, RecordingInput};

/// What a fingerprint begins with.
const FINGERPRINT: &str = "recording sha256:";

/// A recording's verdict, and whether this request gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedScreening {
    /// The final update of the call.
    pub update: CallUpdate,
    /// The same recording was screened under this call id before; this is the verdict of then.
    pub before: bool,
}

impl Engine {
    /// Screens a whole recording unless the record of its call says that it was screened already: the
    /// same call id, the same claimed customer and the same bytes give the verdict of the first time,
    /// whatever became of the program meanwhile. No two of the same call id may run at once.
    ///
    /// # Errors
    /// As [`Engine::screen_recording`]; [`EngineError::CallIdReused`] for a call id that was used for
    /// other audio, another customer or a live call.
    pub fn screen_recording_once(
        &self,
        tenant: &TenantId,
        call: CallInfo,
        recording: &RecordingInput,
        cancel: &Cancellation,
    ) -> Result<RecordedScreening, EngineError> {
        let encoding = fingerprinted(&recording.content_digest()?);
        let kept = match self.records().call(tenant, &call.call_id) {
            Ok(kept) => Some(kept),
            Err(RecordsError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let new = match kept {
            Some(kept) if !same(&kept.start, &call, &encoding) => {
                return Err(EngineError::CallIdReused { call: call.call_id });
            }
            Some(kept) if kept.conclusion.is_some() => {
                let update = self.concluded(tenant, &call.call_id)?;
                return Ok(RecordedScreening { update, before: true });
            }
            // Begun, and the program ended before its verdict was kept.
            Some(_) => None,
            None => Some(encoding),
        };
        let update = self.screen(tenant, call, recording, new, cancel)?;
        Ok(RecordedScreening { update, before: false })
    }

    fn concluded(&self, tenant: &TenantId, call: &CallId) -> Result<CallUpdate, EngineError> {
        let last = self.call(tenant, call)?.updates.into_iter().next_back();
        last.ok_or_else(|| EngineError::CallIdReused { call: call.clone() })
    }
}

fn same(kept: &CallStart, call: &CallInfo, encoding: &str) -> bool {
    kept.encoding == encoding && kept.claimed_customer == call.claimed
}

/// What the record of the call says of its audio: a whole recording, and which one.
fn fingerprinted(digest: &[u8; 32]) -> String {
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{FINGERPRINT}{hex}")
}

/// Whether a call is of a recording that is screened under its call id until its verdict is kept, so
/// that its record waits for that.
pub(crate) fn comes_again(start: &CallStart) -> bool {
    start.encoding.starts_with(FINGERPRINT)
}
