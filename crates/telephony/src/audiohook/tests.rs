use std::time::Duration;

use earmark_audio::Encoding;
use serde_json::{Value, json};

use super::*;
use crate::MediaFormat;
use crate::testing::{
    bad_field, begun, binary, close_code, events, is_malformed, is_out_of_order, is_unsupported,
    json as said, take, text, update,
};

const SESSION: &str = "e160e428-53e2-487c-977d-96989bf5c99d";
const ORGANIZATION: &str = "d7934305-0972-4844-938e-9060eef73d05";
const CONVERSATION: &str = "090eaa2f-72fa-480a-83e0-8667ff89c0ec";
const ZERO: &str = "00000000-0000-0000-0000-000000000000";

/// A client that numbers its messages as the protocol asks.
struct Client {
    hook: AudioHook,
    seq: u64,
    serverseq: u64,
    position: &'static str,
}

impl Client {
    fn new() -> Self {
        let hook = AudioHook::new(Some(SESSION), Some(ORGANIZATION));
        Self { hook, seq: 0, serverseq: 0, position: "PT0S" }
    }

    fn opened() -> Self {
        let mut client = Self::new();
        let exchange = client.say("open", open());
        begun(&exchange.events);
        client
    }

    fn message(&mut self, kind: &str, parameters: Value) -> Value {
        self.seq += 1;
        json!({
            "version": "2", "id": SESSION, "type": kind, "seq": self.seq, "serverseq": self.serverseq,
            "position": self.position, "parameters": parameters,
        })
    }

    fn say(&mut self, kind: &str, parameters: Value) -> Exchange {
        let message = self.message(kind, parameters);
        let exchange = take(&mut self.hook, text(message));
        let texts = exchange.replies.iter().filter(|reply| matches!(reply, Reply::Text(_)));
        self.serverseq += texts.count() as u64;
        exchange
    }

    fn try_say(&mut self, kind: &str, parameters: Value) -> Result<Exchange, ProtocolError> {
        let message = self.message(kind, parameters);
        self.hook.receive(text(message))
    }
}

fn medium(format: &str, channels: &[&str]) -> Value {
    json!({"type": "audio", "format": format, "channels": channels, "rate": 8000})
}

fn open() -> Value {
    json!({
        "organizationId": ORGANIZATION, "conversationId": CONVERSATION,
        "participant": {"id": "883efee8-3d6c-4537-b500-6d7ca4b92fa0", "ani": "+1-555-555-1234",
            "aniName": "John Doe", "dnis": "+1-800-555-6789"},
        "media": [medium("PCMU", &["external", "internal"]), medium("PCMU", &["external"]),
            medium("PCMU", &["internal"])],
        "language": "en-US",
    })
}

fn offering(media: &[Value]) -> Value {
    let mut open = open();
    open["media"] = json!(media);
    open
}

#[test]
fn a_session_is_opened_with_the_customers_channel_alone() {
    let mut client = Client::new();
    let exchange = client.say("open", open());
    let call = begun(&exchange.events);
    assert_eq!(call.call.call_id.as_str(), CONVERSATION);
    assert_eq!((call.call.caller_number.as_deref(), call.call.claimed), (Some("+1-555-555-1234"), None));
    assert_eq!(call.format, MediaFormat::customer_leg(Encoding::MuLaw, 8000));
    let opened = json!({
        "version": "2", "type": "opened", "id": SESSION, "seq": 1, "clientseq": 1,
        "parameters": {"startPaused": false, "media": [medium("PCMU", &["external"])]},
    });
    assert_eq!(exchange.replies.iter().map(said).collect::<Vec<_>>(), [opened]);
    assert_eq!(events(&mut client.hook, binary(&[0xff; 1600])), [CallEvent::Audio(vec![0xff; 1600].into())]);
}

