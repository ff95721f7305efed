use proptest::prelude::*;

use super::*;

fn info_of(id: &str) -> v1::CallInfo {
    v1::CallInfo { call_id: id.into(), ..v1::CallInfo::default() }
}

fn caller() -> Caller {
    Caller { tenant: earmark_voiceprint::TenantId::new("default").unwrap(), actor: Some("desk".into()) }
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.unwrap_err().reason()
}

#[test]
fn a_call_needs_its_id_and_nothing_else() {
    let got = call_info(Some(info_of("c-1")), "call").unwrap();
    assert_eq!((got.call_id.as_str(), got.claimed, got.agent), ("c-1", None, None));
    assert_eq!(reason(call_info(None, "call")), "CALL_MISSING");
    assert_eq!(reason(call_info(Some(info_of("")), "call")), "BAD_CALL_ID");
    let claimed = v1::CallInfo { claimed_customer_id: "x\n".into(), ..info_of("c-1") };
    assert_eq!(reason(call_info(Some(claimed), "call")), "BAD_CUSTOMER_ID");
}

#[test]
fn what_no_record_can_hold_is_refused_by_its_name() {
    use tonic_types::StatusExt;
    for bad in ["x".repeat(129), "a\u{7}b".to_owned(), " 7".to_owned(), "7\n".to_owned()] {
        let number = v1::CallInfo { caller_number: bad.clone(), ..info_of("c-1") };
        let agent = v1::CallInfo { agent_id: bad.clone(), ..info_of("c-1") };
        let scene = v1::CallInfo { scene: bad.clone(), ..info_of("c-1") };
        for (call, field) in [(number, "caller_number"), (agent, "agent_id"), (scene, "scene")] {
            let refusal = call_info(Some(call), "call").unwrap_err();
            let status = tonic::Status::from(refusal);
            assert_eq!(status.code(), tonic::Code::InvalidArgument, "{field} {bad:?}");
            let named = &status.get_details_bad_request().unwrap().field_violations[0].field;
            assert_eq!(*named, format!("call.{field}"), "{bad:?}");
            assert!(!status.message().contains(&bad), "{}", status.message());
        }
    }
}

#[test]
fn a_config_needs_both_its_parts() {
    assert_eq!(reason(config(v1::ScreenCallConfig::default())), "CALL_MISSING");
    let half = v1::ScreenCallConfig { call: Some(info_of("c-1")), format: None };
    assert_eq!(reason(config(half)), "FORMAT_MISSING");
}

#[test]
fn what_was_said_of_a_call_comes_back() {
    let sent = v1::CallInfo {
        call_id: "c-1".into(),
        claimed_customer_id: "客户 42".into(),
        caller_number: "13800000000".into(),
        agent_id: "a-7".into(),
        scene: "collections".into(),
    };
    assert_eq!(info(&call_info(Some(sent.clone()), "call").unwrap()), sent);
}

#[test]
fn every_outcome_comes_back_as_it_was_sent() {
    for number in 1..=5 {
        let asked = v1::ReportOutcomeRequest { outcome: number, ..v1::ReportOutcomeRequest::default() };
        assert_eq!(i32::from(outcome(outcome_report(asked, &caller()).unwrap().outcome)), number);
    }
    for number in [0, 6, -1] {
        let asked = v1::ReportOutcomeRequest { outcome: number, ..v1::ReportOutcomeRequest::default() };
        assert_eq!(reason(outcome_report(asked, &caller())), "OUTCOME_MISSING");
    }
}

#[test]
fn the_reporter_is_who_says_so_or_who_calls() {
    let asked = |by: &str| v1::ReportOutcomeRequest {
        outcome: 1,
        reported_by: by.into(),
        ..v1::ReportOutcomeRequest::default()
    };
    let reporter = |by| outcome_report(asked(by), &caller()).unwrap().reported_by;
    assert_eq!((reporter("li").as_deref(), reporter("").as_deref()), (Some("li"), Some("desk")));
}

#[test]
fn a_note_has_a_length() {
    let asked =
        |note: String| v1::ReportOutcomeRequest { outcome: 1, note, ..v1::ReportOutcomeRequest::default() };
    assert!(outcome_report(asked("注".repeat(2000)), &caller()).is_ok());
    assert_eq!(reason(outcome_report(asked("注".repeat(2001)), &caller())), "NOTE_TOO_LONG");
}

#[test]
fn only_a_scored_customer_has_a_ratio() {
    assert_eq!(customer(CustomerComparison::Llr(-1.5)).llr, Some(-1.5));
    for state in [
        CustomerComparison::NotEnrolled,
        CustomerComparison::OptedOut,
        CustomerComparison::NotClaimed,
        CustomerComparison::TooShort,
    ] {
        let sent = customer(state);
        assert!(sent.llr.is_none() && sent.state() != v1::CustomerState::Scored);
    }
}

proptest! {
    #[test]
    fn no_config_panics(
        call in prop::option::of((".{0,20}", ".{0,20}", ".{0,20}", ".{0,20}")),
        format in prop::option::of(crate::audio_convert::tests::any_format()),
    ) {
        let call = call.map(|(call_id, claimed_customer_id, caller_number, agent_id)| {
            let scene = agent_id.clone();
            v1::CallInfo { call_id, claimed_customer_id, caller_number, agent_id, scene }
        });
        let _ = config(v1::ScreenCallConfig { call, format });
    }

    #[test]
    fn no_report_panics(call_id in ".{0,9}", outcome: i32, note in ".{0,40}", reported_by in ".{0,9}") {
        let _ = outcome_report(v1::ReportOutcomeRequest { call_id, outcome, note, reported_by }, &caller());
    }
}
