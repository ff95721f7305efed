use earmark_voiceprint::{ModelId, NetSpeech, Voiceprint};
use faiss::index::flat::FlatIndexImpl;
use faiss::{ConcurrentIndex, Index};
use zeroize::Zeroize;

use crate::openmp::on_this_thread;
use crate::{EntryId, IndexError};

/// One voiceprint on its way into a segment.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) entry: EntryId,
    pub(crate) values: &'a [f32],
    pub(crate) speech: NetSpeech,
}

/// What one scan of a segment found for one probe.
pub(crate) struct Nearest {
    /// faiss's inner products (float32, rounded in faiss's order) with their rows, best first.
    pub(crate) found: Vec<(f32, u32)>,
    /// No row left out has a larger float32 product than this; none is left out if `None`.
    pub(crate) rest_below: Option<f32>,
}

/// Sealed rows in a faiss flat index, ascending by entry id. Never changes once built, never empty.
pub(crate) struct Segment {
    rows: FlatIndexImpl,
    ids: Box<[EntryId]>,
    speech: Box<[NetSpeech]>,
    dimension: usize,
}

impl Segment {
    /// Seals rows of `dimension` numbers each; ids must differ.
    pub(crate) fn build(dimension: usize, mut rows: Vec<Row<'_>>) -> Result<Self, IndexError> {
        rows.sort_unstable_by_key(|row| row.entry);
        let mut flat: Vec<f32> = Vec::with_capacity(rows.len() * dimension);
        for row in &rows {
            flat.extend_from_slice(row.values);
        }
        let mut index = FlatIndexImpl::new_ip(dimension as u32)?;
        let added = index.add(&flat);
        flat.zeroize();
        added?;
        let ids = rows.iter().map(|row| row.entry).collect();
        let speech = rows.iter().map(|row| row.speech).collect();
        Ok(Self { rows: index, ids, speech, dimension })
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn id(&self, row: usize) -> EntryId {
        self.ids[row]
    }

    pub(crate) fn find(&self, entry: EntryId) -> Option<usize> {
        self.ids.binary_search(&entry).ok()
    }

    pub(crate) fn values(&self, row: usize) -> &[f32] {
        &self.rows.xb()[row * self.dimension..(row + 1) * self.dimension]
    }

    pub(crate) fn row(&self, row: usize) -> Row<'_> {
        Row { entry: self.ids[row], values: self.values(row), speech: self.speech[row] }
    }

    /// The voiceprint at `row`, bit for bit as it was put in.
    pub(crate) fn voiceprint(&self, space: &ModelId, row: usize) -> Option<Voiceprint> {
        Voiceprint::from_unit(space.clone(), self.values(row), self.speech[row]).ok()
    }

    /// The `fetch` (at least 1) best rows for each of `probes` (flat, a multiple of the dimension).
    pub(crate) fn nearest(&self, probes: &[f32], fetch: usize) -> Result<Vec<Nearest>, IndexError> {
        let fetch = fetch.clamp(1, self.len());
        let result = on_this_thread(|| ConcurrentIndex::search(&self.rows, probes, fetch))?;
        let answers = result.distances.chunks_exact(fetch).zip(result.labels.chunks_exact(fetch));
        let nearest = answers.map(|(scores, labels)| {
            let rows = labels.iter().filter_map(|label| label.get());
            let found: Vec<_> = scores.iter().copied().zip(rows.map(|row| row as u32)).collect();
            let rest_below = if fetch < self.len() { found.last().map(|last| last.0) } else { None };
            Nearest { found, rest_below }
        });
        Ok(nearest.collect())
    }

    /// Every row whose float32 product with `probe` is larger than `radius`, in any order.
    pub(crate) fn above(&self, probe: &[f32], radius: f32) -> Result<Vec<(f32, u32)>, IndexError> {
        let result = on_this_thread(|| ConcurrentIndex::range_search(&self.rows, probe, radius))?;
        let (scores, labels) = result.distance_and_labels();
        let rows = labels.iter().filter_map(|label| label.get());
        Ok(scores.iter().copied().zip(rows.map(|row| row as u32)).collect())
    }
}
