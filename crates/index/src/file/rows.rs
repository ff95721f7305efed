use earmark_voiceprint::{ModelId, NetSpeech, Voiceprint};
use zeroize::Zeroizing;

use crate::EntryId;
use crate::segment::Row;

const ID: usize = 8;
const SPEECH: usize = 4;

/// What a row takes before sealing.
pub(super) fn row_bytes(dimension: usize) -> usize {
    ID + SPEECH + 4 * dimension
}

/// Rows as a chunk holds them; wiped when dropped.
pub(super) fn encode(rows: &[Row<'_>], dimension: usize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(rows.len() * row_bytes(dimension)));
    for row in rows {
        bytes.extend(row.entry.0.to_le_bytes());
        bytes.extend(row.speech.seconds().to_le_bytes());
        row.values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    }
    bytes
}

/// The rows of a chunk, which must be `count` rows, ascending from above `after`; `None` otherwise.
pub(super) fn decode(
    bytes: &[u8],
    space: &ModelId,
    dimension: usize,
    count: usize,
    after: Option<EntryId>,
) -> Option<Vec<(EntryId, Voiceprint)>> {
    if bytes.len() != count * row_bytes(dimension) {
        return None;
    }
    let mut rows = Vec::with_capacity(count);
    let mut values = Zeroizing::new(Vec::with_capacity(dimension));
    let mut last = after;
    for row in bytes.chunks_exact(row_bytes(dimension)) {
        let entry = EntryId(u64::from_le_bytes(row[..ID].try_into().ok()?));
        if last.is_some_and(|last| entry <= last) {
            return None;
        }
        last = Some(entry);
        let (speech, numbers) = row[ID..].split_at(SPEECH);
        let speech = f32::from_le_bytes(speech.try_into().ok()?);
        values.clear();
        values.extend(numbers.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)));
        let speech = NetSpeech::from_seconds(speech);
        rows.push((entry, Voiceprint::from_unit(space.clone(), &values, speech).ok()?));
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::space;

    /// A sealed chunk is our own, but a bug or a stolen key must not become a wrong gallery.
    #[test]
    fn refuses_rows_no_gallery_has() {
        let speech = NetSpeech::from_seconds(2.0);
        let row = |id, values| Row { entry: EntryId(id), values, speech };
        let decoded = |rows: &[Row<'_>], count, after| {
            decode(&encode(rows, 2), &space(), 2, count, after).map(|rows| rows.len())
        };
        let (unit, long): (&[f32], &[f32]) = (&[0.6, 0.8], &[1.0, 1.0]);
        assert_eq!(decoded(&[row(1, unit), row(2, unit)], 2, Some(EntryId(0))), Some(2));
        assert_eq!(decoded(&[row(1, unit), row(2, unit)], 2, Some(EntryId(1))), None);
        assert_eq!(decoded(&[row(2, unit), row(1, unit)], 2, None), None);
        assert_eq!(decoded(&[row(1, unit), row(1, unit)], 2, None), None);
        assert_eq!(decoded(&[row(1, unit), row(2, unit)], 3, None), None);
        assert_eq!(decoded(&[row(1, long)], 1, None), None);
        assert_eq!(decoded(&[row(1, &[f32::NAN, 1.0])], 1, None), None);
    }
}
