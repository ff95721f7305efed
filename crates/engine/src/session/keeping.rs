//! What is told of a call is kept first. While the store is away it waits in memory, and the call
//! goes on; when the store is back, all that waited is kept and then told, in order.

use std::collections::VecDeque;
use std::time::Instant;

use earmark_records::CallAmendment;
use earmark_voiceprint::Voiceprint;

use super::CallSession;
use crate::call::{CallUpdate, SpeechSummary};
use crate::time::now;
use crate::{EngineError, call_record};

/// The most updates of a call that wait to be kept: some minutes of speech. Of more the oldest are
/// dropped, as the newest say all that those before said.
const MAX_WAITING: usize = 64;

/// A call's updates on their way into the records, and from there to whoever listens.
#[derive(Default)]
pub(super) struct Keeping {
    /// What became known of the call and is not kept yet.
    amendment: Option<CallAmendment>,
    /// Made, in order, and not kept yet.
    waiting: VecDeque<CallUpdate>,
    /// Kept, and not given to the one who sends the audio yet.
    kept: VecDeque<CallUpdate>,
    /// The number of the last update made.
    sequence: u32,
    newest: Option<CallUpdate>,
}

/// Something that waits to be kept.
pub(super) enum Piece<'a> {
    Amendment(&'a CallAmendment),
    Update(&'a CallUpdate),
}

impl Keeping {
    pub(super) fn next_sequence(&self) -> u32 {
        self.sequence + 1
    }

    /// Takes the next update. Nobody has seen those that wait, so that they may be numbered anew where
    /// one is dropped: there is no gap in what is told.
    pub(super) fn push(&mut self, mut update: CallUpdate) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
            self.waiting.iter_mut().for_each(|later| later.sequence -= 1);
            self.sequence -= 1;
        }
        self.sequence += 1;
        update.sequence = self.sequence;
        self.newest = Some(update.clone());
        self.waiting.push_back(update);
    }

    /// Takes what became known of the call; it is kept before the updates that wait.
    pub(super) fn amend(&mut self, amendment: &CallAmendment) {
        let CallAmendment { claimed_customer, caller_number, agent, scene } = amendment.clone();
        let before = self.amendment.take().unwrap_or_default();
        self.amendment = Some(CallAmendment {
            claimed_customer: claimed_customer.or(before.claimed_customer),
            caller_number: caller_number.or(before.caller_number),
            agent: agent.or(before.agent),
            scene: scene.or(before.scene),
        });
    }

    fn is_empty(&self) -> bool {
        self.amendment.is_none() && self.waiting.is_empty()
    }

    /// Writes what waits, the oldest first, until that fails.
    pub(super) fn write_out(
        &mut self,
        mut write: impl FnMut(Piece<'_>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        if let Some(amendment) = &self.amendment {
            write(Piece::Amendment(amendment))?;
            self.amendment = None;
        }
        while let Some(update) = self.waiting.front() {
            write(Piece::Update(update))?;
            self.kept.extend(self.waiting.pop_front());
        }
        Ok(())
    }

    /// The next update that was kept and not given yet.
    pub(super) fn next_kept(&mut self) -> Option<CallUpdate> {
        self.kept.pop_front()
    }

    /// All updates that were kept and not given yet.
    pub(super) fn take_kept(&mut self) -> Vec<CallUpdate> {
        self.kept.drain(..).collect()
    }
}

impl CallSession {
    /// Keeps and shows what waits for it. While the store is away it waits on.
    pub(super) fn keep(&mut self) -> Result<(), EngineError> {
        if self.keeping.is_empty() || !self.engine.store().may_be_tried() {
            return Ok(());
        }
        let outcome = self.write_out();
        self.engine.store().tried(&outcome);
        match outcome {
            Err(EngineError::Records(error)) if error.may_pass() => Ok(()),
            outcome => outcome,
        }
    }

    fn write_out(&mut self) -> Result<(), EngineError> {
        let (engine, tenant, call) = (&self.engine, &self.tenant, &self.call.call_id);
        self.keeping.write_out(|piece| match piece {
            Piece::Amendment(amendment) => Ok(engine.records().amend_call(tenant, call, amendment)?),
            Piece::Update(update) => {
                engine.records().append_update(tenant, call, &call_record::to_record(update)?)?;
                engine.publish(tenant, update);
                Ok(())
            }
        })
    }

    /// Keeps the call's end, after all that waits, and shows it.
    pub(super) fn conclude(
        &mut self,
        update: &CallUpdate,
        voiceprint: Option<&Voiceprint>,
    ) -> Result<(), EngineError> {
        let kept = voiceprint.filter(|_| self.engine.options().keep_call_voiceprints);
        // However long the store was away: there is no later try.
        let outcome = self.write_out();
        let outcome = outcome.and_then(|()| self.engine.finish_call_record(&self.tenant, update, kept));
        self.engine.store().tried(&outcome);
        outcome.map_err(|error| match error {
            EngineError::Records(source) if source.may_pass() => {
                EngineError::CallNotConcluded { call: self.call.call_id.clone(), source }
            }
            other => other,
        })?;
        self.concluded = true;
        self.engine.publish(&self.tenant, update);
        Ok(())
    }

