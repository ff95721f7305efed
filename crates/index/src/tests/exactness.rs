//! Search against a plain scan in float64: equal to the bit, ids and order included.

use std::collections::BTreeMap;

use earmark_voiceprint::{Cosine, NetSpeech, Voiceprint};
use proptest::prelude::*;

use super::keyring::Keyring;
use super::{space, tiny, voice, voices};
use crate::{EntryId, Gallery, GalleryOptions, Hit, IndexError, MAX_HITS};

const DIMENSION: usize = 5;
const IDS: u64 = 90;

type Model = BTreeMap<EntryId, Voiceprint>;

fn scan<'a>(
    all: impl IntoIterator<Item = (&'a EntryId, &'a Voiceprint)>,
    probe: &Voiceprint,
    k: usize,
) -> Vec<Hit> {
    let hits =
        all.into_iter().map(|(entry, print)| Hit { entry: *entry, cosine: probe.cosine(print).unwrap() });
    let mut hits: Vec<Hit> = hits.collect();
    hits.sort_by(|a, b| b.cosine.partial_cmp(&a.cosine).unwrap().then(a.entry.cmp(&b.entry)));
    hits.truncate(k);
    hits
}

/// Coarse ones tie and cancel; fine ones don't; some are off unit length as far as is allowed.
fn any_voice() -> impl Strategy<Value = Voiceprint> {
    let coarse = prop::collection::vec((-1i8..=1).prop_map(f32::from), DIMENSION);
    let fine = prop::collection::vec(-1.0f32..1.0, DIMENSION);
    (prop_oneof![3 => coarse, 1 => fine], -9e-4f32..9e-4, 0.0f32..60.0).prop_filter_map(
        "no direction",
        |(values, off, speech)| {
            let unit = Voiceprint::from_embedding(space(), &values, NetSpeech::ZERO).ok()?;
            let scaled: Vec<f32> = unit.values().iter().map(|v| v * (1.0 + off)).collect();
            Voiceprint::from_unit(space(), &scaled, NetSpeech::from_seconds(speech)).ok()
        },
    )
}

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<(EntryId, Voiceprint)>),
    Remove(Vec<EntryId>),
    Reopen,
    Search(Vec<Voiceprint>, usize),
    Within(Voiceprint, f32, usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    let id = || (0..IDS).prop_map(EntryId);
    prop_oneof![
        6 => prop::collection::vec((id(), any_voice()), 1..3).prop_map(Step::Put),
        4 => prop::collection::vec((id(), any_voice()), 1..60).prop_map(Step::Put),
        6 => prop::collection::vec(id(), 1..6).prop_map(Step::Remove),
        1 => Just(Step::Reopen),
        8 => (prop::collection::vec(any_voice(), 1..3), 0usize..35).prop_map(|(p, k)| Step::Search(p, k)),
        2 => (prop::collection::vec(any_voice(), 20..30), 0usize..35).prop_map(|(p, k)| Step::Search(p, k)),
        4 => (any_voice(), -1.1f32..1.1, 0usize..35).prop_map(|(p, min, n)| Step::Within(p, min, n)),
    ]
}

/// Segments that a first fetch takes whole, and some that it doesn't.
fn any_layout() -> impl Strategy<Value = GalleryOptions> {
    prop_oneof![Just(tiny()), Just(GalleryOptions { segment_rows: 64, ..tiny() })]
}

