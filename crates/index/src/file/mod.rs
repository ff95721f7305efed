//! A gallery's file. All numbers are little-endian.
//!
//! ```text
//! head      magic (8), format version (u32), header length (u32), header
//! header    dimension (u32), rows in a chunk (u32), rows (u64), gallery version (u64),
//!           model id's length (u16), model id
//! chunk     key id's length (u16), key id, sealed length (u32), sealed bytes    (one or more)
//! trailer   sha256 of all bytes before it
//! ```
//!
//! A sealed chunk holds rows ascending by id, each an entry id (u64), net speech in seconds (f32)
//! and its numbers (f32). Only an empty gallery's one chunk has no rows. A chunk's context is the
//! head, its number and the sha256 of the sealed chunk before it, so that nothing can be altered,
//! moved, left out or taken from another file. (An older file of the same gallery put back whole is
//! not noticed: compare [`crate::Snapshot::version`] with the records.) The checksum tells damage
//! from tampering and is looked at first; magic and trailer keep their place in every later format.

mod header;
mod read;
mod replace;
mod rows;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

use earmark_voiceprint::{ModelId, Seal};
use sha2::{Digest, Sha256};

use crate::{Gallery, GalleryOptions, IndexError};

/// The first bytes of every gallery's file.
const MAGIC: [u8; 8] = *b"EMKGALRY";

/// The format this release writes, and the newest it reads.
const FORMAT: u32 = 1;

/// The length of a sha256.
const DIGEST: usize = 32;

/// What a chunk's rows take before sealing, at most: what a save or an open holds beyond the gallery.
const CHUNK_BYTES: usize = 4 << 20;

/// What sealing may add to a chunk: nonce, tag and whatever else a cipher needs.
const SEAL_OVERHEAD: usize = 4096;

/// The longest model id and key id, in bytes.
const MAX_NAME_BYTES: usize = 1024;

impl Gallery {
    /// Writes the gallery, as it is now, to `path`, sealed; writers and searches go on meanwhile.
    ///
    /// The file is whole or not there: it is written beside `path` (mode 0600), synced, and renamed
    /// over `path`, so a crash at any moment leaves the old file or the new one.
    ///
    /// # Errors
    /// [`IndexError::Io`] (a full disk, for one) and [`IndexError::Seal`]; the old file stays.
    pub fn save(&self, path: &Path, seal: &dyn Seal) -> Result<(), IndexError> {
        let snapshot = self.snapshot();
        replace::replace(path, |file| write::write(&snapshot, CHUNK_BYTES, path, file, seal))
    }

    /// Opens the gallery that [`Gallery::save`] wrote to `path`, which must be `space`'s.
    ///
    /// # Errors
    /// [`IndexError::Io`] (no such file, for one), [`IndexError::Corrupt`] for a damaged file,
    /// [`IndexError::NewerFormat`], [`IndexError::OtherGallery`], [`IndexError::OtherDimension`],
    /// [`IndexError::Seal`] if the key is not at hand, [`IndexError::GalleryFull`].
    pub fn open(path: &Path, space: &ModelId, dimension: usize, seal: &dyn Seal) -> Result<Self, IndexError> {
        Self::open_with_options(path, space, dimension, seal, GalleryOptions::default())
    }

    /// As [`Gallery::open`], laid out as `options` say.
    ///
    /// # Errors
    /// As [`Gallery::open`].
    pub fn open_with_options(
        path: &Path,
        space: &ModelId,
        dimension: usize,
        seal: &dyn Seal,
        options: GalleryOptions,
    ) -> Result<Self, IndexError> {
        read::read(path, space, dimension, seal, options).map(Self::from_snapshot)
    }
}

/// What seals a chunk to its place in its file.
fn chunk_context(head: &[u8], number: u64, previous: &[u8; DIGEST]) -> Vec<u8> {
    [head, &number.to_le_bytes(), previous].concat()
}

/// The link from a sealed chunk to the next.
fn chunk_digest(sealed: &[u8]) -> [u8; DIGEST] {
    Sha256::digest(sealed).into()
}
