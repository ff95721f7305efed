//! A page's stream of events over the real server: every update once, wherever the line breaks.

use earmark_server::proto::v1::{CallInfo, CallUpdate, OptOutRequest, RegisterCallRequest};
use tokio::task::spawn_blocking;

use crate::harness::calls::info;
use crate::harness::clients::{Clients, unique};
use crate::harness::events::{Event, EventStream, parse};
use crate::harness::server::{Launch, folder};
use crate::harness::voices;
use crate::harness::web::{self, exchange};
use crate::harness::world::{CUSTOMERS, PROXIES, populated, server};

/// What blocks on a socket stays off the threads that drive the clients.
async fn off<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    spawn_blocking(work).await.expect("the reader ends well")
}

async fn address() -> String {
    server().await.address().to_owned()
}

fn of_call(id: &str) -> String {
    format!("/events?call_id={id}")
}

fn sequences(events: &[Event]) -> Vec<u64> {
    events.iter().map(Event::sequence).collect()
}

fn counted(updates: &[CallUpdate]) -> Vec<u64> {
    updates.iter().map(|u| u64::from(u.sequence)).collect()
}

/// All updates of a finished call, from a place on.
fn rest(address: &str, path: &str, last_id: Option<&str>) -> Vec<Event> {
    EventStream::open(address, path, last_id).map_or_else(
        |reply| {
            assert_eq!(reply.status, 204, "there is no more: {reply:?}");
            Vec::new()
        },
        EventStream::updates,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_opened_before_the_call_begins_sees_all_of_it() {
    let (mut clients, address, id) = (populated().await, address().await, unique("early"));
    let path = of_call(&id);
    let mut stream = off(move || EventStream::open(&address, &path, None).expect("a stream")).await;
    let (waiting, mut stream) = off(move || (stream.next().expect("an event"), stream)).await;
    assert_eq!(waiting.name, "waiting");
    let call =
        CallInfo { caller_number: "13812345678".into(), agent_id: "a-1".into(), ..info(&id, CUSTOMERS[0]) };
    let mut live = clients.begin_call(call).await.unwrap();
    let (begun, stream) = off(move || (stream.next().expect("an event"), stream)).await;
    assert_eq!(begun.name, "call", "before there is any speech: {begun:?}");
    assert_eq!(
        (&begun.data["caller_number"], &begun.data["customer_id"]),
        (&"138****5678".into(), &"carlo".into())
    );
    live.say(&voices::call(CUSTOMERS[0])).await;
    let first = live.next().await.unwrap().expect("an update");
    let reading = spawn_blocking(move || stream.updates());
    let mut told = vec![first];
    told.extend(live.hang_up().await.unwrap());
    let seen = reading.await.unwrap();
    assert_eq!(sequences(&seen), counted(&told));
    let last = seen.last().unwrap();
    assert_eq!((last.data["final"].as_bool(), last.data["label"]["zh"].as_str()), (Some(true), Some("一致")));
    assert!(last.data["certainty"]["probability"].as_f64().unwrap() > 0.9);
}

/// However the bytes were cut, what a browser has of whole events and what it then asks for are
/// every update once.
#[tokio::test(flavor = "multi_thread")]
async fn a_finished_call_is_told_once_whatever_byte_the_line_broke_at() {
    let (mut clients, address, id) = (populated().await, address().await, unique("cut"));
    let updates = clients.screen(info(&id, CUSTOMERS[0]), &voices::call(PROXIES[0])).await.unwrap();
    let expected = counted(&updates);
    off(move || {
        let path = of_call(&id);
        let whole = web::get(&address, &path).text();
        let blocks: Vec<&str> = whole.split_inclusive("\n\n").collect();
        assert!(expected.len() > 20 && blocks.len() > expected.len());
        // Every event's two ends and a place inside each.
        let mut cuts = vec![0];
        let mut at = 0;
        for block in &blocks {
            cuts.extend([at + block.len() / 2, at + block.len() - 1, at + block.len()]);
            at += block.len();
        }
        for cut in cuts {
            let cut = (0..=cut).rev().find(|at| whole.is_char_boundary(*at)).unwrap();
            // What ends without its empty line is no event.
            let complete = whole[..cut].split_inclusive("\n\n").filter(|block| block.ends_with("\n\n"));
            let seen: Vec<Event> =
                complete.filter_map(parse).filter(|event| event.name == "update").collect();
            let last_id = seen.last().and_then(|event| event.id.clone());
            let after = rest(&address, &path, last_id.as_deref());
            let all: Vec<u64> = sequences(&seen).into_iter().chain(sequences(&after)).collect();
            assert_eq!(all, expected, "cut at byte {cut}");
        }
    })
    .await;
}

/// The page comes back after each single event, while the call goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_call_is_told_once_to_a_page_that_loses_its_line_after_every_event() {
    let (mut clients, address, id) = (populated().await, address().await, unique("live"));
    let path = of_call(&id);
    let reading = spawn_blocking(move || {
        let (mut seen, mut last_id): (Vec<u64>, Option<String>) = (Vec::new(), None);
        loop {
            let mut stream = EventStream::open(&address, &path, last_id.as_deref()).expect("a stream");
            let update = stream.next_named("update");
            seen.push(update.sequence());
            last_id = stream.last_id.clone();
            if update.data["final"] == true {
                let over = EventStream::open(&address, &path, last_id.as_deref()).err().expect("no more");
                assert_eq!(over.status, 204, "so that the browser stops coming back");
                return seen;
            }
        }
    });
    let mut live = clients.begin_call(info(&id, CUSTOMERS[0])).await.unwrap();
    let samples = voices::call(CUSTOMERS[0]);
    let mut told = Vec::new();
    for second in samples.chunks(8000) {
        live.say(second).await;
    }
    told.push(live.next().await.unwrap().expect("an update"));
    told.extend(live.hang_up().await.unwrap());
    assert_eq!(reading.await.unwrap(), counted(&told));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_call_is_told_whole_and_the_stream_ends() {
    let (mut clients, address, id) = (populated().await, address().await, unique("outcome"));
    clients.screen(info(&id, ""), &voices::noise()).await.unwrap();
    let path = of_call(&id);
    let mut stream = off(move || EventStream::open(&address, &path, None).expect("a stream")).await;
    off(move || {
        let call = stream.next_named("call");
        assert!(call.data["ended_ms"].is_i64() && call.data["outcome"].is_null());
        assert_eq!(stream.next_named("update").data["verdict"], "INSUFFICIENT_SPEECH");
        assert_eq!(stream.next_named("end").id, None);
        assert!(stream.next().is_none());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_page_gets_every_call_of_the_agent_once_also_those_of_its_absence() {
    let (mut clients, address) = (populated().await, address().await);
    let (agent, other) = (unique("agent"), unique("agent"));
    let path = format!("/events?agent_id={agent}");
    let call = |agent: &str, claimed: &str| CallInfo {
        agent_id: agent.to_owned(),
        ..info(&unique("call"), claimed)
    };
    let earlier = call(&agent, "");
    clients.screen(earlier, &voices::noise()).await.unwrap();
    let (own_address, own_path) = (address.clone(), path.clone());
    let mut stream = off(move || EventStream::open(&own_address, &own_path, None).expect("a stream")).await;
    let first = call(&agent, CUSTOMERS[0]);
    clients.screen(call(&other, ""), &voices::noise()).await.unwrap();
    let told = clients.screen(first.clone(), &voices::call(CUSTOMERS[0])[..12 * 8000]).await.unwrap();
    // The line breaks in the middle of the first call; a second one comes and goes meanwhile.
    let (half, last_id) = off(move || {
        let begun = stream.next_named("call");
        let half: Vec<Event> = (0..3).map(|_| stream.next_named("update")).collect();
        ((begun, half), stream.last_id)
    })
    .await;
    let (begun, half) = half;
    assert_eq!(
        begun.data["call_id"].as_str(),
        Some(first.call_id.as_str()),
        "nothing of before, nor of others"
    );
    let second = call(&agent, "");
    let missed = clients.screen(second.clone(), &voices::noise()).await.unwrap();
    let wanted: Vec<(String, u64)> = told[3..]
        .iter()
        .map(|u| (first.call_id.clone(), u64::from(u.sequence)))
        .chain(missed.iter().map(|u| (second.call_id.clone(), u64::from(u.sequence))))
        .collect();
    assert_eq!(sequences(&half), [1, 2, 3]);
    let seen = off(move || {
        let mut stream = EventStream::open(&address, &path, last_id.as_deref()).expect("a stream");
        let mut seen = Vec::new();
        while seen.len() < wanted.len() {
            let update = stream.next_named("update");
            seen.push((update.data["call_id"].as_str().unwrap().to_owned(), update.sequence()));
        }
        let again = EventStream::open(&address, &path, stream.last_id.as_deref());
        (seen, wanted, again.is_ok())
    })
    .await;
    assert_eq!(seen.0, seen.1);
    assert!(seen.2);
}

/// Who answers is known only when the call runs: pages that are open and pages that come then have it.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_becomes_an_agents_while_it_runs_is_on_the_agents_pages() {
    let (mut clients, address) = (populated().await, address().await);
    let (agent, id) = (unique("agent"), unique("call"));
    let path = format!("/events?agent_id={agent}");
    let page =
        move |address: String, path: String| EventStream::open(&address, &path, None).expect("a stream");
    let (own, own_path) = (address.clone(), path.clone());
    let mut open = off(move || page(own, own_path)).await;
    let mut live = clients.begin_call(info(&id, "")).await.unwrap();
    let samples = voices::call(CUSTOMERS[0]);
    live.say(&samples[..6 * 8000]).await;
    let mut told = vec![live.next().await.unwrap().expect("an update")];
    let known = CallInfo { agent_id: agent, ..info(&id, CUSTOMERS[0]) };
    let registered = RegisterCallRequest { call: Some(known), ..RegisterCallRequest::default() };
    assert!(clients.screening.register_call(registered).await.unwrap().into_inner().live);
    let (call, open) = off(move || (open.next_named("call"), open)).await;
    assert_eq!(call.data["call_id"].as_str(), Some(id.as_str()));
    let late = off(move || {
        let mut late = page(address, path);
        (late.next_named("call"), late)
    });
    let (call, late) = late.await;
    assert_eq!(
        (call.data["call_id"].as_str(), call.data["customer_id"].as_str()),
        (Some(id.as_str()), Some(CUSTOMERS[0]))
    );
    live.say(&samples[6 * 8000..]).await;
    told.extend(live.hang_up().await.unwrap());
    let count = told.len();
    for mut stream in [open, late] {
        let seen = off(move || (0..count).map(|_| stream.next_named("update")).collect::<Vec<_>>()).await;
        assert_eq!(sequences(&seen), counted(&told));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_asked_is_refused() {
    populated().await;
    let address = address().await;
    off(move || {
        let long = "x".repeat(200);
        for path in [
            "/events",
            "/events?call_id=",
            "/events?call_id=a&agent_id=b",
            &format!("/events?call_id={long}"),
            "/events?call_id=a&last_event_id=x",
            "/events?call_id=a&last_event_id=-1",
            "/events?agent_id=a&last_event_id=x",
            "/events?call_id=%00",
            "/pop",
            "/desk",
            &format!("/pop?call_id={long}"),
        ] {
            let reply = web::get(&address, path);
            assert_eq!(reply.status, 400, "{path}: {}", reply.text());
        }
        assert_eq!(exchange(&address, "POST", "/pop?call_id=a", &[], &[]).status, 405);
        assert_eq!(web::get(&address, "/desk/assets/0/desk.css").status, 404);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_their_limit_and_leave_with_the_server() {
    let data = folder();
    let server = Launch::new().argument("--max-pages", "20").start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    clients.customers.opt_out(OptOutRequest { customer_id: "c".into() }).await.unwrap();
    let address = server.address().to_owned();
    let streams = off(move || {
        let mut streams = Vec::new();
        // As many as the server lets watch at once.
        for n in 0..20 {
            streams
                .push(EventStream::open(&address, &of_call(&format!("call-{n}")), None).expect("a stream"));
        }
        let refused = EventStream::open(&address, &of_call("one-more"), None).err().expect("no room");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
        let why = web::get(&address, "/desk/api/session?call_id=one-more");
        assert!(why.text().contains("\"full\":true"), "the page says so: {}", why.text());
        streams
    })
    .await;
    server.terminate();
    off(move || {
        for mut stream in streams {
            assert_eq!(stream.next().expect("an event").name, "waiting");
            assert!(stream.next().is_none(), "the stream ends with the server");
        }
    })
    .await;
    assert!(server.ended().0.success());
}