fn take(step: Step, gallery: Gallery, model: &mut Model, layout: GalleryOptions) -> Gallery {
    let snapshot = gallery.snapshot();
    match step {
        Step::Put(batch) => {
            gallery.put_many(&batch).unwrap();
            model.extend(batch);
        }
        Step::Remove(ids) => {
            let there = ids.iter().filter(|id| model.remove(id).is_some()).count();
            assert_eq!(gallery.remove_many(&ids).unwrap(), there);
        }
        Step::Reopen => {
            let folder = tempfile::tempdir().unwrap();
            let (path, keyring) = (folder.path().join("g"), Keyring::new("k", 1));
            gallery.save(&path, &keyring).unwrap();
            return Gallery::open_with_options(&path, &space(), DIMENSION, &keyring, layout).unwrap();
        }
        Step::Search(probes, k) => {
            let expected: Vec<_> = probes.iter().map(|probe| scan(&*model, probe, k)).collect();
            assert_eq!(snapshot.search_many(&probes, k).unwrap(), expected);
            assert_eq!(snapshot.search(&probes[0], k).unwrap(), expected[0]);
        }
        Step::Within(probe, min, limit) => {
            let min = Cosine::from_dot(min);
            let mut expected = scan(&*model, &probe, usize::MAX);
            expected.retain(|hit| hit.cosine >= min);
            expected.truncate(limit);
            assert_eq!(snapshot.within(&probe, min, limit).unwrap(), expected);
        }
    }
    gallery
}

fn same(gallery: &Gallery, model: &Model) {
    let snapshot = gallery.snapshot();
    let mut ids: Vec<EntryId> = snapshot.entries().collect();
    ids.sort();
    assert_eq!(ids, model.keys().copied().collect::<Vec<_>>());
    assert_eq!(snapshot.len(), model.len());
    for id in (0..IDS).map(EntryId) {
        let (got, expected) = (snapshot.get(id), model.get(&id));
        assert_eq!(snapshot.contains(id), expected.is_some());
        assert_eq!(got.as_ref().map(Voiceprint::values), expected.map(Voiceprint::values));
        assert_eq!(got.map(|print| print.net_speech()), expected.map(Voiceprint::net_speech));
    }
}

proptest! {
    #[test]
    fn any_history_of_writes_answers_as_a_plain_scan(
        layout in any_layout(),
        steps in prop::collection::vec(any_step(), 1..60),
    ) {
        let (mut gallery, mut model) = (Gallery::with_options(space(), DIMENSION, layout), Model::new());
        for step in steps {
            gallery = take(step, gallery, &mut model, layout);
            same(&gallery, &model);
        }
    }
}

fn filled(options: GalleryOptions, all: &[(EntryId, Voiceprint)]) -> Gallery {
    let gallery = Gallery::with_options(space(), all[0].1.dimension(), options);
    gallery.put_many(all).unwrap();
    gallery
}

fn numbered(voices: impl Iterator<Item = Voiceprint>) -> Vec<(EntryId, Voiceprint)> {
    (0..).map(EntryId).zip(voices).collect()
}

fn agree(gallery: &Gallery, all: &[(EntryId, Voiceprint)], probes: &[Voiceprint], ks: &[usize]) {
    let snapshot = gallery.snapshot();
    let pairs = || all.iter().map(|(id, print)| (id, print));
    for k in ks {
        let expected: Vec<_> = probes.iter().map(|probe| scan(pairs(), probe, *k)).collect();
        assert_eq!(snapshot.search_many(probes, *k).unwrap(), expected);
        assert_eq!(snapshot.search(&probes[0], *k).unwrap(), expected[0]);
    }
}

#[test]
fn recall_is_one_over_20_000_voiceprints_of_192() {
    let all = numbered(voices(1, 192).take(20_000));
    let probes: Vec<_> = voices(2, 192).take(39).chain([all[777].1.clone()]).collect();
    for segment_rows in [1 << 16, 3000] {
        let options = GalleryOptions {
            segment_rows,
            parallel_rows: 5000,
            search_threads: 3,
            ..GalleryOptions::default()
        };
        agree(&filled(options, &all), &all, &probes, &[1, 10, 150]);
    }
}

