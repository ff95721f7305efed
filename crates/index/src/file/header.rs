use earmark_voiceprint::{MAX_DIMENSION, ModelId};

use super::{CHUNK_BYTES, FORMAT, MAGIC, MAX_NAME_BYTES, rows};
use crate::Snapshot;

/// Magic, format version and header length.
pub(super) const PREFIX: usize = 16;

/// The header without the model id.
const FIXED: usize = 26;

/// The longest header.
pub(super) const MAX_HEADER: usize = FIXED + MAX_NAME_BYTES;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) dimension: usize,
    pub(super) rows_per_chunk: usize,
    pub(super) rows: u64,
    pub(super) version: u64,
    pub(super) space: ModelId,
}

impl Header {
    /// Of `snapshot`, written in chunks of at most `chunk_bytes` but at least one row.
    pub(super) fn of(snapshot: &Snapshot, chunk_bytes: usize) -> Self {
        let dimension = snapshot.dimension();
        Self {
            dimension,
            rows_per_chunk: (chunk_bytes / rows::row_bytes(dimension)).max(1),
            rows: snapshot.len() as u64,
            version: snapshot.version(),
            space: snapshot.space().clone(),
        }
    }

    /// How many chunks the file has.
    pub(super) fn chunks(&self) -> u64 {
        self.rows.div_ceil(self.rows_per_chunk as u64).max(1)
    }

    /// The file's head; `None` if the model id is too long to be written.
    pub(super) fn head(&self) -> Option<Vec<u8>> {
        let space = self.space.as_str().as_bytes();
        if space.len() > MAX_NAME_BYTES {
            return None;
        }
        let mut head = Vec::with_capacity(PREFIX + FIXED + space.len());
        head.extend(MAGIC);
        head.extend(FORMAT.to_le_bytes());
        head.extend(((FIXED + space.len()) as u32).to_le_bytes());
        head.extend((self.dimension as u32).to_le_bytes());
        head.extend((self.rows_per_chunk as u32).to_le_bytes());
        head.extend(self.rows.to_le_bytes());
        head.extend(self.version.to_le_bytes());
        head.extend((space.len() as u16).to_le_bytes());
        head.extend(space);
        Some(head)
    }

    /// Reads what follows the prefix; `None` if it makes no sense.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (fixed, space) = bytes.split_at_checked(FIXED)?;
        let dimension = u32::from_le_bytes(fixed[0..4].try_into().ok()?) as usize;
        let rows_per_chunk = u32::from_le_bytes(fixed[4..8].try_into().ok()?) as usize;
        let rows = u64::from_le_bytes(fixed[8..16].try_into().ok()?);
        let version = u64::from_le_bytes(fixed[16..24].try_into().ok()?);
        let space_len = usize::from(u16::from_le_bytes(fixed[24..26].try_into().ok()?));
        let space = std::str::from_utf8(space).ok()?;
        let sane = dimension <= MAX_DIMENSION
            && (1..=CHUNK_BYTES / rows::row_bytes(dimension)).contains(&rows_per_chunk)
            && space.len() == space_len
            && space_len <= MAX_NAME_BYTES
            && !space.chars().any(char::is_control);
        let space = ModelId::from_stored(space);
        sane.then_some(Self { dimension, rows_per_chunk, rows, version, space })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        let space = ModelId::new("模型", "f00d");
        Header { dimension: 192, rows_per_chunk: 5000, rows: 12_000, version: 7, space }
    }

    #[test]
    fn what_is_written_is_read() {
        let head = header().head().unwrap();
        assert_eq!(Header::parse(&head[PREFIX..]), Some(header()));
        assert_eq!(header().chunks(), 3);
        assert_eq!(Header { rows: 0, ..header() }.chunks(), 1);
    }

    #[test]
    fn refuses_what_makes_no_sense() {
        let bad = [
            Header { dimension: MAX_DIMENSION + 1, ..header() },
            Header { rows_per_chunk: 0, ..header() },
            Header { rows_per_chunk: 1 << 20, ..header() },
            Header { space: ModelId::new("a\nb", ""), ..header() },
        ];
        for bad in bad {
            assert_eq!(Header::parse(&bad.head().unwrap()[PREFIX..]), None, "{bad:?}");
        }
        assert_eq!(Header { space: ModelId::new(&"x".repeat(2000), ""), ..header() }.head(), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Some(header) = Header::parse(&bytes) {
                prop_assert_eq!(&header.head().unwrap()[PREFIX..], &bytes[..]);
            }
        }
    }
}
