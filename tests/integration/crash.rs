//! Killed at any moment, the server comes back with all that it acknowledged.

use std::collections::BTreeSet;
use std::time::Duration;

use earmark_server::proto::v1::{CallUpdate, ListCustomersRequest, Verdict};
use tokio::task::JoinSet;

use crate::harness::calls::{info, verdict};
use crate::harness::clients::Clients;
use crate::harness::server::{Launch, folder};
use crate::harness::voices;

/// Enrollments under way at once.
const AT_ONCE: usize = 6;

async fn customers(clients: &mut Clients) -> BTreeSet<String> {
    let all = ListCustomersRequest { page_size: 1000, ..Default::default() };
    let page = clients.customers.list_customers(all).await.unwrap().into_inner();
    assert!(page.customers.iter().all(|c| c.enrollments.len() == 2), "whole or not at all: {page:?}");
    page.customers.into_iter().map(|c| c.customer_id).collect()
}

#[tokio::test]
async fn a_kill_during_enrollments_loses_nothing_acknowledged() {
    let data = folder();
    let mut acknowledged = BTreeSet::new();
    // Killed after 1, 2 and 5 more acknowledgements, with others under way.
    for (round, more) in [1, 2, 5].into_iter().enumerate() {
        let server = Launch::new().start(data.path());
        let mut clients = Clients::connect(server.address()).await;
        assert!(acknowledged.is_subset(&customers(&mut clients).await), "after {round} kills");
        let mut under_way = JoinSet::new();
        for n in 0..AT_ONCE {
            let (mut clients, id) = (clients.clone(), format!("customer-{round}-{n}"));
            let recordings = vec![voices::clip("carlo/01"), voices::clip("carlo/02")];
            under_way.spawn(async move { clients.enroll(&id, recordings).await.map(|_| id) });
        }
        for _ in 0..more {
            acknowledged.insert(under_way.join_next().await.unwrap().unwrap().expect("it is enrolled"));
        }
        server.kill();
        // What was acknowledged while the kill was on its way counts too.
        while let Some(outcome) = under_way.join_next().await {
            acknowledged.extend(outcome.unwrap().ok());
        }
    }
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    assert!(acknowledged.len() >= 8);
    assert!(acknowledged.is_subset(&customers(&mut clients).await));
    let last = acknowledged.last().unwrap();
    let updates = clients.screen(info("call", last), &voices::call("carlo")).await.unwrap();
    assert_eq!(verdict(updates.last().unwrap()), Verdict::Match, "the history is searched again");
}

#[tokio::test]
async fn a_kill_during_a_call_keeps_the_updates_that_were_sent() {
    let data = folder();
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let mut call = clients.begin_call(info("call", "")).await.unwrap();
    call.say(&voices::call("carlo")).await;
    let silent = clients.begin_call(info("silent", "")).await.unwrap();
    silent.say(&[0; 8000]).await;
    while clients.call("silent").await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut sent: Vec<CallUpdate> = Vec::new();
    for _ in 0..3 {
        sent.push(call.next().await.unwrap().expect("an update"));
    }
    server.kill();
    assert!(loop {
        match call.next().await {
            Ok(Some(update)) => sent.push(update),
            Ok(None) => break false,
            Err(_) => break true,
        }
    });
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let record = clients.call("call").await.unwrap();
    assert!(record.updates.len() >= sent.len());
    assert_eq!(record.updates[..sent.len()], sent[..]);
    // Nobody screens it any more: it ended when it was last heard of, with what was known then.
    let [.., heard, last] = &record.updates[..] else { panic!("{record:?}") };
    assert!(last.r#final && !heard.r#final && last.sequence == heard.sequence + 1);
    assert_eq!((&last.decision, &last.speech), (&heard.decision, &heard.speech));
    assert!(record.end_time.is_some() && record.end_time == heard.update_time);
    // Of one that had no update yet the end is known as well.
    let record = clients.call("silent").await.unwrap();
    assert_eq!(record.updates.iter().map(verdict).collect::<Vec<_>>(), [Verdict::NoCustomerClaimed]);
    assert!(record.updates[0].r#final && record.end_time == record.start_time);
    // Once: another start finds nothing to end.
    let counted = clients.call("call").await.unwrap();
    server.kill();
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    assert_eq!(clients.call("call").await.unwrap(), counted);
}
