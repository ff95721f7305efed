use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use earmark_index::{EntryId, Histories, History, HistoryEntry, HistoryKey, IndexError, MAX_HITS};
use earmark_records::{StoredVoiceprint, Timestamp, VoiceprintId};
use earmark_scoring::{BackEnd, Matcher, Profile, Side};
use earmark_voiceprint::{CustomerId, ModelId, ProxyId, Voiceprint};

use crate::EngineError;

/// What is known in memory of a subject (a customer or a listed proxy) beside the history itself.
#[derive(Clone, Debug)]
pub(crate) struct Card<Id> {
    pub(crate) id: Id,
    /// What a desktop may show; empty for customers.
    pub(crate) label: Arc<str>,
    pub(crate) expires_at: Option<Timestamp>,
    /// The conditions of all its recordings together, and how common its voice is: worked out once,
    /// for all the calls it will be compared with.
    pub(crate) profile: Profile,
}

/// The subjects of one kind under one tenant: a history each, all searchable at once.
///
/// The first voiceprint's number is the subject's key: the records never give a number twice.
pub(crate) struct Gallery<Id> {
    histories: Histories,
    directory: RwLock<Directory<Id>>,
}

struct Directory<Id> {
    keys: HashMap<Id, HistoryKey>,
    cards: HashMap<HistoryKey, Arc<Card<Id>>>,
}

/// A subject found by a search.
pub(crate) struct Found<Id> {
    pub(crate) card: Arc<Card<Id>>,
    pub(crate) cosine: earmark_voiceprint::Cosine,
}

impl<Id: Clone + Eq + std::hash::Hash> Gallery<Id> {
    fn new(space: ModelId, dimension: usize) -> Self {
        let directory = Directory { keys: HashMap::new(), cards: HashMap::new() };
        Self { histories: Histories::new(space, dimension), directory: RwLock::new(directory) }
    }

    /// Sets a subject's history to `stored`, which must be of one model. A search meanwhile finds
    /// the old history or the new one.
    pub(crate) fn set(
        &self,
        id: &Id,
        label: &str,
        expires_at: Option<Timestamp>,
        stored: &[StoredVoiceprint],
        matcher: &Matcher,
    ) -> Result<(), EngineError> {
        let parts: Vec<_> = stored.iter().map(|s| (s.info.net_speech, Some(s.info.quality))).collect();
        let (Some(first), Some(side)) = (stored.first(), Side::merged(&parts)) else { return Ok(()) };
        let key = HistoryKey(first.info.id.get());
        let back_end = matcher.bundle().back_end();
        let entries = stored.iter().map(|s| entry(s, back_end)).collect::<Result<Vec<_>, _>>()?;
        let mean = Voiceprint::weighted_mean(entries.iter().map(|e| (&e.voiceprint, e.weight)))?;
        let profile = matcher.profile(&mean, side)?;
        let card = Card { id: id.clone(), label: label.into(), expires_at, profile };
        self.histories.set(key, &entries)?;
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        directory.cards.insert(key, Arc::new(card));
        let old = directory.keys.insert(id.clone(), key).filter(|old| *old != key);
        if let Some(old) = old {
            directory.cards.remove(&old);
            self.histories.remove(old)?;
        }
        Ok(())
    }

    /// Takes a subject out; nothing happens if it is not there.
    pub(crate) fn remove(&self, id: &Id) -> Result<(), IndexError> {
        let Some(key) = self.key(id) else { return Ok(()) };
        self.histories.remove(key)?;
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        directory.keys.remove(id);
        directory.cards.remove(&key);
        Ok(())
    }

    /// A subject's history and what scores need beside it.
    pub(crate) fn get(&self, id: &Id) -> Option<(History, Profile)> {
        let key = self.key(id)?;
        let profile = self.card(key)?.profile;
        Some((self.histories.get(key)?, profile))
    }

