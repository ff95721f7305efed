use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use earmark_voiceprint::{Cosine, ModelId, NetSpeech, Voiceprint};

use crate::history_map::HistoryMap;
use crate::{EntryId, GalleryOptions, HistoriesSnapshot, IndexError, Snapshot};

/// The most voiceprints in one history: a limit on what one customer can make us hold and average.
/// Ten years of monthly calls fit.
pub const MAX_HISTORY_ENTRIES: usize = 128;

/// The caller's own id of one customer's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HistoryKey(pub u64);

/// One voiceprint of a history.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    /// The caller's id of it, unique within the history.
    pub entry: EntryId,
    /// The voiceprint.
    pub voiceprint: Voiceprint,
    /// How much it counts in the mean: positive and finite, for instance its seconds of speech.
    pub weight: f32,
}

/// A customer's voiceprints and their weighted mean.
#[derive(Clone, Debug)]
pub struct History {
    /// The weighted mean direction of the entries.
    pub mean: Voiceprint,
    /// The entries, ascending by id; at least one.
    pub entries: Arc<[HistoryEntry]>,
}

impl History {
    /// How much speech all entries hold together.
    #[must_use]
    pub fn net_speech(&self) -> NetSpeech {
        self.mean.net_speech()
    }
}

/// One customer found by a search over the means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryHit {
    /// Whose history it is.
    pub key: HistoryKey,
    /// How alike its mean is to the probe.
    pub cosine: Cosine,
}

/// Customers' histories of one model: several voiceprints a customer, their weighted mean, and a
/// search 1:N over the means. Shared between threads as it is; readers take a snapshot.
pub struct Histories {
    current: ArcSwap<HistoriesSnapshot>,
    writer: Mutex<()>,
}

impl Histories {
    /// No histories yet, of `space`'s voiceprints of `dimension` numbers.
    #[must_use]
    pub fn new(space: ModelId, dimension: usize) -> Self {
        Self::with_options(space, dimension, GalleryOptions::default())
    }

    /// As [`Histories::new`], the means laid out as `options` say (`max_entries` is the most customers).
    #[must_use]
    pub fn with_options(space: ModelId, dimension: usize, options: GalleryOptions) -> Self {
        let means = Snapshot::empty(space, dimension, options);
        let empty = HistoriesSnapshot { map: HistoryMap::new(), means };
        Self { current: ArcSwap::from_pointee(empty), writer: Mutex::new(()) }
    }

    /// Adds a voiceprint to `key`'s history, or replaces the one that `entry` has there, and
    /// computes the mean anew.
    ///
    /// # Errors
    /// Another model's voiceprint, [`IndexError::BadWeight`], [`IndexError::HistoryFull`],
    /// [`IndexError::GalleryFull`], [`IndexError::NoMean`]; then nothing has changed.
    pub fn put(
        &self,
        key: HistoryKey,
        entry: EntryId,
        voiceprint: &Voiceprint,
        weight: f32,
    ) -> Result<(), IndexError> {
        self.put_many(&[(key, HistoryEntry { entry, voiceprint: voiceprint.clone(), weight })])
    }

    /// [`Histories::put`] for all of `batch` at once: a snapshot has all of it or none. The way to
    /// fill a large set.
    ///
    /// # Errors
    /// As [`Histories::put`]; then nothing of the batch was put.
    pub fn put_many(&self, batch: &[(HistoryKey, HistoryEntry)]) -> Result<(), IndexError> {
        self.write(|current| {
            let mut by_key: BTreeMap<HistoryKey, Vec<HistoryEntry>> = BTreeMap::new();
            for (key, new) in batch {
                let entries = by_key.entry(*key).or_insert_with(|| current.entries_of(*key));
                current.place(entries, new)?;
            }
            current.with(by_key, &[])
        })
    }

    /// Makes `entries` the whole of `key`'s history, whatever it was before; none removes it. Of
    /// several for one id the last stays.
    ///
    /// # Errors
    /// As [`Histories::put`]; then nothing has changed.
    pub fn set(&self, key: HistoryKey, entries: &[HistoryEntry]) -> Result<(), IndexError> {
        if entries.is_empty() {
            return self.remove(key).map(|_| ());
        }
        self.write(|current| {
            let mut whole = Vec::with_capacity(entries.len().min(MAX_HISTORY_ENTRIES));
            entries.iter().try_for_each(|new| current.place(&mut whole, new))?;
            current.with(BTreeMap::from([(key, whole)]), &[])
        })
    }

    /// Removes one voiceprint of `key`'s history, and the history with its last one; says whether
    /// it was there.
    ///
    /// # Errors
    /// [`IndexError::NoMean`] if what remains cancels out: then nothing has changed; remove the
    /// whole history.
    pub fn remove_entry(&self, key: HistoryKey, entry: EntryId) -> Result<bool, IndexError> {
        let mut found = false;
        self.write(|current| {
            let mut entries = current.entries_of(key);
            let before = entries.len();
            entries.retain(|old| old.entry != entry);
            found = entries.len() < before;
            match (found, entries.is_empty()) {
                (false, _) => Ok(current.clone()),
                (true, true) => current.with(BTreeMap::new(), &[key]),
                (true, false) => current.with(BTreeMap::from([(key, entries)]), &[]),
            }
        })?;
        Ok(found)
    }

    /// Removes `key`'s whole history; says whether there was one.
    ///
    /// # Errors
    /// [`IndexError::Faiss`] if a compaction runs out of memory; then nothing was removed.
    pub fn remove(&self, key: HistoryKey) -> Result<bool, IndexError> {
        let mut found = false;
        self.write(|current| {
            found = current.contains(key);
            if found { current.with(BTreeMap::new(), &[key]) } else { Ok(current.clone()) }
        })?;
        Ok(found)
    }

    fn write(
        &self,
        change: impl FnOnce(&HistoriesSnapshot) -> Result<HistoriesSnapshot, IndexError>,
    ) -> Result<(), IndexError> {
        // The lock guards no data of its own, so a writer's panic leaves nothing half done.
        let _turn = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let next = change(&self.current.load())?;
        self.current.store(Arc::new(next));
        Ok(())
    }

    /// The histories as they are now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<HistoriesSnapshot> {
        self.current.load_full()
    }

    /// `key`'s history as it is now.
    #[must_use]
    pub fn get(&self, key: HistoryKey) -> Option<History> {
        self.current.load().get(key)
    }

    /// How many customers have a history now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current.load().len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Histories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Histories").field(&self.current.load()).finish()
    }
}
