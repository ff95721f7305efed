/// The most hits one search gives, so that a caller's `k` can't take memory without limit.
pub const MAX_HITS: usize = 16_384;

/// How a gallery lays out its voiceprints. The defaults suit 192 dimensions; the answers of a
/// search don't depend on any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GalleryOptions {
    /// The most voiceprints held. 2^24 of 192 dimensions take 13 GB; a larger gallery belongs in a
    /// vector store of its own.
    pub max_entries: usize,
    /// How many voiceprints collect in the delta before they are sealed into a segment. Each write
    /// copies the delta's list (16 bytes a voiceprint) and each search scans it outside faiss, so
    /// it is small: at 256 a write takes microseconds.
    pub delta_rows: usize,
    /// The most voiceprints in a segment: the unit of copying (50 MB at 192 dimensions, some 30 ms)
    /// and of splitting one search over threads.
    pub segment_rows: usize,
    /// From how many rows on one search is split over threads. Starting a thread costs some 30 us,
    /// as much as scanning 1,000 rows of 192 dimensions; at 100,000 rows the split pays.
    pub parallel_rows: usize,
    /// The most threads one search uses. Memory bandwidth is the limit, not arithmetic, so more
    /// than the memory channels bring nothing.
    pub search_threads: usize,
}

impl Default for GalleryOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self {
            max_entries: 1 << 24,
            delta_rows: 256,
            segment_rows: 1 << 16,
            parallel_rows: 100_000,
            search_threads: cores.min(8),
        }
    }
}

impl GalleryOptions {
    /// With zeros, which would mean nothing, made ones. A segment's rows are numbered in 32 bits.
    pub(crate) fn checked(mut self) -> Self {
        self.segment_rows = self.segment_rows.clamp(1, 1 << 24);
        self.search_threads = self.search_threads.max(1);
        self
    }
}
