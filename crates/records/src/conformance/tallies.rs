use super::fixtures::*;
use crate::{
    CallEnd, CallStart, EvidenceUpdate, Outcome, OutcomeReport, OutcomeTally, ProxyEvidence, ProxyHistory,
    Records, RecordsError, StepTally, TallySpan,
};

/// A finished call: who was claimed, from which number, when, which verdict, which proxy first.
fn finished(
    records: &dyn Records,
    id: &str,
    number: &str,
    claimed: &str,
    began: i64,
    verdict: &str,
    proxy: &str,
) {
    let bank = tenant(records);
    let start = CallStart { caller_number: Some(number.to_owned()), ..call_start(id, Some(claimed), began) };
    records.begin_call(&bank, &start).unwrap();
    let hit = |id: &str, llr| ProxyEvidence { proxy: proxy_id(id), llr, posterior: 0.5 };
    // Whoever came first early in the call does not count, nor does the second at its end.
    let early = EvidenceUpdate { proxies: vec![hit("early", 2.0)], ..update(0, verdict) };
    records.append_update(&bank, &start.call, &early).unwrap();
    let last = EvidenceUpdate { proxies: vec![hit(proxy, 3.0), hit("second", 1.0)], ..update(1, verdict) };
    let end = CallEnd { last: &last, duration_s: 8.0, voiceprint: None };
    records.finish_call(&bank, &start.call, &end, at(began + 5)).unwrap();
}

fn report(records: &dyn Records, id: &str, outcome: Outcome) {
    let report = OutcomeReport { outcome, proxy: None, note: None };
    records.report_outcome(&tenant(records), &call_id(id), &report, &by(), at(900)).unwrap();
}

/// Only finished calls with the tag count, and only where the proxy came first.
pub fn a_proxys_history_counts_the_calls_it_was_tagged_in(records: &dyn Records) {
    let bank = tenant(records);
    let history = |since, except: &str| {
        records.proxy_history(&bank, &proxy_id("p"), at(since), &call_id(except)).unwrap()
    };
    assert_eq!(history(0, "none"), ProxyHistory::default());
    finished(records, "k1", "138", "c1", 100, "suspected_proxy", "p");
    finished(records, "k2", "138", "c2", 200, "suspected_proxy", "p");
    finished(records, "k3", "139", "c2", 300, "suspected_proxy", "p");
    finished(records, "k4", "137", "c3", 400, "suspected_proxy", "other");
    finished(records, "k5", "136", "c4", 500, "mismatch", "p");
    report(records, "k1", Outcome::Genuine);
    report(records, "k1", Outcome::ConfirmedProxy);
    report(records, "k2", Outcome::AuthorizedThirdParty);
    report(records, "k3", Outcome::Undetermined);
    let all = ProxyHistory {
        calls: 3,
        customers: 2,
        numbers: 2,
        first_at: Some(at(100)),
        last_at: Some(at(300)),
        confirmed: 1,
        cleared: 1,
    };
    assert_eq!(history(0, "none"), all);
    assert_eq!(history(0, "k3"), ProxyHistory { calls: 2, numbers: 1, last_at: Some(at(200)), ..all });
    let later = ProxyHistory { calls: 2, customers: 1, first_at: Some(at(200)), confirmed: 0, ..all };
    assert_eq!(history(101, "none"), later);
    for name in ["early", "second", "unknown"] {
        let found = records.proxy_history(&bank, &proxy_id(name), at(0), &call_id("none")).unwrap();
        assert_eq!(found, ProxyHistory::default(), "{name}");
    }
}

/// Steps, verdicts and outcomes add up to the calls begun in the span, its end not included.
pub fn calls_are_counted_by_time_verdict_and_outcome(records: &dyn Records) {
    let bank = tenant(records);
    for (n, (began, verdict)) in [
        (100, "match"),
        (109, "match"),
        (110, "suspected_proxy"),
        (135, "match"),
        (99, "match"),
        (140, "match"),
    ]
    .into_iter()
    .enumerate()
    {
        finished(records, &format!("k{n}"), "138", "c", began, verdict, "p");
    }
    records.begin_call(&bank, &call_start("living", None, 111)).unwrap();
    report(records, "k0", Outcome::Genuine);
    report(records, "k2", Outcome::Genuine);
    report(records, "k2", Outcome::ConfirmedProxy);
    report(records, "k4", Outcome::Genuine);
    let span = TallySpan { from: at(100), until: at(140), step_ms: 10 };
    let tally = records.tally(&bank, &span).unwrap();
    let step =
        |from, verdict: Option<&str>, calls| StepTally { from: at(from), verdict: verdict.map(code), calls };
    let expected = [
        step(100, Some("match"), 2),
        step(110, None, 1),
        step(110, Some("suspected_proxy"), 1),
        step(130, Some("match"), 1),
    ];
    assert_eq!(tally.over_time, expected);
    let outcome = |verdict, outcome| OutcomeTally { verdict: Some(code(verdict)), outcome, calls: 1 };
    let expected = [outcome("match", Outcome::Genuine), outcome("suspected_proxy", Outcome::ConfirmedProxy)];
    assert_eq!(tally.outcomes, expected);
    let ends = crate::Timestamp::from_unix_millis;
    for bad in [
        TallySpan { until: at(100), ..span },
        TallySpan { step_ms: 0, ..span },
        TallySpan { until: at(1_000_000), ..span },
        TallySpan { from: ends(i64::MIN), until: ends(i64::MAX), ..span },
    ] {
        assert!(matches!(records.tally(&bank, &bad), Err(RecordsError::InvalidField { .. })), "{bad:?}");
    }
}
