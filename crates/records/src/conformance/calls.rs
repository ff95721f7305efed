use super::fixtures::*;
use crate::{
    AuditAction, CallAmendment, CallEnd, CallFilter, CallStart, CustomerEvidence, EvidenceUpdate, Excerpt,
    FieldProblem, MAX_UPDATES_PER_CALL, Outcome, OutcomeReport, Posterior, ProxyEvidence, RecordKind,
    Records, RecordsError,
};

/// Every update with every number, with and without what is optional.
pub fn calls_are_read_back_as_they_were_kept(records: &dyn Records) {
    let bank = tenant(records);
    let start = call_start("通话-1", Some("c"), 100);
    records.begin_call(&bank, &start).unwrap();
    let updates = [bare_update(0), update(1, "doubtful"), update(5, "listed_proxy")];
    for update in &updates[..2] {
        records.append_update(&bank, &start.call, update).unwrap();
    }
    let living = records.call(&bank, &start.call).unwrap();
    assert_eq!((living.start, living.conclusion), (start.clone(), None));
    assert_eq!(living.updates, updates[..2]);

    let end = CallEnd { last: &updates[2], duration_s: 63.5, voiceprint: None };
    records.finish_call(&bank, &start.call, &end, at(70_000)).unwrap();
    let call = records.call(&bank, &start.call).unwrap();
    assert_eq!(call.updates, updates);
    let conclusion = call.conclusion.unwrap();
    assert_eq!((conclusion.finished_at, conclusion.duration_s), (at(70_000), 63.5));
    assert_eq!(conclusion.last, updates[2]);
    assert!(!conclusion.has_voiceprint && call.outcomes.is_empty());

    let bare = CallStart {
        caller_number: None,
        agent: None,
        scene: None,
        channel: None,
        ..call_start("bare", None, 100)
    };
    records.begin_call(&bank, &bare).unwrap();
    let found = records.call(&bank, &bare.call).unwrap();
    assert_eq!((found.start, found.updates), (bare.clone(), Vec::new()));
    let again = records.begin_call(&bank, &bare);
    assert!(matches!(again, Err(RecordsError::AlreadyExists { kind: RecordKind::Call, .. })));
}

/// What becomes known later is added to a living call, and what is not said stays.
pub fn a_living_call_can_be_amended(records: &dyn Records) {
    let bank = tenant(records);
    let start = call_start("k", None, 0);
    let claim = CallAmendment { claimed_customer: Some(customer("c")), ..CallAmendment::default() };
    let unknown = records.amend_call(&bank, &start.call, &claim);
    assert!(matches!(unknown, Err(RecordsError::NotFound { kind: RecordKind::Call, .. })));
    records.begin_call(&bank, &start).unwrap();
    records.amend_call(&bank, &start.call, &CallAmendment::default()).unwrap();
    records.amend_call(&bank, &start.call, &claim).unwrap();
    let moved = CallAmendment {
        agent: Some("a-43".to_owned()),
        scene: Some("complaint".to_owned()),
        ..CallAmendment::default()
    };
    records.amend_call(&bank, &start.call, &moved).unwrap();
    let expected = CallStart {
        claimed_customer: Some(customer("c")),
        agent: moved.agent.clone(),
        scene: moved.scene.clone(),
        ..start.clone()
    };
    assert_eq!(records.call(&bank, &start.call).unwrap().start, expected);
    let long = CallAmendment { agent: Some("x".repeat(129)), ..CallAmendment::default() };
    assert!(matches!(records.amend_call(&bank, &start.call, &long), Err(RecordsError::InvalidField { .. })));
    let end = CallEnd { last: &update(1, "match"), duration_s: 1.0, voiceprint: None };
    records.finish_call(&bank, &start.call, &end, at(9)).unwrap();
    let late = records.amend_call(&bank, &start.call, &claim);
    assert!(matches!(late, Err(RecordsError::CallFinished { .. })));
}

