//! What every [`VectorIndex`] must do, as tests that any implementation can run:
//! `conformance::check(&mut |space, dimension| Box::new(make_one(space, dimension)))`.
//!
//! Each rule starts with an empty index, compares with a plain scan over all cosines, and takes well
//! under a second on a store in memory.

use std::collections::{BTreeMap, HashSet};

use earmark_voiceprint::{ModelId, NetSpeech, Voiceprint};

use crate::{EntryId, Hit, IndexError, VectorIndex};

/// Makes an empty index of a model's voiceprints of so many numbers.
pub type Make<'a> = &'a mut dyn FnMut(&ModelId, usize) -> Box<dyn VectorIndex>;

/// How far a cosine may be off: float32 rounding in any order of summation.
const COSINE_TOLERANCE: f32 = 1e-5;

const DIMENSION: usize = 24;

type Rule = fn(&dyn VectorIndex) -> Result<(), Broken>;

/// Which rule an implementation broke, and how.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// It answered, but wrongly.
    #[error("{rule}: {what}")]
    Wrong {
        /// The rule.
        rule: &'static str,
        /// What was wrong.
        what: String,
    },
    /// It failed where it must not.
    #[error("{rule}: failed")]
    Failed {
        /// The rule.
        rule: &'static str,
        /// How it failed.
        #[source]
        source: IndexError,
    },
}

/// Runs all rules.
///
/// # Errors
/// The first rule broken.
pub fn check(make: Make<'_>) -> Result<(), Broken> {
    let rules: [Rule; 7] = [
        empty,
        finds_all,
        replaces,
        removes,
        refuses_other_models,
        follows_a_long_history,
        takes_many_writers,
    ];
    for rule in rules {
        rule(make(&space(), DIMENSION).as_ref())?;
    }
    Ok(())
}

fn empty(index: &dyn VectorIndex) -> Result<(), Broken> {
    let mut test = Test::new("an empty index", index);
    test.put(&[])?;
    test.remove(EntryId(7))?;
    test.compare()
}

fn finds_all(index: &dyn VectorIndex) -> Result<(), Broken> {
    let mut test = Test::new("exact search", index);
    let mut batch: Vec<_> = (0..300).map(|id| (EntryId(id * 7), test.voice())).collect();
    let twin = batch[5].1.clone();
    batch.extend([(EntryId(1), twin.clone()), (EntryId(u64::MAX), twin)]);
    test.put(&batch)?;
    test.compare()
}

fn replaces(index: &dyn VectorIndex) -> Result<(), Broken> {
    let mut test = Test::new("replacing", index);
    let batch: Vec<_> = (0..40).map(|id| (EntryId(id), test.voice())).collect();
    test.put(&batch)?;
    for _ in 0..10 {
        let batch: Vec<_> = (0..60).map(|id| (EntryId(id % 20), test.voice())).collect();
        test.put(&batch)?;
        test.compare()?;
    }
    Ok(())
}

fn removes(index: &dyn VectorIndex) -> Result<(), Broken> {
    let mut test = Test::new("removing", index);
    let batch: Vec<_> = (0..50).map(|id| (EntryId(id), test.voice())).collect();
    test.put(&batch)?;
    for id in (0..60).step_by(3) {
        test.remove(EntryId(id))?;
        test.remove(EntryId(id))?;
    }
    test.compare()?;
    test.put(&batch[..10])?;
    test.compare()
}

fn refuses_other_models(index: &dyn VectorIndex) -> Result<(), Broken> {
    let mut test = Test::new("other models", index);
    if index.space() != space() {
        return test.wrong("the space is not the one it was made with");
    }
    let good = test.voice();
    let other = ModelId::new("conformance-other", "0");
    let other = Voiceprint::from_embedding(other, good.values(), NetSpeech::ZERO);
    let narrow = Voiceprint::from_embedding(space(), &[1.0; DIMENSION - 1], NetSpeech::ZERO);
    let (Ok(other), Ok(narrow)) = (other, narrow) else { return test.wrong("the test's own voiceprints") };
    for (bad, model) in [(other, true), (narrow, false)] {
        let put = index.put_many(&[(EntryId(1), good.clone()), (EntryId(2), bad.clone())]);
        for refused in [put.err(), index.search(&bad, 3).err()] {
            match refused {
                Some(IndexError::OtherModel { .. }) if model => {}
                Some(IndexError::OtherDimension { .. }) if !model => {}
                _ => return test.wrong("another space's voiceprint must be refused by name"),
            }
        }
    }
    test.put(&[])?;
    test.compare()
}

fn follows_a_long_history(index: &dyn VectorIndex) -> Result<(), Broken> {
    let mut test = Test::new("a long history", index);
    for step in 0..150 {
        let ids: Vec<u64> = (0..1 + test.random(8)).map(|_| test.random(64)).collect();
        if test.random(3) == 0 {
            for id in ids {
                test.remove(EntryId(id))?;
            }
        } else {
            let batch: Vec<_> = ids.into_iter().map(|id| (EntryId(id), test.voice())).collect();
            test.put(&batch)?;
        }
        if step % 10 == 9 {
            test.compare()?;
        }
    }
    Ok(())
}

fn takes_many_writers(index: &dyn VectorIndex) -> Result<(), Broken> {
    let mut test = Test::new("many writers", index);
    let batches: Vec<Vec<_>> =
        (0..4).map(|writer| (0..25).map(|id| (EntryId(writer * 100 + id), test.voice())).collect()).collect();
    std::thread::scope(|scope| {
        let put = |batch| move || index.put_many(batch);
        let writers: Vec<_> = batches.iter().map(|batch: &Vec<_>| scope.spawn(put(batch))).collect();
        writers.into_iter().try_for_each(|writer| match writer.join() {
            Ok(result) => test.of(result),
            Err(_) => test.wrong("a writer panicked"),
        })
    })?;
    test.expected.extend(batches.into_iter().flatten());
    test.compare()
}