    /// Ends the call in the records with what was known last. Nobody is left to tell of a failure: the
    /// call then stays unfinished in the records until the program starts again, and observers hear so.
    pub(super) fn abandon(&mut self) {
        let (sequence, at) = (self.keeping.next_sequence(), now());
        let last = self.keeping.newest.take().map_or_else(
            || self.update(None, SpeechSummary::nothing(), true, Instant::now()),
            |newest| Ok(CallUpdate { sequence, is_final: true, at, ..newest }),
        );
        if let Ok(update) = last {
            let _ = self.conclude(&update, None);
        }
    }
}

impl Drop for CallSession {
    fn drop(&mut self) {
        if self.listener.take().is_some() {
            self.abandon();
        }
        self.engine.call_ended();
        self.engine.tell(|observer| observer.ended(&self.tenant, &self.call, self.concluded));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use earmark_records::{RecordsError, Timestamp};
    use earmark_scoring::{RiskTier, Verdict};
    use earmark_voiceprint::{CallId, ModelId};

    use super::*;
    use crate::call::{CallInfo, CustomerComparison};

    /// An update that can be told from others by when it was made.
    fn update(at: i64) -> CallUpdate {
        CallUpdate {
            call: CallInfo::unknown(CallId::new("k").unwrap()),
            sequence: 0,
            is_final: false,
            speaker: 1,
            speech: SpeechSummary::nothing(),
            call_s: 0.0,
            customer: CustomerComparison::NotClaimed,
            proxies: Vec::new(),
            posterior: None,
            verdict: Verdict::InsufficientSpeech,
            risk: RiskTier::Undetermined,
            reasons: Vec::new(),
            excerpts: Vec::new(),
            model: ModelId::new("m", "0"),
            calibration: "c".into(),
            compute: Duration::ZERO,
            at: Timestamp::from_unix_millis(at),
        }
    }

    /// A store that takes so many pieces and is full then, and what it took.
    #[derive(Default)]
    struct Store {
        room: usize,
        agents: Vec<String>,
        updates: Vec<(u32, i64)>,
    }

    impl Store {
        fn take(&mut self, keeping: &mut Keeping, room: usize) -> Result<(), EngineError> {
            self.room = room;
            keeping.write_out(|piece| {
                self.room = self.room.checked_sub(1).ok_or(RecordsError::DiskFull)?;
                match piece {
                    Piece::Amendment(amendment) => self.agents.extend(amendment.agent.clone()),
                    Piece::Update(update) => self.updates.push((update.sequence, update.at.unix_millis())),
                }
                Ok(())
            })
        }
    }

    fn given(keeping: &mut Keeping) -> Vec<u32> {
        std::iter::from_fn(|| keeping.next_kept()).map(|update| update.sequence).collect()
    }

    #[test]
    fn nothing_is_given_before_it_is_kept_and_then_all_of_it() {
        let (mut keeping, mut store) = (Keeping::default(), Store::default());
        keeping.push(update(1));
        store.take(&mut keeping, 9).unwrap();
        assert_eq!(given(&mut keeping), [1]);
        for at in 2..=4 {
            keeping.push(update(at));
            let full = store.take(&mut keeping, 0);
            assert!(matches!(full, Err(EngineError::Records(RecordsError::DiskFull))));
            assert_eq!(given(&mut keeping), [0; 0]);
        }
        assert!(store.take(&mut keeping, 2).is_err());
        assert_eq!(given(&mut keeping), [2, 3]);
        keeping.push(update(5));
        store.take(&mut keeping, 9).unwrap();
        assert_eq!(given(&mut keeping), [4, 5]);
        assert_eq!(store.updates, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
        assert!(keeping.is_empty());
    }

    #[test]
    fn what_waits_is_bounded_and_what_is_kept_of_it_has_no_gap() {
        let (mut keeping, mut store) = (Keeping::default(), Store::default());
        keeping.push(update(0));
        store.take(&mut keeping, 1).unwrap();
        let most = MAX_WAITING as i64;
        (1..=most + 10).for_each(|at| keeping.push(update(at)));
        assert_eq!(keeping.waiting.len(), MAX_WAITING);
        store.take(&mut keeping, usize::MAX).unwrap();
        let expected: Vec<_> =
            (0..).zip([0].into_iter().chain(11..=most + 10)).map(|(n, at)| (n + 1, at)).collect();
        assert_eq!(store.updates, expected);
        assert_eq!(u64::from(keeping.next_sequence()), MAX_WAITING as u64 + 2);
    }

    #[test]
    fn what_became_known_is_kept_first_and_put_together() {
        let (mut keeping, mut store) = (Keeping::default(), Store::default());
        let agent = |name: &str| CallAmendment { agent: Some(name.into()), ..CallAmendment::default() };
        keeping.push(update(1));
        keeping.amend(&agent("a-1"));
        assert!(store.take(&mut keeping, 0).is_err());
        keeping.amend(&CallAmendment { scene: Some("hotline".into()), ..CallAmendment::default() });
        assert_eq!(keeping.amendment.as_ref().unwrap().agent.as_deref(), Some("a-1"));
        keeping.amend(&agent("a-2"));
        assert!(store.take(&mut keeping, 1).is_err());
        assert_eq!((store.agents.len(), store.updates.len()), (1, 0));
        store.take(&mut keeping, 9).unwrap();
        assert_eq!((&store.agents[..], &store.updates[..]), (&["a-2".to_owned()][..], &[(1, 1)][..]));
    }
}
