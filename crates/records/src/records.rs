use std::ops::ControlFlow;

use earmark_voiceprint::{CallId, CustomerId, ProxyId, TenantId};

use crate::{
    Actor, AuditEntry, AuditHead, Call, CallAmendment, CallEnd, CallFilter, CallStart, CallSummary,
    CallTally, Customer, CustomerVoiceprint, Enrolled, Enrollment, EvidenceUpdate, NewProxy, OutcomeReport,
    Page, PageRequest, Proxy, ProxyAdded, ProxyHistory, ProxyVoiceprint, RecordsError, RequestKey,
    RequestOutcome, StoredVoiceprint, TallySpan, Timestamp, VoiceprintId,
};

/// What must last. Every method that changes something does it in one transaction: when it
/// returns `Ok` the change survives a kill and a power cut, when it returns an error nothing of it
/// was kept. All methods block on the disk.
///
/// Besides the errors each method names, all may fail with those of the store itself
/// ([`RecordsError::DiskFull`], [`RecordsError::Busy`], [`RecordsError::Corrupt`],
/// [`RecordsError::Database`]), and those that write with [`RecordsError::InvalidField`].
pub trait Records: Send + Sync {
    /// Makes the tenant if it is not there; true if it was made now. Every other method needs it.
    ///
    /// # Errors
    /// Only those of the store.
    fn ensure_tenant(&self, tenant: &TenantId, now: Timestamp) -> Result<bool, RecordsError>;

    /// All tenants, by id.
    ///
    /// # Errors
    /// Only those of the store.
    fn tenants(&self) -> Result<Vec<TenantId>, RecordsError>;

