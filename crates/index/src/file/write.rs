use std::io::{BufWriter, Write};
use std::path::Path;

use earmark_voiceprint::{Seal, Sealed};
use sha2::{Digest, Sha256};

use super::header::Header;
use super::{DIGEST, MAX_NAME_BYTES, SEAL_OVERHEAD, chunk_context, chunk_digest, rows};
use crate::{IndexError, Snapshot};

const WRITE: &str = "write gallery file";

/// Writes `snapshot` in the format of [`super`], sealing `chunk_bytes` at a time; `path` is for the
/// error.
pub(super) fn write(
    snapshot: &Snapshot,
    chunk_bytes: usize,
    path: &Path,
    to: &mut dyn Write,
    seal: &dyn Seal,
) -> Result<(), IndexError> {
    let header = Header::of(snapshot, chunk_bytes);
    let unwritable = || IndexError::io(WRITE, path, std::io::ErrorKind::InvalidInput.into());
    let head = header.head().ok_or_else(unwritable)?;
    let mut out = Hashed { to: BufWriter::with_capacity(1 << 16, to), sum: Sha256::new(), path };
    out.put(&head)?;
    let all = snapshot.rows();
    let mut previous = [0; DIGEST];
    for number in 0..header.chunks() {
        let from = (number as usize * header.rows_per_chunk).min(all.len());
        let rows = &all[from..(from + header.rows_per_chunk).min(all.len())];
        let plain = rows::encode(rows, header.dimension);
        let sealed = seal.seal(&plain, &chunk_context(&head, number, &previous));
        let sealed = sealed.map_err(|source| IndexError::Seal { path: path.to_path_buf(), source })?;
        let fits = sealed.key_id.len() <= MAX_NAME_BYTES && sealed.bytes.len() <= plain.len() + SEAL_OVERHEAD;
        if !fits {
            return Err(unwritable());
        }
        out.chunk(&sealed)?;
        previous = chunk_digest(&sealed.bytes);
    }
    out.finish()
}

/// Writes and sums up what was written.
struct Hashed<'a> {
    to: BufWriter<&'a mut dyn Write>,
    sum: Sha256,
    path: &'a Path,
}

impl Hashed<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), IndexError> {
        self.sum.update(bytes);
        self.to.write_all(bytes).map_err(|source| IndexError::io(WRITE, self.path, source))
    }

    fn chunk(&mut self, sealed: &Sealed) -> Result<(), IndexError> {
        self.put(&(sealed.key_id.len() as u16).to_le_bytes())?;
        self.put(sealed.key_id.as_bytes())?;
        self.put(&(sealed.bytes.len() as u32).to_le_bytes())?;
        self.put(&sealed.bytes)
    }

    fn finish(mut self) -> Result<(), IndexError> {
        let sum: [u8; DIGEST] = self.sum.clone().finalize().into();
        self.put(&sum)?;
        self.to.flush().map_err(|source| IndexError::io(WRITE, self.path, source))
    }
}
