use earmark_records::{NewProxy, PageRequest, Proxy, RequestKey, RequestOutcome, StoredVoiceprint};
use earmark_voiceprint::{ProxyId, TenantId};

use crate::admission::{self, Heard};
use crate::engine::Engine;
use crate::enrollment::{actor, recordings_digest, request_key};
use crate::galleries::TenantGalleries;
use crate::time::now;
use crate::{Cancellation, EngineError, ListingReport, Page, ProxyListing, RecordingInput};

impl Engine {
    /// Lists a voice from its recordings, all or none.
    ///
    /// # Errors
    /// What is wrong with a recording or between them, an id that is taken, or a store's failure.
    pub fn list_proxy(
        &self,
        tenant: &TenantId,
        listing: ProxyListing,
        recordings: Vec<RecordingInput>,
        cancel: &Cancellation,
    ) -> Result<ListingReport, EngineError> {
        admission::check_count(recordings.len(), self.options().enrollment.max_recordings)?;
        let galleries = self.galleries(tenant)?;
        let request = listing_key(&listing, &recordings)?;
        if let Some(report) = self.listed_before(tenant, request.as_ref())? {
            return Ok(report);
        }
        let heard = self.hear_all(&recordings, cancel)?;
        let merged = admission::admit(self.scorer(), &self.options().enrollment, &heard)?;
        cancel.check()?;
        let _turn = galleries.turn();
        let answer = self.scorer().listed(&galleries, &merged, now())?;
        let threshold = self.scorer().decider.tag_threshold(answer.list_size);
        let alike = answer.hits.iter().filter(|(_, llr)| llr.nats() >= threshold);
        let similar = alike.map(|(card, _)| card.id.clone()).collect();
        let by = actor(listing.actor.as_deref())?;
        let record = to_record(listing, &heard, request)?;
        let added = self.records().add_proxy(tenant, &record, &by, now())?;
        let proxy = self.records().proxy(tenant, &added.proxy)?;
        if !added.replayed {
            self.show_proxy(&galleries, &proxy, record)?;
        }
        Ok(ListingReport { proxy, similar, replayed: added.replayed })
    }

    /// One listed proxy.
    ///
    /// # Errors
    /// Not found, or a store's failure.
    pub fn proxy(&self, tenant: &TenantId, proxy: &ProxyId) -> Result<Proxy, EngineError> {
        Ok(self.records().proxy(tenant, proxy)?)
    }

    /// Listed proxies by id.
    ///
    /// # Errors
    /// A bad page token, or a store's failure.
    pub fn proxies(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Proxy>, EngineError> {
        Ok(self.records().list_proxies(tenant, page)?)
    }

    /// Takes a proxy off the list and deletes its voiceprints.
    ///
    /// # Errors
    /// Not found, or a store's failure.
    pub fn unlist_proxy(
        &self,
        tenant: &TenantId,
        proxy: &ProxyId,
        by: Option<&str>,
    ) -> Result<(), EngineError> {
        let galleries = self.galleries(tenant)?;
        let _turn = galleries.turn();
        self.records().remove_proxy(tenant, proxy, &actor(by)?, now())?;
        Ok(galleries.proxies.remove(proxy)?)
    }

    /// Puts a proxy that was just kept into the gallery; what was kept is at hand, in its order.
    fn show_proxy(
        &self,
        galleries: &TenantGalleries,
        proxy: &Proxy,
        kept: NewProxy,
    ) -> Result<(), EngineError> {
        let infos = proxy.voiceprints.iter().cloned();
        let stored: Vec<_> = infos
            .zip(kept.voiceprints)
            .map(|(info, new)| StoredVoiceprint { info, voiceprint: new.voiceprint })
            .collect();
        let matcher = &self.scorer().matcher;
        galleries.proxies.set(&proxy.proxy, &proxy.label, proxy.expires_at, &stored, matcher)
    }

    fn listed_before(
        &self,
        tenant: &TenantId,
        request: Option<&RequestKey>,
    ) -> Result<Option<ListingReport>, EngineError> {
        let Some(request) = request else { return Ok(None) };
        match self.records().request_outcome(tenant, request)? {
            Some(RequestOutcome::ProxyAdded(added)) => {
                let proxy = self.records().proxy(tenant, &added.proxy)?;
                Ok(Some(ListingReport { proxy, similar: Vec::new(), replayed: true }))
            }
            _ => Ok(None),
        }
    }
}

fn listing_key(
    listing: &ProxyListing,
    recordings: &[RecordingInput],
) -> Result<Option<RequestKey>, EngineError> {
    // Hashing reads every recording whole: only a request that can be repeated pays for it.
    if listing.request_id.is_none() {
        return Ok(None);
    }
    let content = recordings_digest(recordings)?;
    let expiry = listing.expires_at.map_or(i64::MAX, earmark_records::Timestamp::unix_millis).to_le_bytes();
    let parts: [&[u8]; 7] = [
        b"list",
        listing.proxy.as_str().as_bytes(),
        listing.label.as_bytes(),
        listing.legal_basis.as_bytes(),
        listing.note.as_deref().unwrap_or_default().as_bytes(),
        &expiry,
        &content,
    ];
    request_key(listing.request_id.as_deref(), parts)
}

fn to_record(
    listing: ProxyListing,
    heard: &[Heard],
    request: Option<RequestKey>,
) -> Result<NewProxy, EngineError> {
    let label = if listing.label.is_empty() { listing.proxy.as_str().to_owned() } else { listing.label };
    Ok(NewProxy {
        proxy: listing.proxy,
        label,
        legal_basis: listing.legal_basis,
        note: listing.note,
        source_call: None,
        expires_at: listing.expires_at,
        voiceprints: heard.iter().map(Heard::to_record).collect::<Result<_, _>>()?,
        request,
    })
}
