use crate::{Actor, Timestamp};

/// What was done, in the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditAction {
    /// A customer's voiceprints were enrolled.
    Enroll,
    /// A customer was deleted wholly.
    DeleteCustomer,
    /// A customer refused voiceprints.
    OptOut,
    /// A customer took the refusal back.
    OptIn,
    /// A proxy was put on the list.
    ListProxy,
    /// A proxy was taken off the list.
    UnlistProxy,
    /// It was reported what a call turned out to be.
    ReportOutcome,
    /// A call that the program was lost in the midst of was ended with what had been kept of it.
    ConcludeCall,
}

impl AuditAction {
    const ALL: [Self; 8] = [
        Self::Enroll,
        Self::DeleteCustomer,
        Self::OptOut,
        Self::OptIn,
        Self::ListProxy,
        Self::UnlistProxy,
        Self::ReportOutcome,
        Self::ConcludeCall,
    ];

    /// The stable code that is stored and hashed.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Enroll => "enroll",
            Self::DeleteCustomer => "delete_customer",
            Self::OptOut => "opt_out",
            Self::OptIn => "opt_in",
            Self::ListProxy => "list_proxy",
            Self::UnlistProxy => "unlist_proxy",
            Self::ReportOutcome => "report_outcome",
            Self::ConcludeCall => "conclude_call",
        }
    }

    /// The action with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.code() == code)
    }
}

/// One entry of a tenant's audit trail. Holds ids, never biometrics or names of customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number in the tenant's trail, from 1 without gaps.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: Actor,
    /// What.
    pub action: AuditAction,
    /// The id of the customer, proxy or call it was done to.
    pub object: String,
    /// How many voiceprints, which mode, which outcome: codes, numbers and ids.
    pub detail: String,
    /// SHA-256 over the hash of the entry before and all fields of this one.
    pub hash: [u8; 32],
}

/// The end of a verified audit trail. Keep a copy elsewhere now and then: a trail whose later
/// verification does not come by the same hash at the same count was rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// How many entries there are.
    pub count: i64,
    /// The hash of the last one; all zero for none.
    pub hash: [u8; 32],
}