#[test]
fn of_several_media_the_best_is_chosen_and_the_external_channel_is_the_customers() {
    let both = ["external", "internal"];
    let turned = ["internal", "external"];
    let cases = [
        (vec![medium("PCMU", &both)], medium("PCMU", &both), MediaFormat::legs(Encoding::MuLaw, 8000, 2, 0)),
        (
            vec![medium("PCMU", &turned)],
            medium("PCMU", &turned),
            MediaFormat::legs(Encoding::MuLaw, 8000, 2, 1),
        ),
        (
            vec![medium("L16", &["external"]), medium("PCMU", &both)],
            medium("PCMU", &both),
            MediaFormat::legs(Encoding::MuLaw, 8000, 2, 0),
        ),
        (
            vec![medium("PCMU", &["internal"]), medium("L16", &["external"])],
            medium("L16", &["external"]),
            MediaFormat::customer_leg(Encoding::Pcm16Le, 8000),
        ),
    ];
    for (offered, chosen, format) in cases {
        let mut client = Client::new();
        let exchange = client.say("open", offering(&offered));
        assert_eq!(said(&exchange.replies[0])["parameters"]["media"], json!([chosen]));
        assert_eq!(begun(&exchange.events).format, format);
    }
    for none in [vec![], vec![medium("PCMU", &["internal"])]] {
        assert!(is_unsupported(Client::new().try_say("open", offering(&none))));
    }
}

#[test]
fn the_flow_may_name_the_customer() {
    let mut open = open();
    open["customConfig"] = json!({"agent_id": "desk", "scene": "hotline", "call_id": "not theirs to say"});
    open["inputVariables"] = json!({"customer_id": "6217-0001", "scene": "complaint"});
    let call = begun(&Client::new().say("open", open).events).call;
    assert_eq!((call.claimed.unwrap().as_str(), call.agent.as_deref()), ("6217-0001", Some("desk")));
    assert_eq!((call.call_id.as_str(), call.scene.as_deref()), (CONVERSATION, Some("complaint")));
}

#[test]
fn a_continued_session_is_another_record_of_the_conversation() {
    let mut open = open();
    open["continuedSessions"] = json!([{"id": ZERO, "serverseq": 4, "clientseq": 9}]);
    let mut client = Client::new();
    client.position = "PT95.2S";
    let begun = begun(&client.say("open", open).events);
    assert_eq!(begun.call.call_id.as_str(), format!("{CONVERSATION}.2"));
    // By which what the session before it knew is found.
    assert_eq!(begun.conversation.unwrap().as_str(), CONVERSATION);
}

#[test]
fn a_probe_is_answered_and_is_no_call() {
    let mut probe = open();
    probe["conversationId"] = json!(ZERO);
    probe["participant"] = json!({"id": ZERO, "ani": "", "aniName": "", "dnis": ""});
    let mut client = Client::new();
    let exchange = client.say("open", probe.clone());
    assert_eq!(exchange.events, []);
    assert_eq!(said(&exchange.replies[0])["type"], "opened");
    assert_eq!(said(&client.say("ping", json!({})).replies[0])["type"], "pong");
    assert_eq!(events(&mut client.hook, binary(&[0; 160])), []);
    let closed = client.say("close", json!({"reason": "end"}));
    assert_eq!(closed.events, []);
    assert_eq!((&said(&closed.replies[0])["type"], closed.replies.len()), (&json!("closed"), 1));
    let parting = Parting::Failed { code: "STREAM_IDLE", problem: "it did not close".to_owned() };
    assert_eq!(client.hook.close_patience(), Duration::ZERO, "the client had its time");
    assert_eq!(client.hook.part(&parting).iter().map(close_code).collect::<Vec<_>>(), [1011]);
    probe["media"] = json!([]);
    assert_eq!(said(&Client::new().say("open", probe).replies[0])["parameters"]["media"], json!([]));
}

