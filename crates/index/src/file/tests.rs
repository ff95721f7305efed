use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use earmark_voiceprint::{ModelId, NetSpeech, Seal, SealError, Sealed, Voiceprint};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::{CHUNK_BYTES, DIGEST, write};
use crate::tests::keyring::Keyring;
use crate::tests::{space, tiny, voices};
use crate::{EntryId, FilePart, Gallery, GalleryOptions, IndexError};

const DIMENSION: usize = 3;

fn keyring() -> Keyring {
    Keyring::new("key-1", 1)
}

fn gallery(rows: u64) -> Gallery {
    let gallery = Gallery::with_options(space(), DIMENSION, tiny());
    gallery
        .put_many(&(0..rows).map(|id| EntryId(id * 3)).zip(voices(1, DIMENSION)).collect::<Vec<_>>())
        .unwrap();
    gallery
}

/// The file of `gallery` in chunks of two rows.
fn file_of(gallery: &Gallery) -> Vec<u8> {
    let mut bytes = Vec::new();
    write::write(&gallery.snapshot(), 50, Path::new("test"), &mut bytes, &keyring()).unwrap();
    bytes
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("gallery")
    }

    fn open(&self, bytes: &[u8]) -> Result<Gallery, IndexError> {
        fs::write(self.path(), bytes).unwrap();
        Gallery::open_with_options(&self.path(), &space(), DIMENSION, &keyring(), tiny())
    }

    /// With a checksum that fits: what somebody who means harm would do.
    fn open_repaired(&self, mut bytes: Vec<u8>) -> Result<Gallery, IndexError> {
        let body = bytes.len() - DIGEST;
        let sum = Sha256::digest(&bytes[..body]);
        bytes[body..].copy_from_slice(&sum);
        self.open(&bytes)
    }
}

fn contents(gallery: &Gallery) -> Vec<(EntryId, Vec<u32>, u32)> {
    let snapshot = gallery.snapshot();
    let mut ids: Vec<_> = snapshot.entries().collect();
    ids.sort();
    let of = |id| {
        let print = snapshot.get(id).unwrap();
        (id, print.values().iter().map(|v| v.to_bits()).collect(), print.net_speech().seconds().to_bits())
    };
    ids.into_iter().map(of).collect()
}

