/// Encrypts what must not be read at rest. The records crate implements it with AES-256-GCM; the
/// index crate writes its galleries through it without knowing the cipher.
pub trait Seal: Send + Sync {
    /// Encrypts and authenticates `plain`; `context` is authenticated too but not stored, so that
    /// a sealed text moved to another place does not open there.
    ///
    /// # Errors
    /// [`SealError`] if the cipher or the source of randomness fails.
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, SealError>;

    /// Opens what [`Seal::seal`] made with the same `context`.
    ///
    /// # Errors
    /// [`SealError::UnknownKey`] for another key's text, [`SealError::Tampered`] for an altered one.
    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, SealError>;
}

/// An encrypted and authenticated text, with the id of the key that opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key sealed it.
    pub key_id: String,
    /// Nonce, cipher text and tag, as the implementation lays them out.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes under key {})", self.bytes.len(), self.key_id)
    }
}

/// Why something could not be sealed or opened. Never holds any of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Sealed under a key that is not at hand: bring that key file.
    #[error("sealed under key {key_id}, which is not the key at hand; bring the key file it was made with")]
    UnknownKey {
        /// The id of the key that is needed.
        key_id: String,
    },
    /// The bytes were altered, cut or moved: restore them from a backup.
    #[error("a sealed record was altered or is damaged; restore it from a backup")]
    Tampered,
    /// The cipher or the system's randomness failed.
    #[error("the cipher or the system's source of randomness failed")]
    Cipher,
}
