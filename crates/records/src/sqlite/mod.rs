//! The records in one SQLite file.

mod audit;
mod calls;
mod connection;
mod customers;
mod errors;
mod evidence;
mod folder;
mod gallery;
mod group;
mod idempotency;
mod migrations;
mod outcomes;
mod proxies;
mod schema;
mod tally;
mod tenants;
#[cfg(test)]
mod tests;
mod voiceprints;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use diesel::RunQueryDsl as _;
use diesel::sql_types::BigInt;
use earmark_voiceprint::{CallId, CustomerId, ProxyId, Seal, TenantId};

use self::audit::Act;
use self::connection::Pool;
use self::folder::DataFolder;
pub(crate) use self::folder::{folder_of, make_private};
use crate::{
    Actor, AuditEntry, AuditHead, Call, CallAmendment, CallEnd, CallFilter, CallStart, CallSummary,
    CallTally, Customer, CustomerVoiceprint, EnrollMode, Enrolled, Enrollment, EvidenceUpdate, NewProxy,
    OutcomeReport, Page, PageRequest, Proxy, ProxyAdded, ProxyHistory, ProxyVoiceprint, Records,
    RecordsError, RequestKey, RequestOutcome, StoredVoiceprint, TallySpan, Timestamp, VoiceprintId,
};

/// The records in one SQLite file, for one process: needs no other service.
pub struct SqliteRecords {
    // Before the folder: the connections must be closed before its lock is given back.
    pool: Pool,
    seal: Arc<dyn Seal>,
    _folder: DataFolder,
}

impl SqliteRecords {
    /// Opens the database file, making it and its folder if need be (the folder for its owner
    /// only), and brings it to this program's schema. Holds a lock on the folder until dropped.
    ///
    /// # Errors
    /// [`RecordsError::InUse`], [`RecordsError::TooOpen`], [`RecordsError::NewerSchema`],
    /// [`RecordsError::KeyMissing`] if voiceprints are of a key that `seal` lacks,
    /// [`RecordsError::Corrupt`], or [`RecordsError::Io`].
    pub fn open(database: &Path, seal: Arc<dyn Seal>) -> Result<Self, RecordsError> {
        let folder = DataFolder::claim(database)?;
        let pool = Pool::open(database, |conn| {
            migrations::migrate(conn)?;
            voiceprints::check_keys(conn, &*seal)
        })?;
        Ok(Self { pool, seal, _folder: folder })
    }
}

impl std::fmt::Debug for SqliteRecords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteRecords").finish_non_exhaustive()
    }
}

