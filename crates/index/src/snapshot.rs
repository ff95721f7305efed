use std::fmt;
use std::sync::Arc;

use earmark_voiceprint::{Cosine, ModelId, Voiceprint};

use crate::part::Part;
use crate::segment::Row;
use crate::{EntryId, GalleryOptions, Hit, IndexError, search};

/// A gallery as it stood at one moment: it never changes, so any number of threads may search it
/// while the gallery moves on. Holding one keeps its voiceprints in memory.
///
/// Inside: sealed faiss segments with tombstones, largest first, and a small delta of the newest
/// voiceprints. Each entry is live in exactly one place.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) space: ModelId,
    pub(crate) dimension: usize,
    pub(crate) options: GalleryOptions,
    pub(crate) parts: Vec<Part>,
    /// Ascending by id.
    pub(crate) delta: Arc<Vec<(EntryId, Voiceprint)>>,
    pub(crate) len: usize,
    pub(crate) version: u64,
}

impl Snapshot {
    pub(crate) fn empty(space: ModelId, dimension: usize, options: GalleryOptions) -> Self {
        let options = options.checked();
        Self { space, dimension, options, parts: Vec::new(), delta: Arc::default(), len: 0, version: 0 }
    }

    /// The `k` most alike entries (all, if there are fewer), best first, equal cosines by entry id.
    ///
    /// Exact: the answer is that of computing every cosine in float64 and sorting.
    ///
    /// # Errors
    /// [`IndexError::OtherModel`], [`IndexError::OtherDimension`], and
    /// [`IndexError::TooManyHits`] for `k` above [`crate::MAX_HITS`].
    pub fn search(&self, probe: &Voiceprint, k: usize) -> Result<Vec<Hit>, IndexError> {
        self.check(probe)?;
        search::nearest(self, probe.values(), search::checked_count(k)?)
    }

    /// [`Snapshot::search`] for each probe, in their order. From 20 probes on faiss multiplies
    /// matrices, so that the gallery is read once for many probes: several times as fast as one by
    /// one, if OpenBLAS is held to one thread (`OPENBLAS_NUM_THREADS=1`, read when the process starts).
    ///
    /// # Errors
    /// As [`Snapshot::search`]; one bad probe fails them all.
    pub fn search_many(&self, probes: &[Voiceprint], k: usize) -> Result<Vec<Vec<Hit>>, IndexError> {
        for probe in probes {
            self.check(probe)?;
        }
        search::nearest_many(self, probes, search::checked_count(k)?)
    }

    /// Every entry at least as alike as `min_cosine`, best first, but at most the `limit` best: if
    /// as many come back there may be more.
    ///
    /// # Errors
    /// As [`Snapshot::search`], with `limit` as its `k`.
    pub fn within(
        &self,
        probe: &Voiceprint,
        min_cosine: Cosine,
        limit: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        self.check(probe)?;
        search::within(self, probe.values(), min_cosine, search::checked_count(limit)?)
    }

    /// The voiceprint of `entry`, bit for bit as it was put in.
    #[must_use]
    pub fn get(&self, entry: EntryId) -> Option<Voiceprint> {
        if let Ok(at) = self.delta.binary_search_by_key(&entry, |(id, _)| *id) {
            return Some(self.delta[at].1.clone());
        }
        let (part, row) = self.parts.iter().find_map(|part| Some((part, part.find(entry)?)))?;
        part.segment().voiceprint(&self.space, row)
    }

    /// Whether `entry` is in the gallery.
    #[must_use]
    pub fn contains(&self, entry: EntryId) -> bool {
        self.delta.binary_search_by_key(&entry, |(id, _)| *id).is_ok()
            || self.parts.iter().any(|part| part.find(entry).is_some())
    }

    /// The ids of all entries, in no order.
    pub fn entries(&self) -> impl Iterator<Item = EntryId> + '_ {
        let sealed = self.parts.iter().flat_map(|part| part.live_rows().map(|row| part.segment().id(row)));
        sealed.chain(self.delta.iter().map(|(id, _)| *id))
    }

    /// All rows, ascending by id: the order in which a gallery is written to disk.
    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        let mut rows = Vec::with_capacity(self.len);
        for part in &self.parts {
            rows.extend(part.live_rows().map(|row| part.segment().row(row)));
        }
        rows.extend(self.delta.iter().map(as_row));
        rows.sort_unstable_by_key(|row| row.entry);
        rows
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many writes the gallery has seen; kept over save and open. Later snapshots of one
    /// gallery never have a smaller one.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Which model's voiceprints it holds.
    #[must_use]
    pub fn space(&self) -> &ModelId {
        &self.space
    }

    /// How many numbers each has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    pub(crate) fn check(&self, voiceprint: &Voiceprint) -> Result<(), IndexError> {
        if *voiceprint.model() != self.space {
            let (expected, got) = (self.space.clone(), voiceprint.model().clone());
            return Err(IndexError::OtherModel { expected, got });
        }
        if voiceprint.dimension() != self.dimension {
            let (expected, got) = (self.dimension, voiceprint.dimension());
            return Err(IndexError::OtherDimension { expected, got });
        }
        Ok(())
    }
}

pub(crate) fn as_row((entry, voiceprint): &(EntryId, Voiceprint)) -> Row<'_> {
    Row { entry: *entry, values: voiceprint.values(), speech: voiceprint.net_speech() }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("space", &self.space)
            .field("dimension", &self.dimension)
            .field("len", &self.len)
            .field("segments", &self.parts.len())
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
