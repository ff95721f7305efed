use earmark_voiceprint::CustomerId;

use super::*;

fn tenant() -> TenantId {
    TenantId::new("t").unwrap()
}

fn id(id: &str) -> CallId {
    CallId::new(id).unwrap()
}

fn info(call: &str) -> CallInfo {
    CallInfo::unknown(id(call))
}

fn of_agent(call: &str, agent: &str) -> CallInfo {
    CallInfo { agent: Some(agent.into()), ..info(call) }
}

/// A call that the engine took.
fn begin(registry: &Arc<Registry>, call: &str) -> (CallInfo, Place) {
    let (call, mut place) = registry.begin(&tenant(), info(call), None).unwrap();
    place.began();
    (call, place)
}

fn amended(agent: &str) -> Command {
    Command::Amend(CallAmendment { agent: Some(agent.into()), ..CallAmendment::default() })
}

#[test]
fn what_was_registered_comes_before_what_the_stream_says() {
    let registry = Arc::new(Registry::default());
    let claimed = Some(CustomerId::new("c").unwrap());
    let known = CallInfo { claimed: claimed.clone(), ..of_agent("cti-7", "a-1") };
    assert_eq!(registry.register(&tenant(), "uuid-7", known).unwrap(), None);
    let said = CallInfo { scene: Some("hotline".into()), ..of_agent("uuid-7", "?") };
    let other = TenantId::new("other").unwrap();
    assert_eq!(registry.begin(&other, said.clone(), None).unwrap().0, said);
    let (call, mut place) = registry.begin(&tenant(), said.clone(), None).unwrap();
    place.began();
    let expected = CallInfo { claimed, scene: Some("hotline".into()), ..of_agent("cti-7", "a-1") };
    assert_eq!(call, expected);
    drop(place);
    // Taken up once.
    assert_eq!(registry.begin(&tenant(), said.clone(), None).unwrap().0, said);
}

#[tokio::test]
async fn a_running_call_is_told_and_one_that_ended_is_not() {
    let registry = Arc::new(Registry::default());
    let (call, mut place) = begin(&registry, "k");
    let moved = CallInfo { agent: Some("a-2".into()), ..call.clone() };
    assert_eq!(registry.register(&tenant(), "whatever", moved).unwrap(), Some(id("k")));
    registry.command(&tenant(), &call.call_id, Command::Held).unwrap();
    assert_eq!((place.command().await, place.command().await), (amended("a-2"), Command::Held));
    for _ in 0..MAX_COMMANDS {
        registry.command(&tenant(), &call.call_id, Command::Held).unwrap();
    }
    let full = registry.command(&tenant(), &call.call_id, Command::Held).unwrap_err();
    assert_eq!(full.reason(), "CALL_BUSY");
    drop(place);
    let gone = registry.command(&tenant(), &call.call_id, Command::Held).unwrap_err();
    assert_eq!(gone.reason(), "CALL_NOT_LIVE");
    assert_eq!(registry.register(&tenant(), "k", call).unwrap(), None);
}

#[tokio::test]
async fn a_late_registration_finds_the_call_by_its_stream() {
    let registry = Arc::new(Registry::default());
    let (call, mut place) = begin(&registry, "uuid-7");
    assert_eq!(call, info("uuid-7"));
    // The record keeps the id that it began with, and the reply says so.
    assert_eq!(registry.register(&tenant(), "uuid-7", of_agent("cti-7", "a")).unwrap(), Some(id("uuid-7")));
    assert_eq!(place.command().await, amended("a"));
    drop(place);
    // A registered one is found by both its ids, for signals as for what becomes known.
    registry.register(&tenant(), "uuid-8", info("cti-8")).unwrap();
    let (_, mut place) = begin(&registry, "uuid-8");
    assert_eq!(registry.register(&tenant(), "uuid-8", of_agent("other", "b")).unwrap(), Some(id("cti-8")));
    registry.command(&tenant(), &id("uuid-8"), Command::Held).unwrap();
    registry.command(&tenant(), &id("cti-8"), Command::Resumed).unwrap();
    assert_eq!(place.leave(), [amended("b"), Command::Held, Command::Resumed]);
    assert_eq!(registry.register(&tenant(), "uuid-8", info("cti-8")).unwrap(), None);
}

#[test]
fn a_registration_of_two_running_calls_is_refused_and_names_the_streams() {
    let registry = Arc::new(Registry::default());
    let (_one, _two) = (begin(&registry, "one"), begin(&registry, "two"));
    let refusal = registry.register(&tenant(), "two", info("one")).unwrap_err();
    assert_eq!(refusal.reason(), "STREAM_OF_ANOTHER_CALL");
    assert!(refusal.message().contains("call two"), "{}", refusal.message());
}

