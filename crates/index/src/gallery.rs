use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use earmark_voiceprint::{ModelId, Voiceprint};

use crate::{EntryId, GalleryOptions, IndexError, Snapshot};

/// A set of voiceprints of one model, each under the caller's [`EntryId`], searched 1:N.
///
/// Shared between threads as it is. Writers take turns; readers take a [`Snapshot`] and never wait,
/// and see each write whole or not at all.
///
/// Memory is about `4 * dimension + 12` bytes a voiceprint, and up to a third more between
/// compactions. A removed voiceprint is out of every later snapshot and file at once; its bytes
/// leave memory when its segment is compacted and the last older snapshot is dropped.
pub struct Gallery {
    current: ArcSwap<Snapshot>,
    /// Held while a write makes the next snapshot.
    writer: Mutex<()>,
}

impl Gallery {
    /// An empty gallery of `space`'s voiceprints of `dimension` numbers.
    #[must_use]
    pub fn new(space: ModelId, dimension: usize) -> Self {
        Self::with_options(space, dimension, GalleryOptions::default())
    }

    /// As [`Gallery::new`], laid out as `options` say.
    #[must_use]
    pub fn with_options(space: ModelId, dimension: usize, options: GalleryOptions) -> Self {
        Self::from_snapshot(Snapshot::empty(space, dimension, options))
    }

    pub(crate) fn from_snapshot(snapshot: Snapshot) -> Self {
        Self { current: ArcSwap::from_pointee(snapshot), writer: Mutex::new(()) }
    }

    /// Adds a voiceprint, or replaces the one that `entry` has.
    ///
    /// # Errors
    /// Another model's voiceprint, or [`IndexError::GalleryFull`]; then nothing has changed.
    pub fn put(&self, entry: EntryId, voiceprint: &Voiceprint) -> Result<(), IndexError> {
        self.put_many(&[(entry, voiceprint.clone())])
    }

    /// [`Gallery::put`] for all of `batch` at once: a snapshot has all of it or none. Of several
    /// voiceprints for one id the last stays. Much faster than one by one.
    ///
    /// # Errors
    /// As [`Gallery::put`]; then nothing of the batch was put.
    pub fn put_many(&self, batch: &[(EntryId, Voiceprint)]) -> Result<(), IndexError> {
        self.write(batch, &[]).map(|_| ())
    }

    /// Removes `entry`; says whether it was there.
    ///
    /// # Errors
    /// [`IndexError::Faiss`] if a compaction runs out of memory; then nothing was removed.
    pub fn remove(&self, entry: EntryId) -> Result<bool, IndexError> {
        self.write(&[], &[entry]).map(|removed| removed == 1)
    }

    /// Removes all of `entries` at once; says how many were there.
    ///
    /// # Errors
    /// As [`Gallery::remove`].
    pub fn remove_many(&self, entries: &[EntryId]) -> Result<usize, IndexError> {
        self.write(&[], entries)
    }

    fn write(&self, put: &[(EntryId, Voiceprint)], remove: &[EntryId]) -> Result<usize, IndexError> {
        // The lock guards no data of its own, so a writer's panic leaves nothing half done.
        let _turn = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load();
        let (next, removed) = current.changed(put, remove)?;
        if next.version != current.version {
            self.current.store(Arc::new(next));
        }
        Ok(removed)
    }

    /// The gallery as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// How many entries there are now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current.load().len()
    }

    /// Whether there is none now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Gallery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gallery").field(&self.current.load()).finish()
    }
}
