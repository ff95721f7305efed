use diesel::prelude::*;
use earmark_voiceprint::{CustomerId, Seal, TenantId};

use super::audit::{self, Act};
use super::connection::Conn;
use super::schema::customers;
use super::voiceprints::{self, SealedRow};
use super::{calls, idempotency, tenants};
use crate::paging::ListScope;
use crate::voiceprint::check_count;
use crate::{
    AuditAction, Customer, CustomerStatus, EnrollMode, Enrolled, Enrollment, Page, PageRequest, RecordKind,
    RecordsError, RequestOutcome, Timestamp, VoiceprintId, VoiceprintInfo,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = customers)]
struct CustomerRow {
    tenant_id: String,
    customer_id: String,
    subject_id: Option<String>,
    status: String,
    display_name: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl CustomerRow {
    fn new(tenant: &TenantId, customer: &CustomerId, status: CustomerStatus, now: Timestamp) -> Self {
        Self {
            tenant_id: tenant.to_string(),
            customer_id: customer.to_string(),
            subject_id: None,
            status: status.code().to_owned(),
            display_name: None,
            created_at: now.unix_millis(),
            updated_at: now.unix_millis(),
        }
    }

    fn status(&self) -> Result<CustomerStatus, RecordsError> {
        CustomerStatus::from_code(&self.status)
            .ok_or_else(|| RecordsError::damaged(RecordKind::Customer, &self.customer_id))
    }

    fn into_customer(self, voiceprints: Vec<VoiceprintInfo>) -> Result<Customer, RecordsError> {
        let status = self.status()?;
        let customer = CustomerId::new(&self.customer_id)
            .map_err(|_| RecordsError::damaged(RecordKind::Customer, &self.customer_id))?;
        Ok(Customer {
            customer,
            display_name: self.display_name,
            status,
            created_at: Timestamp::from_unix_millis(self.created_at),
            updated_at: Timestamp::from_unix_millis(self.updated_at),
            voiceprints,
        })
    }
}

pub(super) fn enroll(
    conn: &mut Conn,
    seal: &dyn Seal,
    tenant: &TenantId,
    new: &Enrollment,
    act: Act<'_>,
) -> Result<Enrolled, RecordsError> {
    if let Some(done) = idempotency::earlier_enrollment(conn, tenant, new.request.as_ref())? {
        return Ok(done);
    }
    tenants::require(conn, tenant)?;
    let found = find(conn, tenant, &new.customer)?;
    check_admission(found.as_ref(), new)?;
    let mut row =
        found.unwrap_or_else(|| CustomerRow::new(tenant, &new.customer, CustomerStatus::Enrolled, act.at));
    let removed = match (new.mode, row.subject_id.take()) {
        (EnrollMode::Replace, Some(_)) => forget_voiceprints(conn, tenant, &new.customer)?,
        (_, kept) => {
            row.subject_id = kept;
            Vec::new()
        }
    };
    let added = add_voiceprints(conn, seal, tenant, &mut row, new, act.at)?;
    let done = Enrolled { customer: new.customer.clone(), added, removed, replayed: false };
    let outcome = RequestOutcome::Enrolled(done.clone());
    idempotency::remember(conn, tenant, new.request.as_ref(), &outcome, act.at)?;
    let detail =
        format!("mode {} added {} removed {}", new.mode.code(), done.added.len(), done.removed.len());
    audit::append(conn, tenant, act, AuditAction::Enroll, new.customer.as_str(), detail)?;
    Ok(done)
}

/// Whether a customer with this row may be enrolled in this way.
fn check_admission(found: Option<&CustomerRow>, new: &Enrollment) -> Result<(), RecordsError> {
    match found.map(CustomerRow::status).transpose()? {
        Some(CustomerStatus::OptedOut) => Err(RecordsError::OptedOut { id: new.customer.to_string() }),
        Some(CustomerStatus::Enrolled) if new.mode == EnrollMode::Create => {
            Err(RecordsError::already_exists(RecordKind::Customer, &new.customer))
        }
        _ => Ok(()),
    }
}

/// Keeps new voiceprints under the row's subject, or under a new one if it has none, and the row.
fn add_voiceprints(
    conn: &mut Conn,
    seal: &dyn Seal,
    tenant: &TenantId,
    row: &mut CustomerRow,
    new: &Enrollment,
    now: Timestamp,
) -> Result<Vec<VoiceprintId>, RecordsError> {
    let subject = match row.subject_id.take() {
        Some(subject) => subject,
        None => voiceprints::new_subject(conn, tenant)?,
    };
    check_count(voiceprints::count_of(conn, &subject)? + new.voiceprints.len())?;
    let added = voiceprints::insert(conn, seal, tenant, &subject, &new.voiceprints, now)?;
    row.subject_id = Some(subject);
    row.status = CustomerStatus::Enrolled.code().to_owned();
    row.updated_at = now.unix_millis();
    if new.display_name.is_some() {
        row.display_name.clone_from(&new.display_name);
    }
    save(conn, row)?;
    Ok(added)
}

fn find(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: &CustomerId,
) -> Result<Option<CustomerRow>, RecordsError> {
    let row = customers::table
        .find((tenant.as_str(), customer.as_str()))
        .select(CustomerRow::as_select())
        .first(conn)
        .optional()?;
    Ok(row)
}

fn require(conn: &mut Conn, tenant: &TenantId, customer: &CustomerId) -> Result<CustomerRow, RecordsError> {
    find(conn, tenant, customer)?.ok_or_else(|| RecordsError::not_found(RecordKind::Customer, customer))
}

/// Inserts the row, or puts it in the place of the one that is there.
fn save(conn: &mut Conn, row: &CustomerRow) -> Result<(), RecordsError> {
    let changed = (
        customers::subject_id.eq(&row.subject_id),
        customers::status.eq(&row.status),
        customers::display_name.eq(&row.display_name),
        customers::updated_at.eq(row.updated_at),
    );
    diesel::insert_into(customers::table)
        .values(row)
        .on_conflict((customers::tenant_id, customers::customer_id))
        .do_update()
        .set(changed)
        .execute(conn)?;
    Ok(())
}

/// Deletes an enrolled customer's voiceprints; which.
fn forget_voiceprints(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: &CustomerId,
) -> Result<Vec<VoiceprintId>, RecordsError> {
    let Some(subject) = find(conn, tenant, customer)?.and_then(|row| row.subject_id) else {
        return Ok(Vec::new());
    };
    let none: Option<String> = None;
    diesel::update(customers::table.find((tenant.as_str(), customer.as_str())))
        .set(customers::subject_id.eq(none))
        .execute(conn)?;
    let removed = voiceprints::delete_of(conn, &subject)?;
    voiceprints::delete_subject(conn, &subject)?;
    Ok(removed)
}

pub(super) fn get(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: &CustomerId,
) -> Result<Customer, RecordsError> {
    let row = require(conn, tenant, customer)?;
    let infos = match &row.subject_id {
        Some(subject) => voiceprints::infos_of(conn, &[subject])?.remove(subject).unwrap_or_default(),
        None => Vec::new(),
    };
    row.into_customer(infos)
}

pub(super) fn sealed(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: &CustomerId,
) -> Result<Vec<SealedRow>, RecordsError> {
    match require(conn, tenant, customer)?.subject_id {
        Some(subject) => voiceprints::sealed_of(conn, &[&subject]),
        None => Ok(Vec::new()),
    }
}

pub(super) fn list(
    conn: &mut Conn,
    tenant: &TenantId,
    page: &PageRequest,
) -> Result<Page<Customer>, RecordsError> {
    let scope = ListScope::new("customers", tenant, &[]);
    let [after] = scope.start::<1>(page)?.unwrap_or_default();
    let rows = customers::table
        .filter(customers::tenant_id.eq(tenant.as_str()).and(customers::customer_id.gt(after)))
        .order(customers::customer_id)
        .limit(i64::from(page.size.get()) + 1)
        .select(CustomerRow::as_select())
        .load(conn)?;
    let page = scope.page(rows, page.size, |row| [row.customer_id.clone()]);
    page.try_map(|rows| {
        let subjects: Vec<&str> = rows.iter().filter_map(|row| row.subject_id.as_deref()).collect();
        let mut infos = voiceprints::infos_of(conn, &subjects)?;
        let own = |row: &CustomerRow| row.subject_id.as_ref().and_then(|s| infos.remove(s));
        let owned: Vec<_> = rows.iter().map(own).collect();
        rows.into_iter().zip(owned).map(|(row, own)| row.into_customer(own.unwrap_or_default())).collect()
    })
}

pub(super) fn delete(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: &CustomerId,
    act: Act<'_>,
) -> Result<Vec<VoiceprintId>, RecordsError> {
    require(conn, tenant, customer)?;
    let removed = forget_voiceprints(conn, tenant, customer)?;
    let from_calls = calls::forget_voiceprints(conn, tenant, customer)?;
    diesel::delete(customers::table.find((tenant.as_str(), customer.as_str()))).execute(conn)?;
    let detail = format!("removed {} and {from_calls} from calls", removed.len());
    audit::append(conn, tenant, act, AuditAction::DeleteCustomer, customer.as_str(), detail)?;
    Ok(removed)
}

pub(super) fn opt_out(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: &CustomerId,
    act: Act<'_>,
) -> Result<Vec<VoiceprintId>, RecordsError> {
    tenants::require(conn, tenant)?;
    let removed = forget_voiceprints(conn, tenant, customer)?;
    let from_calls = calls::forget_voiceprints(conn, tenant, customer)?;
    let found = find(conn, tenant, customer)?;
    let before = found.as_ref().map(CustomerRow::status).transpose()?;
    if before == Some(CustomerStatus::OptedOut) && from_calls == 0 {
        return Ok(removed);
    }
    let mut row =
        found.unwrap_or_else(|| CustomerRow::new(tenant, customer, CustomerStatus::OptedOut, act.at));
    row.status = CustomerStatus::OptedOut.code().to_owned();
    row.updated_at = act.at.unix_millis();
    save(conn, &row)?;
    let detail = format!("removed {} and {from_calls} from calls", removed.len());
    audit::append(conn, tenant, act, AuditAction::OptOut, customer.as_str(), detail)?;
    Ok(removed)
}

pub(super) fn opt_in(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: &CustomerId,
    act: Act<'_>,
) -> Result<(), RecordsError> {
    let mut row = require(conn, tenant, customer)?;
    if row.status()? != CustomerStatus::OptedOut {
        return Ok(());
    }
    row.status = CustomerStatus::NotEnrolled.code().to_owned();
    row.updated_at = act.at.unix_millis();
    save(conn, &row)?;
    audit::append(conn, tenant, act, AuditAction::OptIn, customer.as_str(), String::new())
}

/// Whether the customer has refused voiceprints.
pub(super) fn has_opted_out(
    conn: &mut Conn,
    tenant: &TenantId,
    customer: &CustomerId,
) -> Result<bool, RecordsError> {
    let status = find(conn, tenant, customer)?.as_ref().map(CustomerRow::status).transpose()?;
    Ok(status == Some(CustomerStatus::OptedOut))
}
