use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use earmark_voiceprint::Voiceprint;

use crate::history_map::HistoryMap;
use crate::{
    EntryId, History, HistoryEntry, HistoryHit, HistoryKey, IndexError, MAX_HISTORY_ENTRIES, Snapshot,
};

/// All histories as they stood at one moment: entries and means agree.
#[derive(Clone)]
pub struct HistoriesSnapshot {
    pub(crate) map: HistoryMap,
    /// Each history's mean, under its key.
    pub(crate) means: Snapshot,
}

impl HistoriesSnapshot {
    /// `key`'s history.
    #[must_use]
    pub fn get(&self, key: HistoryKey) -> Option<History> {
        let entries = Arc::clone(self.map.get(key)?);
        Some(History { mean: self.means.get(EntryId(key.0))?, entries })
    }

    /// Whether `key` has a history.
    #[must_use]
    pub fn contains(&self, key: HistoryKey) -> bool {
        self.map.get(key).is_some()
    }

    /// The `k` customers whose mean is most like `probe`, best first, equal cosines by key.
    ///
    /// # Errors
    /// As [`Snapshot::search`].
    pub fn search(&self, probe: &Voiceprint, k: usize) -> Result<Vec<HistoryHit>, IndexError> {
        let hits = self.means.search(probe, k)?;
        Ok(hits
            .into_iter()
            .map(|hit| HistoryHit { key: HistoryKey(hit.entry.0), cosine: hit.cosine })
            .collect())
    }

    /// The keys of all histories, in no order.
    pub fn keys(&self) -> impl Iterator<Item = HistoryKey> + '_ {
        self.means.entries().map(|entry| HistoryKey(entry.0))
    }

    /// How many customers have a history.
    #[must_use]
    pub fn len(&self) -> usize {
        self.means.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.means.is_empty()
    }

    /// How many writes there have been; later snapshots never have a smaller one.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.means.version()
    }

    pub(crate) fn entries_of(&self, key: HistoryKey) -> Vec<HistoryEntry> {
        self.map.get(key).map(|entries| entries.to_vec()).unwrap_or_default()
    }

    /// Puts `new` in its place among `entries`, which ascend by id, so that the mean doesn't depend
    /// on the order in which they came.
    pub(crate) fn place(
        &self,
        entries: &mut Vec<HistoryEntry>,
        new: &HistoryEntry,
    ) -> Result<(), IndexError> {
        self.means.check(&new.voiceprint)?;
        if !(new.weight.is_finite() && new.weight > 0.0) {
            return Err(IndexError::BadWeight);
        }
        match entries.binary_search_by_key(&new.entry, |old| old.entry) {
            Ok(at) => entries[at] = new.clone(),
            Err(_) if entries.len() >= MAX_HISTORY_ENTRIES => {
                return Err(IndexError::HistoryFull { limit: MAX_HISTORY_ENTRIES });
            }
            Err(at) => entries.insert(at, new.clone()),
        }
        Ok(())
    }

    /// The histories with those in `set` (none empty) in place of what they were, without `remove`.
    pub(crate) fn with(
        &self,
        set: BTreeMap<HistoryKey, Vec<HistoryEntry>>,
        remove: &[HistoryKey],
    ) -> Result<Self, IndexError> {
        let mut means = Vec::with_capacity(set.len());
        let mut map = self.map.clone();
        for (key, entries) in set {
            let parts = entries.iter().map(|part| (&part.voiceprint, part.weight));
            let mean = Voiceprint::weighted_mean(parts).map_err(IndexError::NoMean)?;
            means.push((EntryId(key.0), mean));
            map.set(key, entries.into());
        }
        remove.iter().for_each(|key| map.remove(*key));
        let gone: Vec<_> = remove.iter().map(|key| EntryId(key.0)).collect();
        let (means, _) = self.means.changed(&means, &gone)?;
        Ok(Self { map, means })
    }
}

impl fmt::Debug for HistoriesSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoriesSnapshot").field("means", &self.means).finish_non_exhaustive()
    }
}
