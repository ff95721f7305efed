//! What a supervisor sees: the calls that are going on, and what a span of time came to.

use axum::extract::State;
use axum::response::Response;
use earmark_engine::{CallTally, OutcomeTally, StepTally, TallySpan, Timestamp, Verdict};
use http::{HeaderMap, Uri};
use serde::Serialize;

use super::access::{Asked, now_ms};
use super::pages::Desk;
use super::query::parameter;
use super::refused;
use super::view::{CallView, UpdateView, outcome_code};
use crate::feed::RunningCall;

/// Live calls on one page, those that need care first; how many there are is told beside.
const MAX_SHOWN: usize = 100;
/// Steps of a span: what a small chart can show.
const STEPS: i64 = 48;
/// A span is a day unless asked otherwise, and a month at most.
const DAY_MS: i64 = 24 * 3600 * 1000;
const MAX_SPAN_MS: i64 = 31 * DAY_MS;

#[derive(Serialize)]
struct Overview {
    now_ms: i64,
    live_count: usize,
    live: Vec<LiveView>,
    from_ms: i64,
    step_ms: i64,
    steps: Vec<StepView>,
    outcomes: Vec<OutcomeCount>,
}

#[derive(Serialize)]
struct LiveView {
    call: CallView,
    latest: Option<UpdateView>,
}

#[derive(Serialize)]
struct StepView {
    from_ms: i64,
    verdict: Option<String>,
    calls: u32,
}

#[derive(Serialize)]
struct OutcomeCount {
    verdict: Option<String>,
    outcome: &'static str,
    calls: u32,
}

/// `from` is where the page's day begins: only it knows its time zone.
pub(super) async fn overview(State(backend): Desk, uri: Uri, headers: HeaderMap) -> Response {
    let viewer = match backend.desk.door.viewer(Asked::Supervisor, &headers, &uri) {
        Ok(viewer) => viewer,
        Err(denied) => return denied.for_script(),
    };
    let now = now_ms();
    let from = parameter(uri.query(), "from").map_or(Some(now - DAY_MS), |from| from.parse::<i64>().ok());
    let Some(from) = from.filter(|from| (now - MAX_SPAN_MS..=now).contains(from)) else {
        return refused::bad("from");
    };
    let span = span(from, now);
    let mut running = backend.feed.running(&viewer.tenant);
    by_care(&mut running);
    let tally = backend.lookup(move |engine| engine.tally(&viewer.tenant, &span)).await;
    match tally {
        Ok(tally) => refused::json(&shown(now, &running, &span, tally)),
        Err(status) => refused::of_status(&status),
    }
}

/// Whole steps that hold everything up to now.
fn span(from_ms: i64, now_ms: i64) -> TallySpan {
    let length = (now_ms - from_ms).max(0);
    let step_ms = if length <= DAY_MS { DAY_MS / STEPS } else { length / STEPS + 1 };
    let until = from_ms + (length / step_ms + 1) * step_ms;
    let at = Timestamp::from_unix_millis;
    TallySpan { from: at(from_ms), until: at(until), step_ms }
}

/// Those that need care first, and of two alike the latest begun, as they come.
fn by_care(running: &mut [RunningCall]) {
    running.sort_by_key(|call| care(call.latest.as_ref().map(|latest| latest.verdict)));
}

/// How soon somebody should look: what is to be looked into, then what is well, then what says nothing.
fn care(verdict: Option<Verdict>) -> usize {
    const ORDER: [Verdict; 8] = [
        Verdict::SuspectedProxy,
        Verdict::Mismatch,
        Verdict::Doubtful,
        Verdict::Match,
        Verdict::InsufficientSpeech,
        Verdict::NotEnrolled,
        Verdict::OptedOut,
        Verdict::NoCustomerClaimed,
    ];
    ORDER.iter().position(|other| Some(*other) == verdict).unwrap_or(ORDER.len())
}

fn shown(now_ms: i64, running: &[RunningCall], span: &TallySpan, tally: CallTally) -> Overview {
    let live = running.iter().take(MAX_SHOWN).map(|call| LiveView {
        call: CallView::running(call),
        latest: call.latest.as_deref().map(UpdateView::new),
    });
    Overview {
        now_ms,
        live_count: running.len(),
        live: live.collect(),
        from_ms: span.from.unix_millis(),
        step_ms: span.step_ms,
        steps: tally.over_time.iter().map(step).collect(),
        outcomes: tally.outcomes.iter().map(outcome).collect(),
    }
}

fn step(step: &StepTally) -> StepView {
    let verdict = step.verdict.as_ref().map(|code| code.as_str().to_ascii_uppercase());
    StepView { from_ms: step.from.unix_millis(), verdict, calls: step.calls }
}

fn outcome(tally: &OutcomeTally) -> OutcomeCount {
    let verdict = tally.verdict.as_ref().map(|code| code.as_str().to_ascii_uppercase());
    OutcomeCount { verdict, outcome: outcome_code(tally.outcome), calls: tally.calls }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_needs_care_first_and_a_call_without_a_verdict_last() {
        assert!(care(Some(Verdict::SuspectedProxy)) < care(Some(Verdict::Mismatch)));
        let all = Verdict::ALL.map(|verdict| care(Some(verdict)));
        let mut each: Vec<usize> = all.to_vec();
        each.sort_unstable();
        assert_eq!(each, (0..all.len()).collect::<Vec<_>>());
        assert!(all.iter().all(|own| *own < care(None)));
    }

    #[test]
    fn a_span_holds_now_in_few_whole_steps() {
        for length in [0, 1, 3_600_000, DAY_MS - 1, DAY_MS, DAY_MS + 1, MAX_SPAN_MS] {
            let span = span(1000, 1000 + length);
            let (from, until) = (span.from.unix_millis(), span.until.unix_millis());
            assert!((from..until).contains(&(1000 + length)), "{length}");
            assert_eq!((until - from) % span.step_ms, 0);
            assert!((until - from) / span.step_ms <= STEPS + 1, "{length}");
        }
    }
}
