//! The reports on what calls turned out to be.

use std::collections::HashMap;

use diesel::prelude::*;
use earmark_voiceprint::{CallId, ProxyId, TenantId};

use super::audit::{self, Act};
use super::connection::Conn;
use super::schema::call_outcomes;
use super::voiceprints::IDS_AT_ONCE;
use crate::{
    Actor, AuditAction, FieldProblem, Outcome, OutcomeReport, RecordKind, RecordsError, StoredOutcome,
    Timestamp,
};

/// Reports are corrected a few times at most.
const MAX_OUTCOMES_PER_CALL: usize = 100;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = call_outcomes)]
struct OutcomeRow {
    tenant_id: String,
    call_id: String,
    place: i64,
    outcome: String,
    proxy_id: Option<String>,
    note: Option<String>,
    reported_by: String,
    reported_at: i64,
}

impl OutcomeRow {
    /// `None` if it holds something this program never writes.
    fn into_outcome(self) -> Option<StoredOutcome> {
        let proxy = self.proxy_id.as_deref().map(ProxyId::new).transpose().ok()?;
        let outcome = Outcome::from_code(&self.outcome)?;
        Some(StoredOutcome {
            report: OutcomeReport { outcome, proxy, note: self.note },
            by: Actor::new(&self.reported_by).ok()?,
            at: Timestamp::from_unix_millis(self.reported_at),
        })
    }
}

/// Adds a report; the caller has seen to the call.
pub(super) fn report(
    conn: &mut Conn,
    tenant: &TenantId,
    call: &CallId,
    report: &OutcomeReport,
    act: Act<'_>,
) -> Result<(), RecordsError> {
    let own = call_outcomes::table
        .filter(call_outcomes::tenant_id.eq(tenant.as_str()).and(call_outcomes::call_id.eq(call.as_str())));
    let place: i64 = own.count().get_result(conn)?;
    if place >= MAX_OUTCOMES_PER_CALL as i64 {
        let (got, max) = (MAX_OUTCOMES_PER_CALL + 1, MAX_OUTCOMES_PER_CALL);
        return Err(RecordsError::field("outcome reports", FieldProblem::TooLong { got, max }));
    }
    let row = OutcomeRow {
        tenant_id: tenant.to_string(),
        call_id: call.to_string(),
        place,
        outcome: report.outcome.code().to_owned(),
        proxy_id: report.proxy.as_ref().map(ProxyId::to_string),
        note: report.note.clone(),
        reported_by: act.by.to_string(),
        reported_at: act.at.unix_millis(),
    };
    let detail = match &report.proxy {
        Some(proxy) => format!("{} {proxy}", row.outcome),
        None => row.outcome.clone(),
    };
    diesel::insert_into(call_outcomes::table).values(row).execute(conn)?;
    audit::append(conn, tenant, act, AuditAction::ReportOutcome, call.as_str(), detail)
}

/// The reports on some calls, by call, oldest first.
pub(super) fn of_calls(
    conn: &mut Conn,
    tenant: &TenantId,
    calls: &[&str],
) -> Result<HashMap<String, Vec<StoredOutcome>>, RecordsError> {
    let mut found: HashMap<String, Vec<StoredOutcome>> = HashMap::new();
    for some in calls.chunks(IDS_AT_ONCE) {
        let rows = call_outcomes::table
            .filter(call_outcomes::tenant_id.eq(tenant.as_str()).and(call_outcomes::call_id.eq_any(some)))
            .order((call_outcomes::call_id, call_outcomes::place))
            .select(OutcomeRow::as_select())
            .load(conn)?;
        for row in rows {
            let call = row.call_id.clone();
            let outcome = row.into_outcome().ok_or_else(|| RecordsError::damaged(RecordKind::Call, &call))?;
            found.entry(call).or_default().push(outcome);
        }
    }
    Ok(found)
}
