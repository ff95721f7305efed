use earmark_records::Timestamp;
use earmark_scoring::{BackEndBundle, CustomerEvidence, Decider, Llr, Side};
use earmark_voiceprint::{CustomerId, ProxyId, Quality, Voiceprint};

use crate::galleries::{Card, TenantGalleries};
use crate::{EngineError, call::MAX_PROXIES_SHOWN};
use std::sync::Arc;

/// How many of the library's best cosines get an LLR: more than are shown, because the proxies'
/// own conditions can change their order.
const CANDIDATES: usize = 4 * MAX_PROXIES_SHOWN;

/// From a caller's voiceprint to LLRs: the back end, the galleries and the calibration.
pub(crate) struct Scorer {
    pub(crate) bundle: BackEndBundle,
    pub(crate) decider: Decider,
}

/// A voiceprint in the back end's space with the conditions of its audio.
pub(crate) struct Probe {
    pub(crate) voiceprint: Voiceprint,
    pub(crate) side: Side,
}

/// The library's answer to a probe.
pub(crate) struct ListAnswer {
    /// Best LLR first.
    pub(crate) hits: Vec<(Arc<Card<ProxyId>>, Llr)>,
    pub(crate) list_size: usize,
}

impl ListAnswer {
    /// Nobody was searched.
    pub(crate) fn none() -> Self {
        Self { hits: Vec::new(), list_size: 0 }
    }

    /// The hits by id, as decisions take them.
    pub(crate) fn candidates(&self) -> Vec<(ProxyId, Llr)> {
        self.hits.iter().map(|(card, llr)| (card.id.clone(), *llr)).collect()
    }
}

impl Scorer {
    /// Takes a model's voiceprint into the back end's space.
    pub(crate) fn probe(
        &self,
        voiceprint: &Voiceprint,
        quality: Option<Quality>,
    ) -> Result<Probe, EngineError> {
        let side = Side::single(voiceprint.net_speech(), quality);
        Ok(Probe { voiceprint: self.bundle.back_end().apply(voiceprint)?, side })
    }

    /// Scores two probes against each other, the first as the one enrolled.
    pub(crate) fn between(&self, enrolled: &Probe, probe: &Probe) -> Result<Llr, EngineError> {
        let cosine = enrolled.voiceprint.cosine(&probe.voiceprint)?;
        Ok(self.bundle.calibration().llr(cosine, &probe.side, &enrolled.side))
    }

    /// Compares with a customer's history; `None` if there is no history.
    pub(crate) fn customer(
        &self,
        galleries: &TenantGalleries,
        customer: &CustomerId,
        probe: &Probe,
    ) -> Result<Option<CustomerEvidence>, EngineError> {
        let Some((history, side)) = galleries.customers.get(customer) else { return Ok(None) };
        let cosine = history.mean.cosine(&probe.voiceprint)?;
        let llr = self.bundle.calibration().llr(cosine, &probe.side, &side);
        Ok(Some(CustomerEvidence::Scored(llr)))
    }

    /// Searches the proxy library.
    pub(crate) fn listed(
        &self,
        galleries: &TenantGalleries,
        probe: &Probe,
        now: Timestamp,
    ) -> Result<ListAnswer, EngineError> {
        let (found, list_size) = galleries.proxies.search(&probe.voiceprint, CANDIDATES, now)?;
        let calibration = self.bundle.calibration();
        let score = |cosine, side: &Side| calibration.llr(cosine, &probe.side, side);
        let mut hits: Vec<_> =
            found.into_iter().map(|f| (Arc::clone(&f.card), score(f.cosine, &f.card.side))).collect();
        hits.sort_by(|a, b| b.1.nats().total_cmp(&a.1.nats()));
        Ok(ListAnswer { hits, list_size })
    }
}
