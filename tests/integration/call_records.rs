//! What stays of a call.

use earmark_server::proto::v1::{CallInfo, Outcome, ReportOutcomeRequest};
use tonic::Code;

use crate::harness::calls::info;
use crate::harness::clients::unique;
use crate::harness::refused::{field_of, refused};
use crate::harness::voices;
use crate::harness::world::{CUSTOMERS, PROXIES, client, populated};

#[tokio::test]
async fn a_call_is_on_record_while_it_runs_and_after() {
    let mut clients = populated().await;
    let id = unique("call");
    let asked = CallInfo {
        caller_number: "+86 138 0000 1111".into(),
        agent_id: "desk 9".into(),
        ..info(&id, CUSTOMERS[0])
    };
    let mut call = clients.begin_call(asked.clone()).await.unwrap();
    let samples = voices::call(CUSTOMERS[0]);
    call.say(&samples[..10 * 8000]).await;
    let first = call.next().await.unwrap().expect("an update");
    let running = clients.call(&id).await.unwrap();
    assert_eq!(running.call, Some(asked.clone()));
    assert!(running.start_time.is_some() && running.end_time.is_none());
    assert_eq!(running.updates[0], first, "as the stream got it");
    call.say(&samples[10 * 8000..]).await;
    let rest = call.hang_up().await.unwrap();
    let ended = clients.call(&id).await.unwrap();
    assert!(ended.end_time.is_some());
    assert_eq!(ended.updates, [vec![first], rest].concat(), "every update, bit for bit");
    assert_eq!((ended.call.as_ref(), ended.outcome()), (Some(&asked), Outcome::Unspecified));
}

#[tokio::test]
async fn a_screened_recording_is_on_record_with_one_final_update() {
    let mut clients = populated().await;
    let id = unique("call");
    let recording = voices::recording("call.wav", voices::wav(&[&voices::call(PROXIES[0])]));
    let update = clients.screen_recording(info(&id, CUSTOMERS[1]), recording).await.unwrap();
    let record = clients.call(&id).await.unwrap();
    assert_eq!(record.updates, [update]);
    assert!(record.end_time.is_some());
}

#[tokio::test]
async fn the_last_report_of_what_a_call_was_stands() {
    let mut clients = populated().await;
    let id = unique("call");
    clients.screen(info(&id, CUSTOMERS[0]), &voices::noise()).await.unwrap();
    let report = |outcome: Outcome, note: &str| ReportOutcomeRequest {
        call_id: id.clone(),
        outcome: outcome.into(),
        note: note.to_owned(),
        reported_by: "risk desk".to_owned(),
    };
    let first = report(Outcome::Undetermined, "");
    clients.screening.report_outcome(first).await.unwrap();
    let last = report(Outcome::ConfirmedProxy, "她承认是代理");
    let told = clients.screening.report_outcome(last).await.unwrap().into_inner().call.unwrap();
    assert_eq!(told, clients.call(&id).await.unwrap());
    assert_eq!(told.outcome(), Outcome::ConfirmedProxy);
    assert_eq!((told.outcome_note.as_str(), told.outcome_by.as_str()), ("她承认是代理", "risk desk"));
}

#[tokio::test]
async fn an_outcome_must_be_one_and_of_a_call_there_is() {
    let mut clients = client().await;
    let asked = ReportOutcomeRequest { call_id: "no-such-call".into(), ..Default::default() };
    let status = refused(
        clients.screening.report_outcome(asked.clone()).await,
        Code::InvalidArgument,
        "OUTCOME_MISSING",
    );
    assert_eq!(field_of(&status), "outcome");
    let long = ReportOutcomeRequest { outcome: 1, note: "字".repeat(2001), ..asked.clone() };
    refused(clients.screening.report_outcome(long).await, Code::InvalidArgument, "NOTE_TOO_LONG");
    let unknown = ReportOutcomeRequest { outcome: 1, ..asked };
    refused(clients.screening.report_outcome(unknown).await, Code::NotFound, "NOT_FOUND");
}
