//! Readers and writers at the same time: every snapshot is one that some order of writes made.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::keyring::Keyring;
use super::{space, spoken, tiny, voices};
use crate::{EntryId, Gallery, Snapshot};

const GROUP: u64 = 20;
const ROUNDS: u32 = 40_000;

/// One writer puts a group again and again, each time with another net speech; every snapshot must
/// hold the group of one round. Another writer churns other ids, so that segments come and go.
fn write_group(gallery: &Gallery) {
    let group: Vec<_> = voices(1, 6).take(GROUP as usize).collect();
    for round in 1..=ROUNDS {
        let batch = group.iter().map(|print| spoken(print.values(), round as f32));
        let batch: Vec<_> = (0..GROUP).map(EntryId).zip(batch).collect();
        gallery.put_many(&batch).unwrap();
    }
}

fn churn(gallery: &Gallery) {
    for (at, print) in voices(2, 6).take(2 * ROUNDS as usize).enumerate() {
        let entry = EntryId(100 + at as u64 % 30);
        gallery.put(entry, &print).unwrap();
        if at % 2 == 0 {
            gallery.remove(entry).unwrap();
        }
    }
}

fn consistent(snapshot: &Snapshot) {
    let group: Vec<_> = (0..GROUP).filter_map(|id| snapshot.get(EntryId(id))).collect();
    assert!(group.is_empty() || group.len() == GROUP as usize, "a part of a batch is seen");
    let rounds: Vec<f32> = group.iter().map(|print| print.net_speech().seconds()).collect();
    assert!(rounds.windows(2).all(|pair| pair[0] == pair[1]), "two batches are mixed: {rounds:?}");
    let probe = voices(3, 6).next().unwrap();
    let mut found: Vec<_> = snapshot.search(&probe, 1000).unwrap().into_iter().map(|hit| hit.entry).collect();
    let mut ids: Vec<_> = snapshot.entries().collect();
    found.sort();
    ids.sort();
    assert_eq!(found, ids, "a hit is lost or comes twice");
    ids.dedup();
    assert_eq!(ids.len(), snapshot.len());
}

#[test]
fn every_snapshot_holds_whole_writes() {
    let gallery = Gallery::with_options(space(), 6, tiny());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers = [scope.spawn(|| write_group(&gallery)), scope.spawn(|| churn(&gallery))];
        for _ in 0..2 {
            scope.spawn(|| {
                let mut version = 0;
                while !done.load(Ordering::Acquire) {
                    let snapshot = gallery.snapshot();
                    assert!(snapshot.version() >= version, "time went backwards");
                    version = snapshot.version();
                    consistent(&snapshot);
                }
            });
        }
        scope.spawn(|| {
            let folder = tempfile::tempdir().unwrap();
            let (path, keyring) = (folder.path().join("g"), Keyring::new("k", 1));
            while !done.load(Ordering::Acquire) {
                gallery.save(&path, &keyring).unwrap();
                consistent(&Gallery::open(&path, &space(), 6, &keyring).unwrap().snapshot());
            }
        });
        let results = writers.map(std::thread::ScopedJoinHandle::join);
        done.store(true, Ordering::Release);
        results.into_iter().for_each(|result| result.unwrap());
    });
    let end = gallery.snapshot();
    consistent(&end);
    assert_eq!(end.get(EntryId(0)).unwrap().net_speech().seconds(), ROUNDS as f32);
    assert_eq!((end.len(), end.version()), (GROUP as usize + 15, u64::from(4 * ROUNDS)));
}

#[test]
fn a_snapshot_never_changes() {
    let gallery = Gallery::with_options(space(), 6, tiny());
    let all: Vec<_> = (0..50).map(EntryId).zip(voices(4, 6)).collect();
    gallery.put_many(&all[..30]).unwrap();
    let (before, probe) = (gallery.snapshot(), voices(5, 6).next().unwrap());
    let hits = before.search(&probe, 100).unwrap();
    gallery.put_many(&all[20..]).unwrap();
    gallery.remove_many(&(0..45).map(EntryId).collect::<Vec<_>>()).unwrap();
    assert_eq!((before.len(), gallery.len()), (30, 5));
    assert_eq!(before.search(&probe, 100).unwrap(), hits);
    let nothing = gallery.snapshot().version();
    gallery.remove(EntryId(0)).unwrap();
    gallery.put_many(&[]).unwrap();
    assert_eq!(gallery.snapshot().version(), nothing, "a write of nothing is no new version");
}
