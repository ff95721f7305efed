use diesel::prelude::*;
use earmark_voiceprint::{CustomerId, ProxyId, TenantId};

use super::connection::Conn;
use super::schema::requests;
use crate::{
    Enrolled, ProxyAdded, RecordKind, RecordsError, RequestKey, RequestOutcome, Timestamp, VoiceprintId,
};

const ENROLL: &str = "enroll";
const ADD_PROXY: &str = "add_proxy";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = requests)]
struct RequestRow {
    tenant_id: String,
    request_id: String,
    digest: Vec<u8>,
    kind: String,
    object_id: String,
    added: String,
    removed: String,
    created_at: i64,
}

/// The result of an earlier request with the same id and digest.
pub(super) fn earlier(
    conn: &mut Conn,
    tenant: &TenantId,
    request: &RequestKey,
) -> Result<Option<RequestOutcome>, RecordsError> {
    let row = requests::table
        .find((tenant.as_str(), request.id.as_str()))
        .select(RequestRow::as_select())
        .first(conn)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    if row.digest != request.digest.bytes() {
        return Err(reused(request));
    }
    outcome(&row).map(Some).ok_or_else(|| RecordsError::damaged(RecordKind::Request, &request.id))
}

fn outcome(row: &RequestRow) -> Option<RequestOutcome> {
    let (added, removed) = (numbers(&row.added)?, numbers(&row.removed)?);
    match row.kind.as_str() {
        ENROLL => {
            let customer = CustomerId::new(&row.object_id).ok()?;
            Some(RequestOutcome::Enrolled(Enrolled { customer, added, removed, replayed: true }))
        }
        ADD_PROXY => {
            let proxy = ProxyId::new(&row.object_id).ok()?;
            Some(RequestOutcome::ProxyAdded(ProxyAdded { proxy, voiceprints: added, replayed: true }))
        }
        _ => None,
    }
}

/// The earlier enrollment of this request, if there was one.
pub(super) fn earlier_enrollment(
    conn: &mut Conn,
    tenant: &TenantId,
    request: Option<&RequestKey>,
) -> Result<Option<Enrolled>, RecordsError> {
    let Some(request) = request else { return Ok(None) };
    match earlier(conn, tenant, request)? {
        None => Ok(None),
        Some(RequestOutcome::Enrolled(done)) => Ok(Some(done)),
        Some(_) => Err(reused(request)),
    }
}

/// The earlier listing of this request, if there was one.
pub(super) fn earlier_listing(
    conn: &mut Conn,
    tenant: &TenantId,
    request: Option<&RequestKey>,
) -> Result<Option<ProxyAdded>, RecordsError> {
    let Some(request) = request else { return Ok(None) };
    match earlier(conn, tenant, request)? {
        None => Ok(None),
        Some(RequestOutcome::ProxyAdded(done)) => Ok(Some(done)),
        Some(_) => Err(reused(request)),
    }
}

/// Keeps a result, in the transaction of its effect.
pub(super) fn remember(
    conn: &mut Conn,
    tenant: &TenantId,
    request: Option<&RequestKey>,
    done: &RequestOutcome,
    now: Timestamp,
) -> Result<(), RecordsError> {
    let Some(request) = request else { return Ok(()) };
    let (kind, object_id, added, removed): (_, _, _, &[VoiceprintId]) = match done {
        RequestOutcome::Enrolled(e) => (ENROLL, e.customer.to_string(), &e.added, &e.removed),
        RequestOutcome::ProxyAdded(p) => (ADD_PROXY, p.proxy.to_string(), &p.voiceprints, &[]),
    };
    let row = RequestRow {
        tenant_id: tenant.to_string(),
        request_id: request.id.to_string(),
        digest: request.digest.bytes().to_vec(),
        kind: kind.to_owned(),
        object_id,
        added: text(added),
        removed: text(removed),
        created_at: now.unix_millis(),
    };
    diesel::insert_into(requests::table).values(row).execute(conn)?;
    Ok(())
}

pub(super) fn forget(conn: &mut Conn, tenant: &TenantId, before: Timestamp) -> Result<usize, RecordsError> {
    let old = requests::table
        .filter(requests::tenant_id.eq(tenant.as_str()).and(requests::created_at.lt(before.unix_millis())));
    Ok(diesel::delete(old).execute(conn)?)
}

fn reused(request: &RequestKey) -> RecordsError {
    RecordsError::RequestIdReused { id: request.id.to_string() }
}

fn text(ids: &[VoiceprintId]) -> String {
    ids.iter().map(VoiceprintId::to_string).collect::<Vec<_>>().join(" ")
}

fn numbers(text: &str) -> Option<Vec<VoiceprintId>> {
    text.split_ascii_whitespace().map(|n| VoiceprintId::from_number(n.parse().ok()?)).collect()
}
