use std::sync::Arc;

use earmark_voiceprint::Voiceprint;

use crate::part::Part;
use crate::segment::{Row, Segment};
use crate::snapshot::as_row;
use crate::{EntryId, IndexError, Snapshot};

impl Snapshot {
    /// The gallery after a write, and how many of `remove` were in it. `self` stays as it is: a
    /// write is seen whole, once the caller publishes the result, or not at all.
    ///
    /// `remove` goes first. Of several voiceprints for one id in `put`, the last stays.
    pub(crate) fn changed(
        &self,
        put: &[(EntryId, Voiceprint)],
        remove: &[EntryId],
    ) -> Result<(Self, usize), IndexError> {
        for (_, voiceprint) in put {
            self.check(voiceprint)?;
        }
        let mut next = self.clone();
        let removed = remove.iter().filter(|entry| next.bury(**entry)).count();
        if put.is_empty() && removed == 0 {
            return Ok((next, 0));
        }
        let put = last_of_each(put);
        for (entry, _) in &put {
            next.bury(*entry);
        }
        if next.len + put.len() > self.options.max_entries {
            return Err(IndexError::GalleryFull { limit: self.options.max_entries });
        }
        next.len += put.len();
        next.version += 1;
        next.take_in(put)?;
        next.compact()?;
        Ok((next, removed))
    }

    /// Takes `entry` out of the delta or its segment.
    fn bury(&mut self, entry: EntryId) -> bool {
        let buried = match self.delta.binary_search_by_key(&entry, |(id, _)| *id) {
            Ok(at) => {
                Arc::make_mut(&mut self.delta).remove(at);
                true
            }
            Err(_) => self.parts.iter_mut().any(|part| part.bury(entry)),
        };
        self.len -= usize::from(buried);
        buried
    }

    /// Adds entries that are not there, to the delta or, if it overflows, to new segments.
    fn take_in(&mut self, put: Vec<(EntryId, Voiceprint)>) -> Result<(), IndexError> {
        if put.is_empty() {
            return Ok(());
        }
        let delta = Arc::make_mut(&mut self.delta);
        delta.extend(put);
        delta.sort_unstable_by_key(|(entry, _)| *entry);
        if delta.len() <= self.options.delta_rows {
            return Ok(());
        }
        let delta = std::mem::take(&mut self.delta);
        for rows in delta.chunks(self.options.segment_rows) {
            let rows: Vec<Row<'_>> = rows.iter().map(as_row).collect();
            self.parts.push(Part::new(Segment::build(self.dimension, rows)?));
        }
        Ok(())
    }

    /// Keeps the segments few and mostly alive: the smallest are merged while each is at least half
    /// of what goes before it (so a row is copied about log2(segment_rows / delta_rows) times in
    /// its life), and those with many tombstones are rewritten.
    fn compact(&mut self) -> Result<(), IndexError> {
        self.parts.retain(|part| part.live_len() > 0);
        self.parts.sort_by_key(|part| std::cmp::Reverse(part.live_len()));
        let tail = self.parts.split_off(self.parts.len() - self.mergeable());
        for part in &mut self.parts {
            if part.wants_rewrite()
                && let Some(rewritten) = Part::merged(self.dimension, std::slice::from_ref(part))?
            {
                *part = rewritten;
            }
        }
        self.parts.extend(Part::merged(self.dimension, &tail)?);
        Ok(())
    }

    /// How many of the smallest segments to merge: 0 or at least 2.
    fn mergeable(&self) -> usize {
        let (mut count, mut rows) = (0, 0);
        for part in self.parts.iter().rev() {
            let fits = rows + part.live_len() <= self.options.segment_rows;
            if count > 0 && (part.live_len() >= 2 * rows || !fits) {
                break;
            }
            rows += part.live_len();
            count += 1;
        }
        if count < 2 { 0 } else { count }
    }
}

fn last_of_each(put: &[(EntryId, Voiceprint)]) -> Vec<(EntryId, Voiceprint)> {
    let mut put: Vec<_> = put.iter().rev().cloned().collect();
    put.sort_by_key(|(entry, _)| *entry);
    put.dedup_by_key(|(entry, _)| *entry);
    put
}