/// No number twice, none out of order, none after the end, none without a call.
pub fn call_updates_come_in_order_and_end_with_the_call(records: &dyn Records) {
    let bank = tenant(records);
    let id = call_id("k");
    let unknown = records.append_update(&bank, &id, &update(0, "match"));
    assert!(matches!(unknown, Err(RecordsError::NotFound { kind: RecordKind::Call, .. })));
    records.begin_call(&bank, &call_start("k", None, 0)).unwrap();
    records.append_update(&bank, &id, &update(3, "match")).unwrap();
    for sequence in [3, 2, 0] {
        let again = records.append_update(&bank, &id, &bare_update(sequence));
        let kind = RecordKind::EvidenceUpdate;
        assert!(matches!(again, Err(RecordsError::AlreadyExists { kind: k, .. }) if k == kind));
    }
    let end = |last: &EvidenceUpdate| {
        let end = CallEnd { last, duration_s: 1.0, voiceprint: None };
        records.finish_call(&bank, &id, &end, at(9))
    };
    assert!(matches!(end(&update(3, "match")), Err(RecordsError::AlreadyExists { .. })));
    assert!(records.call(&bank, &id).unwrap().conclusion.is_none());
    end(&update(4, "match")).unwrap();
    assert!(matches!(end(&update(5, "match")), Err(RecordsError::CallFinished { .. })));
    let late = records.append_update(&bank, &id, &update(5, "match"));
    assert!(matches!(late, Err(RecordsError::CallFinished { id }) if id == "k"));
    assert_eq!(records.call(&bank, &id).unwrap().updates, [update(3, "match"), update(4, "match")]);
}

/// It ends at the moment it was last heard of, once, and the audit trail says who ended it.
pub fn a_lost_call_is_concluded_and_audited(records: &dyn Records) {
    let bank = tenant(records);
    let id = call_id("k");
    records.begin_call(&bank, &call_start("k", None, 0)).unwrap();
    records.append_update(&bank, &id, &update(1, "mismatch")).unwrap();
    let conclude = || {
        let end = CallEnd { last: &update(2, "mismatch"), duration_s: 5.5, voiceprint: None };
        records.conclude_lost_call(&bank, &id, &end, at(70), &by(), at(9_000))
    };
    conclude().unwrap();
    let call = records.call(&bank, &id).unwrap();
    let conclusion = call.conclusion.unwrap();
    assert_eq!((conclusion.finished_at, conclusion.duration_s), (at(70), 5.5));
    assert_eq!(call.updates, [update(1, "mismatch"), update(2, "mismatch")]);
    assert!(matches!(conclude(), Err(RecordsError::CallFinished { .. })));
    let trail = all_pages(10, |page| records.list_audit(&bank, page), || {});
    let [entry] = &trail[..] else { panic!("{trail:?}") };
    assert_eq!((entry.action, entry.object.as_str(), entry.at), (AuditAction::ConcludeCall, "k", at(9_000)));
    assert_eq!((&entry.by, entry.detail.as_str()), (&by(), "lost mismatch"));
    records.verify_chain(&bank).unwrap();
}

/// Newest first, under every combination of conditions and any size of page.
pub fn calls_are_listed_by_time_under_every_filter(records: &dyn Records) {
    let bank = tenant(records);
    // Several calls begin at the same moment, so that the id decides between them.
    let calls: Vec<_> = (0..24i64)
        .map(|i| {
            let claimed = [None, Some("c1"), Some("c2")][(i % 3) as usize];
            let verdict = [None, Some("match"), Some("mismatch")][(i % 4).min(2) as usize];
            (call_start(&format!("k{i:02}"), claimed, i / 5), verdict)
        })
        .collect();
    for (start, verdict) in &calls {
        records.begin_call(&bank, start).unwrap();
        records.append_update(&bank, &start.call, &update(0, "doubtful")).unwrap();
        if let Some(verdict) = verdict {
            let end = CallEnd { last: &update(1, verdict), duration_s: 8.0, voiceprint: None };
            records.finish_call(&bank, &start.call, &end, at(50)).unwrap();
        }
    }
    for filter in filters() {
        let expected = calls.iter().rev().filter(|(start, verdict)| {
            filter.from.is_none_or(|t| start.started_at >= t)
                && filter.until.is_none_or(|t| start.started_at < t)
                && filter.verdict.as_ref().is_none_or(|v| *verdict == Some(v.as_str()))
                && filter.claimed_customer.as_ref().is_none_or(|c| start.claimed_customer.as_ref() == Some(c))
                && filter.finished.is_none_or(|f| verdict.is_some() == f)
        });
        let expected: Vec<_> = expected.collect();
        for size in [1, 5, 100] {
            let found = all_pages(size, |page| records.list_calls(&bank, &filter, page), || {});
            assert!(found.iter().map(|c| &c.start).eq(expected.iter().map(|(s, _)| s)), "{filter:?}");
            let verdicts = found.iter().map(|c| c.conclusion.as_ref().map(|e| e.last.verdict.as_str()));
            assert!(verdicts.eq(expected.iter().map(|(_, v)| *v)), "{filter:?}");
            let whole = |e: &crate::CallConclusion| e.last == update(1, e.last.verdict.as_str());
            assert!(found.iter().all(|c| c.conclusion.as_ref().is_none_or(whole)), "{filter:?}");
        }
    }
    for (agent, most) in [("a-42", calls.len()), ("a-43", 0)] {
        let filter = CallFilter { agent: Some(agent.to_owned()), ..CallFilter::default() };
        let found = all_pages(7, |page| records.list_calls(&bank, &filter, page), || {});
        assert_eq!(found.len(), most, "{agent}");
    }
    let first = crate::PageRequest { size: crate::PageSize::new(1), token: None };
    let token = records.list_calls(&bank, &CallFilter::default(), &first).unwrap().next;
    let other = CallFilter { finished: Some(true), ..CallFilter::default() };
    let refused = records.list_calls(&bank, &other, &crate::PageRequest { token, ..first });
    assert!(matches!(refused, Err(RecordsError::BadPageToken)));
}

