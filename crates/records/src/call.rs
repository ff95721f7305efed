use std::fmt;

use earmark_voiceprint::{CallId, CustomerId, ProxyId};

use crate::evidence::check_seconds;
use crate::text::{check_line, check_prose};
use crate::{Actor, Code, EvidenceUpdate, NewVoiceprint, RecordsError, Timestamp};

const MAX_LINE_BYTES: usize = 128;
const MAX_NOTE_BYTES: usize = 8192;

/// What is known when a call begins.
#[derive(Clone, PartialEq, Eq)]
pub struct CallStart {
    /// The call; must be new.
    pub call: CallId,
    /// Who the caller says they are.
    pub claimed_customer: Option<CustomerId>,
    /// The number the call came from, as the switch gives it; at most 128 bytes.
    pub caller_number: Option<String>,
    /// Who took the call; at most 128 bytes.
    pub agent: Option<String>,
    /// What the call is about, such as `collections`; one line, at most 128 bytes.
    pub scene: Option<String>,
    /// How the audio is encoded; one line, at most 128 bytes.
    pub encoding: String,
    /// Which channel of it is the caller's; at most 128 bytes.
    pub channel: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
}

/// A number is a person's: that there is one is all that is shown.
impl fmt::Debug for CallStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, claimed_customer, caller_number, agent, scene, encoding, channel, started_at } =
            self;
        f.debug_struct("CallStart")
            .field("call", call)
            .field("claimed_customer", claimed_customer)
            .field("caller_number", &caller_number.as_ref().map(|_| "hidden"))
            .field("agent", agent)
            .field("scene", scene)
            .field("encoding", encoding)
            .field("channel", channel)
            .field("started_at", started_at)
            .finish()
    }
}

/// As that of [`CallStart`].
impl fmt::Debug for CallAmendment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claimed_customer, caller_number, agent, scene } = self;
        f.debug_struct("CallAmendment")
            .field("claimed_customer", claimed_customer)
            .field("caller_number", &caller_number.as_ref().map(|_| "hidden"))
            .field("agent", agent)
            .field("scene", scene)
            .finish()
    }
}

impl CallStart {
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        check_line("encoding", &self.encoding, MAX_LINE_BYTES)?;
        check_optional(&[
            ("caller number", &self.caller_number),
            ("agent", &self.agent),
            ("scene", &self.scene),
            ("channel", &self.channel),
        ])
    }
}

/// What becomes known of a call while it lives. `None` leaves what was known.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CallAmendment {
    /// Who the caller says they are.
    pub claimed_customer: Option<CustomerId>,
    /// The number the call came from; at most 128 bytes.
    pub caller_number: Option<String>,
    /// Who has the call now; at most 128 bytes.
    pub agent: Option<String>,
    /// What the call is about; at most 128 bytes.
    pub scene: Option<String>,
}

impl CallAmendment {
    /// Whether a call's record can hold it.
    ///
    /// # Errors
    /// As [`check_call_line`].
    pub fn check(&self) -> Result<(), RecordsError> {
        check_optional(&[
            ("caller number", &self.caller_number),
            ("agent", &self.agent),
            ("scene", &self.scene),
        ])
    }
}

/// Whether a call's record can hold this text as its number, agent or scene: one printable line of 1 to
/// 128 bytes. For those who take such texts from outside, to say so before a call begins.
///
/// # Errors
/// [`RecordsError::InvalidField`] says which rule the text breaks.
pub fn check_call_line(field: &'static str, text: &str) -> Result<(), RecordsError> {
    check_line(field, text, MAX_LINE_BYTES)
}

fn check_optional(lines: &[(&'static str, &Option<String>)]) -> Result<(), RecordsError> {
    lines
        .iter()
        .filter_map(|(field, text)| Some((field, text.as_ref()?)))
        .try_for_each(|(field, text)| check_call_line(field, text))
}

/// What is known when a call ends.
#[derive(Clone, Debug)]
pub struct CallEnd<'a> {
    /// The last update, with the final decision.
    pub last: &'a EvidenceUpdate,
    /// How long the audio was, in seconds.
    pub duration_s: f64,
    /// The caller's voiceprint, to check the call against proxies listed later. Kept sealed and
    /// only if given; whether to keep it is the institution's choice.
    pub voiceprint: Option<&'a NewVoiceprint>,
}

impl CallEnd<'_> {
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        check_seconds("duration", self.duration_s)?;
        self.last.check()?;
        self.voiceprint.map_or(Ok(()), NewVoiceprint::check)
    }
}