fn part(result: Result<Gallery, IndexError>) -> FilePart {
    match result {
        Err(IndexError::Corrupt { part, .. }) => part,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_bit_comes_back() {
    let folder = Folder::new();
    for rows in [0, 1, 2, 3, 7, 20] {
        let gallery = gallery(rows);
        let odd =
            Voiceprint::from_unit(space(), &[-0.0, 1.0005, f32::from_bits(3)], NetSpeech::ZERO).unwrap();
        gallery.put(EntryId(u64::MAX), &odd).unwrap();
        gallery.remove(EntryId(3)).unwrap();
        for reopened in [folder.open(&file_of(&gallery)).unwrap(), {
            gallery.save(&folder.path(), &keyring()).unwrap();
            Gallery::open(&folder.path(), &space(), DIMENSION, &keyring()).unwrap()
        }] {
            assert_eq!(contents(&reopened), contents(&gallery));
            assert_eq!(reopened.snapshot().version(), gallery.snapshot().version());
        }
    }
    assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(folder.open(&file_of(&Gallery::new(space(), DIMENSION))).unwrap().is_empty());
}

#[test]
fn a_gallery_of_many_chunks_comes_back() {
    let folder = Folder::new();
    let gallery = Gallery::new(space(), 2048);
    let rows = CHUNK_BYTES / (4 * 2048) * 5 / 2;
    gallery.put_many(&(0..rows as u64).map(EntryId).zip(voices(2, 2048)).collect::<Vec<_>>()).unwrap();
    gallery.save(&folder.path(), &keyring()).unwrap();
    let options = GalleryOptions { segment_rows: 300, ..GalleryOptions::default() };
    let reopened = Gallery::open_with_options(&folder.path(), &space(), 2048, &keyring(), options).unwrap();
    assert_eq!(contents(&reopened), contents(&gallery));
}

#[test]
fn no_number_is_readable_in_the_file() {
    let gallery = gallery(7);
    let bytes = file_of(&gallery);
    for (_, values, _) in contents(&gallery) {
        let plain: Vec<u8> = values.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        assert!(!bytes.windows(plain.len()).any(|window| window == plain));
    }
}

#[test]
fn every_flipped_byte_is_damage() {
    let (folder, bytes) = (Folder::new(), file_of(&gallery(3)));
    for at in 0..bytes.len() {
        for flip in [0x01, 0xFF] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            let expected = if at < 8 { FilePart::Magic } else { FilePart::Checksum };
            assert_eq!(part(folder.open(&bytes)), expected, "byte {at}");
        }
    }
}

#[test]
fn every_cut_is_damage() {
    let (folder, bytes) = (Folder::new(), file_of(&gallery(3)));
    for len in 0..bytes.len() {
        let expected = if len < 48 { FilePart::Length } else { FilePart::Checksum };
        assert_eq!(part(folder.open(&bytes[..len])), expected, "cut to {len}");
    }
}

/// An attacker can make the checksum fit, but nothing opens without the key and in its place.
#[test]
fn every_byte_is_sealed_to_its_place() {
    let (folder, bytes) = (Folder::new(), file_of(&gallery(3)));
    for at in 0..bytes.len() - DIGEST {
        for flip in [0x01, 0xFF] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            assert!(folder.open_repaired(bytes).is_err(), "byte {at}");
        }
    }
    for len in 48..bytes.len() {
        assert!(folder.open_repaired(bytes[..len].to_vec()).is_err(), "cut to {len}");
    }
}

/// Where each of the chunks of a file begins, and the end of the last.
fn chunk_starts(bytes: &[u8]) -> Vec<usize> {
    let mut at = 16 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let mut starts = vec![at];
    while at < bytes.len() - DIGEST {
        at += 2 + usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
        at += 4 + u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        starts.push(at);
    }
    starts
}

#[test]
fn chunks_can_not_be_moved_left_out_or_exchanged() {
    let folder = Folder::new();
    let gallery = gallery(6);
    let (one, other) = (file_of(&gallery), file_of(&gallery));
    let at = chunk_starts(&one);
    assert_eq!((at.len(), &at), (4, &chunk_starts(&other)));
    let chunk = |file: &[u8], n: usize| file[at[n]..at[n + 1]].to_vec();
    let with = |chunks: [Vec<u8>; 3]| [&one[..at[0]], &chunks.concat(), &[0; DIGEST]].concat();
    let [a, b, c] = [0, 1, 2].map(|n| chunk(&one, n));
    assert!(folder.open_repaired(with([a.clone(), b.clone(), c.clone()])).is_ok());
    let bad = [
        ([b.clone(), a.clone(), c.clone()], 0),
        ([a.clone(), c.clone(), b.clone()], 1),
        ([a.clone(), a.clone(), c.clone()], 1),
        ([a.clone(), b.clone(), vec![]], 2),
        ([a.clone(), b.clone(), [c.clone(), c.clone()].concat()], 3),
        ([a.clone(), chunk(&other, 1), c.clone()], 1),
        ([chunk(&other, 0), b.clone(), c.clone()], 1),
    ];
    for (chunks, damaged) in bad {
        assert_eq!(part(folder.open_repaired(with(chunks))), FilePart::Chunk(damaged));
    }
}