#[test]
fn a_uuid_is_one_in_every_spelling() {
    const SPELLINGS: [&str; 3] = [
        "0f5fbdd8-8a2c-4c9e-9d0a-6a2f5b7c1e01",
        "0F5FBDD8-8A2C-4C9E-9D0A-6A2F5B7C1E01",
        "0f5fbdd88a2c4c9e9d0a6a2f5b7c1e01",
    ];
    for stream in SPELLINGS {
        for said in SPELLINGS {
            let registry = Arc::new(Registry::default());
            registry.register(&tenant(), said, of_agent("cti", "a")).unwrap();
            assert_eq!(begin(&registry, stream).0, of_agent("cti", "a"), "{said}, then {stream}");
            let (call, _place) = begin(&registry, stream);
            assert_eq!(call.call_id.as_str(), stream, "the record's id is as it was said");
            registry.command(&tenant(), &id(said), Command::Held).unwrap();
            let late = registry.register(&tenant(), said, info("cti-2")).unwrap();
            assert_eq!(late, Some(id(stream)), "{stream}, then {said}");
        }
    }
}

#[test]
fn a_call_runs_once_whatever_its_stream_calls_itself() {
    let registry = Arc::new(Registry::default());
    registry.register(&tenant(), "stream", of_agent("call", "a")).unwrap();
    let (_, place) = begin(&registry, "stream");
    for again in ["stream", "call"] {
        let refusal = registry.begin(&tenant(), info(again), None).err().unwrap();
        assert_eq!((refusal.code(), refusal.reason()), (Code::AlreadyExists, "CALL_ALREADY_LIVE"));
    }
    // What ends late leaves the one that came after alone.
    let mut place = place;
    assert!(place.leave().is_empty());
    let (_, other) = begin(&registry, "call");
    drop(place);
    registry.command(&tenant(), &id("call"), Command::Held).unwrap();
    drop(other);
    assert!(registry.lock().live.is_empty() && registry.lock().aliases.is_empty());
}

#[test]
fn a_begin_that_fails_gives_back_what_was_registered() {
    let registry = Arc::new(Registry::default());
    registry.register(&tenant(), "stream", of_agent("call", "a")).unwrap();
    let (_, place) = registry.begin(&tenant(), info("stream"), None).unwrap();
    // Said in the very moment.
    let scene = CallInfo { scene: Some("hotline".into()), ..info("call") };
    assert!(registry.register(&tenant(), "stream", scene).unwrap().is_some());
    drop(place);
    let (call, mut place) = registry.begin(&tenant(), info("stream"), None).unwrap();
    assert_eq!(call, CallInfo { scene: Some("hotline".into()), ..of_agent("call", "a") });
    place.began();
    drop(place);
    assert_eq!(begin(&registry, "stream").0, info("stream"), "used up by the call that began");
    let untold = registry.begin(&tenant(), info("untold"), None).unwrap();
    drop(untold);
    assert!(registry.lock().waiting.is_empty(), "nothing was told, nothing is kept");
}

#[test]
fn the_next_stream_of_a_conversation_knows_what_the_last_one_knew() {
    let registry = Arc::new(Registry::default());
    let conversation = id("c");
    let begin = |stream: &str| {
        let (call, mut place) = registry.begin(&tenant(), info(stream), Some(&conversation)).unwrap();
        place.began();
        (call, place)
    };
    registry.register(&tenant(), "c", of_agent("cti", "a")).unwrap();
    let (call, first) = begin("c");
    assert_eq!(call, of_agent("cti", "a"));
    registry.register(&tenant(), "c", of_agent("cti", "b")).unwrap();
    // The next one comes before the first is gone, and is the conversation from then on.
    let (call, second) = begin("c.2");
    assert_eq!(call, of_agent("c.2", "b"));
    assert_eq!(registry.register(&tenant(), "c", of_agent("c", "d")).unwrap(), Some(id("c.2")));
    drop(first);
    drop(second);
    // Another one comes after a while.
    let (call, third) = begin("c.3");
    assert_eq!(call, of_agent("c.3", "d"));
    assert_eq!(registry.register(&tenant(), "c", of_agent("c", "e")).unwrap(), Some(id("c.3")));
    drop(third);
    assert!(registry.lock().live.is_empty() && registry.lock().aliases.is_empty());
}

#[tokio::test(start_paused = true)]
async fn registrations_are_forgotten_and_bounded() {
    let registry = Arc::new(Registry::default());
    registry.register(&tenant(), "k", of_agent("k", "a")).unwrap();
    for n in 1..MAX_WAITING {
        registry.register(&tenant(), &n.to_string(), info("x")).unwrap();
    }
    let full = registry.register(&tenant(), "more", info("y")).unwrap_err();
    assert_eq!(full.reason(), "REGISTRATIONS_FULL");
    registry.register(&tenant(), "1", info("replaced")).unwrap();
    tokio::time::advance(KEPT_FOR).await;
    assert_eq!(begin(&registry, "k").0, info("k"));
    // The old ones go when their room is needed.
    registry.register(&tenant(), "more", info("y")).unwrap();
    registry.register(&tenant(), "and more", info("z")).unwrap();
    assert_eq!(registry.lock().waiting.len(), 2);
}
