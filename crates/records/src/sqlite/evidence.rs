//! The evidence updates of calls.

use std::collections::HashMap;

use diesel::prelude::*;
use earmark_voiceprint::{CallId, ModelId, NetSpeech, ProxyId, Quality, TenantId};

use super::connection::Conn;
use super::schema::{call_update_proxies, call_updates, calls};
use super::voiceprints::IDS_AT_ONCE;
use crate::{
    Code, CustomerEvidence, EvidenceUpdate, Excerpt, Posterior, ProxyEvidence, RecordKind, RecordsError,
    Timestamp,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = call_updates)]
struct UpdateRow {
    tenant_id: String,
    call_id: String,
    sequence: i64,
    made_at: i64,
    net_speech_s: f64,
    audio_position_s: f64,
    snr_db: Option<f64>,
    clipped_fraction: Option<f64>,
    level_dbfs: Option<f64>,
    bandwidth_hz: Option<f64>,
    warnings: String,
    customer_llr: Option<f64>,
    customer_state: Option<String>,
    posterior_customer: Option<f64>,
    posterior_proxy: Option<f64>,
    posterior_other: Option<f64>,
    verdict: String,
    risk: String,
    reasons: String,
    compute_ms: f64,
    calibration_id: String,
    model_id: String,
    speaker: i64,
    excerpts: String,
    call_position_s: Option<f64>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = call_update_proxies)]
struct ProxyEvidenceRow {
    tenant_id: String,
    call_id: String,
    sequence: i64,
    place: i64,
    proxy_id: String,
    llr: f64,
    posterior: f64,
}

impl UpdateRow {
    fn new(tenant: &TenantId, call: &CallId, update: &EvidenceUpdate) -> Self {
        let (customer_llr, customer_state) = match &update.customer {
            CustomerEvidence::Llr(llr) => (Some(*llr), None),
            CustomerEvidence::None(why) => (None, Some(why.to_string())),
        };
        let posterior = update.posterior;
        let quality = |field: fn(&Quality) -> f32| update.quality.as_ref().map(|q| f64::from(field(q)));
        Self {
            tenant_id: tenant.to_string(),
            call_id: call.to_string(),
            sequence: update.sequence.into(),
            made_at: update.at.unix_millis(),
            net_speech_s: update.net_speech.seconds().into(),
            audio_position_s: update.audio_position_s,
            snr_db: quality(|q| q.snr_db),
            clipped_fraction: quality(|q| q.clipped_fraction),
            level_dbfs: quality(|q| q.level_dbfs),
            bandwidth_hz: quality(|q| q.bandwidth_hz),
            warnings: joined(&update.warnings),
            customer_llr,
            customer_state,
            posterior_customer: posterior.and_then(|p| p.customer),
            posterior_proxy: posterior.map(|p| p.listed_proxy),
            posterior_other: posterior.map(|p| p.somebody_else),
            verdict: update.verdict.to_string(),
            risk: update.risk.to_string(),
            reasons: joined(&update.reasons),
            compute_ms: update.compute_ms,
            calibration_id: update.calibration.clone(),
            model_id: update.model.to_string(),
            speaker: update.speaker.into(),
            excerpts: update.excerpts.iter().map(excerpt_text).collect::<Vec<_>>().join(" "),
            call_position_s: Some(update.call_position_s),
        }
    }

    /// `None` if it holds something this program never writes.
    fn into_update(self, proxies: Vec<ProxyEvidence>) -> Option<EvidenceUpdate> {
        let code = |text: &str| Code::new(text).ok();
        let customer = match (self.customer_llr, &self.customer_state) {
            (Some(llr), None) => CustomerEvidence::Llr(llr),
            (None, Some(why)) => CustomerEvidence::None(code(why)?),
            _ => return None,
        };
        let posterior = match (self.posterior_proxy, self.posterior_other) {
            (Some(listed_proxy), Some(somebody_else)) => {
                Some(Posterior { customer: self.posterior_customer, listed_proxy, somebody_else })
            }
            (None, None) => None,
            _ => return None,
        };
        let quality = match (self.snr_db, self.clipped_fraction, self.level_dbfs, self.bandwidth_hz) {
            (Some(snr_db), Some(clipped), Some(level), Some(bandwidth)) => Some(Quality {
                snr_db: snr_db as f32,
                clipped_fraction: clipped as f32,
                level_dbfs: level as f32,
                bandwidth_hz: bandwidth as f32,
            }),
            (None, None, None, None) => None,
            _ => return None,
        };
        Some(EvidenceUpdate {
            sequence: u32::try_from(self.sequence).ok()?,
            speaker: u32::try_from(self.speaker).ok()?,
            excerpts: self.excerpts.split_ascii_whitespace().map(excerpt).collect::<Option<_>>()?,
            at: Timestamp::from_unix_millis(self.made_at),
            quality,
            warnings: split(&self.warnings)?,
            net_speech: NetSpeech::from_seconds(self.net_speech_s as f32),
            audio_position_s: self.audio_position_s,
            call_position_s: self.call_position_s.unwrap_or(self.audio_position_s),
            customer,
            proxies,
            posterior,
            verdict: code(&self.verdict)?,
            risk: code(&self.risk)?,
            reasons: split(&self.reasons)?,
            compute_ms: self.compute_ms,
            calibration: self.calibration_id,
            model: ModelId::from_stored(&self.model_id),
        })
    }
}

