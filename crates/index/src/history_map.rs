use std::collections::HashMap;
use std::sync::Arc;

use crate::{HistoryEntry, HistoryKey};

/// How many maps the keys are spread over. A write copies one of them and this many pointers, so a
/// million customers cost a write about as much copying as a thousand.
const SHARD_BITS: u32 = 10;

type Shard = HashMap<HistoryKey, Arc<[HistoryEntry]>>;

/// An immutable-by-copy map from customers to their voiceprints: a copy shares all but what is
/// changed after.
#[derive(Clone)]
pub(crate) struct HistoryMap {
    shards: Vec<Arc<Shard>>,
}

impl HistoryMap {
    pub(crate) fn new() -> Self {
        Self { shards: vec![Arc::default(); 1 << SHARD_BITS] }
    }

    pub(crate) fn get(&self, key: HistoryKey) -> Option<&Arc<[HistoryEntry]>> {
        self.shards[shard_of(key)].get(&key)
    }

    pub(crate) fn set(&mut self, key: HistoryKey, entries: Arc<[HistoryEntry]>) {
        Arc::make_mut(&mut self.shards[shard_of(key)]).insert(key, entries);
    }

    pub(crate) fn remove(&mut self, key: HistoryKey) {
        Arc::make_mut(&mut self.shards[shard_of(key)]).remove(&key);
    }
}

/// Multiplicative hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): keys in
/// sequence spread evenly.
fn shard_of(key: HistoryKey) -> usize {
    (key.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SHARD_BITS)) as usize
}
