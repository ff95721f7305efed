use diesel::prelude::*;
use earmark_voiceprint::TenantId;

use super::connection::Conn;
use super::schema::tenants;
use crate::{RecordKind, RecordsError, Timestamp};

pub(super) fn ensure(conn: &mut Conn, tenant: &TenantId, now: Timestamp) -> Result<bool, RecordsError> {
    let row = (
        tenants::tenant_id.eq(tenant.as_str()),
        tenants::created_at.eq(now.unix_millis()),
        tenants::audit_count.eq(0),
        tenants::audit_head.eq(vec![0; 32]),
    );
    let made = diesel::insert_into(tenants::table).values(row).on_conflict_do_nothing().execute(conn)?;
    Ok(made == 1)
}

pub(super) fn all(conn: &mut Conn) -> Result<Vec<TenantId>, RecordsError> {
    let ids: Vec<String> = tenants::table.select(tenants::tenant_id).order(tenants::tenant_id).load(conn)?;
    ids.iter().map(|id| from_stored(id)).collect()
}

/// Fails unless the tenant is there.
pub(super) fn require(conn: &mut Conn, tenant: &TenantId) -> Result<(), RecordsError> {
    let found: Option<String> =
        tenants::table.find(tenant.as_str()).select(tenants::tenant_id).first(conn).optional()?;
    found.map(drop).ok_or_else(|| RecordsError::not_found(RecordKind::Tenant, tenant))
}

pub(super) fn from_stored(id: &str) -> Result<TenantId, RecordsError> {
    TenantId::new(id).map_err(|_| RecordsError::damaged(RecordKind::Tenant, &id))
}
