mod decisions;
mod values;
mod what_if;

use std::path::Path;

use crate::breakdown::groups;
use crate::files::Folder;
use crate::lists::Columns;
use crate::metrics::{Share, quantile, share};
use crate::tags::{TagBreakdown, TagEvent, TagFigures, numbered, tag_breakdown, tag_figures};
use crate::{EvaluationError, EvaluationOptions, report};

pub use what_if::{PriorWhatIf, ThresholdWhatIf};

/// One call, replayed through the live path, and the truth about it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRow {
    /// The recording, as the list names it.
    pub recording: String,
    /// The true voice.
    pub speaker: String,
    /// The customer the caller claims to be, if any.
    pub claimed: Option<String>,
    /// The true voice is on the proxy list.
    pub listed: bool,
    /// The call was tagged as a listed proxy's.
    pub tagged: bool,
    /// It was tagged with the entry of the true voice.
    pub tagged_right: bool,
    /// The verdict's stable code at the call's end (`MATCH`, `SUSPECTED_PROXY` and so on).
    pub verdict: String,
    /// Seconds of net speech heard when the verdict first stood; none when there never was one.
    pub seconds_to_decision: Option<f64>,
    /// Net speech of the whole call in seconds, where it was measured.
    pub net_speech_s: Option<f64>,
    /// The best entry's natural-log likelihood ratio at the end; none without a voiceprint.
    pub best_llr: Option<f64>,
    /// That entry is the true voice.
    pub best_right: bool,
    /// The least LLR that tags, at the end of this call.
    pub threshold: Option<f64>,
    /// What the list says of the recording.
    pub columns: Columns,
}

/// Who calls, as the truth has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallKind {
    /// A voice on the proxy list.
    ListedProxy,
    /// The claimed customer.
    Customer,
    /// Anybody else.
    Other,
}

impl CallRow {
    /// Who calls.
    #[must_use]
    pub fn kind(&self) -> CallKind {
        if self.listed {
            CallKind::ListedProxy
        } else if self.claimed.as_ref() == Some(&self.speaker) {
            CallKind::Customer
        } else {
            CallKind::Other
        }
    }
}

/// All that a business view is made of.
#[derive(Clone, Debug, Default)]
pub struct CallsInput {
    /// The shipped system's title, for people.
    pub title: String,
    /// The calls.
    pub calls: Vec<CallRow>,
    /// Voices on the proxy list.
    pub list_size: usize,
    /// Customers with a voiceprint.
    pub customers: usize,
    /// What was run, `(name, value)`: model, back end, command. Shown as it is.
    pub facts: Vec<(String, String)>,
    /// How it is counted.
    pub options: EvaluationOptions,
}

/// How long decisions took, in seconds of net speech.
#[derive(Clone, Debug, PartialEq)]
pub struct Seconds {
    /// Who called.
    pub kind: CallKind,
    /// Calls that came to a decision.
    pub decided: usize,
    /// All calls of this kind.
    pub calls: usize,
    /// The 10th, 50th, 90th and 95th percentile; none without decisions.
    pub quantiles: Option<[f64; 4]>,
}

/// The figures of the business view.
#[derive(Clone, Debug)]
pub struct CallsFigures {
    /// What was tagged.
    pub tags: TagFigures,
    /// Claimed customers' own calls tagged, of all of them: they are among the false tags too.
    pub customers_tagged: Share,
    /// How often each kind of caller got each verdict, `(kind, verdict's code, calls)`.
    pub verdicts: Vec<(CallKind, String, usize)>,
    /// Seconds of speech to the decision, by kind of caller.
    pub seconds: Vec<Seconds>,
    /// What was tagged, by each column's values.
    pub breakdowns: Vec<TagBreakdown>,
    /// What other thresholds would have tagged.
    pub thresholds: Vec<ThresholdWhatIf>,
    /// What a tag is worth when proxies call more or less often.
    pub priors: Vec<PriorWhatIf>,
}

/// What a replay of calls came to.
#[derive(Clone, Debug)]
pub struct CallsResult {
    input: CallsInput,
    figures: CallsFigures,
}

