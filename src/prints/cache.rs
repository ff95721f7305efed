//! One small file a recording, named after the hash of its content and of how it was heard. Only
//! its owner can read it: a voiceprint is biometric data.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use earmark_voiceprint::{MAX_DIMENSION, ModelId, NetSpeech, Quality, Voiceprint};
use sha2::{Digest, Sha256};

use super::Heard;

const MAGIC: &[u8; 8] = b"EMPRINT1";
const HASH_BYTES: usize = 32;
/// The most voiceprints of one recording: a live call of an hour.
const MAX_PRINTS: usize = 3600;
const MAX_BYTES: u64 = (MAX_PRINTS * (MAX_DIMENSION + 8) * 4 + 64) as u64;

/// The folder of kept voiceprints.
pub(super) struct Cache(PathBuf);

impl Cache {
    /// Makes the folder, readable by its owner only, if it is not there.
    pub(super) fn open(named: Option<&Path>) -> Result<Self> {
        let folder = match named {
            Some(folder) => folder.to_path_buf(),
            None => in_users_cache()?,
        };
        let what =
            || format!("can't make {} to keep voiceprints in; --no-cache does without", folder.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).with_context(what)?;
        Ok(Self(folder))
    }

    /// The name of what is kept for a recording heard by a recipe; none if it can't be read.
    pub(super) fn key(&self, recording: &Path, recipe: &str) -> Option<String> {
        let mut hash = Sha256::new();
        hash.update((recipe.len() as u64).to_le_bytes());
        hash.update(recipe);
        std::io::copy(&mut File::open(recording).ok()?, &mut hash).ok()?;
        Some(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }

    /// What is kept under a key; none if there is nothing or it is damaged.
    pub(super) fn read(&self, key: &str, model: &ModelId) -> Option<Vec<Heard>> {
        let mut bytes = Vec::new();
        File::open(self.path(key)).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        decode(&bytes, model)
    }

    /// Keeps what was heard. A full disk only costs time later, so that it is no failure.
    pub(super) fn write(&self, key: &str, heard: &[Heard]) {
        let write = || -> std::io::Result<()> {
            // A temporary file is readable by its owner only, and whole when it gets its name.
            let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
            file.write_all(&encode(heard))?;
            file.persist(self.path(key)).map_err(|e| e.error)?;
            Ok(())
        };
        if heard.len() <= MAX_PRINTS
            && let Err(error) = write()
        {
            tracing::warn!(%error, "can't keep a voiceprint");
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.0.join(format!("{key}.print"))
    }
}

fn in_users_cache() -> Result<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    match base {
        Some(base) => Ok(base.join("earmark").join("prints")),
        None => bail!("no HOME to keep voiceprints in; name a folder with --cache, or give --no-cache"),
    }
}

/// Magic, count, entries, sha256 of all before it; numbers little-endian. An entry: net speech,
/// whether there is a quality and its four numbers, dimension (0 for no voiceprint), its net
/// speech, its numbers.
fn encode(heard: &[Heard]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend((heard.len() as u32).to_le_bytes());
    for one in heard {
        let q = one.quality;
        let quality = q.map_or([0.0; 4], |q| [q.snr_db, q.clipped_fraction, q.level_dbfs, q.bandwidth_hz]);
        let known = if q.is_some() { 1.0 } else { 0.0 };
        let print = one.voiceprint.as_ref();
        out.extend((print.map_or(0, Voiceprint::dimension) as u32).to_le_bytes());
        let speech = print.map_or(0.0, |p| p.net_speech().seconds());
        let head = [one.net_speech.seconds(), known, quality[0], quality[1], quality[2], quality[3], speech];
        let numbers = head.iter().chain(print.map_or(&[][..], Voiceprint::values));
        out.extend(numbers.flat_map(|v| v.to_le_bytes()));
    }
    let hash = Sha256::digest(&out);
    out.extend(hash);
    out
}

fn decode(bytes: &[u8], model: &ModelId) -> Option<Vec<Heard>> {
    let (body, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
    if Sha256::digest(body).as_slice() != hash {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let count = take_u32(&mut rest)? as usize;
    if count > MAX_PRINTS {
        return None;
    }
    let heard = (0..count).map(|_| entry(&mut rest, model)).collect::<Option<Vec<_>>>()?;
    rest.is_empty().then_some(heard)
}

fn entry(rest: &mut &[u8], model: &ModelId) -> Option<Heard> {
    let dimension = take_u32(rest)? as usize;
    if dimension > MAX_DIMENSION {
        return None;
    }
    let [speech, known, snr_db, clipped_fraction, level_dbfs, bandwidth_hz, print_speech] =
        floats(rest, 7)?.try_into().ok()?;
    let values = floats(rest, dimension)?;
    let print_speech = NetSpeech::from_seconds(print_speech);
    let voiceprint = match dimension {
        0 => None,
        _ => Some(Voiceprint::from_unit(model.clone(), &values, print_speech).ok()?),
    };
    let quality = Quality { snr_db, clipped_fraction, level_dbfs, bandwidth_hz };
    let quality = (known == 1.0).then_some(quality);
    Some(Heard::of(voiceprint, NetSpeech::from_seconds(speech), quality))
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_le_bytes(*head))
}

fn floats(rest: &mut &[u8], count: usize) -> Option<Vec<f32>> {
    let (head, tail) = rest.split_at_checked(4 * count)?;
    *rest = tail;
    Some(head.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn model() -> ModelId {
        ModelId::new("toy", "0")
    }

    fn heard() -> Vec<Heard> {
        let speech = NetSpeech::from_seconds(130.5);
        let print =
            Voiceprint::from_embedding(model(), &[0.3, -0.4, 0.1], NetSpeech::from_seconds(120.0)).unwrap();
        let quality =
            Quality { snr_db: f32::NAN, clipped_fraction: 0.01, level_dbfs: -20.0, bandwidth_hz: 3400.0 };
        let short = Heard::of(None, NetSpeech::from_seconds(0.2), None);
        vec![Heard::of(Some(print), speech, Some(quality)), short]
    }

    #[test]
    fn what_is_kept_comes_back_to_the_bit() {
        let scratch = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(&scratch.path().join("a/prints"))).unwrap();
        let recording = scratch.path().join("r.wav");
        fs::write(&recording, b"bytes").unwrap();
        let key = cache.key(&recording, "recipe").unwrap();
        assert!(cache.read(&key, &model()).is_none());
        cache.write(&key, &heard());
        let back = cache.read(&key, &model()).unwrap();
        assert_eq!(encode(&back), encode(&heard()));
        assert_eq!(back[0].voiceprint.as_ref().unwrap().net_speech().seconds(), 120.0);
        assert_eq!(back[1].reason.as_deref(), Some("INSUFFICIENT_SPEECH"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&cache.0), mode(&cache.path(&key))), (0o700, 0o600));
        // Another recipe or another recording is another key.
        assert_ne!(cache.key(&recording, "recipe 2").unwrap(), key);
        fs::write(&recording, b"byte2").unwrap();
        assert_ne!(cache.key(&recording, "recipe").unwrap(), key);
        assert!(cache.key(&scratch.path().join("nowhere"), "recipe").is_none());
    }

    #[test]
    fn damage_is_never_read() {
        let good = encode(&heard());
        assert!(decode(&good, &model()).is_some());
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(decode(&bad, &model()).is_none(), "byte {at}");
            assert!(decode(&good[..at], &model()).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn hostile_counts_with_a_good_hash_are_refused() {
        let sealed = |body: &[u8]| [body, Sha256::digest(body).as_slice()].concat();
        let start = |n: u32| [MAGIC.as_slice(), &n.to_le_bytes()].concat();
        assert!(decode(&sealed(&start(0)), &model()).is_some_and(|h| h.is_empty()));
        assert!(decode(&sealed(&start(u32::MAX)), &model()).is_none());
        assert!(decode(&sealed(&[start(1), u32::MAX.to_le_bytes().to_vec()].concat()), &model()).is_none());
        assert!(decode(&sealed(&[start(0), vec![0]].concat()), &model()).is_none());
    }
}