#[test]
fn pings_and_updates_are_answered_with_counted_numbers() {
    let mut client = Client::opened();
    let pong = client.say("ping", json!({"rtt": "PT0.045S"}));
    let expected = json!({
        "version": "2", "type": "pong", "id": SESSION, "seq": 2, "clientseq": 2, "parameters": {},
    });
    assert_eq!(pong.replies.iter().map(said).collect::<Vec<_>>(), [expected]);
    let updated = said(&client.say("update", json!({"language": "es-US"})).replies[0]);
    assert_eq!(
        (&updated["type"], &updated["seq"], &updated["clientseq"]),
        (&json!("updated"), &json!(3), &json!(3))
    );
    let dtmf = client.say("dtmf", json!({"digit": "5"}));
    assert_eq!(dtmf, Exchange::default());
}

#[test]
fn a_pause_holds_the_call_and_what_was_left_out_is_a_gap() {
    let mut client = Client::opened();
    assert_eq!(events(&mut client.hook, binary(&[0; 8000])).len(), 1);
    client.position = "PT1S";
    assert_eq!(client.say("paused", json!({})).events, [CallEvent::Held]);
    assert_eq!(events(&mut client.hook, binary(&[0; 160])), [], "it was under way");
    assert_eq!(client.say("paused", json!({})).events, []);
    client.position = "PT5S";
    let resumed = client.say("resumed", json!({"start": "PT1S", "discarded": "PT4S"}));
    assert_eq!(resumed.events, [CallEvent::Gap(Duration::from_secs(4)), CallEvent::Resumed]);
    let repeated = client.say("resumed", json!({"start": "PT5S", "discarded": "PT0S"}));
    assert_eq!(repeated.events, []);
    let discarded = client.say("discarded", json!({"start": "PT5S", "discarded": "PT0.3S"}));
    assert_eq!(discarded.events, [CallEvent::Gap(Duration::from_millis(300))]);
    let long = client.say("discarded", json!({"start": "PT5.3S", "discarded": "PT3600S"}));
    assert_eq!(long.events, [CallEvent::Gap(crate::MAX_GAP)]);
    assert_eq!(client.say("discarded", json!({"start": "PT5S", "discarded": "PT0S"})).events, []);
}

#[test]
fn a_position_ahead_of_the_audio_is_a_gap_once() {
    let mut client = Client::opened();
    events(&mut client.hook, binary(&[0; 8000]));
    client.position = "PT1.5S";
    assert_eq!(client.say("ping", json!({})).events, [], "within the slack");
    client.position = "PT3S";
    assert_eq!(client.say("ping", json!({})).events, [CallEvent::Gap(Duration::from_secs(2))]);
    assert_eq!(client.say("ping", json!({})).events, []);
    client.position = "PT0S";
    assert_eq!(client.say("ping", json!({})).events, [], "behind is no gap");
    client.position = "PT18446744073709551615S";
    assert_eq!(client.say("ping", json!({})).events, [CallEvent::Gap(crate::MAX_GAP)]);
}

#[test]
fn close_ends_the_call_and_closed_is_said_after_the_last_update() {
    for (reason, end) in [
        ("end", EndReason::HungUp),
        ("disconnect", EndReason::HungUp),
        ("reconnect", EndReason::Lost),
        ("error", EndReason::Failed),
    ] {
        let mut client = Client::opened();
        let exchange = client.say("close", json!({"reason": reason}));
        assert_eq!((exchange.events, exchange.replies), (vec![CallEvent::Ended(end)], vec![]), "{reason}");
        assert_eq!(client.hook.tell(&update()), []);
        let last = client.hook.part(&Parting::Finished(end));
        let closed = said(&last[0]);
        assert_eq!(
            (&closed["type"], &closed["seq"], &closed["clientseq"]),
            (&json!("closed"), &json!(2), &json!(2))
        );
        assert_eq!((close_code(&last[1]), last.len()), (1000, 2));
        assert_eq!(client.say("ping", json!({})), Exchange::default(), "nothing follows `closed`");
        assert_eq!(client.hook.closed(), Exchange::default());
    }
}

#[test]
fn an_error_of_the_client_makes_the_end_a_failure() {
    let mut client = Client::opened();
    let error = client.say("error", json!({"code": 500, "message": "internal", "retryAfter": "PT5S"}));
    assert_eq!(error, Exchange::default());
    let closed = client.say("close", json!({"reason": "end"}));
    assert_eq!(closed.events, [CallEvent::Ended(EndReason::Failed)]);
}

