use std::slice;

use diesel::prelude::*;
use earmark_voiceprint::{CallId, CustomerId, Seal, TenantId};

use super::audit::{self, Act};
use super::connection::Conn;
use super::evidence::{self, Which};
use super::schema::calls;
use super::voiceprints::{self, SealedRow};
use super::{customers, outcomes, tenants};
use crate::paging::ListScope;
use crate::{
    AuditAction, Call, CallAmendment, CallConclusion, CallEnd, CallFilter, CallStart, CallSummary, Code,
    EvidenceUpdate, OutcomeReport, Page, PageRequest, RecordKind, RecordsError, Timestamp,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = calls)]
struct CallRow {
    tenant_id: String,
    call_id: String,
    customer_id: Option<String>,
    caller_number: Option<String>,
    agent: Option<String>,
    encoding: String,
    channel: Option<String>,
    started_at: i64,
    last_sequence: i64,
    finished_at: Option<i64>,
    duration_s: Option<f64>,
    verdict: Option<String>,
    subject_id: Option<String>,
    scene: Option<String>,
}

impl CallRow {
    fn new(tenant: &TenantId, start: &CallStart) -> Self {
        Self {
            tenant_id: tenant.to_string(),
            call_id: start.call.to_string(),
            customer_id: start.claimed_customer.as_ref().map(CustomerId::to_string),
            caller_number: start.caller_number.clone(),
            agent: start.agent.clone(),
            encoding: start.encoding.clone(),
            channel: start.channel.clone(),
            started_at: start.started_at.unix_millis(),
            last_sequence: -1,
            finished_at: None,
            duration_s: None,
            verdict: None,
            subject_id: None,
            scene: start.scene.clone(),
        }
    }

    fn start(&self) -> Result<CallStart, RecordsError> {
        let damaged = || RecordsError::damaged(RecordKind::Call, &self.call_id);
        let customer = self.customer_id.as_deref().map(CustomerId::new).transpose();
        Ok(CallStart {
            call: CallId::new(&self.call_id).map_err(|_| damaged())?,
            claimed_customer: customer.map_err(|_| damaged())?,
            caller_number: self.caller_number.clone(),
            agent: self.agent.clone(),
            scene: self.scene.clone(),
            encoding: self.encoding.clone(),
            channel: self.channel.clone(),
            started_at: Timestamp::from_unix_millis(self.started_at),
        })
    }

    /// How the call ended, from its updates, if it did.
    fn conclusion(&self, updates: &[EvidenceUpdate]) -> Result<Option<CallConclusion>, RecordsError> {
        match (self.finished_at, self.duration_s, updates.last()) {
            (None, _, _) => Ok(None),
            (Some(finished_at), Some(duration_s), Some(last)) => Ok(Some(CallConclusion {
                finished_at: Timestamp::from_unix_millis(finished_at),
                duration_s,
                last: last.clone(),
                has_voiceprint: self.subject_id.is_some(),
            })),
            _ => Err(RecordsError::damaged(RecordKind::Call, &self.call_id)),
        }
    }
}

pub(super) fn begin(conn: &mut Conn, tenant: &TenantId, start: &CallStart) -> Result<(), RecordsError> {
    tenants::require(conn, tenant)?;
    let made = diesel::insert_into(calls::table)
        .values(CallRow::new(tenant, start))
        .on_conflict((calls::tenant_id, calls::call_id))
        .do_nothing()
        .execute(conn)?;
    match made {
        0 => Err(RecordsError::already_exists(RecordKind::Call, &start.call)),
        _ => Ok(()),
    }
}

fn require(conn: &mut Conn, tenant: &TenantId, call: &CallId) -> Result<CallRow, RecordsError> {
    calls::table
        .find((tenant.as_str(), call.as_str()))
        .select(CallRow::as_select())
        .first(conn)
        .optional()?
        .ok_or_else(|| RecordsError::not_found(RecordKind::Call, call))
}

/// What diesel sets of a call; what is `None` stays as it was.
#[derive(AsChangeset)]
#[diesel(table_name = calls)]
struct AmendmentRow<'a> {
    customer_id: Option<&'a str>,
    caller_number: Option<&'a str>,
    agent: Option<&'a str>,
    scene: Option<&'a str>,
}