/// How a finished call ended.
#[derive(Clone, Debug, PartialEq)]
pub struct CallConclusion {
    /// When.
    pub finished_at: Timestamp,
    /// How long the audio was, in seconds.
    pub duration_s: f64,
    /// The last update, with the final decision.
    pub last: EvidenceUpdate,
    /// Whether the caller's voiceprint was kept.
    pub has_voiceprint: bool,
}

/// A call as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSummary {
    /// What was known when it began.
    pub start: CallStart,
    /// How it ended; `None` while it lives, or if the program was lost while it lived and has not started
    /// again.
    pub conclusion: Option<CallConclusion>,
    /// The latest report on what it turned out to be.
    pub outcome: Option<StoredOutcome>,
}

/// A call with all that was kept of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What was known when it began.
    pub start: CallStart,
    /// Every update in order, the final one included.
    pub updates: Vec<EvidenceUpdate>,
    /// How it ended; `None` while it lives, or if the program was lost while it lived and has not started
    /// again.
    pub conclusion: Option<CallConclusion>,
    /// Every report on what it turned out to be, oldest first; the last one counts.
    pub outcomes: Vec<StoredOutcome>,
}

/// Which calls a list shows. All conditions hold together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Begun at this moment or later.
    pub from: Option<Timestamp>,
    /// Begun before this moment.
    pub until: Option<Timestamp>,
    /// Finished with this verdict.
    pub verdict: Option<Code>,
    /// Claiming to be this customer.
    pub claimed_customer: Option<CustomerId>,
    /// Taken by this agent.
    pub agent: Option<String>,
    /// Finished (true) or not (false).
    pub finished: Option<bool>,
}

/// What a call turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// A complaint agent posed as the customer.
    ConfirmedProxy,
    /// It was the customer.
    Genuine,
    /// It was somebody else, and no complaint agent.
    WrongPerson,
    /// It was somebody the customer had authorized, such as a relative or a lawyer.
    AuthorizedThirdParty,
    /// It was looked into and could not be told.
    Undetermined,
}

impl Outcome {
    const ALL: [Self; 5] = [
        Self::ConfirmedProxy,
        Self::Genuine,
        Self::WrongPerson,
        Self::AuthorizedThirdParty,
        Self::Undetermined,
    ];

    /// The stable code that is stored.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ConfirmedProxy => "confirmed_proxy",
            Self::Genuine => "genuine",
            Self::WrongPerson => "wrong_person",
            Self::AuthorizedThirdParty => "authorized_third_party",
            Self::Undetermined => "undetermined",
        }
    }

    /// The outcome with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.code() == code)
    }
}

/// A report on what a call turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeReport {
    /// What it was.
    pub outcome: Outcome,
    /// Which listed proxy it was, if that is known.
    pub proxy: Option<ProxyId>,
    /// How it is known; at most 8,192 bytes.
    pub note: Option<String>,
}

impl OutcomeReport {
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        self.note.as_ref().map_or(Ok(()), |note| check_prose("note", note, MAX_NOTE_BYTES))
    }
}

/// A report as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOutcome {
    /// What was reported.
    pub report: OutcomeReport,
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_number_is_not_shown() {
        let caller_number = Some("13812345678".to_owned());
        let amendment = CallAmendment { caller_number: caller_number.clone(), ..CallAmendment::default() };
        let start = CallStart {
            call: CallId::new("c-1").unwrap(),
            claimed_customer: None,
            caller_number,
            agent: None,
            scene: None,
            encoding: "pcm".to_owned(),
            channel: None,
            started_at: Timestamp::from_unix_millis(0),
        };
        for shown in [format!("{start:?}"), format!("{amendment:?}")] {
            assert!(!shown.contains("138") && shown.contains("hidden"), "{shown}");
        }
    }
}
