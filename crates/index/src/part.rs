use std::sync::Arc;

use crate::segment::{Row, Segment};
use crate::{EntryId, IndexError};

/// A segment is rewritten once more than one row in this many is dead: a search scans the dead too,
/// and a removed voiceprint should not stay in memory for long.
const DEAD_SHARE: usize = 4;

/// Which rows of a segment were removed or replaced since it was sealed.
#[derive(Clone)]
struct Tombstones {
    words: Box<[u64]>,
    count: usize,
}

/// A sealed segment and its tombstones. A copy is cheap and independent.
#[derive(Clone)]
pub(crate) struct Part {
    segment: Arc<Segment>,
    dead: Option<Arc<Tombstones>>,
}

impl Part {
    pub(crate) fn new(segment: Segment) -> Self {
        Self { segment: Arc::new(segment), dead: None }
    }

    /// The live rows of `parts`, sealed into one segment; `None` if there are none.
    pub(crate) fn merged(dimension: usize, parts: &[Self]) -> Result<Option<Self>, IndexError> {
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(parts.iter().map(Self::live_len).sum());
        for part in parts {
            rows.extend(part.live_rows().map(|row| part.segment.row(row)));
        }
        if rows.is_empty() {
            return Ok(None);
        }
        Segment::build(dimension, rows).map(|segment| Some(Self::new(segment)))
    }

    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    pub(crate) fn dead_len(&self) -> usize {
        self.dead.as_ref().map_or(0, |dead| dead.count)
    }

    pub(crate) fn live_len(&self) -> usize {
        self.segment.len() - self.dead_len()
    }

    pub(crate) fn wants_rewrite(&self) -> bool {
        self.dead_len() * DEAD_SHARE > self.segment.len()
    }

    pub(crate) fn is_live(&self, row: usize) -> bool {
        self.dead.as_ref().is_none_or(|dead| dead.words[row / 64] >> (row % 64) & 1 == 0)
    }

    pub(crate) fn live_rows(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.segment.len()).filter(|row| self.is_live(*row))
    }

    /// The live row of `entry`.
    pub(crate) fn find(&self, entry: EntryId) -> Option<usize> {
        self.segment.find(entry).filter(|row| self.is_live(*row))
    }

    /// Buries the live row of `entry`, if there is one. Copies of this part made before don't see it.
    pub(crate) fn bury(&mut self, entry: EntryId) -> bool {
        let Some(row) = self.find(entry) else { return false };
        let words = self.segment.len().div_ceil(64);
        let dead =
            self.dead.get_or_insert_with(|| Arc::new(Tombstones { words: vec![0; words].into(), count: 0 }));
        let dead = Arc::make_mut(dead);
        dead.words[row / 64] |= 1 << (row % 64);
        dead.count += 1;
        true
    }
}