fn filters() -> Vec<CallFilter> {
    let mut filters = Vec::new();
    for (from, until) in
        [(None, None), (Some(1), None), (None, Some(3)), (Some(1), Some(3)), (Some(3), Some(3))]
    {
        for verdict in [None, Some("match"), Some("mismatch"), Some("doubtful")] {
            for claimed in [None, Some("c2"), Some("nobody")] {
                for finished in [None, Some(true), Some(false)] {
                    filters.push(CallFilter {
                        from: from.map(at),
                        until: until.map(at),
                        verdict: verdict.map(code),
                        claimed_customer: claimed.map(customer),
                        agent: None,
                        finished,
                    });
                }
            }
        }
    }
    filters
}

/// A correction is added, the earlier report stays.
pub fn outcomes_are_kept_and_the_last_one_counts(records: &dyn Records) {
    let bank = tenant(records);
    let id = call_id("k");
    let proxy = OutcomeReport {
        outcome: Outcome::ConfirmedProxy,
        proxy: Some(proxy_id("p1")),
        note: Some("admitted it\non the phone".to_owned()),
    };
    let unknown = records.report_outcome(&bank, &id, &proxy, &by(), at(10));
    assert!(matches!(unknown, Err(RecordsError::NotFound { kind: RecordKind::Call, .. })));
    records.begin_call(&bank, &call_start("k", Some("c"), 0)).unwrap();
    let relative = OutcomeReport { outcome: Outcome::AuthorizedThirdParty, proxy: None, note: None };
    records.report_outcome(&bank, &id, &proxy, &by(), at(10)).unwrap();
    records.report_outcome(&bank, &id, &relative, &by(), at(20)).unwrap();
    let outcomes = records.call(&bank, &id).unwrap().outcomes;
    assert_eq!(outcomes.iter().map(|o| &o.report).collect::<Vec<_>>(), [&proxy, &relative]);
    assert_eq!((&outcomes[1].by, outcomes[1].at), (&by(), at(20)));
    let listed = records.list_calls(&bank, &CallFilter::default(), &crate::PageRequest::default()).unwrap();
    assert_eq!(listed.items[0].outcome, outcomes.last().cloned());
    let bad = OutcomeReport { note: Some(" ".to_owned()), ..relative.clone() };
    let refused = records.report_outcome(&bank, &id, &bad, &by(), at(30));
    assert!(matches!(refused, Err(RecordsError::InvalidField { .. })));
    for i in 2..100 {
        records.report_outcome(&bank, &id, &relative, &by(), at(30 + i)).unwrap();
    }
    let refused = records.report_outcome(&bank, &id, &relative, &by(), at(999));
    assert!(matches!(refused, Err(RecordsError::InvalidField { problem: FieldProblem::TooLong { .. }, .. })));
}