/// Adds what became known of a living call.
pub(super) fn amend(
    conn: &mut Conn,
    tenant: &TenantId,
    call: &CallId,
    amendment: &CallAmendment,
) -> Result<(), RecordsError> {
    if require(conn, tenant, call)?.finished_at.is_some() {
        return Err(RecordsError::CallFinished { id: call.to_string() });
    }
    if *amendment == CallAmendment::default() {
        return Ok(());
    }
    let row = AmendmentRow {
        customer_id: amendment.claimed_customer.as_ref().map(CustomerId::as_str),
        caller_number: amendment.caller_number.as_deref(),
        agent: amendment.agent.as_deref(),
        scene: amendment.scene.as_deref(),
    };
    diesel::update(calls::table.find((tenant.as_str(), call.as_str()))).set(row).execute(conn)?;
    Ok(())
}

/// Adds evidence to a living call; the call as it was before.
pub(super) fn append(
    conn: &mut Conn,
    tenant: &TenantId,
    call: &CallId,
    update: &EvidenceUpdate,
) -> Result<(), RecordsError> {
    append_to(conn, tenant, call, update).map(drop)
}

fn append_to(
    conn: &mut Conn,
    tenant: &TenantId,
    call: &CallId,
    update: &EvidenceUpdate,
) -> Result<CallRow, RecordsError> {
    let row = require(conn, tenant, call)?;
    if row.finished_at.is_some() {
        return Err(RecordsError::CallFinished { id: call.to_string() });
    }
    let sequence = i64::from(update.sequence);
    if sequence <= row.last_sequence {
        let id = format!("{call}/{sequence}");
        return Err(RecordsError::already_exists(RecordKind::EvidenceUpdate, &id));
    }
    evidence::insert(conn, tenant, call, update)?;
    diesel::update(calls::table.find((tenant.as_str(), call.as_str())))
        .set(calls::last_sequence.eq(sequence))
        .execute(conn)?;
    Ok(row)
}

pub(super) fn finish(
    conn: &mut Conn,
    seal: &dyn Seal,
    tenant: &TenantId,
    call: &CallId,
    end: &CallEnd<'_>,
    now: Timestamp,
) -> Result<(), RecordsError> {
    let claimed = append_to(conn, tenant, call, end.last)?.start()?.claimed_customer;
    let refused = match &claimed {
        Some(customer) => customers::has_opted_out(conn, tenant, customer)?,
        None => false,
    };
    let subject = match end.voiceprint {
        Some(new) if !refused => {
            let subject = voiceprints::new_subject(conn, tenant)?;
            voiceprints::insert(conn, seal, tenant, &subject, slice::from_ref(new), now)?;
            Some(subject)
        }
        _ => None,
    };
    diesel::update(calls::table.find((tenant.as_str(), call.as_str())))
        .set((
            calls::finished_at.eq(now.unix_millis()),
            calls::duration_s.eq(end.duration_s),
            calls::verdict.eq(end.last.verdict.as_str()),
            calls::subject_id.eq(subject),
        ))
        .execute(conn)?;
    Ok(())
}

/// Says in the audit trail that a call was ended by a program that did not hear its end.
pub(super) fn note_lost(
    conn: &mut Conn,
    tenant: &TenantId,
    call: &CallId,
    end: &CallEnd<'_>,
    act: Act<'_>,
) -> Result<(), RecordsError> {
    let detail = format!("lost {}", end.last.verdict);
    audit::append(conn, tenant, act, AuditAction::ConcludeCall, call.as_str(), detail)
}

pub(super) fn report(
    conn: &mut Conn,
    tenant: &TenantId,
    call: &CallId,
    report: &OutcomeReport,
    act: Act<'_>,
) -> Result<(), RecordsError> {
    require(conn, tenant, call)?;
    outcomes::report(conn, tenant, call, report, act)
}

pub(super) fn get(conn: &mut Conn, tenant: &TenantId, call: &CallId) -> Result<Call, RecordsError> {
    let row = require(conn, tenant, call)?;
    let ids = [call.as_str()];
    let updates = evidence::of_calls(conn, tenant, &ids, Which::All)?.remove(call.as_str());
    let updates = updates.unwrap_or_default();
    let outcomes = outcomes::of_calls(conn, tenant, &ids)?.remove(call.as_str());
    let conclusion = row.conclusion(&updates)?;
    Ok(Call { start: row.start()?, updates, conclusion, outcomes: outcomes.unwrap_or_default() })
}

pub(super) fn sealed(
    conn: &mut Conn,
    tenant: &TenantId,
    call: &CallId,
) -> Result<Option<SealedRow>, RecordsError> {
    match require(conn, tenant, call)?.subject_id {
        Some(subject) => Ok(voiceprints::sealed_of(conn, &[&subject])?.pop()),
        None => Ok(None),
    }
}

