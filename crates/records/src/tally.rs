use crate::{Code, FieldProblem, Outcome, RecordsError, Timestamp};

/// A day in steps of five minutes, and more.
pub const MAX_TALLY_STEPS: u32 = 400;
/// What a proxy's history looks at: the latest tagged calls, whoever was tagged in them.
pub const MAX_HISTORY_CALLS: u32 = 10_000;

/// In which calls a listed proxy was the tag, the finished ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProxyHistory {
    /// How many calls.
    pub calls: u32,
    /// How many customers these calls claimed.
    pub customers: u32,
    /// How many numbers they came from.
    pub numbers: u32,
    /// When the first of them began.
    pub first_at: Option<Timestamp>,
    /// When the last of them began.
    pub last_at: Option<Timestamp>,
    /// How many turned out to be of a complaint agent.
    pub confirmed: u32,
    /// How many turned out to be of somebody else.
    pub cleared: u32,
}

/// Over which calls to count: those begun in a span, in steps of equal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TallySpan {
    /// The first step's beginning.
    pub from: Timestamp,
    /// The end of the last step, not included.
    pub until: Timestamp,
    /// The length of a step in milliseconds.
    pub step_ms: i64,
}

impl TallySpan {
    /// At most [`MAX_TALLY_STEPS`] steps.
    pub(crate) fn check(&self) -> Result<(), RecordsError> {
        let length = self.until.unix_millis().checked_sub(self.from.unix_millis());
        let length = length.filter(|ms| *ms > 0 && self.step_ms > 0);
        let bad = || RecordsError::field("span", FieldProblem::OutOfRange);
        let steps = length.ok_or_else(bad)?.div_euclid(self.step_ms);
        if steps <= i64::from(MAX_TALLY_STEPS) { Ok(()) } else { Err(bad()) }
    }
}

/// How many calls of each kind there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallTally {
    /// By step and final verdict, those with no call left out; in order.
    pub over_time: Vec<StepTally>,
    /// By final verdict and what they turned out to be.
    pub outcomes: Vec<OutcomeTally>,
}

/// Calls begun in one step with one verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepTally {
    /// The step's beginning.
    pub from: Timestamp,
    /// The final verdict; `None` for calls without one (yet).
    pub verdict: Option<Code>,
    /// How many.
    pub calls: u32,
}

/// Calls with one verdict that turned out one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeTally {
    /// The final verdict; `None` for calls without one (yet).
    pub verdict: Option<Code>,
    /// The last report.
    pub outcome: Outcome,
    /// How many.
    pub calls: u32,
}