    /// Keeps a customer's voiceprints, making the customer if need be.
    ///
    /// # Errors
    /// [`RecordsError::AlreadyExists`] in mode create, [`RecordsError::OptedOut`],
    /// [`RecordsError::RequestIdReused`], or no such tenant.
    fn enroll(
        &self,
        tenant: &TenantId,
        enrollment: &Enrollment,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Enrolled, RecordsError>;

    /// One customer.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] for one never known, or deleted.
    fn customer(&self, tenant: &TenantId, customer: &CustomerId) -> Result<Customer, RecordsError>;

    /// One customer's voiceprints, opened, by their numbers. Empty unless enrolled.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`], or [`RecordsError::DamagedVoiceprint`].
    fn customer_voiceprints(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
    ) -> Result<Vec<StoredVoiceprint>, RecordsError>;

    /// Customers by id. Those added meanwhile neither repeat nor hide others.
    ///
    /// # Errors
    /// [`RecordsError::BadPageToken`].
    fn list_customers(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Customer>, RecordsError>;

    /// Deletes a customer wholly, voiceprints kept from their calls included; a refusal is
    /// forgotten too. The calls' decisions stay. Returns the voiceprints to take out of the gallery.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    fn delete_customer(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<VoiceprintId>, RecordsError>;

    /// Deletes a customer's voiceprints, those kept from their calls included, and remembers the
    /// refusal; also for a customer not known before. Returns the voiceprints to take out of the
    /// gallery. Doing it again changes nothing.
    ///
    /// # Errors
    /// No such tenant.
    fn opt_out(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<VoiceprintId>, RecordsError>;

    /// Takes a refusal back; the customer may then be enrolled. Changes nothing for others.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] for a customer never known.
    fn opt_in(
        &self,
        tenant: &TenantId,
        customer: &CustomerId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), RecordsError>;

    /// Puts a proxy on the list.
    ///
    /// # Errors
    /// [`RecordsError::AlreadyExists`], [`RecordsError::RequestIdReused`], or no such tenant.
    fn add_proxy(
        &self,
        tenant: &TenantId,
        proxy: &NewProxy,
        by: &Actor,
        now: Timestamp,
    ) -> Result<ProxyAdded, RecordsError>;

    /// One listed proxy, expired or not.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    fn proxy(&self, tenant: &TenantId, proxy: &ProxyId) -> Result<Proxy, RecordsError>;

    /// Listed proxies by id, expired ones too.
    ///
    /// # Errors
    /// [`RecordsError::BadPageToken`].
    fn list_proxies(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<Proxy>, RecordsError>;

    /// Takes a proxy off the list and deletes all that is kept of it. Calls that matched it keep
    /// its id. Returns the voiceprints to take out of the gallery.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    fn remove_proxy(
        &self,
        tenant: &TenantId,
        proxy: &ProxyId,
        by: &Actor,
        now: Timestamp,
    ) -> Result<Vec<VoiceprintId>, RecordsError>;

    /// Begins a call.
    ///
    /// # Errors
    /// [`RecordsError::AlreadyExists`], or no such tenant.
    fn begin_call(&self, tenant: &TenantId, start: &CallStart) -> Result<(), RecordsError>;

    /// Adds what became known of a living call.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`] or [`RecordsError::CallFinished`].
    fn amend_call(
        &self,
        tenant: &TenantId,
        call: &CallId,
        amendment: &CallAmendment,
    ) -> Result<(), RecordsError>;

    /// Adds evidence to a living call.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`], [`RecordsError::CallFinished`], or
    /// [`RecordsError::AlreadyExists`] for a sequence number not above the last.
    fn append_update(
        &self,
        tenant: &TenantId,
        call: &CallId,
        update: &EvidenceUpdate,
    ) -> Result<(), RecordsError>;

    /// Ends a living call with its final decision.
    ///
    /// # Errors
    /// As [`Records::append_update`].
    fn finish_call(
        &self,
        tenant: &TenantId,
        call: &CallId,
        end: &CallEnd<'_>,
        now: Timestamp,
    ) -> Result<(), RecordsError>;

    /// Ends a call that the program was lost in the midst of, as [`Records::finish_call`] does, and
    /// says so in the audit trail. `ended_at` is when it was last heard of.
    ///
    /// # Errors
    /// As [`Records::append_update`].
    fn conclude_lost_call(
        &self,
        tenant: &TenantId,
        call: &CallId,
        end: &CallEnd<'_>,
        ended_at: Timestamp,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), RecordsError>;

    /// Adds a report on what a call turned out to be.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    fn report_outcome(
        &self,
        tenant: &TenantId,
        call: &CallId,
        report: &OutcomeReport,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), RecordsError>;

    /// One call with every update and report.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`].
    fn call(&self, tenant: &TenantId, call: &CallId) -> Result<Call, RecordsError>;

    /// The caller's voiceprint, if it was kept.
    ///
    /// # Errors
    /// [`RecordsError::NotFound`], or [`RecordsError::DamagedVoiceprint`].
    fn call_voiceprint(
        &self,
        tenant: &TenantId,
        call: &CallId,
    ) -> Result<Option<StoredVoiceprint>, RecordsError>;

    /// Calls, the latest begun first. Those added meanwhile neither repeat nor hide others.
    ///
    /// # Errors
    /// [`RecordsError::BadPageToken`], also for a token of another filter.
    fn list_calls(
        &self,
        tenant: &TenantId,
        filter: &CallFilter,
        page: &PageRequest,
    ) -> Result<Page<CallSummary>, RecordsError>;

    /// In which calls begun since `since` a listed proxy was the tag, the call `except` left out:
    /// the finished ones whose last update has it first, among the latest
    /// [`crate::MAX_HISTORY_CALLS`] tagged calls.
    ///
    /// # Errors
    /// Only those of the store.
    fn proxy_history(
        &self,
        tenant: &TenantId,
        proxy: &ProxyId,
        since: Timestamp,
        except: &CallId,
    ) -> Result<ProxyHistory, RecordsError>;

    /// How many calls of each kind began in a span.
    ///
    /// # Errors
    /// [`RecordsError::InvalidField`] for a span that is none or has more than
    /// [`crate::MAX_TALLY_STEPS`] steps.
    fn tally(&self, tenant: &TenantId, span: &TallySpan) -> Result<CallTally, RecordsError>;

    /// The result of a request that was carried out before, `None` if it was not. Asking first
    /// saves the work of a repeated request; the request itself checks again.
    ///
    /// # Errors
    /// [`RecordsError::RequestIdReused`].
    fn request_outcome(
        &self,
        tenant: &TenantId,
        request: &RequestKey,
    ) -> Result<Option<RequestOutcome>, RecordsError>;

    /// Forgets the results of requests carried out before `before`; how many. Their ids may then
    /// be used again.
    ///
    /// # Errors
    /// Only those of the store.
    fn forget_requests(&self, tenant: &TenantId, before: Timestamp) -> Result<usize, RecordsError>;

    /// The audit trail, oldest first.
    ///
    /// # Errors
    /// [`RecordsError::BadPageToken`].
    fn list_audit(&self, tenant: &TenantId, page: &PageRequest) -> Result<Page<AuditEntry>, RecordsError>;

    /// Checks every entry of a tenant's audit trail against the one before it and the last one
    /// against the tenant's record, in bounded memory.
    ///
    /// # Errors
    /// [`RecordsError::AuditBroken`] names the first entry that does not fit.
    fn verify_chain(&self, tenant: &TenantId) -> Result<AuditHead, RecordsError>;

    /// Gives every voiceprint of every customer of one tenant, or of all, to `visit` until it
    /// breaks; those of one customer come together. In bounded memory, and with no lock held while
    /// `visit` runs: what is enrolled or deleted meanwhile may or may not be among them.
    ///
    /// # Errors
    /// [`RecordsError::DamagedVoiceprint`] names the row that does not open.
    fn for_each_customer_voiceprint(
        &self,
        tenant: Option<&TenantId>,
        visit: &mut dyn FnMut(CustomerVoiceprint) -> ControlFlow<()>,
    ) -> Result<(), RecordsError>;

    /// As [`Records::for_each_customer_voiceprint`] for listed proxies, expired ones too.
    ///
    /// # Errors
    /// [`RecordsError::DamagedVoiceprint`] names the row that does not open.
    fn for_each_proxy_voiceprint(
        &self,
        tenant: Option<&TenantId>,
        visit: &mut dyn FnMut(ProxyVoiceprint) -> ControlFlow<()>,
    ) -> Result<(), RecordsError>;
}
