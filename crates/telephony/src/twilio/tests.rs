use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::order::MAX_WAITING;
use super::*;
use crate::testing::{
    bad_field, begun, binary, close_code, events, is_malformed, is_out_of_order, is_unsupported, text, update,
};

const STREAM: &str = "MZXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX";

fn connected() -> Value {
    json!({"event": "connected", "protocol": "Call", "version": "1.0.0"})
}

fn start(tracks: &[&str], parameters: Value) -> Value {
    json!({
        "event": "start", "sequenceNumber": "1", "streamSid": STREAM,
        "start": {
            "accountSid": "ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "streamSid": STREAM,
            "callSid": "CAXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", "tracks": tracks,
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": parameters,
        },
    })
}

/// 20 ms of one track, all its bytes the chunk's number.
fn media(number: u64, track: &str, chunk: u64) -> Value {
    let payload = STANDARD.encode([chunk as u8; 160]);
    json!({
        "event": "media", "sequenceNumber": number.to_string(), "streamSid": STREAM,
        "media": {
            "track": track, "chunk": chunk.to_string(), "timestamp": (chunk * 20 - 15).to_string(),
            "payload": payload,
        },
    })
}

fn stop(number: u64) -> Value {
    json!({
        "event": "stop", "sequenceNumber": number.to_string(), "streamSid": STREAM,
        "stop": {"accountSid": "AC", "callSid": "CA"},
    })
}

fn running(tracks: &[&str], parameters: Value) -> Twilio {
    let mut stream = Twilio::new(Metadata::default());
    assert_eq!(events(&mut stream, text(connected())), []);
    begun(&events(&mut stream, text(start(tracks, parameters))));
    stream
}

fn inbound() -> Twilio {
    running(&["inbound"], json!({}))
}

/// The numbers of the chunks that were heard.
fn chunks(events: &[CallEvent]) -> Vec<u8> {
    let audio = events.iter().filter_map(|event| match event {
        CallEvent::Audio(bytes) => Some(bytes[0]),
        _ => None,
    });
    audio.collect()
}

#[test]
fn a_stream_is_a_call_from_start_to_stop() {
    let mut stream = Twilio::new(Metadata::default());
    assert_eq!(events(&mut stream, text(connected())), []);
    let parameters = json!({
        "customer_id": "6217-0001", "agent_id": "1001", "scene": "complaint", "caller_number": "+8613800000000",
        "other": "x",
    });
    let call = begun(&events(&mut stream, text(start(&["inbound"], parameters))));
    assert_eq!(call.call.call_id.as_str(), "CAXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX");
    assert_eq!(call.call.claimed.unwrap().as_str(), "6217-0001");
    assert_eq!((call.call.agent.as_deref(), call.call.scene.as_deref()), (Some("1001"), Some("complaint")));
    assert_eq!(call.call.caller_number.as_deref(), Some("+8613800000000"));
    assert_eq!(call.format, MediaFormat::customer_leg(Encoding::MuLaw, 8000));
    let heard = events(&mut stream, text(media(2, "inbound", 1)));
    assert_eq!(heard, [CallEvent::Audio(vec![1; 160].into())]);
    let dtmf = json!({"event": "dtmf", "streamSid": STREAM, "sequenceNumber": "3",
        "dtmf": {"track": "inbound_track", "digit": "1"}});
    assert_eq!(events(&mut stream, text(dtmf)), []);
    let mark = json!({"event": "mark", "sequenceNumber": "4", "streamSid": STREAM, "mark": {"name": "m"}});
    assert_eq!(events(&mut stream, text(mark)), []);
    assert_eq!(events(&mut stream, text(stop(5))), [CallEvent::Ended(EndReason::HungUp)]);
    assert_eq!(stream.closed(), Exchange::default());
}

#[test]
fn of_both_tracks_the_customers_is_heard() {
    let mut stream = running(&["inbound", "outbound"], json!({}));
    let mut heard = Vec::new();
    for chunk in 1..=4 {
        heard.extend(events(&mut stream, text(media(2 * chunk, "inbound", chunk))));
        heard.extend(events(&mut stream, text(media(2 * chunk + 1, "outbound", chunk + 100))));
    }
    assert_eq!((chunks(&heard), heard.len()), (vec![1, 2, 3, 4], 4));
    let mut stream = running(&["inbound", "outbound"], json!({"customer_track": "outbound"}));
    assert_eq!(events(&mut stream, text(media(2, "inbound", 1))), []);
    assert_eq!(chunks(&events(&mut stream, text(media(3, "outbound", 1)))), [1]);
}

#[test]
fn a_parameter_may_name_the_call() {
    let mut stream = Twilio::new(Metadata::default());
    events(&mut stream, text(connected()));
    let call = begun(&events(&mut stream, text(start(&["inbound"], json!({"call_id": "own"})))));
    assert_eq!(call.call.call_id.as_str(), "own");
}