/// And is deleted when the customer it may be of opts out.
pub fn a_calls_voiceprint_is_kept_only_if_given_and_not_refused(records: &dyn Records) {
    let bank = tenant(records);
    let kept = new_voiceprint(5);
    let call = |id: &str, claimed: Option<&str>, voiceprint| {
        records.begin_call(&bank, &call_start(id, claimed, 0)).unwrap();
        let end = CallEnd { last: &update(0, "match"), duration_s: 1.0, voiceprint };
        records.finish_call(&bank, &call_id(id), &end, at(10)).unwrap();
        let opened = records.call_voiceprint(&bank, &call_id(id)).unwrap();
        let said = records.call(&bank, &call_id(id)).unwrap().conclusion.unwrap().has_voiceprint;
        assert_eq!(opened.is_some(), said);
        opened
    };
    assert!(call("without", Some("c"), None).is_none());
    let opened = call("with", Some("c"), Some(&kept)).unwrap();
    assert_eq!(opened.voiceprint.values(), kept.voiceprint.values());
    assert_eq!((opened.info.quality, opened.info.source), (kept.quality, kept.source.clone()));
    assert!(call("nobody", None, Some(&kept)).is_some());

    records.opt_out(&bank, &customer("c"), &by(), at(20)).unwrap();
    assert!(records.call_voiceprint(&bank, &call_id("with")).unwrap().is_none());
    assert!(records.call_voiceprint(&bank, &call_id("nobody")).unwrap().is_some());
    assert!(call("later", Some("c"), Some(&kept)).is_none());
    let unknown = records.call_voiceprint(&bank, &call_id("unknown"));
    assert!(matches!(unknown, Err(RecordsError::NotFound { kind: RecordKind::Call, .. })));
}

/// Numbers that are none, probabilities beyond 1, more than the limits: refused, nothing kept.
pub fn what_no_call_can_hold_is_refused(records: &dyn Records) {
    let bank = tenant(records);
    let id = call_id("k");
    let bad_start = CallStart { encoding: String::new(), ..call_start("k", None, 0) };
    assert!(matches!(records.begin_call(&bank, &bad_start), Err(RecordsError::InvalidField { .. })));
    assert!(matches!(records.call(&bank, &id), Err(RecordsError::NotFound { .. })));
    records.begin_call(&bank, &call_start("k", None, 0)).unwrap();
    let good = update(0, "match");
    let proxy = |llr, posterior| ProxyEvidence { proxy: proxy_id("p"), llr, posterior };
    let bad = [
        EvidenceUpdate { customer: CustomerEvidence::Llr(f64::NAN), ..good.clone() },
        EvidenceUpdate { proxies: vec![proxy(f64::INFINITY, 0.5)], ..good.clone() },
        EvidenceUpdate { proxies: vec![proxy(1.0, 1.5)], ..good.clone() },
        EvidenceUpdate { proxies: vec![proxy(1.0, 0.5); 33], ..good.clone() },
        EvidenceUpdate { reasons: vec![code("r"); 33], ..good.clone() },
        EvidenceUpdate { excerpts: vec![Excerpt { start_s: 2.0, end_s: 1.0 }], ..good.clone() },
        EvidenceUpdate { excerpts: vec![Excerpt { start_s: 1.0, end_s: f64::NAN }], ..good.clone() },
        EvidenceUpdate { excerpts: vec![Excerpt { start_s: 1.0, end_s: 2.0 }; 17], ..good.clone() },
        EvidenceUpdate { audio_position_s: -1.0, ..good.clone() },
        EvidenceUpdate { audio_position_s: 1e9, ..good.clone() },
        EvidenceUpdate { call_position_s: f64::NAN, ..good.clone() },
        EvidenceUpdate { compute_ms: f64::NAN, ..good.clone() },
        EvidenceUpdate { calibration: String::new(), ..good.clone() },
        EvidenceUpdate { sequence: MAX_UPDATES_PER_CALL, ..good.clone() },
        EvidenceUpdate {
            posterior: Some(Posterior { customer: None, listed_proxy: f64::NAN, somebody_else: 0.0 }),
            ..good.clone()
        },
    ];
    for bad in bad {
        let refused = records.append_update(&bank, &id, &bad);
        assert!(matches!(refused, Err(RecordsError::InvalidField { .. })), "{refused:?}");
        let end = CallEnd { last: &bad, duration_s: 1.0, voiceprint: None };
        assert!(records.finish_call(&bank, &id, &end, at(1)).is_err());
    }
    let end = CallEnd { last: &good, duration_s: f64::NAN, voiceprint: None };
    assert!(matches!(records.finish_call(&bank, &id, &end, at(1)), Err(RecordsError::InvalidField { .. })));
    let call = records.call(&bank, &id).unwrap();
    assert!(call.updates.is_empty() && call.conclusion.is_none());
}