/// Deletes the voiceprints kept from calls in a customer's name; how many.
pub(super) fn forget_voiceprints(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: &CustomerId,
) -> Result<usize, RecordsError> {
    let own = calls::table.filter(
        calls::tenant_id
            .eq(tenant.as_str())
            .and(calls::customer_id.eq(customer.as_str()))
            .and(calls::subject_id.is_not_null()),
    );
    let subjects: Vec<String> = own.select(calls::subject_id.assume_not_null()).load(conn)?;
    let none: Option<String> = None;
    diesel::update(own).set(calls::subject_id.eq(none)).execute(conn)?;
    for subject in &subjects {
        voiceprints::delete_of(conn, subject)?;
        voiceprints::delete_subject(conn, subject)?;
    }
    Ok(subjects.len())
}

pub(super) fn list(
    conn: &mut Conn,
    tenant: &TenantId,
    filter: &CallFilter,
    page: &PageRequest,
) -> Result<Page<CallSummary>, RecordsError> {
    let scope = scope(tenant, filter);
    let mut query = calls::table
        .filter(calls::tenant_id.eq(tenant.as_str()))
        .order((calls::started_at.desc(), calls::call_id.desc()))
        .limit(i64::from(page.size.get()) + 1)
        .select(CallRow::as_select())
        .into_boxed();
    if let Some(from) = filter.from {
        query = query.filter(calls::started_at.ge(from.unix_millis()));
    }
    if let Some(until) = filter.until {
        query = query.filter(calls::started_at.lt(until.unix_millis()));
    }
    if let Some(verdict) = &filter.verdict {
        query = query.filter(calls::verdict.eq(verdict.as_str()));
    }
    if let Some(customer) = &filter.claimed_customer {
        query = query.filter(calls::customer_id.eq(customer.as_str()));
    }
    if let Some(agent) = &filter.agent {
        query = query.filter(calls::agent.eq(agent));
    }
    query = match filter.finished {
        Some(true) => query.filter(calls::finished_at.is_not_null()),
        Some(false) => query.filter(calls::finished_at.is_null()),
        None => query,
    };
    if let Some([at, call]) = scope.start::<2>(page)? {
        let at: i64 = at.parse().map_err(|_| RecordsError::BadPageToken)?;
        let earlier = calls::started_at.lt(at);
        query = query.filter(earlier.or(calls::started_at.eq(at).and(calls::call_id.lt(call))));
    }
    let rows: Vec<CallRow> = query.load(conn)?;
    let page = scope.page(rows, page.size, |row| [row.started_at.to_string(), row.call_id.clone()]);
    page.try_map(|rows| summaries(conn, tenant, &rows))
}

fn summaries(conn: &mut Conn, tenant: &TenantId, rows: &[CallRow]) -> Result<Vec<CallSummary>, RecordsError> {
    let all: Vec<&str> = rows.iter().map(|row| row.call_id.as_str()).collect();
    let finished: Vec<&str> =
        rows.iter().filter(|row| row.finished_at.is_some()).map(|row| row.call_id.as_str()).collect();
    let last = evidence::of_calls(conn, tenant, &finished, Which::Last)?;
    let mut outcomes = outcomes::of_calls(conn, tenant, &all)?;
    let summary = |row: &CallRow| {
        let updates = last.get(&row.call_id).map_or(&[] as &[_], Vec::as_slice);
        Ok(CallSummary {
            start: row.start()?,
            conclusion: row.conclusion(updates)?,
            outcome: outcomes.remove(&row.call_id).and_then(|mut own| own.pop()),
        })
    };
    rows.iter().map(summary).collect()
}

/// A page token is good only with the filter it came from.
fn scope(tenant: &TenantId, filter: &CallFilter) -> ListScope {
    let time = |t: Option<Timestamp>| t.map_or_else(String::new, |t| t.unix_millis().to_string());
    let finished = filter.finished.map_or("", |yes| if yes { "finished" } else { "living" });
    let parts = [
        time(filter.from),
        time(filter.until),
        filter.verdict.as_ref().map_or_else(String::new, Code::to_string),
        filter.claimed_customer.as_ref().map_or_else(String::new, CustomerId::to_string),
        filter.agent.clone().unwrap_or_default(),
        finished.to_owned(),
    ];
    ListScope::new("calls", tenant, &parts.each_ref().map(String::as_str))
}