#[test]
fn messages_in_any_order_near_theirs_are_heard_in_order_once() {
    let mut stream = inbound();
    let mut heard = Vec::new();
    for chunk in [2, 1, 4, 4, 6, 5, 3, 2, 1, 7] {
        heard.extend(events(&mut stream, text(media(chunk + 1, "inbound", chunk))));
    }
    assert_eq!(chunks(&heard), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(heard.len(), 7, "nothing was missing: {heard:?}");
}

#[test]
fn a_repeated_chunk_under_a_new_number_is_dropped() {
    let mut stream = inbound();
    assert_eq!(chunks(&events(&mut stream, text(media(2, "inbound", 1)))), [1]);
    assert_eq!(events(&mut stream, text(media(3, "inbound", 1))), []);
    assert_eq!(chunks(&events(&mut stream, text(media(4, "inbound", 2)))), [2]);
}

#[test]
fn lost_chunks_become_a_gap_once_they_are_given_up() {
    let mut stream = inbound();
    assert_eq!(chunks(&events(&mut stream, text(media(2, "inbound", 1)))), [1]);
    let mut heard = Vec::new();
    let next = 7..7 + MAX_WAITING as u64;
    for chunk in next.clone() {
        heard.extend(events(&mut stream, text(media(chunk + 1, "inbound", chunk))));
    }
    assert_eq!(heard, [], "they wait");
    heard = events(&mut stream, text(media(next.end + 1, "inbound", next.end)));
    assert_eq!(heard[0], CallEvent::Gap(Duration::from_millis(100)));
    let all: Vec<u8> = (next.start..=next.end).map(|chunk| chunk as u8).collect();
    assert_eq!(chunks(&heard[1..]), all);
    let late = events(&mut stream, text(media(4, "inbound", 3)));
    assert_eq!(late, [], "too late");
}

#[test]
fn silence_that_was_not_sent_is_a_gap() {
    let mut stream = inbound();
    events(&mut stream, text(media(2, "inbound", 1)));
    let heard = events(&mut stream, text(media(3, "inbound", 26)));
    assert_eq!(heard[0], CallEvent::Gap(Duration::from_millis(480)));
    assert_eq!(chunks(&heard), [26]);
}

#[test]
fn a_lost_connection_ends_the_call_with_what_waited() {
    let mut stream = inbound();
    assert_eq!(events(&mut stream, text(media(5, "inbound", 4))), []);
    let last = stream.closed();
    assert_eq!(chunks(&last.events), [4]);
    assert_eq!(last.events.last(), Some(&CallEvent::Ended(EndReason::Lost)));
    let mut stream = inbound();
    events(&mut stream, text(stop(3)));
    assert_eq!(stream.closed().events, [CallEvent::Ended(EndReason::HungUp)], "its stop had come");
    assert_eq!(Twilio::new(Metadata::default()).closed(), Exchange::default());
}

#[test]
fn what_comes_at_the_wrong_time_is_refused() {
    let fresh = || Twilio::new(Metadata::default());
    assert!(is_out_of_order(fresh().receive(text(start(&["inbound"], json!({}))))));
    let mut stream = fresh();
    events(&mut stream, text(connected()));
    assert!(is_out_of_order(stream.receive(text(connected()))));
    let mut stream = fresh();
    events(&mut stream, text(connected()));
    assert!(is_out_of_order(stream.receive(text(media(1, "inbound", 1)))), "number 1 is no start");
    let mut again = start(&["inbound"], json!({}));
    again["sequenceNumber"] = json!("2");
    assert!(is_out_of_order(inbound().receive(text(again))));
    let mut stream = inbound();
    events(&mut stream, text(stop(2)));
    assert!(is_out_of_order(stream.receive(text(media(3, "inbound", 1)))));
    let mut other = media(2, "inbound", 1);
    other["streamSid"] = json!("MZother");
    assert!(is_out_of_order(inbound().receive(text(other))));
}

#[test]
fn what_is_malformed_is_refused() {
    assert!(is_malformed(inbound().receive(binary(&[0; 160]))));
    assert!(is_malformed(inbound().receive(text("{\"event\":"))));
    for (pointer, value, field) in [
        ("/event", json!(null), "event"),
        ("/sequenceNumber", json!("two"), "sequenceNumber"),
        ("/sequenceNumber", json!(-2), "sequenceNumber"),
        ("/media", json!([]), "media"),
        ("/media/track", json!("both"), "track"),
        ("/media/chunk", json!("0x1"), "chunk"),
        ("/media/timestamp", json!(""), "timestamp"),
        ("/media/payload", json!("***"), "payload"),
        ("/media/payload", json!(7), "payload"),
        ("/streamSid", json!(7), "streamSid"),
    ] {
        let mut message = media(2, "inbound", 1);
        *message.pointer_mut(pointer).unwrap() = value;
        assert_eq!(bad_field(inbound().receive(text(message))), field, "{pointer}");
    }
}

#[test]
fn other_formats_and_a_stream_of_the_agent_alone_are_refused() {
    let begin = |start: Value| {
        let mut stream = Twilio::new(Metadata::default());
        events(&mut stream, text(connected()));
        stream.receive(text(start))
    };
    assert!(is_unsupported(begin(start(&["outbound"], json!({})))));
    assert!(is_unsupported(begin(start(&[], json!({})))));
    let mut wide = start(&["inbound"], json!({}));
    wide["start"]["mediaFormat"]["sampleRate"] = json!(16_000);
    assert!(is_unsupported(begin(wide)));
    let relay = json!({"event": "connected", "protocol": "Relay", "version": "1"});
    assert!(is_unsupported(Twilio::new(Metadata::default()).receive(text(relay))));
    assert_eq!(bad_field(begin(start(&["inbound"], json!({"customer_id": "\u{7}"})))), "customer_id");
}

#[test]
fn nothing_goes_back_but_the_close() {
    assert_eq!(inbound().tell(&update()), []);
    let said = inbound().part(&Parting::Finished(EndReason::HungUp));
    assert_eq!(said.iter().map(close_code).collect::<Vec<_>>(), [1000]);
}