/// Thousands of voiceprints whose cosines float32 can't tell apart: float64 must decide.
#[test]
fn near_ties_are_told_apart() {
    let base = voices(3, 192).next().unwrap();
    let near = voices(4, 192).take(4000).map(|noise| {
        let mixed: Vec<f32> = base.values().iter().zip(noise.values()).map(|(b, n)| b + 1e-4 * n).collect();
        voice(&mixed)
    });
    let all = numbered(near);
    let probes: Vec<_> = voices(5, 192).take(25).chain([base.clone()]).collect();
    agree(&filled(GalleryOptions::default(), &all), &all, &probes, &[1, 50]);
}

#[test]
fn equal_voiceprints_come_by_id_and_the_replaced_ones_not_at_all() {
    let (one, other) = (voice(&[1.0, 0.0]), voice(&[0.0, 1.0]));
    let mut all: Vec<_> = (0..5000).map(|id| (EntryId(id), one.clone())).collect();
    let gallery = filled(GalleryOptions { segment_rows: 2048, ..GalleryOptions::default() }, &all);
    for id in 0..400 {
        let at = (id * 7) as usize;
        all[at].1 = other.clone();
        gallery.put(EntryId(id * 7), &other).unwrap();
    }
    agree(&gallery, &all, &[one, other], &[1, 3, 500]);
}

/// Voiceprints may be a thousandth off unit length; cosines beyond 1 and -1 are cut, so they tie.
#[test]
fn cosines_beyond_one_tie() {
    let off = |by: f32| Voiceprint::from_unit(space(), &[by, 0.0], NetSpeech::ZERO).unwrap();
    let print = |id: u64| (EntryId(id), off(1.0005 + id.abs_diff(150) as f32 * 1e-6));
    for options in
        [GalleryOptions { delta_rows: 1000, ..tiny() }, GalleryOptions { segment_rows: 1000, ..tiny() }]
    {
        let all: Vec<_> = (0..300).map(print).collect();
        agree(&filled(options, &all), &all, &[off(1.0009), off(-1.0009)], &[1, 40, 300]);
    }
}

#[test]
fn a_million_hits_are_not_given() {
    let gallery = filled(GalleryOptions::default(), &numbered(voices(6, 4).take(10)));
    let probe = voices(7, 4).next().unwrap();
    let asked = MAX_HITS + 1;
    let snapshot = gallery.snapshot();
    for refused in [snapshot.search(&probe, asked), snapshot.within(&probe, Cosine::from_dot(0.0), asked)] {
        assert!(matches!(refused, Err(IndexError::TooManyHits { .. })));
    }
    assert_eq!(snapshot.search(&probe, MAX_HITS).unwrap().len(), 10);
}

#[test]
fn a_full_gallery_refuses_and_keeps_what_it_has() {
    let options = GalleryOptions { max_entries: 10, ..tiny() };
    let all = numbered(voices(8, 4).take(11));
    let gallery = filled(options, &all[..9]);
    let refused = gallery.put_many(&all[8..]);
    assert!(matches!(refused, Err(IndexError::GalleryFull { limit: 10 })));
    assert_eq!((gallery.len(), gallery.snapshot().contains(EntryId(9))), (9, false));
    gallery.put_many(&all[8..10]).unwrap();
    assert_eq!(gallery.len(), 10);
}

#[test]
fn segments_stay_few_and_mostly_alive() {
    let gallery = Gallery::with_options(space(), 4, GalleryOptions { max_entries: 1 << 20, ..tiny() });
    for (at, print) in voices(9, 4).take(3000).enumerate() {
        gallery.put(EntryId(at as u64 % 500), &print).unwrap();
        if at % 3 == 0 {
            gallery.remove(EntryId(at as u64 % 97)).unwrap();
        }
        let snapshot = gallery.snapshot();
        // Full segments of 8, at least half full, and a geometric tail below them.
        assert!(snapshot.parts.len() <= snapshot.len() / 4 + 4, "{snapshot:?}");
        let parts = || snapshot.parts.iter();
        assert!(parts().all(|part| !part.wants_rewrite() && part.segment().len() <= 8), "{snapshot:?}");
        assert!(snapshot.delta.len() <= 3);
    }
}