/// Whether the database file holds any sealed voiceprint; false if there is no such file.
pub(crate) fn holds_sealed_voiceprints(database: &Path) -> Result<bool, RecordsError> {
    if !database.try_exists().map_err(|e| folder::io_error(database, e))? {
        return Ok(false);
    }
    let mut conn = connection::look(database)?;
    let table = "SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table' AND name = 'voiceprints'";
    let found: Count = diesel::sql_query(table).get_result(&mut conn)?;
    if found.count == 0 { Ok(false) } else { voiceprints::any(&mut conn) }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

impl Records for SqliteRecords {
    fn ensure_tenant(&self, tenant: &TenantId, now: Timestamp) -> Result<bool, RecordsError> {
        self.pool.write(|conn| tenants::ensure(conn, tenant, now))
    }

    fn tenants(&self) -> Result<Vec<TenantId>, RecordsError> {
        self.pool.read(tenants::all)
    }

    fn enroll(
        &self,
        tenant: &TenantId,
        enrollment: &Enrollment,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Enrolled, RecordsError> {
        enrollment.check()?;
        let act = Act { by, at: now };
        let enroll = |conn: &mut _| customers::enroll(conn, &*self.seal, tenant, enrollment, act);
        match enrollment.mode {
            EnrollMode::Replace => self.pool.write_and_wipe(enroll),
            EnrollMode::Create | EnrollMode::Add => self.pool.write(enroll),
        }
    }

    fn customer(&self, tenant: &TenantId, customer: &CustomerId) -> Result<Customer, RecordsError> {
        self.pool.read(|conn| customers::get(conn, tenant, customer))
    }

    fn customer_voiceprints(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
    ) -> Result<Vec<StoredVoiceprint>, RecordsError> {
        let rows = self.pool.read(|conn| customers::sealed(conn, tenant, customer))?;
        rows.into_iter().map(|row| voiceprints::open(&*self.seal, row)).collect()
    }

    fn list_customers(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Customer>, RecordsError> {
        self.pool.read(|conn| customers::list(conn, tenant, page))
    }

    fn delete_customer(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<VoiceprintId>, RecordsError> {
        let act = Act { by, at: now };
        self.pool.write_and_wipe(|conn| customers::delete(conn, tenant, customer, act))
    }

    fn opt_out(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<VoiceprintId>, RecordsError> {
        let act = Act { by, at: now };
        self.pool.write_and_wipe(|conn| customers::opt_out(conn, tenant, customer, act))
    }

    fn opt_in(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let act = Act { by, at: now };
        self.pool.write(|conn| customers::opt_in(conn, tenant, customer, act))
    }

    fn add_proxy(
        &self,
        tenant: &TenantId,
        proxy: &NewProxy,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ProxyAdded, RecordsError> {
        proxy.check(now)?;
        let act = Act { by, at: now };
        self.pool.write(|conn| proxies::add(conn, &*self.seal, tenant, proxy, act))
    }

    fn proxy(&self, tenant: &TenantId, proxy: &ProxyId) -> Result<Proxy, RecordsError> {
        self.pool.read(|conn| proxies::get(conn, tenant, proxy))
    }

    fn list_proxies(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Proxy>, RecordsError> {
        self.pool.read(|conn| proxies::list(conn, tenant, page))
    }

    fn remove_proxy(
        &self,
        tenant: &TenantId,
        proxy: &ProxyId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<VoiceprintId>, RecordsError> {
        let act = Act { by, at: now };
        self.pool.write_and_wipe(|conn| proxies::remove(conn, tenant, proxy, act))
    }

    fn begin_call(&self, tenant: &TenantId, start: &CallStart) -> Result<(), RecordsError> {
        start.check()?;
        self.pool.write(|conn| calls::begin(conn, tenant, start))
    }

    fn amend_call(
        &self,
        tenant: &TenantId,
        call: &CallId,
        amendment: &CallAmendment,
    ) -> Result<(), RecordsError> {
        amendment.check()?;
        self.pool.write(|conn| calls::amend(conn, tenant, call, amendment))
    }

    fn append_update(
        &self,
        tenant: &TenantId,
        call: &CallId,
        update: &EvidenceUpdate,
    ) -> Result<(), RecordsError> {
        update.check()?;
        self.pool.write(|conn| calls::append(conn, tenant, call, update))
    }

    fn finish_call(
        &self,
        tenant: &TenantId,
        call: &CallId,
        end: &CallEnd<'_>,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        end.check()?;
        self.pool.write(|conn| calls::finish(conn, &*self.seal, tenant, call, end, now))
    }

    fn conclude_lost_call(
        &self,
        tenant: &TenantId,
        call: &CallId,
        end: &CallEnd<'_>,
        ended_at: Timestamp,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        end.check()?;
        let act = Act { by, at: now };
        self.pool.write(|conn| {
            calls::finish(conn, &*self.seal, tenant, call, end, ended_at)?;
            calls::note_lost(conn, tenant, call, end, act)
        })
    }

    fn report_outcome(
        &self,
        tenant: &TenantId,
        call: &CallId,
        report: &OutcomeReport,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        report.check()?;
        let act = Act { by, at: now };
        self.pool.write(|conn| calls::report(conn, tenant, call, report, act))
    }

    fn call(&self, tenant: &TenantId, call: &CallId) -> Result<Call, RecordsError> {
        self.pool.read(|conn| calls::get(conn, tenant, call))
    }

    fn call_voiceprint(
        &self,
        tenant: &TenantId,
        call: &CallId,
    ) -> Result<Option<StoredVoiceprint>, RecordsError> {
        let row = self.pool.read(|conn| calls::sealed(conn, tenant, call))?;
        row.map(|row| voiceprints::open(&*self.seal, row)).transpose()
    }

    fn list_calls(
        &self,
        tenant: &TenantId,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<CallSummary>, RecordsError> {
        self.pool.read(|conn| calls::list(conn, tenant, filter, page))
    }

    fn proxy_history(
        &self,
        tenant: &TenantId,
        proxy: &ProxyId,
        since: Timestamp,
        except: &CallId,
    ) -> Result<ProxyHistory, RecordsError> {
        self.pool.read(|conn| tally::proxy_history(conn, tenant, proxy, since, except))
    }

    fn tally(&self, tenant: &TenantId, span: &TallySpan) -> Result<CallTally, RecordsError> {
        span.check()?;
        self.pool.read(|conn| tally::tally(conn, tenant, span))
    }

    fn request_outcome(
        &self,
        tenant: &TenantId,
        request: &RequestKey,
    ) -> Result<Option<RequestOutcome>, RecordsError> {
        self.pool.read(|conn| idempotency::earlier(conn, tenant, request))
    }

    fn forget_requests(&self, tenant: &TenantId, before: Timestamp) -> Result<usize, RecordsError> {
        self.pool.write(|conn| idempotency::forget(conn, tenant, before))
    }

    fn list_audit(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<AuditEntry>, RecordsError> {
        self.pool.read(|conn| audit::list(conn, tenant, page))
    }

    fn verify_chain(&self, tenant: &TenantId) -> Result<AuditHead, RecordsError> {
        self.pool.read(|conn| audit::verify(conn, tenant))
    }

    fn for_each_customer_voiceprint(
        &self,
        tenant: Option<&TenantId>,
        visit: &mut dyn FnMut(CustomerVoiceprint) -> ControlFlow<()>,
    ) -> Result<(), RecordsError> {
        gallery::for_each_customer(&self.pool, &*self.seal, tenant, visit)
    }

    fn for_each_proxy_voiceprint(
        &self,
        tenant: Option<&TenantId>,
        visit: &mut dyn FnMut(ProxyVoiceprint) -> ControlFlow<()>,
    ) -> Result<(), RecordsError> {
        gallery::for_each_proxy(&self.pool, &*self.seal, tenant, visit)
    }
}