/// Codes hold no space.
fn joined(codes: &[Code]) -> String {
    codes.iter().map(Code::as_str).collect::<Vec<_>>().join(" ")
}

fn split(codes: &str) -> Option<Vec<Code>> {
    codes.split_ascii_whitespace().map(|code| Code::new(code).ok()).collect()
}

/// The shortest text that reads back to the same numbers.
fn excerpt_text(excerpt: &Excerpt) -> String {
    format!("{}-{}", excerpt.start_s, excerpt.end_s)
}

fn excerpt(text: &str) -> Option<Excerpt> {
    let (start, end) = text.split_once('-')?;
    Some(Excerpt { start_s: start.parse().ok()?, end_s: end.parse().ok()? })
}

impl ProxyEvidenceRow {
    fn new(tenant: &TenantId, call: &CallId, sequence: u32, place: i64, proxy: &ProxyEvidence) -> Self {
        Self {
            tenant_id: tenant.to_string(),
            call_id: call.to_string(),
            sequence: sequence.into(),
            place,
            proxy_id: proxy.proxy.to_string(),
            llr: proxy.llr,
            posterior: proxy.posterior,
        }
    }
}

/// Keeps an update; the caller has seen to the call and the sequence number.
pub(super) fn insert(
    conn: &mut Conn,
    tenant: &TenantId,
    call: &CallId,
    update: &EvidenceUpdate,
) -> Result<(), RecordsError> {
    diesel::insert_into(call_updates::table).values(UpdateRow::new(tenant, call, update)).execute(conn)?;
    for (place, proxy) in (0..).zip(&update.proxies) {
        let row = ProxyEvidenceRow::new(tenant, call, update.sequence, place, proxy);
        diesel::insert_into(call_update_proxies::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// Which updates of a call are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    Last,
}

/// The updates of some calls, by call, in the order of their sequence numbers.
pub(super) fn of_calls(
    conn: &mut Conn,
    tenant: &TenantId,
    calls: &[&str],
    which: Which,
) -> Result<HashMap<String, Vec<EvidenceUpdate>>, RecordsError> {
    let mut found: HashMap<String, Vec<EvidenceUpdate>> = HashMap::new();
    for some in calls.chunks(IDS_AT_ONCE) {
        let mut proxies = proxies_of(conn, tenant, some, which)?;
        for row in updates_of(conn, tenant, some, which)? {
            let (call, sequence) = (row.call_id.clone(), row.sequence);
            let own = proxies.remove(&(call.clone(), sequence)).unwrap_or_default();
            let damaged = || {
                let id = format!("{call}/{sequence}");
                RecordsError::damaged(RecordKind::EvidenceUpdate, &id)
            };
            let update = row.into_update(own).ok_or_else(damaged)?;
            found.entry(call).or_default().push(update);
        }
    }
    Ok(found)
}

fn updates_of(
    conn: &mut Conn,
    tenant: &TenantId,
    some: &[&str],
    which: Which,
) -> Result<Vec<UpdateRow>, RecordsError> {
    let own_call = call_updates::tenant_id.eq(calls::tenant_id).and(call_updates::call_id.eq(calls::call_id));
    let mut query = call_updates::table
        .inner_join(calls::table.on(own_call))
        .filter(call_updates::tenant_id.eq(tenant.as_str()).and(call_updates::call_id.eq_any(some)))
        .order((call_updates::call_id, call_updates::sequence))
        .select(UpdateRow::as_select())
        .into_boxed();
    if which == Which::Last {
        query = query.filter(call_updates::sequence.eq(calls::last_sequence));
    }
    Ok(query.load(conn)?)
}

type ProxiesByUpdate = HashMap<(String, i64), Vec<ProxyEvidence>>;

fn proxies_of(
    conn: &mut Conn,
    tenant: &TenantId,
    some: &[&str],
    which: Which,
) -> Result<ProxiesByUpdate, RecordsError> {
    let own_call = call_update_proxies::tenant_id
        .eq(calls::tenant_id)
        .and(call_update_proxies::call_id.eq(calls::call_id));
    let wanted =
        call_update_proxies::tenant_id.eq(tenant.as_str()).and(call_update_proxies::call_id.eq_any(some));
    let mut query = call_update_proxies::table
        .inner_join(calls::table.on(own_call))
        .filter(wanted)
        .order((call_update_proxies::call_id, call_update_proxies::sequence, call_update_proxies::place))
        .select(ProxyEvidenceRow::as_select())
        .into_boxed();
    if which == Which::Last {
        query = query.filter(call_update_proxies::sequence.eq(calls::last_sequence));
    }
    let mut found = ProxiesByUpdate::new();
    for row in query.load(conn)? {
        let proxy = ProxyId::new(&row.proxy_id)
            .map_err(|_| RecordsError::damaged(RecordKind::EvidenceUpdate, &row.call_id))?;
        let evidence = ProxyEvidence { proxy, llr: row.llr, posterior: row.posterior };
        found.entry((row.call_id, row.sequence)).or_default().push(evidence);
    }
    Ok(found)
}
