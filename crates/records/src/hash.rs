use sha2::{Digest as _, Sha256};

/// SHA-256 over the parts in their order. Each part's length is hashed before it, so that moving
/// a byte from one part to the next gives another hash.
pub(crate) fn hash_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