#[test]
fn a_lost_socket_loses_the_call() {
    assert_eq!(Client::opened().hook.closed().events, [CallEvent::Ended(EndReason::Lost)]);
    assert_eq!(Client::new().hook.closed(), Exchange::default());
}

#[test]
fn the_numbers_must_count() {
    let mut client = Client::opened();
    client.seq = 2;
    assert!(is_out_of_order(client.try_say("ping", json!({}))), "skipped");
    let mut client = Client::opened();
    client.seq = 0;
    assert!(is_out_of_order(client.try_say("ping", json!({}))), "repeated");
    let mut client = Client::opened();
    client.serverseq = 2;
    assert!(is_out_of_order(client.try_say("ping", json!({}))), "not sent yet");
    let mut client = Client::opened();
    client.say("ping", json!({}));
    client.say("ping", json!({}));
    client.serverseq = 1;
    assert!(is_out_of_order(client.try_say("ping", json!({}))), "goes back");
    let mut message = Client::new().message("open", open());
    message["id"] = json!(ZERO);
    let mut hook = AudioHook::new(Some(SESSION), None);
    assert!(is_out_of_order(hook.receive(text(message))), "another session");
}

#[test]
fn what_comes_at_the_wrong_time_is_refused() {
    assert!(is_out_of_order(Client::new().hook.receive(binary(&[0; 160]))));
    assert!(is_out_of_order(Client::new().try_say("ping", json!({}))));
    assert!(is_out_of_order(Client::opened().try_say("open", open())));
    let mut client = Client::opened();
    client.say("close", json!({"reason": "end"}));
    assert!(is_out_of_order(client.try_say("ping", json!({}))));
    assert!(is_out_of_order(client.hook.receive(binary(&[0; 160]))));
    let exchange = Client::new().say("close", json!({"reason": "end"}));
    assert_eq!(said(&exchange.replies[0])["type"], "closed", "a client may give up before it opens");
}

#[test]
fn the_organization_must_be_the_one_that_signed() {
    let mut open = open();
    open["organizationId"] = json!(SESSION);
    let mut client = Client::new();
    let error = client.try_say("open", open).unwrap_err();
    assert!(matches!(error, ProtocolError::NotAuthenticated { .. }));
    let parted = client.hook.part(&Parting::Refused(error));
    let disconnect = said(&parted[0]);
    assert_eq!(
        (&disconnect["type"], &disconnect["parameters"]["reason"]),
        (&json!("disconnect"), &json!("unauthorized"))
    );
    assert_eq!(close_code(&parted[1]), 1008);
}

#[test]
fn the_server_ends_a_session_in_the_protocols_words() {
    let part = |parting: Parting| said(&Client::opened().hook.part(&parting)[0]);
    let failed = part(Parting::Failed { code: "LIVE_CALLS_FULL", problem: "try later".to_owned() });
    let expected = json!({
        "version": "2", "type": "disconnect", "id": SESSION, "seq": 2, "clientseq": 1,
        "parameters": {"reason": "error", "info": "LIVE_CALLS_FULL: try later"},
    });
    assert_eq!(failed, expected);
    assert_eq!(part(Parting::Draining)["type"], "reconnect");
    assert_eq!(part(Parting::Finished(EndReason::HungUp))["parameters"]["reason"], "completed");
    let refused = part(Parting::Refused(ProtocolError::Unsupported { problem: "x".into() }));
    assert_eq!(refused["parameters"], json!({"reason": "error", "info": "unsupported: x"}));
}