fn space() -> ModelId {
    ModelId::new("conformance", "0")
}

/// An index, what it should hold, and a source of voices.
struct Test<'a> {
    rule: &'static str,
    index: &'a dyn VectorIndex,
    expected: BTreeMap<EntryId, Voiceprint>,
    state: u64,
}

impl<'a> Test<'a> {
    fn new(rule: &'static str, index: &'a dyn VectorIndex) -> Self {
        Self { rule, index, expected: BTreeMap::new(), state: 0x5EED }
    }

    fn wrong<T>(&self, what: impl Into<String>) -> Result<T, Broken> {
        Err(Broken::Wrong { rule: self.rule, what: what.into() })
    }

    fn of<T>(&self, result: Result<T, IndexError>) -> Result<T, Broken> {
        result.map_err(|source| Broken::Failed { rule: self.rule, source })
    }

    /// SplitMix64 (Steele et al. 2014): the same voices on every machine.
    fn random(&mut self, below: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }

    fn voice(&mut self) -> Voiceprint {
        loop {
            let values: Vec<f32> = (0..DIMENSION).map(|_| self.random(2001) as f32 - 1000.0).collect();
            if let Ok(voice) = Voiceprint::from_embedding(space(), &values, NetSpeech::from_seconds(5.0)) {
                return voice;
            }
        }
    }

    fn put(&mut self, batch: &[(EntryId, Voiceprint)]) -> Result<(), Broken> {
        self.of(self.index.put_many(batch))?;
        self.expected.extend(batch.iter().cloned());
        Ok(())
    }

    fn remove(&mut self, entry: EntryId) -> Result<(), Broken> {
        let there = self.of(self.index.remove(entry))?;
        if there == self.expected.remove(&entry).is_some() {
            return Ok(());
        }
        self.wrong(format!("removing {entry:?} says {there}"))
    }

    /// Compares the index with a plain scan, for a new voice and for one that is in it.
    fn compare(&mut self) -> Result<(), Broken> {
        let len = self.of(self.index.len())?;
        if len != self.expected.len() {
            return self.wrong(format!("len is {len}, {} were put", self.expected.len()));
        }
        let known = self.expected.values().next().cloned();
        let probes = [Some(self.voice()), known];
        for probe in probes.iter().flatten() {
            for k in [0, 1, 10, len, len + 5] {
                let hits = self.of(self.index.search(probe, k))?;
                self.compare_hits(probe, k, &hits)?;
            }
        }
        Ok(())
    }

    fn compare_hits(&self, probe: &Voiceprint, k: usize, hits: &[Hit]) -> Result<(), Broken> {
        let cosine_of = |voice: &Voiceprint| probe.cosine(voice).map(|cosine| cosine.value());
        let mut best: Vec<f32> = self.expected.values().filter_map(|voice| cosine_of(voice).ok()).collect();
        best.sort_by(|a, b| b.total_cmp(a));
        if hits.len() != k.min(best.len()) {
            return self.wrong(format!("{} hits for k = {k} among {}", hits.len(), best.len()));
        }
        let mut seen = HashSet::new();
        for (rank, hit) in hits.iter().enumerate() {
            let Some(Ok(own)) = self.expected.get(&hit.entry).map(cosine_of) else {
                return self.wrong(format!("{:?} is not in the index", hit.entry));
            };
            if !seen.insert(hit.entry) {
                return self.wrong(format!("{:?} came twice", hit.entry));
            }
            let near = |other: f32| (hit.cosine.value() - other).abs() <= COSINE_TOLERANCE;
            if !near(own) || !near(best[rank]) {
                return self.wrong(format!("{:?} has the wrong cosine or rank {rank}", hit.entry));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gallery, GalleryOptions};

    #[test]
    fn a_gallery_conforms() {
        check(&mut |space, dimension| Box::new(Gallery::new(space.clone(), dimension))).unwrap();
    }

    #[test]
    fn a_gallery_of_tiny_segments_conforms() {
        let options = GalleryOptions {
            delta_rows: 3,
            segment_rows: 10,
            parallel_rows: 20,
            search_threads: 3,
            ..GalleryOptions::default()
        };
        check(&mut |space, dimension| Box::new(Gallery::with_options(space.clone(), dimension, options)))
            .unwrap();
    }

    /// Forgets one hit in ten: the tests must notice.
    struct Forgetful(Gallery);

    impl VectorIndex for Forgetful {
        fn space(&self) -> ModelId {
            VectorIndex::space(&self.0)
        }

        fn put_many(&self, batch: &[(EntryId, Voiceprint)]) -> Result<(), IndexError> {
            self.0.put_many(batch)
        }

        fn remove(&self, entry: EntryId) -> Result<bool, IndexError> {
            self.0.remove(entry)
        }

        fn search(&self, probe: &Voiceprint, k: usize) -> Result<Vec<Hit>, IndexError> {
            let mut hits = self.0.snapshot().search(probe, k + 1)?;
            hits.retain(|hit| hit.entry.0 % 10 != 3);
            hits.truncate(k);
            Ok(hits)
        }

        fn len(&self) -> Result<usize, IndexError> {
            Ok(self.0.len())
        }
    }

    #[test]
    fn an_index_that_misses_hits_does_not_conform() {
        let make = &mut |space: &ModelId, dimension| -> Box<dyn VectorIndex> {
            Box::new(Forgetful(Gallery::new(space.clone(), dimension)))
        };
        assert!(matches!(check(make), Err(Broken::Wrong { rule: "exact search", .. })));
    }
}
