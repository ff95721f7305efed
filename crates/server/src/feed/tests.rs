use std::time::Duration;

use earmark_engine::{CustomerComparison, RiskTier, SpeechSummary, Verdict};
use earmark_voiceprint::{CustomerId, ModelId, NetSpeech};

use super::*;

fn tenant() -> TenantId {
    TenantId::new("north").unwrap()
}

fn call(id: &str) -> CallInfo {
    CallInfo::unknown(CallId::new(id).unwrap())
}

fn update(call: CallInfo, is_final: bool) -> CallUpdate {
    CallUpdate {
        call,
        sequence: 1,
        is_final,
        speaker: 1,
        excerpts: Vec::new(),
        call_s: 0.0,
        speech: SpeechSummary {
            audio_s: 0.0,
            net_speech: NetSpeech::ZERO,
            quality: None,
            warnings: Vec::new(),
        },
        customer: CustomerComparison::NotClaimed,
        proxies: Vec::new(),
        posterior: None,
        verdict: Verdict::InsufficientSpeech,
        risk: RiskTier::Undetermined,
        reasons: Vec::new(),
        model: ModelId::new("m", "1"),
        calibration: "c".into(),
        compute: Duration::ZERO,
        at: Timestamp::from_unix_millis(0),
    }
}

fn feed_with(calls: &[&str]) -> Feed {
    let feed = Feed::new(8, Arc::new(Metrics::new().unwrap()));
    for id in calls {
        feed.began(&tenant(), &call(id), Timestamp::from_unix_millis(0));
    }
    feed
}

#[test]
fn a_call_leaves_at_every_end() {
    let feed = feed_with(&["told", "dropped", "lost"]);
    let mut seen = feed.subscribe();
    feed.updated(&tenant(), &update(call("told"), true));
    feed.ended(&tenant(), &call("told"), true);
    feed.ended(&tenant(), &call("dropped"), true);
    feed.ended(&tenant(), &call("lost"), false);
    assert!(feed.running(&tenant()).is_empty());
    assert!(matches!(&seen.try_recv().unwrap().news, News::Update(update) if update.is_final));
    assert!(matches!(&seen.try_recv().unwrap().news, News::Ended(lost) if *lost == call("lost")));
    assert!(seen.try_recv().is_err(), "an end that is kept was told by its final update");
    let unconcluded = |id: &str| feed.is_unconcluded(&tenant(), &call(id).call_id);
    assert_eq!(["told", "dropped", "lost"].map(unconcluded), [false, false, true]);
    // A recording of the same call comes again, and now its end is kept.
    feed.ended(&tenant(), &call("lost"), true);
    assert!(!feed.is_unconcluded(&tenant(), &call("lost").call_id));
}

#[test]
fn what_became_known_of_a_running_call_shows() {
    let feed = feed_with(&["k"]);
    let claimed = Some(CustomerId::new("c").unwrap());
    let known = CallInfo { claimed, agent: Some("a-2".into()), ..call("k") };
    feed.updated(&tenant(), &update(known.clone(), false));
    let [running] = &feed.running(&tenant())[..] else { panic!("one call runs") };
    assert_eq!((&running.call, running.latest.is_some()), (&known, true));
}

#[test]
fn calls_whose_end_is_not_kept_are_bounded() {
    let feed = feed_with(&[]);
    for n in 0..MAX_UNCONCLUDED + 10 {
        feed.ended(&tenant(), &call(&n.to_string()), false);
    }
    assert_eq!(feed.lock().unconcluded.len(), MAX_UNCONCLUDED);
}
