//! Records to keep, made from small numbers.

use earmark_voiceprint::{CallId, CustomerId, ModelId, NetSpeech, ProxyId, Quality, TenantId, Voiceprint};

use crate::{
    Actor, CallStart, Code, CustomerEvidence, EnrollMode, Enrollment, EvidenceUpdate, Excerpt, NewProxy,
    NewVoiceprint, Page, PageRequest, PageSize, Posterior, ProxyEvidence, Records, RecordsError,
    RequestDigest, RequestId, RequestKey, Timestamp,
};

/// As many numbers as the shipped model's voiceprints have.
const DIMENSION: u32 = 192;

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_000 + millis)
}

pub(crate) fn customer(id: &str) -> CustomerId {
    CustomerId::new(id).unwrap()
}

pub(crate) fn proxy_id(id: &str) -> ProxyId {
    ProxyId::new(id).unwrap()
}

pub(crate) fn call_id(id: &str) -> CallId {
    CallId::new(id).unwrap()
}

pub(crate) fn by() -> Actor {
    Actor::new("坐席 07").unwrap()
}

pub(crate) fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

/// The bank all checks use, made in the store.
pub(crate) fn tenant(records: &dyn Records) -> TenantId {
    another_tenant(records, "bank")
}

pub(crate) fn another_tenant(records: &dyn Records, id: &str) -> TenantId {
    let tenant = TenantId::new(id).unwrap();
    records.ensure_tenant(&tenant, at(0)).unwrap();
    tenant
}

/// A voiceprint that no other seed gives.
pub(crate) fn voiceprint(seed: u32) -> Voiceprint {
    let number = |i: u32| ((seed * 7919 + i * 104_729) as f32 * 0.618).sin();
    let numbers: Vec<f32> = (0..DIMENSION).map(number).collect();
    let speech = NetSpeech::from_seconds(3.25 + seed as f32);
    Voiceprint::from_embedding(ModelId::new("test", "0a1b"), &numbers, speech).unwrap()
}

pub(crate) fn new_voiceprint(seed: u32) -> NewVoiceprint {
    NewVoiceprint {
        voiceprint: voiceprint(seed),
        quality: Quality {
            snr_db: 17.5,
            clipped_fraction: 0.001,
            level_dbfs: -23.25,
            bandwidth_hz: 3400.0 + seed as f32,
        },
        weight: 0.5 + seed as f32,
        channel: Some("left".to_owned()),
        source: Some(format!("录音-{seed}.wav")),
    }
}

pub(crate) fn enrollment(id: &str, mode: EnrollMode, seeds: &[u32]) -> Enrollment {
    Enrollment {
        customer: customer(id),
        display_name: Some(format!("客户 {id}")),
        voiceprints: seeds.iter().map(|seed| new_voiceprint(*seed)).collect(),
        mode,
        request: None,
    }
}

/// Enrolls a customer that is not enrolled yet.
pub(crate) fn enroll(records: &dyn Records, tenant: &TenantId, id: &str, seeds: &[u32]) {
    records.enroll(tenant, &enrollment(id, EnrollMode::Create, seeds), &by(), at(10)).unwrap();
}

pub(crate) fn new_proxy(id: &str, seeds: &[u32]) -> NewProxy {
    NewProxy {
        proxy: proxy_id(id),
        label: format!("代理 {id}"),
        legal_basis: "fraud prevention\nPIPL art. 13(1)(3)".to_owned(),
        note: Some("calls on Mondays".to_owned()),
        source_call: Some(call_id("call-9")),
        expires_at: Some(at(1_000_000)),
        voiceprints: seeds.iter().map(|seed| new_voiceprint(*seed)).collect(),
        request: None,
    }
}

pub(crate) fn call_start(id: &str, claimed: Option<&str>, millis: i64) -> CallStart {
    CallStart {
        call: call_id(id),
        claimed_customer: claimed.map(customer),
        caller_number: Some("+86 10 5555 0100".to_owned()),
        agent: Some("a-42".to_owned()),
        scene: Some("collections".to_owned()),
        encoding: "pcmu/8000".to_owned(),
        channel: Some("caller".to_owned()),
        started_at: at(millis),
    }
}

pub(crate) fn update(sequence: u32, verdict: &str) -> EvidenceUpdate {
    let seen = f64::from(sequence);
    EvidenceUpdate {
        sequence,
        speaker: 1 + sequence / 4,
        excerpts: vec![Excerpt { start_s: 0.1, end_s: 3.1 }, Excerpt { start_s: 12.0, end_s: 15.25 }],
        at: Timestamp::from_unix_millis(1_700_000_000_000 + i64::from(sequence)),
        quality: Some(Quality {
            snr_db: 17.5,
            clipped_fraction: 0.25,
            level_dbfs: -21.5,
            bandwidth_hz: 3400.0,
        }),
        warnings: vec![code("clipping"), code("dc_offset")],
        net_speech: NetSpeech::from_seconds(3.0 + sequence as f32),
        audio_position_s: 4.5 + seen,
        call_position_s: 64.5 + seen,
        customer: CustomerEvidence::Llr(-2.75 - seen),
        proxies: (0..3)
            .map(|k: u32| ProxyEvidence {
                proxy: proxy_id(&format!("p{k}")),
                llr: 7.125 - f64::from(k),
                posterior: 0.75 / f64::from(k + 1),
            })
            .collect(),
        posterior: Some(Posterior { customer: Some(0.125), listed_proxy: 0.75, somebody_else: 0.125 }),
        verdict: code(verdict),
        risk: code("high"),
        reasons: vec![code("listed_proxy"), code("customer_unlike")],
        compute_ms: 41.5,
        calibration: "cal 2026-01".to_owned(),
        model: ModelId::new("test", "0a1b"),
    }
}

/// An update with nothing to compare.
pub(crate) fn bare_update(sequence: u32) -> EvidenceUpdate {
    EvidenceUpdate {
        customer: CustomerEvidence::None(code("not_claimed")),
        proxies: Vec::new(),
        posterior: None,
        quality: None,
        warnings: Vec::new(),
        reasons: Vec::new(),
        excerpts: Vec::new(),
        ..update(sequence, "too_little_speech")
    }
}

pub(crate) fn request(id: &str, content: &str) -> RequestKey {
    RequestKey { id: RequestId::new(id).unwrap(), digest: RequestDigest::of([content.as_bytes()]) }
}

/// All items of a list, asked for page by page; `between` is called after each page.
pub(crate) fn all_pages<T>(
    size: u32,
    mut ask: impl FnMut(&PageRequest) -> Result<Page<T>, RecordsError>,
    mut between: impl FnMut(),
) -> Vec<T> {
    let mut request = PageRequest { size: PageSize::new(size), token: None };
    let mut items = Vec::new();
    loop {
        let page = ask(&request).unwrap();
        assert!(page.items.len() <= size as usize, "a page of {} for {size}", page.items.len());
        items.extend(page.items);
        request.token = page.next;
        if request.token.is_none() {
            return items;
        }
        between();
    }
}
