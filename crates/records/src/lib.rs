//! What must last: tenants, customers, the proxy library, calls with every evidence update,
//! outcomes, the idempotency of requests, and the audit trail.
//!
//! [`Records`] is the door; [`SqliteRecords`] keeps them in one data folder with no other service.
//! All of it is synchronous: call it off the async threads. Voiceprints are sealed
//! ([`KeyFile`], AES-256-GCM) and stand apart from identity data, joined by a random id only
//! (GB/T 35273: biometric information is stored separately from personal identity information).

mod audit;
mod call;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod customer;
mod error;
mod evidence;
mod hash;
mod idempotency;
mod key_file;
mod paging;
mod proxy;
mod records;
mod seal;
mod sqlite;
mod tally;
mod text;
mod timestamp;
mod voiceprint;

pub use audit::{AuditAction, AuditEntry, AuditHead};
pub use call::{
    Call, CallAmendment, CallConclusion, CallEnd, CallFilter, CallStart, CallSummary, Outcome, OutcomeReport,
    StoredOutcome, check_call_line,
};
pub use customer::{Customer, CustomerStatus, CustomerVoiceprint, EnrollMode, Enrolled, Enrollment};
pub use error::{FieldProblem, RecordKind, RecordsError};
pub use evidence::{
    CustomerEvidence, EvidenceUpdate, Excerpt, MAX_EXCERPTS_PER_UPDATE, MAX_PROXIES_PER_UPDATE,
    MAX_UPDATES_PER_CALL, Posterior, ProxyEvidence,
};
pub use idempotency::{RequestDigest, RequestKey, RequestOutcome};
pub use key_file::KeyFile;
pub use paging::{DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, Page, PageRequest, PageSize, PageToken};
pub use proxy::{NewProxy, Proxy, ProxyAdded, ProxyVoiceprint};
pub use records::Records;
pub use sqlite::SqliteRecords;
pub use tally::{
    CallTally, MAX_HISTORY_CALLS, MAX_TALLY_STEPS, OutcomeTally, ProxyHistory, StepTally, TallySpan,
};
pub use text::{Actor, Code, RequestId};
pub use timestamp::Timestamp;
pub use voiceprint::{
    MAX_VOICEPRINTS_PER_SUBJECT, NewVoiceprint, StoredVoiceprint, VoiceprintId, VoiceprintInfo,
};