    /// The `k` subjects whose mean voiceprint is most alike, and how many were searched; expired
    /// ones are neither found nor counted.
    pub(crate) fn search(
        &self,
        probe: &Voiceprint,
        k: usize,
        now: Timestamp,
    ) -> Result<(Vec<Found<Id>>, usize), IndexError> {
        let expired = self.expired(now);
        let snapshot = self.histories.snapshot();
        let hits = snapshot.search(probe, (k + expired).min(MAX_HITS))?;
        let alive = |card: &Arc<Card<Id>>| card.expires_at.is_none_or(|end| end > now);
        let found = hits
            .into_iter()
            .filter_map(|hit| Some(Found { card: self.card(hit.key).filter(alive)?, cosine: hit.cosine }))
            .take(k)
            .collect();
        Ok((found, snapshot.len().saturating_sub(expired)))
    }

    /// What a desktop may show of a subject.
    pub(crate) fn label(&self, id: &Id) -> Option<Arc<str>> {
        Some(Arc::clone(&self.card(self.key(id)?)?.label))
    }

    pub(crate) fn len(&self) -> usize {
        self.histories.len()
    }

    fn expired(&self, now: Timestamp) -> usize {
        let directory = self.directory.read().unwrap_or_else(PoisonError::into_inner);
        directory.cards.values().filter(|card| card.expires_at.is_some_and(|end| end <= now)).count()
    }

    fn key(&self, id: &Id) -> Option<HistoryKey> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner).keys.get(id).copied()
    }

    fn card(&self, key: HistoryKey) -> Option<Arc<Card<Id>>> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner).cards.get(&key).cloned()
    }
}

fn entry(stored: &StoredVoiceprint, back_end: &BackEnd) -> Result<HistoryEntry, EngineError> {
    Ok(HistoryEntry {
        entry: entry_id(stored.info.id),
        voiceprint: back_end.apply(&stored.voiceprint)?,
        weight: stored.info.weight,
    })
}

fn entry_id(id: VoiceprintId) -> EntryId {
    EntryId(id.get())
}

/// All that is searched under one tenant.
pub(crate) struct TenantGalleries {
    pub(crate) customers: Gallery<CustomerId>,
    pub(crate) proxies: Gallery<ProxyId>,
    /// Held over a change of the records and the same change of the gallery, so that the two
    /// never part.
    writer: Mutex<()>,
}

impl TenantGalleries {
    pub(crate) fn new(space: &ModelId, dimension: usize) -> Self {
        Self {
            customers: Gallery::new(space.clone(), dimension),
            proxies: Gallery::new(space.clone(), dimension),
            writer: Mutex::new(()),
        }
    }

    /// Waits for its turn to change the tenant's records and galleries.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use earmark_records::VoiceprintInfo;
    use earmark_scoring::{BackEndBundle, Calibration, CalibrationFit, Cohort, FalseMatches};
    use earmark_voiceprint::{NetSpeech, Quality};

    use super::*;

    const AT: i64 = 1000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    fn model() -> ModelId {
        ModelId::new("m", "0")
    }

    fn stored(id: u64, values: &[f32], seconds: f32) -> StoredVoiceprint {
        let net_speech = NetSpeech::from_seconds(seconds);
        let quality =
            Quality { snr_db: 20.0, clipped_fraction: 0.0, level_dbfs: -20.0, bandwidth_hz: 3400.0 };
        let info = VoiceprintInfo {
            id: VoiceprintId::from_number(id).unwrap(),
            model: model(),
            net_speech,
            quality,
            weight: seconds,
            channel: None,
            source: None,
            created_at: at(AT),
        };
        StoredVoiceprint {
            info,
            voiceprint: Voiceprint::from_embedding(model(), values, net_speech).unwrap(),
        }
    }

    fn gallery() -> (Gallery<ProxyId>, Matcher) {
        gallery_with(None)
    }

