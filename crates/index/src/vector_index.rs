use earmark_voiceprint::{ModelId, Voiceprint};

use crate::{EntryId, Gallery, Hit, IndexError};

/// What [`Gallery`] and a vector store elsewhere have in common, and no more. The conformance tests
/// (feature `conformance`) hold every implementation to it.
///
/// - A write that returned `Ok` is seen by every later search of the same caller.
/// - A write that returned an error may be half done; sending it again is safe. (A [`Gallery`]
///   promises more: nothing is half done, ever.)
/// - Cosines are those of [`Voiceprint::cosine`] within 1e-5; hits come best first, and equal ones
///   in any order. (A [`Gallery`] promises more: exact cosines, equal ones by entry id.)
/// - Nothing is missed: search is exact, not approximate.
pub trait VectorIndex: Send + Sync {
    /// Which model's voiceprints it holds.
    fn space(&self) -> ModelId;

    /// Adds voiceprints, or replaces those their ids have. Of several for one id the last stays.
    ///
    /// # Errors
    /// [`IndexError::OtherModel`] before anything is put, or the store's failure.
    fn put_many(&self, batch: &[(EntryId, Voiceprint)]) -> Result<(), IndexError>;

    /// Removes an entry; says whether it was there.
    ///
    /// # Errors
    /// The store's failure.
    fn remove(&self, entry: EntryId) -> Result<bool, IndexError>;

    /// The `k` most alike entries, best first; all of them if there are fewer.
    ///
    /// # Errors
    /// [`IndexError::OtherModel`], [`IndexError::TooManyHits`], or the store's failure.
    fn search(&self, probe: &Voiceprint, k: usize) -> Result<Vec<Hit>, IndexError>;

    /// How many entries there are.
    ///
    /// # Errors
    /// The store's failure.
    fn len(&self) -> Result<usize, IndexError>;

    /// Whether there is none.
    ///
    /// # Errors
    /// The store's failure.
    fn is_empty(&self) -> Result<bool, IndexError> {
        self.len().map(|len| len == 0)
    }
}

impl VectorIndex for Gallery {
    fn space(&self) -> ModelId {
        self.snapshot().space().clone()
    }

    fn put_many(&self, batch: &[(EntryId, Voiceprint)]) -> Result<(), IndexError> {
        Gallery::put_many(self, batch)
    }

    fn remove(&self, entry: EntryId) -> Result<bool, IndexError> {
        Gallery::remove(self, entry)
    }

    fn search(&self, probe: &Voiceprint, k: usize) -> Result<Vec<Hit>, IndexError> {
        self.snapshot().search(probe, k)
    }

    fn len(&self) -> Result<usize, IndexError> {
        Ok(Gallery::len(self))
    }
}