#[test]
fn refuses_by_name_what_it_can_not_open() {
    let folder = Folder::new();
    let bytes = file_of(&gallery(5));
    folder.open(&bytes).unwrap();
    let open = |space: &ModelId, dimension, keyring: &Keyring, options| {
        Gallery::open_with_options(&folder.path(), space, dimension, keyring, options).unwrap_err()
    };
    let other = open(&ModelId::new("other", "0"), DIMENSION, &keyring(), tiny());
    assert!(matches!(other, IndexError::OtherGallery { found, .. } if found == space()));
    let wide = open(&space(), 192, &keyring(), tiny());
    assert!(matches!(wide, IndexError::OtherDimension { expected: 192, got: DIMENSION }));
    let lost = open(&space(), DIMENSION, &Keyring::new("key-2", 1), tiny());
    assert!(
        matches!(lost, IndexError::Seal { source: SealError::UnknownKey { key_id }, .. } if key_id == "key-1")
    );
    let false_key = open(&space(), DIMENSION, &Keyring::new("key-1", 2), tiny());
    assert!(matches!(false_key, IndexError::Corrupt { part: FilePart::Chunk(0), .. }));
    let full = open(&space(), DIMENSION, &keyring(), GalleryOptions { max_entries: 4, ..tiny() });
    assert!(matches!(full, IndexError::GalleryFull { limit: 4 }));
    let mut newer = bytes.clone();
    newer[8..12].copy_from_slice(&2u32.to_le_bytes());
    assert!(matches!(folder.open_repaired(newer), Err(IndexError::NewerFormat { found: 2, known: 1, .. })));
    fs::remove_file(folder.path()).unwrap();
    let missing = open(&space(), DIMENSION, &keyring(), tiny());
    assert!(matches!(missing, IndexError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound));
    fs::create_dir(folder.path()).unwrap();
    assert!(matches!(open(&space(), DIMENSION, &keyring(), tiny()), IndexError::Io { .. }));
}

#[test]
fn a_full_disk_is_an_error_with_its_cause() {
    let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let to: &mut dyn Write = &mut full;
    let result = write::write(&gallery(5).snapshot(), 50, Path::new("/dev/full"), to, &keyring());
    assert!(
        matches!(result, Err(IndexError::Io { source, .. }) if source.kind() == io::ErrorKind::StorageFull)
    );
}

/// Fails at its `n`-th use.
struct Failing(Keyring, AtomicUsize);

impl Seal for Failing {
    fn seal(&self, plain: &[u8], context: &[u8]) -> Result<Sealed, SealError> {
        match self.1.fetch_sub(1, Ordering::Relaxed) {
            1 => Err(SealError::Cipher),
            _ => self.0.seal(plain, context),
        }
    }

    fn open(&self, sealed: &Sealed, context: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.open(sealed, context)
    }
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let folder = Folder::new();
    let (old, new) = (gallery(5), gallery(8));
    old.save(&folder.path(), &keyring()).unwrap();
    let failed = new.save(&folder.path(), &Failing(keyring(), AtomicUsize::new(1)));
    assert!(matches!(failed, Err(IndexError::Seal { source: SealError::Cipher, .. })));
    let kept = Gallery::open(&folder.path(), &space(), DIMENSION, &keyring()).unwrap();
    assert_eq!(contents(&kept), contents(&old));
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_harm_is_refused(
        rows in 0u64..9,
        cut in any::<prop::sample::Index>(),
        harm in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        add in prop::collection::vec(any::<u8>(), 0..60),
        repair in any::<bool>(),
    ) {
        let (folder, original) = (Folder::new(), file_of(&gallery(rows)));
        let mut bytes = original.clone();
        bytes.truncate(cut.index(bytes.len()) + 1);
        bytes.extend(add);
        for (at, value) in harm {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        prop_assume!(bytes != original);
        let repaired_to_itself = repair && bytes.len() == original.len()
            && bytes[..bytes.len() - DIGEST] == original[..original.len() - DIGEST];
        prop_assume!(!repaired_to_itself);
        let opened = if repair && bytes.len() >= DIGEST { folder.open_repaired(bytes) } else { folder.open(&bytes) };
        prop_assert!(opened.is_err());
    }
}
