use earmark_records::Timestamp;
use earmark_scoring::{CustomerEvidence, Decider, Llr, Matcher, Prepared};
use earmark_voiceprint::{CustomerId, ProxyId};

use crate::galleries::{Card, TenantGalleries};
use crate::{EngineError, call::MAX_PROXIES_SHOWN};
use std::sync::Arc;

/// How many of the library's best cosines get an LLR: many more than are shown, because how common
/// a proxy's voice is and the conditions of its recordings can change their order.
const CANDIDATES: usize = 20 * MAX_PROXIES_SHOWN;

/// From a caller's voiceprint to LLRs and decisions: the galleries are searched by cosine, the
/// matcher scores what they find.
pub(crate) struct Scorer {
    pub(crate) matcher: Matcher,
    pub(crate) decider: Decider,
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
    /// Compares with a customer's history; `None` if there is no history.
    pub(crate) fn customer(
        &self,
        galleries: &TenantGalleries,
        customer: &CustomerId,
        probe: &Prepared,
    ) -> Result<Option<CustomerEvidence>, EngineError> {
        let Some((history, profile)) = galleries.customers.get(customer) else { return Ok(None) };
        let cosine = history.mean.cosine(probe.voiceprint())?;
        let score = self.matcher.score_cosine(cosine, &profile, probe.profile());
        Ok(Some(CustomerEvidence::Scored(score.llr)))
    }

    /// Searches the proxy library.
    pub(crate) fn listed(
        &self,
        galleries: &TenantGalleries,
        probe: &Prepared,
        now: Timestamp,
    ) -> Result<ListAnswer, EngineError> {
        let (found, list_size) = galleries.proxies.search(probe.voiceprint(), CANDIDATES, now)?;
        let score =
            |cosine, card: &Card<_>| self.matcher.score_cosine(cosine, &card.profile, probe.profile());
        let mut hits: Vec<_> =
            found.into_iter().map(|f| (Arc::clone(&f.card), score(f.cosine, &f.card).llr)).collect();
        hits.sort_by(|a, b| b.1.nats().total_cmp(&a.1.nats()));
        Ok(ListAnswer { hits, list_size })
    }
}