#[test]
fn the_client_closes_a_session_that_the_server_ends() {
    for (parting, word) in [
        (Parting::Draining, "reconnect"),
        (Parting::Failed { code: "STREAM_IDLE", problem: "x".to_owned() }, "disconnect"),
    ] {
        let mut client = Client::opened();
        assert_eq!(client.hook.close_patience(), CLOSE_PATIENCE);
        let last = client.hook.part(&parting);
        assert_eq!((&said(&last[0])["type"], last.len()), (&json!(word), 2));
        client.serverseq += 1;
        // What was under way does no harm.
        assert_eq!(take(&mut client.hook, binary(&[0; 160])), Exchange::default());
        assert_eq!(client.say("paused", json!({})), Exchange::default());
        assert_eq!(said(&client.say("ping", json!({})).replies[0])["type"], "pong");
        let exchange = client.say("close", json!({"reason": "disconnect"}));
        let closed = json!({
            "version": "2", "type": "closed", "id": SESSION, "seq": 4, "clientseq": 4, "parameters": {},
        });
        assert_eq!((exchange.events, exchange.replies.iter().map(said).collect()), (vec![], vec![closed]));
        assert_eq!(client.say("close", json!({"reason": "end"})), Exchange::default());
        assert_eq!(client.hook.closed(), Exchange::default(), "the call ended before");
    }
}

#[test]
fn a_client_that_lost_count_can_close_all_the_same() {
    let mut client = Client::opened();
    client.seq = 7;
    let error = client.try_say("ping", json!({})).unwrap_err();
    client.hook.part(&Parting::Refused(error));
    assert_eq!(take(&mut client.hook, text("{")), Exchange::default());
    assert_eq!(said(&client.say("close", json!({"reason": "error"})).replies[0])["type"], "closed");
}

#[test]
fn every_field_is_checked() {
    for (pointer, value, field) in [
        ("/id", json!("e160e428"), "id"),
        ("/type", json!(1), "type"),
        ("/seq", json!(-1), "seq"),
        ("/serverseq", json!(null), "serverseq"),
        ("/position", json!("1s"), "position"),
        ("/parameters", json!([]), "parameters"),
        ("/parameters/organizationId", json!("acme"), "organizationId"),
        ("/parameters/conversationId", json!("g90eaa2f-72fa-480a-83e0-8667ff89c0ec"), "conversationId"),
        ("/parameters/participant", json!(null), "participant"),
        ("/parameters/participant/ani", json!(5), "ani"),
        ("/parameters/media", json!({}), "media"),
        ("/parameters/media/0", json!("PCMU"), "media"),
        ("/parameters/media/0/rate", json!(16_000), "media"),
        ("/parameters/media/0/format", json!("OPUS"), "media"),
        ("/parameters/media/0/channels", json!(["external", "external"]), "media"),
    ] {
        let mut message = Client::new().message("open", open());
        *message.pointer_mut(pointer).unwrap() = value;
        assert_eq!(bad_field(Client::new().hook.receive(text(message))), field, "{pointer}");
    }
    let mut other = Client::new().message("open", open());
    other["version"] = json!("3");
    assert!(is_unsupported(Client::new().hook.receive(text(other))));
    assert!(is_unsupported(Client::opened().try_say("transcribe", json!({}))));
    assert_eq!(bad_field(Client::opened().try_say("close", json!({"reason": "why"}))), "reason");
    assert_eq!(bad_field(Client::opened().try_say("ping", json!({"rtt": "fast"}))), "rtt");
    assert_eq!(bad_field(Client::opened().try_say("resumed", json!({"start": "PT1S"}))), "discarded");
    assert_eq!(bad_field(Client::opened().try_say("error", json!({"code": "x", "message": ""}))), "code");
    assert!(is_malformed(Client::new().hook.receive(text("{"))));
    let many = vec![medium("PCMU", &["external"]); 17];
    let limited = Client::new().try_say("open", offering(&many));
    assert!(matches!(limited, Err(ProtocolError::LimitReached { what: "media", .. })));
}

#[test]
fn audio_comes_in_whole_samples_of_all_channels() {
    let mut client = Client::new();
    client.say("open", offering(&[medium("PCMU", &["external", "internal"])]));
    assert!(is_malformed(client.hook.receive(binary(&[0; 3]))));
}
