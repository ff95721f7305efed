//! What a page reports reaches the call's record, from the desk's own pages only, and once.

use earmark_server::proto::v1::{CallInfo, Outcome, ReportOutcomeRequest};
use serde_json::{Value, json};

use crate::harness::calls::info;
use crate::harness::clients::unique;
use crate::harness::events::EventStream;
use crate::harness::voices;
use crate::harness::web::{Reply, exchange};
use crate::harness::world::{CUSTOMERS, PROXIES, populated, server};

const OWN: [(&str, &str); 3] =
    [("Content-Type", "application/json"), ("X-Earmark-Desk", "1"), ("Sec-Fetch-Site", "same-origin")];

async fn address() -> String {
    server().await.address().to_owned()
}

fn report(address: &str, headers: &[(&str, &str)], sent: &Value) -> Reply {
    exchange(address, "POST", "/desk/api/outcome", headers, sent.to_string().as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_kept_once_with_who_made_it_and_may_be_corrected() {
    let (mut clients, address, id) = (populated().await, address().await, unique("call"));
    let call = CallInfo { agent_id: "agent-7".into(), ..info(&id, CUSTOMERS[0]) };
    clients.screen(call, &voices::call(PROXIES[0])[..8 * 8000]).await.unwrap();
    let sent = json!({"call_id": id, "outcome": "CONFIRMED_PROXY", "note": " admitted it "});
    let mut pressed = Vec::new();
    for _ in 0..8 {
        let (address, sent) = (address.clone(), sent.clone());
        pressed.push(tokio::task::spawn_blocking(move || report(&address, &OWN, &sent)));
    }
    for press in pressed {
        let reply = press.await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        let told: Value = serde_json::from_str(&reply.text()).unwrap();
        assert_eq!((&told["outcome"], &told["by"]), (&json!("CONFIRMED_PROXY"), &json!("agent-7")));
    }
    let kept = clients.call(&id).await.unwrap();
    assert_eq!((kept.outcome(), kept.outcome_note.as_str()), (Outcome::ConfirmedProxy, "admitted it"));
    assert_eq!(kept.outcome_by, "agent-7");
    // Eight presses are one report: the hundredth of different ones is still taken.
    for n in 1..100 {
        let sent =
            json!({"call_id": id, "outcome": "AUTHORIZED_THIRD_PARTY", "note": format!("correction {n}")});
        assert_eq!(report(&address, &OWN, &sent).status, 200, "{n}");
    }
    let sent = json!({"call_id": id, "outcome": "UNDETERMINED", "note": ""});
    assert_eq!(report(&address, &OWN, &sent).status, 400, "reports of a call have their limit");
    assert_eq!(clients.call(&id).await.unwrap().outcome(), Outcome::AuthorizedThirdParty);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_desks_own_pages_may_report() {
    let (mut clients, address, id) = (populated().await, address().await, unique("call"));
    clients.screen(info(&id, ""), &voices::noise()).await.unwrap();
    let sent = json!({"call_id": id, "outcome": "GENUINE_CUSTOMER"});
    let cross = [OWN[0], OWN[1], ("Sec-Fetch-Site", "cross-site")];
    let form = [("Content-Type", "text/plain"), OWN[1], OWN[2]];
    for (what, headers) in [("no header of ours", &OWN[..1]), ("another site", &cross), ("a form", &form)] {
        assert_eq!(report(&address, headers, &sent).status, 403, "{what}");
    }
    for bad in [
        json!({"call_id": id, "outcome": "ODD"}),
        json!({"call_id": "", "outcome": "GENUINE_CUSTOMER"}),
        json!({"call_id": id}),
        json!({"call_id": id, "outcome": "GENUINE_CUSTOMER", "note": "x".repeat(2001)}),
        json!({"call_id": id, "outcome": "GENUINE_CUSTOMER", "more": 1}),
        json!([]),
    ] {
        assert_eq!(report(&address, &OWN, &bad).status, 400, "{bad}");
    }
    assert_eq!(report(&address, &OWN, &json!({"call_id": "nowhere", "outcome": "UNDETERMINED"})).status, 404);
    let large = json!({"call_id": id, "outcome": "UNDETERMINED", "note": "x".repeat(100_000)});
    assert_eq!(report(&address, &OWN, &large).status, 413);
    assert_eq!(clients.call(&id).await.unwrap().outcome(), Outcome::Unspecified, "nothing was kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_hears_of_a_report_made_elsewhere() {
    let (mut clients, address, id) = (populated().await, address().await, unique("call"));
    let live = clients.begin_call(info(&id, "")).await.unwrap();
    let path = format!("/events?call_id={id}");
    let mut stream = tokio::task::spawn_blocking(move || {
        let mut stream = EventStream::open(&address, &path, None).expect("a stream");
        stream.next_named("call");
        stream
    })
    .await
    .unwrap();
    let request = ReportOutcomeRequest {
        call_id: id.clone(),
        outcome: Outcome::OtherPerson.into(),
        note: "wrong line".into(),
        reported_by: "crm".into(),
    };
    clients.screening.report_outcome(request).await.unwrap();
    let told = tokio::task::spawn_blocking(move || stream.next_named("outcome")).await.unwrap();
    assert_eq!((&told.data["outcome"], &told.data["by"]), (&json!("OTHER_PERSON"), &json!("crm")));
    assert_eq!(told.id, None, "the page's place stays where it is");
    live.hang_up().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tagged_proxys_history_is_counted_and_its_id_never_told() {
    let (mut clients, address) = (populated().await, address().await);
    let calls = [unique("history"), unique("history"), unique("history")];
    let speech = &voices::call(PROXIES[1])[..12 * 8000];
    for (n, id) in calls.iter().enumerate() {
        let call = CallInfo { caller_number: format!("1381234000{}", n / 2), ..info(id, CUSTOMERS[n % 2]) };
        let last = clients.screen(call, speech).await.unwrap().pop().unwrap();
        assert_eq!(last.proxies[0].proxy_id, PROXIES[1]);
    }
    let sent = json!({"call_id": calls[0], "outcome": "CONFIRMED_PROXY"});
    assert_eq!(report(&address, &OWN, &sent).status, 200);
    let events =
        EventStream::open(&address, &format!("/events?call_id={}", calls[2]), None).unwrap().updates();
    let shown = &events.last().unwrap().data["proxies"][0];
    assert_eq!((&shown["name"], &shown["id_tail"]), (&json!("a**"), &json!("elle")));
    assert!(events.iter().all(|event| !event.data.to_string().contains(PROXIES[1])));
    let path = format!("/desk/api/history?call_id={}&sequence={}", calls[2], events.len());
    let reply = exchange(&address, "GET", &path, &[], &[]);
    let history: Value = serde_json::from_str(&reply.text()).unwrap();
    // Other tests may have tagged this proxy as well.
    assert!(
        history["calls"].as_u64().unwrap() >= 2 && history["customers"].as_u64().unwrap() >= 2,
        "{history}"
    );
    assert!(history["confirmed"].as_u64().unwrap() >= 1 && history["last_seen_ms"].is_i64(), "{history}");
    for path in [
        format!("/desk/api/history?call_id={}&sequence=9999", calls[2]),
        "/desk/api/history?call_id=nowhere&sequence=1".to_owned(),
    ] {
        assert_eq!(exchange(&address, "GET", &path, &[], &[]).status, 404, "{path}");
    }
    assert_eq!(exchange(&address, "GET", "/desk/api/history?call_id=a", &[], &[]).status, 400);
}
