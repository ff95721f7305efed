use std::collections::BTreeMap;

use earmark_voiceprint::{NetSpeech, Voiceprint, VoiceprintError};
use proptest::prelude::*;

use super::{space, spoken, tiny, voice, voices};
use crate::{EntryId, Histories, HistoryEntry, HistoryHit, HistoryKey, IndexError, MAX_HISTORY_ENTRIES};

type Model = BTreeMap<HistoryKey, BTreeMap<EntryId, (Voiceprint, f32)>>;

fn entry(id: u64, voiceprint: &Voiceprint, weight: f32) -> HistoryEntry {
    HistoryEntry { entry: EntryId(id), voiceprint: voiceprint.clone(), weight }
}

/// All histories, and the search over their means, against a plain map.
fn same(histories: &Histories, model: &Model, probe: &Voiceprint) {
    let snapshot = histories.snapshot();
    let mut expected = Vec::new();
    for (key, entries) in model {
        let mean =
            Voiceprint::weighted_mean(entries.values().map(|(print, weight)| (print, *weight))).unwrap();
        let history = snapshot.get(*key).unwrap();
        assert_eq!(history.mean.values(), mean.values());
        assert_eq!(history.net_speech(), mean.net_speech());
        let got = history.entries.iter().map(|e| (e.entry, e.voiceprint.values(), e.weight));
        assert!(got.eq(entries.iter().map(|(id, (print, weight))| (*id, print.values(), *weight))));
        expected.push(HistoryHit { key: *key, cosine: probe.cosine(&mean).unwrap() });
    }
    expected.sort_by(|a, b| b.cosine.partial_cmp(&a.cosine).unwrap().then(a.key.cmp(&b.key)));
    assert_eq!(snapshot.search(probe, 100).unwrap(), expected);
    assert_eq!((snapshot.len(), snapshot.keys().count()), (model.len(), model.len()));
}

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<(u64, u64, usize, f32)>),
    Set(u64, Vec<(u64, u64, usize, f32)>),
    RemoveEntry(u64, u64),
    Remove(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let one = || (0u64..12, 0u64..4, 0usize..200, 0.1f32..30.0);
    prop_oneof![
        4 => prop::collection::vec(one(), 1..8).prop_map(Step::Put),
        2 => (0u64..12, prop::collection::vec(one(), 0..4)).prop_map(|(key, all)| Step::Set(key, all)),
        3 => (0u64..12, 0u64..4).prop_map(|(key, id)| Step::RemoveEntry(key, id)),
        1 => (0u64..12).prop_map(Step::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn any_sequence_of_writes_agrees_with_a_plain_map(steps in prop::collection::vec(any_step(), 1..40)) {
        let all: Vec<_> = voices(1, 6).take(200).collect();
        let (histories, mut model) = (Histories::with_options(space(), 6, tiny()), Model::new());
        for step in steps {
            match step {
                Step::Put(batch) => {
                    let made: Vec<_> = batch
                        .iter()
                        .map(|(key, id, at, weight)| (HistoryKey(*key), entry(*id, &all[*at], *weight)))
                        .collect();
                    histories.put_many(&made).unwrap();
                    for (key, new) in made {
                        model.entry(key).or_default().insert(new.entry, (new.voiceprint, new.weight));
                    }
                }
                Step::Set(key, whole) => {
                    let made: Vec<_> = whole.iter().map(|(_, id, at, weight)| entry(*id, &all[*at], *weight)).collect();
                    histories.set(HistoryKey(key), &made).unwrap();
                    let made = made.into_iter().map(|new| (new.entry, (new.voiceprint, new.weight)));
                    model.insert(HistoryKey(key), made.collect());
                    model.retain(|_, entries| !entries.is_empty());
                }
                Step::RemoveEntry(key, id) => {
                    let key = HistoryKey(key);
                    let there = model.get_mut(&key).is_some_and(|of| of.remove(&EntryId(id)).is_some());
                    model.retain(|_, entries| !entries.is_empty());
                    prop_assert_eq!(histories.remove_entry(key, EntryId(id)).unwrap(), there);
                }
                Step::Remove(key) => {
                    let there = model.remove(&HistoryKey(key)).is_some();
                    prop_assert_eq!(histories.remove(HistoryKey(key)).unwrap(), there);
                }
            }
            same(&histories, &model, &all[0]);
        }
    }
}

#[test]
fn the_mean_leans_to_the_heavier_and_sums_speech() {
    let (histories, key) = (Histories::new(space(), 2), HistoryKey(u64::MAX));
    histories.put(key, EntryId(2), &spoken(&[0.0, 1.0], 4.0), 1.0).unwrap();
    histories.put(key, EntryId(1), &spoken(&[1.0, 0.0], 12.0), 3.0).unwrap();
    let history = histories.get(key).unwrap();
    assert!((history.mean.values()[0] / history.mean.values()[1] - 3.0).abs() < 1e-5);
    assert_eq!(history.net_speech(), NetSpeech::from_seconds(16.0));
    assert_eq!(history.entries.iter().map(|e| e.entry.0).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_bad_one_in_a_batch_changes_nothing() {
    let (histories, key) = (Histories::new(space(), 2), HistoryKey(1));
    let good = voice(&[1.0, 0.0]);
    histories.put(key, EntryId(1), &good, 1.0).unwrap();
    let before = histories.snapshot().version();
    let wide = voice(&[1.0, 0.0, 0.0]);
    let against = voice(&[-1.0, 0.0]);
    let refused = |new: HistoryEntry| {
        histories.put_many(&[(HistoryKey(2), entry(1, &good, 1.0)), (key, new)]).unwrap_err()
    };
    for weight in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(matches!(refused(entry(2, &good, weight)), IndexError::BadWeight));
    }
    assert!(matches!(refused(entry(2, &wide, 1.0)), IndexError::OtherDimension { .. }));
    assert!(matches!(refused(entry(2, &against, 1.0)), IndexError::NoMean(VoiceprintError::ZeroNorm)));
    assert_eq!((histories.len(), histories.snapshot().version()), (1, before));
    assert_eq!(histories.get(key).unwrap().entries.len(), 1);
}

#[test]
fn a_history_has_a_limit() {
    let (histories, key) = (Histories::new(space(), 4), HistoryKey(1));
    let mut all = voices(3, 4);
    for (id, print) in all.by_ref().take(MAX_HISTORY_ENTRIES).enumerate() {
        histories.put(key, EntryId(id as u64), &print, 1.0).unwrap();
    }
    let one_more = all.next().unwrap();
    let refused = histories.put(key, EntryId(9999), &one_more, 1.0);
    assert!(matches!(refused, Err(IndexError::HistoryFull { limit: MAX_HISTORY_ENTRIES })));
    histories.put(key, EntryId(0), &one_more, 1.0).unwrap();
}

#[test]
fn a_snapshot_keeps_entries_and_means_of_its_moment() {
    let (histories, key) = (Histories::with_options(space(), 2, tiny()), HistoryKey(7));
    histories.put(key, EntryId(1), &voice(&[1.0, 0.0]), 1.0).unwrap();
    let before = histories.snapshot();
    histories.put(key, EntryId(2), &voice(&[0.0, 1.0]), 1.0).unwrap();
    histories.remove_entry(key, EntryId(1)).unwrap();
    assert_eq!(before.get(key).unwrap().entries.len(), 1);
    assert_eq!(before.get(key).unwrap().mean.values(), [1.0, 0.0]);
    assert_eq!(histories.get(key).unwrap().mean.values(), [0.0, 1.0]);
    histories.remove_entry(key, EntryId(2)).unwrap();
    assert!(histories.is_empty() && histories.get(key).is_none());
}

#[test]
fn debug_hides_the_numbers() {
    let histories = Histories::new(space(), 2);
    histories.put(HistoryKey(1), EntryId(1), &voice(&[0.6, 0.8]), 1.0).unwrap();
    let shown = format!("{histories:?} {:?}", histories.get(HistoryKey(1)));
    assert!(!shown.contains("0.6") && !shown.contains("0.8"), "{shown}");
}
