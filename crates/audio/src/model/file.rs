use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::AudioError;

/// The largest weights file that is read: a hundred times the shipped network.
const MAX_WEIGHTS_BYTES: u64 = 2 << 30;

/// The bytes of a weights file whose hash was right. What was checked is what is loaded: the file
/// is not read again.
pub(crate) struct VerifiedFile {
    pub(crate) path: PathBuf,
    pub(crate) sha256: String,
    pub(crate) bytes: Vec<u8>,
}

impl VerifiedFile {
    /// Reads `path` and compares its SHA-256.
    pub(crate) fn read(path: PathBuf, expected_sha256: &str) -> Result<Self, AudioError> {
        let bytes = read_limited(&path, MAX_WEIGHTS_BYTES)?;
        let sha256 = hex(&Sha256::digest(&bytes));
        if sha256.eq_ignore_ascii_case(expected_sha256) {
            return Ok(Self { path, sha256, bytes });
        }
        let expected = expected_sha256.to_owned();
        Err(AudioError::CorruptModel { path, expected, found: sha256 })
    }
}

/// Reads a whole file of at most `limit` bytes.
pub(crate) fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>, AudioError> {
    let failed = |source| AudioError::ModelFile { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 <= limit {
        return Ok(bytes);
    }
    let what = format!("it is larger than {limit} bytes");
    Err(AudioError::ModelDescription { path: path.to_owned(), what })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
