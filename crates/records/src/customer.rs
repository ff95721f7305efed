use earmark_voiceprint::{CustomerId, TenantId};

use crate::text::check_line;
use crate::voiceprint::check_voiceprints;
use crate::{
    NewVoiceprint, RecordsError, RequestKey, StoredVoiceprint, Timestamp, VoiceprintId, VoiceprintInfo,
};

const MAX_DISPLAY_NAME_BYTES: usize = 256;

/// Where a customer stands. A deleted customer has no record at all: it is
/// [`RecordsError::NotFound`], and only the audit trail says that there was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CustomerStatus {
    /// Has at least one voiceprint.
    Enrolled,
    /// Known, has no voiceprint, and may be enrolled: opted in again after an opt-out.
    NotEnrolled,
    /// Refused voiceprints. Has none, and none may be enrolled.
    OptedOut,
}

impl CustomerStatus {
    /// The stable code that is stored.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::NotEnrolled => "not_enrolled",
            Self::OptedOut => "opted_out",
        }
    }

    /// The status with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Enrolled, Self::NotEnrolled, Self::OptedOut].into_iter().find(|s| s.code() == code)
    }
}

/// What an enrollment does when the customer has voiceprints already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EnrollMode {
    /// Refuse with [`RecordsError::AlreadyExists`].
    Create,
    /// Keep them and add to them.
    Add,
    /// Delete them in the same transaction.
    Replace,
}

impl EnrollMode {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Add => "add",
            Self::Replace => "replace",
        }
    }
}

/// A customer's enrollment: kept wholly or not at all.
#[derive(Clone, Debug)]
pub struct Enrollment {
    /// Whom.
    pub customer: CustomerId,
    /// A name for screens, at most 256 bytes. `None` leaves an earlier one as it is.
    pub display_name: Option<String>,
    /// 1 to [`crate::MAX_VOICEPRINTS_PER_SUBJECT`] voiceprints, one a recording; the earlier ones
    /// that stay count too.
    pub voiceprints: Vec<NewVoiceprint>,
    /// What becomes of earlier voiceprints.
    pub mode: EnrollMode,
    /// Makes the request safe to send again.
    pub request: Option<RequestKey>,
}

impl Enrollment {
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        if let Some(name) = &self.display_name {
            check_line("display name", name, MAX_DISPLAY_NAME_BYTES)?;
        }
        check_voiceprints(&self.voiceprints)
    }
}

/// What an enrollment did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// Whom.
    pub customer: CustomerId,
    /// The new voiceprints, in the order they were given.
    pub added: Vec<VoiceprintId>,
    /// The earlier voiceprints that [`EnrollMode::Replace`] deleted: take them out of the gallery.
    pub removed: Vec<VoiceprintId>,
    /// This is the result of an earlier request with the same request id; nothing was done now.
    pub replayed: bool,
}

/// A customer, with what is known of each voiceprint.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// The institution's own key.
    pub customer: CustomerId,
    /// A name for screens.
    pub display_name: Option<String>,
    /// Where the customer stands.
    pub status: CustomerStatus,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// In the order of their numbers; empty unless enrolled.
    pub voiceprints: Vec<VoiceprintInfo>,
}

/// One voiceprint of one customer, for building a gallery.
#[derive(Clone, Debug)]
pub struct CustomerVoiceprint {
    /// The institution.
    pub tenant: TenantId,
    /// Whose it is.
    pub customer: CustomerId,
    /// The voiceprint and what is known of it.
    pub stored: StoredVoiceprint,
}
