use earmark_voiceprint::{CallId, ProxyId, TenantId};

use crate::text::{check_line, check_prose};
use crate::voiceprint::check_voiceprints;
use crate::{
    Actor, FieldProblem, NewVoiceprint, RecordsError, RequestKey, StoredVoiceprint, Timestamp, VoiceprintId,
    VoiceprintInfo,
};

const MAX_LABEL_BYTES: usize = 256;
const MAX_LEGAL_BASIS_BYTES: usize = 2048;
const MAX_NOTE_BYTES: usize = 8192;

/// A proxy to put on the list: kept wholly or not at all.
#[derive(Clone, Debug)]
pub struct NewProxy {
    /// Its id; must be new.
    pub proxy: ProxyId,
    /// What screens show; one line, at most 256 bytes.
    pub label: String,
    /// Why the institution may keep this person's voice without consent; required, at most 2,048
    /// bytes. (PIPL article 13 and GB/T 35273 5.6 name the grounds.)
    pub legal_basis: String,
    /// Anything else worth knowing; at most 8,192 bytes.
    pub note: Option<String>,
    /// The call the voice was taken from.
    pub source_call: Option<CallId>,
    /// When the entry must no longer match; later than now.
    pub expires_at: Option<Timestamp>,
    /// 1 to [`crate::MAX_VOICEPRINTS_PER_SUBJECT`] voiceprints.
    pub voiceprints: Vec<NewVoiceprint>,
    /// Makes the request safe to send again.
    pub request: Option<RequestKey>,
}

impl NewProxy {
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), RecordsError> {
        check_line("label", &self.label, MAX_LABEL_BYTES)?;
        check_prose("legal basis", &self.legal_basis, MAX_LEGAL_BASIS_BYTES)?;
        if let Some(note) = &self.note {
            check_prose("note", note, MAX_NOTE_BYTES)?;
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(RecordsError::field("expiry", FieldProblem::OutOfRange));
        }
        check_voiceprints(&self.voiceprints)
    }
}

/// What putting a proxy on the list did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyAdded {
    /// Which.
    pub proxy: ProxyId,
    /// Its voiceprints, in the order they were given.
    pub voiceprints: Vec<VoiceprintId>,
    /// This is the result of an earlier request with the same request id; nothing was done now.
    pub replayed: bool,
}

/// A listed proxy, with what is known of each voiceprint.
#[derive(Clone, Debug, PartialEq)]
pub struct Proxy {
    /// Its id.
    pub proxy: ProxyId,
    /// What screens show.
    pub label: String,
    /// Why the institution may keep this voice.
    pub legal_basis: String,
    /// Anything else worth knowing.
    pub note: Option<String>,
    /// The call the voice was taken from.
    pub source_call: Option<CallId>,
    /// Who listed it.
    pub created_by: Actor,
    /// When.
    pub created_at: Timestamp,
    /// When the entry must no longer match.
    pub expires_at: Option<Timestamp>,
    /// In the order of their numbers.
    pub voiceprints: Vec<VoiceprintInfo>,
}

/// One voiceprint of one listed proxy, for building a gallery.
#[derive(Clone, Debug)]
pub struct ProxyVoiceprint {
    /// The institution.
    pub tenant: TenantId,
    /// Whose it is.
    pub proxy: ProxyId,
    /// When the entry must no longer match.
    pub expires_at: Option<Timestamp>,
    /// The voiceprint and what is known of it.
    pub stored: StoredVoiceprint,
}
