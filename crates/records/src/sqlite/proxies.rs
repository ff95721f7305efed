use diesel::prelude::*;
use earmark_voiceprint::{CallId, ProxyId, Seal, TenantId};

use super::audit::{self, Act};
use super::connection::Conn;
use super::schema::proxies;
use super::voiceprints;
use super::{idempotency, tenants};
use crate::paging::ListScope;
use crate::{
    Actor, AuditAction, NewProxy, Page, PageRequest, Proxy, ProxyAdded, RecordKind, RecordsError,
    RequestOutcome, Timestamp, VoiceprintId, VoiceprintInfo,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = proxies)]
struct ProxyRow {
    tenant_id: String,
    proxy_id: String,
    subject_id: String,
    label: String,
    legal_basis: String,
    note: Option<String>,
    source_call_id: Option<String>,
    created_by: String,
    created_at: i64,
    expires_at: Option<i64>,
}

impl ProxyRow {
    fn new(tenant: &TenantId, subject: &str, new: &NewProxy, act: Act<'_>) -> Self {
        Self {
            tenant_id: tenant.to_string(),
            proxy_id: new.proxy.to_string(),
            subject_id: subject.to_owned(),
            label: new.label.clone(),
            legal_basis: new.legal_basis.clone(),
            note: new.note.clone(),
            source_call_id: new.source_call.as_ref().map(CallId::to_string),
            created_by: act.by.to_string(),
            created_at: act.at.unix_millis(),
            expires_at: new.expires_at.map(Timestamp::unix_millis),
        }
    }

    fn into_proxy(self, voiceprints: Vec<VoiceprintInfo>) -> Result<Proxy, RecordsError> {
        let damaged = || RecordsError::damaged(RecordKind::Proxy, &self.proxy_id);
        let source_call = self.source_call_id.as_deref().map(CallId::new).transpose();
        Ok(Proxy {
            proxy: ProxyId::new(&self.proxy_id).map_err(|_| damaged())?,
            source_call: source_call.map_err(|_| damaged())?,
            created_by: Actor::new(&self.created_by).map_err(|_| damaged())?,
            created_at: Timestamp::from_unix_millis(self.created_at),
            expires_at: self.expires_at.map(Timestamp::from_unix_millis),
            label: self.label,
            legal_basis: self.legal_basis,
            note: self.note,
            voiceprints,
        })
    }
}

pub(super) fn add(
    conn: &mut Conn,
    seal: &dyn Seal,
    tenant: &TenantId,
    new: &NewProxy,
    act: Act<'_>,
) -> Result<ProxyAdded, RecordsError> {
    if let Some(done) = idempotency::earlier_listing(conn, tenant, new.request.as_ref())? {
        return Ok(done);
    }
    tenants::require(conn, tenant)?;
    let subject = voiceprints::new_subject(conn, tenant)?;
    let made = diesel::insert_into(proxies::table)
        .values(ProxyRow::new(tenant, &subject, new, act))
        .on_conflict((proxies::tenant_id, proxies::proxy_id))
        .do_nothing()
        .execute(conn)?;
    if made == 0 {
        return Err(RecordsError::already_exists(RecordKind::Proxy, &new.proxy));
    }
    let ids = voiceprints::insert(conn, seal, tenant, &subject, &new.voiceprints, act.at)?;
    let done = ProxyAdded { proxy: new.proxy.clone(), voiceprints: ids, replayed: false };
    let outcome = RequestOutcome::ProxyAdded(done.clone());
    idempotency::remember(conn, tenant, new.request.as_ref(), &outcome, act.at)?;
    let detail = format!("added {}", done.voiceprints.len());
    audit::append(conn, tenant, act, AuditAction::ListProxy, new.proxy.as_str(), detail)?;
    Ok(done)
}

fn require(conn: &mut Conn, tenant: &TenantId, proxy: &ProxyId) -> Result<ProxyRow, RecordsError> {
    proxies::table
        .find((tenant.as_str(), proxy.as_str()))
        .select(ProxyRow::as_select())
        .first(conn)
        .optional()?
        .ok_or_else(|| RecordsError::not_found(RecordKind::Proxy, proxy))
}

pub(super) fn get(conn: &mut Conn, tenant: &TenantId, proxy: &ProxyId) -> Result<Proxy, RecordsError> {
    let row = require(conn, tenant, proxy)?;
    let infos = voiceprints::infos_of(conn, &[&row.subject_id])?.remove(&row.subject_id);
    row.into_proxy(infos.unwrap_or_default())
}

pub(super) fn list(
    conn: &mut Conn,
    tenant: &TenantId,
    page: &PageRequest,
) -> Result<Page<Proxy>, RecordsError> {
    let scope = ListScope::new("proxies", tenant, &[]);
    let [after] = scope.start::<1>(page)?.unwrap_or_default();
    let rows = proxies::table
        .filter(proxies::tenant_id.eq(tenant.as_str()).and(proxies::proxy_id.gt(after)))
        .order(proxies::proxy_id)
        .limit(i64::from(page.size.get()) + 1)
        .select(ProxyRow::as_select())
        .load(conn)?;
    let page = scope.page(rows, page.size, |row| [row.proxy_id.clone()]);
    page.try_map(|rows| {
        let subjects: Vec<&str> = rows.iter().map(|row| row.subject_id.as_str()).collect();
        let mut infos = voiceprints::infos_of(conn, &subjects)?;
        let whole = |row: ProxyRow| {
            let own = infos.remove(&row.subject_id).unwrap_or_default();
            row.into_proxy(own)
        };
        rows.into_iter().map(whole).collect()
    })
}

pub(super) fn remove(
    conn: &mut Conn,
    tenant: &TenantId,
    proxy: &ProxyId,
    act: Act<'_>,
) -> Result<Vec<VoiceprintId>, RecordsError> {
    let row = require(conn, tenant, proxy)?;
    let removed = voiceprints::delete_of(conn, &row.subject_id)?;
    diesel::delete(proxies::table.find((tenant.as_str(), proxy.as_str()))).execute(conn)?;
    voiceprints::delete_subject(conn, &row.subject_id)?;
    let detail = format!("removed {}", removed.len());
    audit::append(conn, tenant, act, AuditAction::UnlistProxy, proxy.as_str(), detail)?;
    Ok(removed)
}