    fn gallery_with(cohort: Option<Cohort>) -> (Gallery<ProxyId>, Matcher) {
        let back_end = BackEnd::new(model(), &[0.0; 3], None).unwrap();
        let curve = FalseMatches::new(&[(0.0, 0.01), (5.0, 1e-4)]).unwrap();
        let fit = CalibrationFit {
            slope: 3.0,
            offset: -8.0,
            terms: vec![],
            llr_min: -9.0,
            llr_max: 12.0,
            false_matches: curve.clone(),
            live_false_matches: curve,
        };
        let calibration = Calibration::new(back_end.space().clone(), "toy", fit).unwrap();
        let gallery = Gallery::new(back_end.space().clone(), back_end.dimension());
        (gallery, Matcher::new(BackEndBundle::new("toy", back_end, None, cohort, calibration)).unwrap())
    }

    fn id(text: &str) -> ProxyId {
        ProxyId::new(text).unwrap()
    }

    fn probe(matcher: &Matcher) -> Voiceprint {
        matcher.bundle().back_end().apply(&stored(99, &[1.0, 0.0, 0.0], 5.0).voiceprint).unwrap()
    }

    #[test]
    fn expired_subjects_are_neither_found_nor_counted() {
        let (gallery, matcher) = gallery();
        gallery.set(&id("old"), "o", Some(at(AT)), &[stored(1, &[1.0, 0.0, 0.0], 5.0)], &matcher).unwrap();
        gallery.set(&id("new"), "n", None, &[stored(2, &[0.0, 1.0, 0.0], 5.0)], &matcher).unwrap();
        let (found, counted) = gallery.search(&probe(&matcher), 1, at(AT)).unwrap();
        assert_eq!((found[0].card.id.as_str(), counted), ("new", 1));
        let (found, counted) = gallery.search(&probe(&matcher), 1, at(999)).unwrap();
        assert_eq!((found[0].card.id.as_str(), counted), ("old", 2));
    }

    #[test]
    fn a_subject_is_its_mean_weighted_by_speech_and_can_be_replaced_and_removed() {
        let (gallery, matcher) = gallery();
        let (heavy, light) = (stored(1, &[1.0, 0.0, 0.0], 30.0), stored(2, &[0.0, 1.0, 0.0], 10.0));
        gallery.set(&id("p"), "p", None, &[heavy, light.clone()], &matcher).unwrap();
        let (history, profile) = gallery.get(&id("p")).unwrap();
        assert!((history.mean.values()[0] / history.mean.values()[1] - 3.0).abs() < 1e-5);
        assert_eq!(
            (profile.side().net_speech, profile.side().recordings),
            (NetSpeech::from_seconds(40.0), 2)
        );
        gallery.set(&id("p"), "p", None, &[light], &matcher).unwrap();
        assert_eq!(gallery.len(), 1);
        assert!(gallery.get(&id("p")).unwrap().0.mean.values()[0].abs() < 1e-6);
        gallery.remove(&id("p")).unwrap();
        assert!(gallery.get(&id("p")).is_none() && gallery.len() == 0);
        assert!(gallery.search(&probe(&matcher), 3, at(AT)).unwrap().0.is_empty());
    }

    #[test]
    fn how_common_a_voice_is_is_worked_out_when_it_is_set() {
        let cohort = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.6, 0.8, 0.0];
        let (gallery, matcher) = gallery_with(Some(Cohort::new(3, &cohort, 2, None).unwrap()));
        let parts = [stored(1, &[1.0, 0.2, 0.0], 30.0), stored(2, &[0.8, 0.3, 0.1], 10.0)];
        gallery.set(&id("p"), "p", None, &parts, &matcher).unwrap();
        let (history, profile) = gallery.get(&id("p")).unwrap();
        let again = matcher.profile(&history.mean, *profile.side()).unwrap();
        assert_eq!(profile, again);
        // Beside (1, 0.22, 0.02) stand the first and the third: cosines about 0.975 and 0.76.
        let statistics = profile.cohort().unwrap();
        assert!((statistics.mean - 0.87).abs() < 0.02 && (statistics.deviation - 0.11).abs() < 0.02);
        let (found, _) = gallery.search(&probe(&matcher), 1, at(AT)).unwrap();
        assert_eq!(found[0].card.profile, profile);
    }
}
