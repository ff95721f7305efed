use earmark_audio::{ChannelRole, Encoding};
use serde_json::json;

use super::*;
use crate::MediaFormat;
use crate::testing::{
    bad_field, begun, binary, close_code, events, is_malformed, is_out_of_order, text, update,
};

fn fork() -> FreeSwitch {
    FreeSwitch::new(Metadata::default())
}

fn running() -> FreeSwitch {
    let mut fork = fork();
    begun(&events(&mut fork, text(r#"{"call_id":"c"}"#)));
    fork
}

#[test]
fn the_metadata_of_the_dialplan_begin_the_call() {
    let mut fork = fork();
    let metadata = r#"{"uuid":"7dd5e34e-5db4-4edb-a166-757e5d29b941","customer_id":"6217-0001","caller_number":"+8613800000000","agent_id":"1001","scene":"hotline","sampleRate":"16k","mixType":"stereo","callSid":{"unknown":[]}}"#;
    let call = begun(&events(&mut fork, text(metadata)));
    assert_eq!(call.call.call_id.as_str(), "7dd5e34e-5db4-4edb-a166-757e5d29b941");
    assert_eq!(call.call.claimed.unwrap().as_str(), "6217-0001");
    assert_eq!(call.call.caller_number.as_deref(), Some("+8613800000000"));
    assert_eq!((call.call.agent.as_deref(), call.call.scene.as_deref()), (Some("1001"), Some("hotline")));
    assert_eq!(call.format, MediaFormat::legs(Encoding::Pcm16Le, 16_000, 2, 0));
    assert_eq!(events(&mut fork, binary(&[1, 2, 3])), [CallEvent::Audio(vec![1, 2, 3].into())]);
}

#[test]
fn a_stream_without_metadata_takes_those_of_the_url() {
    let url = Metadata::from_query("uuid=a-1&customer_id=c-1&mix_type=mixed").unwrap();
    let mut fork = FreeSwitch::new(url);
    let first = events(&mut fork, binary(&[0; 320]));
    let call = begun(&first[..1]);
    assert_eq!((call.call.call_id.as_str(), call.format.role), ("a-1", ChannelRole::Mixed));
    assert_eq!(first[1], CallEvent::Audio(vec![0; 320].into()));
    assert_eq!(bad_field(self::fork().receive(binary(&[0; 320]))), "call_id");
    assert_eq!(bad_field(self::fork().receive(text("{}"))), "call_id");
}

#[test]
fn the_streams_own_metadata_come_before_the_urls() {
    let url = Metadata::from_query("call_id=url&agent_id=url").unwrap();
    let mut fork = FreeSwitch::new(url);
    let call = begun(&events(&mut fork, text(r#"{"call_id":"stream"}"#))).call;
    assert_eq!((call.call_id.as_str(), call.agent.as_deref()), ("stream", Some("url")));
}

#[test]
fn texts_of_the_dialplan_are_events_of_the_call() {
    let mut fork = running();
    let mut one = |event: serde_json::Value| events(&mut fork, text(event));
    assert_eq!(one(json!({"event": "hold"})), [CallEvent::Held]);
    assert_eq!(one(json!({"event": "resume"})), [CallEvent::Resumed]);
    assert_eq!(one(json!({"event": "unhold"})), [CallEvent::Resumed]);
    assert_eq!(one(json!({"event": "transfer"})), [CallEvent::SpeakerChanged]);
    let wide = MediaFormat::customer_leg(Encoding::Pcm16Le, 16_000);
    assert_eq!(one(json!({"event": "format", "sampleRate": 16_000})), [CallEvent::Format(wide)]);
    let both = MediaFormat::legs(Encoding::Pcm16Le, 16_000, 2, 1);
    let event = json!({"event": "format", "mixType": "stereo", "customer_channel": 1, "call_id": "other"});
    assert_eq!(one(event), [CallEvent::Format(both)]);
    assert_eq!(one(json!({"event": "dtmf", "digit": "5"})), []);
    assert_eq!(one(json!({"final": "words"})), []);
    assert_eq!(one(json!({"event": "hangup"})), [CallEvent::Ended(EndReason::HungUp)]);
}

#[test]
fn texts_that_waited_together_come_in_one_frame() {
    let mut fork = fork();
    let all =
        events(&mut fork, text(r#"{"call_id":"c"}{"event":"hold"} {"event":"hangup"}{"event":"hold"}"#));
    begun(&all[..1]);
    assert_eq!(all[1..], [CallEvent::Held, CallEvent::Ended(EndReason::HungUp)]);
}

#[test]
fn an_empty_frame_is_a_graceful_shutdown_and_may_be_repeated() {
    let mut fork = running();
    assert_eq!(events(&mut fork, binary(&[])), [CallEvent::Ended(EndReason::HungUp)]);
    assert_eq!(events(&mut fork, binary(&[])), []);
    assert!(is_out_of_order(fork.receive(binary(&[1]))));
    assert!(is_out_of_order(fork.receive(text(r#"{"event":"hold"}"#))));
    assert_eq!(fork.closed(), Exchange::default());
}

#[test]
fn a_closed_socket_ends_a_call_that_had_begun() {
    assert_eq!(fork().closed(), Exchange::default());
    let mut fork = running();
    assert_eq!(fork.closed().events, [CallEvent::Ended(EndReason::HungUp)]);
    assert_eq!(fork.closed(), Exchange::default());
}

#[test]
fn what_is_no_json_or_of_a_wrong_type_is_refused() {
    for bad in ["", "not json", "[1]", "\"x\"", "{\"call_id\":"] {
        assert!(is_malformed(fork().receive(text(bad))), "{bad}");
    }
    assert_eq!(bad_field(fork().receive(text(r#"{"call_id":1}"#))), "call_id");
    assert_eq!(bad_field(running().receive(text(r#"{"event":"format"}"#))), "format");
}

/// mod_audio_stream's `send_text`, and the text of its `stop`, are any UTF-8.
#[test]
fn once_the_call_runs_other_texts_are_not_for_us() {
    for other in ["", "  ", "bye", "5", "[1]", "\"x\"", "{\"call_id\":", r#"{"event":1}"#, "结束"] {
        let mut fork = running();
        assert_eq!(events(&mut fork, text(other)), [], "{other}");
        assert_eq!(events(&mut fork, text(r#"{"event":"hold"}"#)), [CallEvent::Held], "{other}");
    }
    assert_eq!(events(&mut running(), text(r#"{"event":"hold"} bye"#)), [CallEvent::Held]);
}

#[test]
fn what_no_record_can_hold_is_left_out_and_named() {
    let metadata = json!({"call_id": "c", "caller_number": "1".repeat(129), "agent_id": " 1001 ",
        "scene": "a\u{7}b"});
    let call = begun(&events(&mut fork(), text(metadata)));
    assert_eq!((call.call.caller_number, call.call.agent.as_deref()), (None, Some("1001")));
    assert_eq!((call.call.scene, call.dropped), (None, vec!["caller_number", "scene"]));
}

#[test]
fn scores_go_back_in_the_shape_that_becomes_an_event() {
    let mut fork = running();
    let told = fork.tell(&update());
    let said = crate::testing::json(&told[0]);
    assert_eq!((told.len(), &said["type"], &said["source"]), (1, &json!("json"), &json!("earmark")));
    let expected = json!({
        "call_id": "call-7", "customer_id": "c-1", "sequence": 4, "final": true, "speaker": 2,
        "verdict": "SUSPECTED_PROXY", "verdict_zh": "疑似代理", "verdict_en": "suspected proxy",
        "risk": "HIGH", "reasons": ["LISTED_PROXY_MATCH"],
        "audio_s": 12.5, "net_speech_s": 8.0, "customer_llr": -6.25,
        "probabilities": {"customer": 0.01, "listed_proxy": 0.97, "somebody_else": 0.02},
        "proxies": [{"proxy_id": "p-9", "label": "王**", "llr": 9.5, "probability": 0.97}],
        "excerpts": [{"start_s": 3.0, "end_s": 6.5}], "warnings": ["CLIPPING"],
    });
    assert_eq!(said["data"], expected);
}

#[test]
fn the_far_end_is_told_why_the_stream_ends() {
    let finished = running().part(&Parting::Finished(EndReason::HungUp));
    assert_eq!(finished.iter().map(close_code).collect::<Vec<_>>(), [1000]);
    let failed = Parting::Failed { code: "LIVE_CALLS_FULL", problem: "try again".to_owned() };
    let said = running().part(&failed);
    let error = crate::testing::json(&said[0]);
    assert_eq!(error["type"], "error");
    assert_eq!(error["data"]["problem"], "LIVE_CALLS_FULL: try again");
    assert_eq!(close_code(&said[1]), 1011);
}

#[test]
fn frames_over_their_limit_are_refused() {
    let large = binary(&vec![0; crate::MAX_AUDIO_BYTES + 1]);
    assert!(matches!(running().receive(large), Err(ProtocolError::LimitReached { .. })));
    let large = text(" ".repeat(crate::MAX_TEXT_BYTES + 1));
    assert!(matches!(fork().receive(large), Err(ProtocolError::LimitReached { .. })));
}
