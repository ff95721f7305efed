use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek};
use std::path::Path;

use earmark_voiceprint::{ModelId, Seal, SealError, Sealed, Voiceprint};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::header::{Header, MAX_HEADER, PREFIX};
use super::{DIGEST, FORMAT, MAGIC, MAX_NAME_BYTES, SEAL_OVERHEAD, chunk_context, chunk_digest, rows};
use crate::{EntryId, FilePart, GalleryOptions, IndexError, Snapshot};

const READ: &str = "read gallery file";

/// Reads what [`super::write`] wrote, in two passes: the checksum, then chunk by chunk.
pub(super) fn read(
    path: &Path,
    space: &ModelId,
    dimension: usize,
    seal: &dyn Seal,
    options: GalleryOptions,
) -> Result<Snapshot, IndexError> {
    let mut file = File::open(path).map_err(|source| IndexError::io("open gallery file", path, source))?;
    let body = checked_body(path, &mut file)?;
    file.rewind().map_err(|source| IndexError::io(READ, path, source))?;
    let mut reader = Reader { path, from: BufReader::with_capacity(1 << 16, file).take(body) };
    let (head, header) = reader.head()?;
    if header.space != *space {
        let (path, expected) = (path.to_path_buf(), space.clone());
        return Err(IndexError::OtherGallery { path, expected, found: header.space });
    }
    if header.dimension != dimension {
        return Err(IndexError::OtherDimension { expected: dimension, got: header.dimension });
    }
    if header.rows > options.max_entries as u64 {
        return Err(IndexError::GalleryFull { limit: options.max_entries });
    }
    let mut snapshot = reader.chunks(&head, &header, seal, options)?;
    snapshot.version = header.version;
    Ok(snapshot)
}

/// Checks magic and checksum; gives the length of what the checksum covers.
fn checked_body(path: &Path, file: &mut File) -> Result<u64, IndexError> {
    let io = |source| IndexError::io(READ, path, source);
    let corrupt = |part| IndexError::corrupt(path, part);
    let len = file.metadata().map_err(io)?.len();
    let body = len.checked_sub(DIGEST as u64).filter(|body| *body >= PREFIX as u64);
    let body = body.ok_or(corrupt(FilePart::Length))?;
    let mut sum = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut left = body;
    while left > 0 {
        let want = left.min(buffer.len() as u64) as usize;
        fill(path, file, &mut buffer[..want], FilePart::Length)?;
        if left == body && !buffer.starts_with(&MAGIC) {
            return Err(corrupt(FilePart::Magic));
        }
        sum.update(&buffer[..want]);
        left -= want as u64;
    }
    let mut expected = [0; DIGEST];
    fill(path, file, &mut expected, FilePart::Length)?;
    if sum.finalize()[..] == expected { Ok(body) } else { Err(corrupt(FilePart::Checksum)) }
}

/// Reads exactly `buffer`; a file that ends before is damaged at `part`.
fn fill(path: &Path, from: &mut impl Read, buffer: &mut [u8], part: FilePart) -> Result<(), IndexError> {
    from.read_exact(buffer).map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof => IndexError::corrupt(path, part),
        _ => IndexError::io(READ, path, source),
    })
}

struct Reader<'a> {
    path: &'a Path,
    from: std::io::Take<BufReader<File>>,
}

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self, part: FilePart) -> Result<[u8; N], IndexError> {
        let mut bytes = [0; N];
        fill(self.path, &mut self.from, &mut bytes, part)?;
        Ok(bytes)
    }

    /// Reads `len` bytes after seeing that they are allowed and there.
    fn vec(&mut self, len: usize, max: usize, part: FilePart) -> Result<Vec<u8>, IndexError> {
        if len > max || len as u64 > self.from.limit() {
            return Err(IndexError::corrupt(self.path, part));
        }
        let mut bytes = vec![0; len];
        fill(self.path, &mut self.from, &mut bytes, part)?;
        Ok(bytes)
    }

    fn head(&mut self) -> Result<(Vec<u8>, Header), IndexError> {
        let prefix: [u8; PREFIX] = self.bytes(FilePart::Header)?;
        let [.., v0, v1, v2, v3, l0, l1, l2, l3] = prefix;
        let found = u32::from_le_bytes([v0, v1, v2, v3]);
        if found > FORMAT {
            let path = self.path.to_path_buf();
            return Err(IndexError::NewerFormat { path, found, known: FORMAT });
        }
        let len = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        let header = self.vec(len, MAX_HEADER, FilePart::Header)?;
        let parsed = Header::parse(&header).filter(|_| found == FORMAT);
        let parsed = parsed.ok_or(IndexError::corrupt(self.path, FilePart::Header))?;
        Ok(([&prefix[..], &header].concat(), parsed))
    }

    fn chunks(
        &mut self,
        head: &[u8],
        header: &Header,
        seal: &dyn Seal,
        options: GalleryOptions,
    ) -> Result<Snapshot, IndexError> {
        let mut snapshot = Snapshot::empty(header.space.clone(), header.dimension, options);
        let mut batch: Vec<(EntryId, Voiceprint)> = Vec::new();
        let (mut previous, mut last, mut left) = ([0; DIGEST], None, header.rows);
        for number in 0..header.chunks() {
            let sealed = self.sealed(number, header)?;
            let plain = self.open(seal, &sealed, &chunk_context(head, number, &previous), number)?;
            let count = left.min(header.rows_per_chunk as u64);
            let rows = rows::decode(&plain, &header.space, header.dimension, count as usize, last);
            batch.extend(rows.ok_or(IndexError::corrupt(self.path, FilePart::Chunk(number)))?);
            (previous, left) = (chunk_digest(&sealed.bytes), left - count);
            last = batch.last().map(|(entry, _)| *entry).or(last);
            if batch.len() >= options.segment_rows || left == 0 {
                snapshot = snapshot.changed(&batch, &[])?.0;
                batch.clear();
            }
        }
        if self.from.limit() > 0 {
            return Err(IndexError::corrupt(self.path, FilePart::Chunk(header.chunks())));
        }
        Ok(snapshot)
    }

    fn sealed(&mut self, number: u64, header: &Header) -> Result<Sealed, IndexError> {
        let part = FilePart::Chunk(number);
        let key_len = usize::from(u16::from_le_bytes(self.bytes(part)?));
        let key_id = String::from_utf8(self.vec(key_len, MAX_NAME_BYTES, part)?);
        let key_id = key_id.map_err(|_| IndexError::corrupt(self.path, part))?;
        let len = u32::from_le_bytes(self.bytes(part)?) as usize;
        let max = header.rows_per_chunk * rows::row_bytes(header.dimension) + SEAL_OVERHEAD;
        Ok(Sealed { key_id, bytes: self.vec(len, max, part)? })
    }

    fn open(
        &self,
        seal: &dyn Seal,
        sealed: &Sealed,
        context: &[u8],
        number: u64,
    ) -> Result<Zeroizing<Vec<u8>>, IndexError> {
        let opened = seal.open(sealed, context).map(Zeroizing::new);
        opened.map_err(|source| match source {
            SealError::Tampered => IndexError::corrupt(self.path, FilePart::Chunk(number)),
            source => IndexError::Seal { path: self.path.to_path_buf(), source },
        })
    }
}
