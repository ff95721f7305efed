//! Galleries of voiceprints and exact search in them, over faiss: the proxy library and other
//! [`Gallery`]s, customers' [`Histories`], and a [`Cohort`] for score normalization.
//!
//! Gives cosines and cohort statistics and knows no threshold. Searches run on an immutable
//! [`Snapshot`] and are exact: the answer is that of computing every cosine in float64 and sorting.

mod change;
mod cohort;
mod entry;
mod error;
mod file;
mod gallery;
mod histories;
mod histories_snapshot;
mod history_map;
mod openmp;
mod options;
mod part;
mod search;
mod segment;
mod snapshot;
mod spread;
#[cfg(test)]
mod tests;
mod vector_index;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use cohort::{Cohort, CohortStatistics};
pub use entry::{EntryId, Hit};
pub use error::{FilePart, IndexError};
pub use gallery::Gallery;
pub use histories::{Histories, History, HistoryEntry, HistoryHit, HistoryKey, MAX_HISTORY_ENTRIES};
pub use histories_snapshot::HistoriesSnapshot;
pub use options::{GalleryOptions, MAX_HITS};
pub use snapshot::Snapshot;
pub use vector_index::VectorIndex;