impl CallsResult {
    /// Counts the calls.
    ///
    /// # Errors
    /// When there is no call, a number is not finite, or an option is out of range.
    pub fn new(input: CallsInput) -> Result<Self, EvaluationError> {
        if input.calls.is_empty() {
            return Err(EvaluationError::Nothing("calls"));
        }
        check(&input)?;
        let bootstrap = &input.options.bootstrap;
        let speakers = numbered(input.calls.iter().map(|c| &*c.speaker));
        let event = |(call, speaker): (&CallRow, &u32)| {
            let (listed, tagged, right) = (call.listed, call.tagged, call.tagged_right);
            TagEvent { speaker: *speaker, listed, tagged, right }
        };
        let events: Vec<TagEvent> = input.calls.iter().zip(&speakers).map(event).collect();
        let groups = groups(input.calls.iter().map(|c| (&c.columns, c.net_speech_s)));
        let tags = tag_figures(&events, bootstrap);
        let customers = input.calls.iter().zip(&speakers).filter(|(c, _)| c.kind() == CallKind::Customer);
        let customers_tagged = share(customers.map(|(c, speaker)| (*speaker, c.tagged)), bootstrap);
        let kinds = [CallKind::ListedProxy, CallKind::Customer, CallKind::Other];
        let figures = CallsFigures {
            customers_tagged,
            verdicts: verdicts(&input.calls),
            seconds: kinds.iter().filter_map(|k| seconds(*k, &input.calls)).collect(),
            breakdowns: tag_breakdown(&events, &groups, bootstrap),
            thresholds: what_if::thresholds(&input, &speakers),
            priors: what_if::priors(&tags, &input.options.proxy_shares),
            tags,
        };
        Ok(Self { input, figures })
    }

    /// What it was made of.
    #[must_use]
    pub fn input(&self) -> &CallsInput {
        &self.input
    }

    /// The figures.
    #[must_use]
    pub fn figures(&self) -> &CallsFigures {
        &self.figures
    }

    /// Writes decisions.csv, metrics.json and report.html into `folder`, which is made when it is
    /// not there.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), EvaluationError> {
        let folder = Folder::create(folder)?;
        decisions::write(&self.input.calls, &folder)?;
        folder.json("metrics.json", &values::metrics(self))?;
        folder.text("report.html", &report::calls_page(self))
    }
}

fn check(input: &CallsInput) -> Result<(), EvaluationError> {
    input.options.bootstrap.check()?;
    let bad = |text: String| Err(EvaluationError::BadSetting(text));
    if let Some(share) = input.options.proxy_shares.iter().find(|s| !(0.0..=1.0).contains(*s)) {
        return bad(format!("a share of proxies' calls is {share}, it must be from 0 to 1"));
    }
    if let Some(shift) = input.options.threshold_shifts.iter().find(|s| !s.is_finite()) {
        return bad(format!("a threshold's shift is {shift}, it must be finite"));
    }
    let numbers = |c: &CallRow| [c.seconds_to_decision, c.net_speech_s, c.best_llr, c.threshold];
    match input.calls.iter().position(|c| numbers(c).into_iter().flatten().any(|n| !n.is_finite())) {
        Some(index) => Err(EvaluationError::NotFinite { system: "earmark".to_owned(), index }),
        None => Ok(()),
    }
}

fn verdicts(calls: &[CallRow]) -> Vec<(CallKind, String, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for call in calls {
        *counts.entry((call.kind(), call.verdict.clone())).or_insert(0) += 1;
    }
    counts.into_iter().map(|((kind, verdict), calls)| (kind, verdict, calls)).collect()
}

fn seconds(kind: CallKind, calls: &[CallRow]) -> Option<Seconds> {
    let of_kind: Vec<&CallRow> = calls.iter().filter(|c| c.kind() == kind).collect();
    let times: Vec<f64> = of_kind.iter().filter_map(|c| c.seconds_to_decision).collect();
    let at = |q| quantile(&times, q);
    let quantiles = match (at(0.1), at(0.5), at(0.9), at(0.95)) {
        (Some(a), Some(b), Some(c), Some(d)) => Some([a, b, c, d]),
        _ => None,
    };
    let found = Seconds { kind, decided: times.len(), calls: of_kind.len(), quantiles };
    (found.calls > 0).then_some(found)
}
