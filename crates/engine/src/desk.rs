//! What the desks of agents and supervisors ask for beside a call's own record.

use earmark_records::{CallFilter, CallSummary, CallTally, Page, PageRequest, ProxyHistory, TallySpan};
use earmark_scoring::Verdict;
use earmark_voiceprint::{CallId, NetSpeech, ProxyId, TenantId};

use crate::call_record;
use crate::engine::Engine;
use crate::{CallInfo, EngineError, OutcomeReport, StoredOutcome, Timestamp};

/// A call as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallLine {
    /// What is known of it.
    pub call: CallInfo,
    /// When screening began.
    pub started_at: Timestamp,
    /// When it ended; none while it runs, or if the server was lost while it ran.
    pub ended_at: Option<Timestamp>,
    /// How it ended; none as long as it has not.
    pub verdict: Option<Verdict>,
    /// The speech behind the verdict.
    pub net_speech: NetSpeech,
    /// What it turned out to be: the last report.
    pub outcome: Option<StoredOutcome>,
}

impl Engine {
    /// Calls, the latest begun first.
    ///
    /// # Errors
    /// A bad page token, or a store's failure.
    pub fn calls(
        &self,
        tenant: &TenantId,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<CallLine>, EngineError> {
        self.galleries(tenant)?;
        let found = self.records().list_calls(tenant, filter, page)?;
        Ok(Page { items: found.items.into_iter().map(line).collect(), next: found.next })
    }

    /// In which calls begun since `since` a listed proxy was the tag, the call `except` left out.
    ///
    /// # Errors
    /// A store's failure.
    pub fn proxy_history(
        &self,
        tenant: &TenantId,
        proxy: &ProxyId,
        since: Timestamp,
        except: &CallId,
    ) -> Result<ProxyHistory, EngineError> {
        self.galleries(tenant)?;
        Ok(self.records().proxy_history(tenant, proxy, since, except)?)
    }

    /// How many calls of each kind began in a span.
    ///
    /// # Errors
    /// A span that can't be, or a store's failure.
    pub fn tally(&self, tenant: &TenantId, span: &TallySpan) -> Result<CallTally, EngineError> {
        self.galleries(tenant)?;
        Ok(self.records().tally(tenant, span)?)
    }

    /// The speech from which on a call gets a verdict.
    #[must_use]
    pub fn verdict_speech(&self) -> NetSpeech {
        self.options().policy.options().min_net_speech
    }

    /// A key of the data folder for another use than sealing voiceprints; the same at every start
    /// until the keys are rotated.
    #[must_use]
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        self.keys().derive(purpose)
    }
}

fn line(summary: CallSummary) -> CallLine {
    let CallSummary { start, conclusion, outcome } = summary;
    let last = conclusion.as_ref().map(|c| &c.last);
    CallLine {
        started_at: start.started_at,
        ended_at: conclusion.as_ref().map(|c| c.finished_at),
        verdict: last.and_then(|last| call_record::verdict(&last.verdict)),
        net_speech: last.map_or(NetSpeech::ZERO, |last| last.net_speech),
        outcome,
        call: call_record::info(start),
    }
}

impl OutcomeReport {
    /// Whether this says just what was reported already.
    #[must_use]
    pub fn repeats(&self, earlier: &StoredOutcome) -> bool {
        self.outcome == earlier.report.outcome
            && self.note == earlier.report.note
            && self.reported_by.as_deref() == Some(earlier.by.as_str())
    }
}
