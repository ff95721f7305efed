use earmark_voiceprint::Cosine;

/// The caller's own id of one voiceprint in a gallery. It never changes and is never reused by us;
/// the search library's row numbers stay inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub u64);

/// One voiceprint found by a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Whose voiceprint it is.
    pub entry: EntryId,
    /// How alike it is to the probe: bit for bit what [`earmark_voiceprint::Voiceprint::cosine`]
    /// gives for the two.
    pub cosine: Cosine,
}

impl Hit {
    /// Best first; equal cosines by entry id, so that a search's answer never depends on how the
    /// gallery came to be.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let by_cosine = other.cosine.value().partial_cmp(&self.cosine.value());
        by_cosine.unwrap_or(std::cmp::Ordering::Equal).then(self.entry.cmp(&other.entry))
    }
}
