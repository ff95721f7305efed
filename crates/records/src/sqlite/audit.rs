use diesel::prelude::*;
use earmark_voiceprint::TenantId;

use super::connection::Conn;
use super::schema::{audit, tenants};
use crate::hash::hash_parts;
use crate::paging::ListScope;
use crate::{
    Actor, AuditAction, AuditEntry, AuditHead, Page, PageRequest, RecordKind, RecordsError, Timestamp,
};

const ROWS_AT_ONCE: i64 = 1000;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit)]
struct AuditRow {
    tenant_id: String,
    sequence: i64,
    at: i64,
    actor: String,
    action: String,
    object_id: String,
    detail: String,
    hash: Vec<u8>,
}

/// Who does something, and when.
#[derive(Clone, Copy)]
pub(super) struct Act<'a> {
    pub(super) by: &'a Actor,
    pub(super) at: Timestamp,
}

/// Adds an entry to the tenant's trail, in the transaction of what it tells of. Counting up the
/// tenant's row first makes writers of one tenant wait for each other, in PostgreSQL too.
pub(super) fn append(
    conn: &mut Conn,
    tenant: &TenantId,
    act: Act<'_>,
    action: AuditAction,
    object: &str,
    detail: String,
) -> Result<(), RecordsError> {
    let end: Option<(i64, Vec<u8>)> = diesel::update(tenants::table.find(tenant.as_str()))
        .set(tenants::audit_count.eq(tenants::audit_count + 1))
        .returning((tenants::audit_count, tenants::audit_head))
        .get_result(conn)
        .optional()?;
    let (sequence, before) = end.ok_or_else(|| RecordsError::not_found(RecordKind::Tenant, tenant))?;
    let mut row = AuditRow {
        tenant_id: tenant.to_string(),
        sequence,
        at: act.at.unix_millis(),
        actor: act.by.to_string(),
        action: action.code().to_owned(),
        object_id: object.to_owned(),
        detail,
        hash: Vec::new(),
    };
    row.hash = chained(&before, &row).to_vec();
    diesel::update(tenants::table.find(tenant.as_str()))
        .set(tenants::audit_head.eq(&row.hash))
        .execute(conn)?;
    diesel::insert_into(audit::table).values(row).execute(conn)?;
    Ok(())
}

fn chained(before: &[u8], row: &AuditRow) -> [u8; 32] {
    hash_parts([
        before,
        row.tenant_id.as_bytes(),
        &row.sequence.to_le_bytes(),
        &row.at.to_le_bytes(),
        row.actor.as_bytes(),
        row.action.as_bytes(),
        row.object_id.as_bytes(),
        row.detail.as_bytes(),
    ])
}

pub(super) fn verify(conn: &mut Conn, tenant: &TenantId) -> Result<AuditHead, RecordsError> {
    let broken = |sequence| RecordsError::AuditBroken { tenant: tenant.to_string(), sequence };
    let mut head = AuditHead { count: 0, hash: [0; 32] };
    loop {
        let rows = rows_after(conn, tenant, head.count, ROWS_AT_ONCE)?;
        let last_rows = (rows.len() as i64) < ROWS_AT_ONCE;
        for row in rows {
            let next = AuditHead { count: head.count + 1, hash: chained(&head.hash, &row) };
            if row.sequence != next.count || row.hash != next.hash {
                return Err(broken(next.count));
            }
            head = next;
        }
        if last_rows {
            break;
        }
    }
    let recorded: Option<(i64, Vec<u8>)> = tenants::table
        .find(tenant.as_str())
        .select((tenants::audit_count, tenants::audit_head))
        .first(conn)
        .optional()?;
    let (count, hash) = recorded.ok_or_else(|| RecordsError::not_found(RecordKind::Tenant, tenant))?;
    if (count, hash.as_slice()) != (head.count, head.hash.as_slice()) {
        return Err(broken(head.count + 1));
    }
    Ok(head)
}

fn rows_after(
    conn: &mut Conn,
    tenant: &TenantId,
    sequence: i64,
    limit: i64,
) -> Result<Vec<AuditRow>, RecordsError> {
    let rows = audit::table
        .filter(audit::tenant_id.eq(tenant.as_str()).and(audit::sequence.gt(sequence)))
        .order(audit::sequence)
        .limit(limit)
        .select(AuditRow::as_select())
        .load(conn)?;
    Ok(rows)
}

pub(super) fn list(
    conn: &mut Conn,
    tenant: &TenantId,
    page: &PageRequest,
) -> Result<Page<AuditEntry>, RecordsError> {
    let scope = ListScope::new("audit", tenant, &[]);
    let after = match scope.start::<1>(page)? {
        Some([sequence]) => sequence.parse().map_err(|_| RecordsError::BadPageToken)?,
        None => 0,
    };
    let rows = rows_after(conn, tenant, after, i64::from(page.size.get()) + 1)?;
    let page = scope.page(rows, page.size, |row| [row.sequence.to_string()]);
    page.try_map(|rows| rows.into_iter().map(|row| entry(tenant, row)).collect())
}

fn entry(tenant: &TenantId, row: AuditRow) -> Result<AuditEntry, RecordsError> {
    let broken = || RecordsError::AuditBroken { tenant: tenant.to_string(), sequence: row.sequence };
    Ok(AuditEntry {
        sequence: row.sequence,
        at: Timestamp::from_unix_millis(row.at),
        by: Actor::new(&row.actor).map_err(|_| broken())?,
        action: AuditAction::from_code(&row.action).ok_or_else(broken)?,
        hash: row.hash.as_slice().try_into().map_err(|_| broken())?,
        object: row.object_id,
        detail: row.detail,
    })
}
