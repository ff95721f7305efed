use earmark_engine::{ListingReport, Page, Proxy, ProxyListing, VoiceprintInfo};
use earmark_voiceprint::ProxyId;

use crate::access::Caller;
use crate::audio_convert::{moment, optional, quality, timestamp};
use crate::paging_convert::next_page_token;
use crate::proto::v1;
use crate::refusal::Refusal;

pub(super) fn proxy_id(id: &str) -> Result<ProxyId, Refusal> {
    ProxyId::new(id).map_err(|error| Refusal::field("proxy_id", "BAD_PROXY_ID", error.to_string()))
}

/// What is listed; the recordings go their own way.
pub(super) fn listing(asked: v1::AddProxyRequest, caller: &Caller) -> Result<ProxyListing, Refusal> {
    if asked.legal_basis.trim().is_empty() {
        let problem = "say why this voice may be held; a listed proxy never consents";
        return Err(Refusal::field("legal_basis", "LEGAL_BASIS_MISSING", problem));
    }
    Ok(ProxyListing {
        proxy: proxy_id(&asked.proxy_id)?,
        label: asked.label,
        legal_basis: asked.legal_basis,
        note: optional(asked.note),
        expires_at: asked.expire_time.map(|at| moment(at, "expire_time")).transpose()?,
        request_id: optional(asked.request_id),
        actor: caller.actor.clone(),
    })
}

pub(super) fn listed(report: &ListingReport) -> v1::AddProxyResponse {
    v1::AddProxyResponse {
        proxy: Some(proxy(&report.proxy)),
        similar: report.similar.iter().map(|id| id.as_str().to_owned()).collect(),
    }
}

pub(super) fn proxy(proxy: &Proxy) -> v1::Proxy {
    v1::Proxy {
        proxy_id: proxy.proxy.as_str().to_owned(),
        label: proxy.label.clone(),
        legal_basis: proxy.legal_basis.clone(),
        note: proxy.note.clone().unwrap_or_default(),
        recordings: proxy.voiceprints.iter().map(recording).collect(),
        net_speech_s: proxy.voiceprints.iter().map(|v| v.net_speech.seconds()).sum(),
        create_time: Some(timestamp(proxy.created_at)),
        expire_time: proxy.expires_at.map(timestamp),
    }
}

fn recording(voiceprint: &VoiceprintInfo) -> v1::ProxyRecording {
    v1::ProxyRecording {
        model: voiceprint.model.as_str().to_owned(),
        recording: voiceprint.source.clone().unwrap_or_default(),
        net_speech_s: voiceprint.net_speech.seconds(),
        quality: Some(quality(&voiceprint.quality)),
    }
}

pub(super) fn proxies(page: Page<Proxy>) -> v1::ListProxiesResponse {
    v1::ListProxiesResponse {
        proxies: page.items.iter().map(proxy).collect(),
        next_page_token: next_page_token(page.next),
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::TenantId;
    use proptest::prelude::*;

    use super::*;

    fn caller() -> Caller {
        Caller { tenant: TenantId::new("default").unwrap(), actor: Some("risk".into()) }
    }

    fn asked() -> v1::AddProxyRequest {
        v1::AddProxyRequest {
            proxy_id: "p-1".into(),
            legal_basis: "fraud prevention".into(),
            ..v1::AddProxyRequest::default()
        }
    }

    #[test]
    fn a_listing_needs_its_legal_basis() {
        let got = listing(asked(), &caller()).unwrap();
        assert_eq!((got.proxy.as_str(), got.actor.as_deref()), ("p-1", Some("risk")));
        assert_eq!((got.note, got.request_id, got.expires_at), (None, None, None));
        let without = v1::AddProxyRequest { legal_basis: "  ".into(), ..asked() };
        assert_eq!(listing(without, &caller()).unwrap_err().reason(), "LEGAL_BASIS_MISSING");
        let unnamed = v1::AddProxyRequest { proxy_id: String::new(), ..asked() };
        assert_eq!(listing(unnamed, &caller()).unwrap_err().reason(), "BAD_PROXY_ID");
    }

    proptest! {
        #[test]
        fn no_request_panics(
            proxy_id in ".{0,20}", label in ".{0,20}", legal_basis in ".{0,20}", note in ".{0,20}",
            request_id in ".{0,20}", seconds: i64, nanos: i32,
        ) {
            let expire_time = Some(prost_types::Timestamp { seconds, nanos });
            let recordings = Vec::new();
            let asked =
                v1::AddProxyRequest { proxy_id, request_id, label, legal_basis, note, recordings, expire_time };
            let _ = listing(asked, &caller());
        }
    }
}
