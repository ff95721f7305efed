//! Whatever comes, in any order and any split, ends in events or in one typed error, and little is
//! kept of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use earmark_telephony::{
    AsteriskWebSocket, AudioHook, CallEvent, Dialect, EndReason, Exchange, Frame, FreeSwitch, MAX_GAP,
    Metadata, Parting, Reply, SignedRequest, Twilio, verify_audiohook_signature, verify_twilio_signature,
};
use proptest::prelude::*;

/// Each dialect with what begins a call in it.
fn dialects() -> Vec<(Box<dyn Dialect>, Vec<&'static str>)> {
    let url = || Metadata::from_query("call_id=c").unwrap();
    vec![
        (Box::new(FreeSwitch::new(url())), vec!["{}"]),
        (Box::new(FreeSwitch::new(Metadata::default())), vec![r#"{"call_id":"c","mixType":"stereo"}"#]),
        (Box::new(AsteriskWebSocket::new(url())), vec!["MEDIA_START format:ulaw"]),
        (Box::new(Twilio::new(Metadata::default())), vec![CONNECTED, START]),
        (Box::new(AudioHook::new(None, None)), vec![OPEN]),
    ]
}

const CONNECTED: &str = r#"{"event":"connected","protocol":"Call"}"#;
const START: &str = r#"{"event":"start","sequenceNumber":"1","start":{"callSid":"CA","tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}}}"#;
const OPEN: &str = r#"{"version":"2","id":"e160e428-53e2-487c-977d-96989bf5c99d","type":"open","seq":1,"serverseq":0,"position":"PT0S","parameters":{"organizationId":"e160e428-53e2-487c-977d-96989bf5c99d","conversationId":"e160e428-53e2-487c-977d-96989bf5c99d","participant":{"id":"e160e428-53e2-487c-977d-96989bf5c99d","ani":"1","aniName":"","dnis":""},"media":[{"type":"audio","format":"PCMU","channels":["external"],"rate":8000}]}}"#;

const UUID: &str = "e160e428-53e2-487c-977d-96989bf5c99d";

fn audiohook(kind: &str, seq: u8, serverseq: u8, parameters: &str) -> String {
    format!(
        r#"{{"version":"2","id":"{UUID}","type":"{kind}","seq":{seq},"serverseq":{serverseq},"position":"PT{seq}S","parameters":{parameters}}}"#
    )
}

/// AudioHook's number made the next one, so that a message is not refused for its number alone.
fn counted(frame: &Frame, next: usize) -> Frame {
    match frame {
        Frame::Text(text) => match text.split_once("\"seq\":") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
                Frame::Text(format!("{before}\"seq\":{next}{rest}"))
            }
            None => frame.clone(),
        },
        Frame::Binary(_) => frame.clone(),
    }
}

/// Messages of all the dialects, most of them right in themselves.
fn known() -> impl Strategy<Value = Frame> {
    let fixed = prop::sample::select(vec![
        r#"{"call_id":"c"}"#.to_owned(),
        r#"{"event":"hold"}{"event":"resume"}"#.to_owned(),
        r#"{"event":"transfer"}"#.to_owned(),
        r#"{"event":"hangup"}"#.to_owned(),
        r#"{"event":"format","sampleRate":16000,"mixType":"stereo"}"#.to_owned(),
        "MEDIA_START channel_id:1.2 format:alaw".to_owned(),
        r#"{"event":"MEDIA_START","format":"slin"}"#.to_owned(),
        "MEDIA_XON".to_owned(),
        CONNECTED.to_owned(),
        START.to_owned(),
    ]);
    let media = (any::<u8>(), any::<u8>(), any::<u64>()).prop_map(|(number, chunk, time)| {
        let payload = "AAAA";
        format!(r#"{{"event":"media","sequenceNumber":"{number}","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{time}","payload":"{payload}"}}}}"#)
    });
    let stop = (0..40_u8).prop_map(|n| format!(r#"{{"event":"stop","sequenceNumber":{n}}}"#));
    let open = format!(
        r#"{{"organizationId":"{UUID}","conversationId":"{UUID}","participant":{{"id":"{UUID}","ani":"1","aniName":"","dnis":""}},"media":[{{"type":"audio","format":"PCMU","channels":["external"],"rate":8000}}]}}"#
    );
    let parameters = [
        ("open", open.as_str()),
        ("ping", "{}"),
        ("paused", "{}"),
        ("resumed", r#"{"start":"PT1S","discarded":"PT99999S"}"#),
        ("discarded", r#"{"start":"PT1S","discarded":"PT2S"}"#),
        ("update", r#"{"language":"en-US"}"#),
        ("error", r#"{"code":400,"message":"x"}"#),
        ("close", r#"{"reason":"end"}"#),
    ]
    .map(|(kind, parameters)| (kind.to_owned(), parameters.to_owned()));
    let hook = (prop::sample::select(parameters.to_vec()), 1..12_u8, 0..4_u8)
        .prop_map(|((kind, parameters), seq, serverseq)| audiohook(&kind, seq, serverseq, &parameters));
    prop_oneof![fixed, media, stop, hook].prop_map(Frame::Text)
}

/// A known message with a piece cut out or doubled.
fn broken() -> impl Strategy<Value = Frame> {
    (known(), any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(frame, from, to)| {
        let Frame::Text(text) = frame else { return frame };
        let chars: Vec<char> = text.chars().collect();
        let (from, to) = (from.index(chars.len()), to.index(chars.len()));
        Frame::Text(chars[..from].iter().chain(&chars[to..]).collect())
    })
}

fn frame() -> impl Strategy<Value = Frame> {
    let bytes = prop::collection::vec(any::<u8>(), 0..600).prop_map(|bytes| Frame::Binary(bytes.into()));
    prop_oneof![4 => known(), 2 => broken(), 1 => ".{0,200}".prop_map(Frame::Text), 2 => bytes]
}

/// What every exchange keeps to, whatever came before.
#[derive(Default)]
struct Call {
    begun: bool,
    ended: bool,
}

impl Call {
    fn watch(&mut self, exchange: &Exchange) {
        for event in &exchange.events {
            assert!(!self.ended, "{event:?} after the end");
            match event {
                CallEvent::Begun(begun) => {
                    assert!(!self.begun, "begun twice");
                    self.begun = true;
                    begun.format.stream.check().unwrap();
                }
                event => {
                    assert!(self.begun, "{event:?} before the call began");
                    match event {
                        CallEvent::Ended(_) => self.ended = true,
                        CallEvent::Gap(gap) => assert!(*gap <= MAX_GAP && !gap.is_zero()),
                        CallEvent::Audio(bytes) => assert!(!bytes.is_empty()),
                        _ => {}
                    }
                }
            }
        }
    }
}

fn check_last_words(replies: &[Reply]) {
    let Some((Reply::Close { reason, .. }, before)) = replies.split_last() else {
        panic!("no close: {replies:?}")
    };
    assert!(reason.len() <= 123, "{reason}");
    assert!(before.iter().all(|reply| matches!(reply, Reply::Text(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_frames_end_in_events_or_one_typed_error(
        frames in prop::collection::vec(frame(), 0..40),
        begun in prop::bool::weighted(0.8),
        in_step in prop::bool::weighted(0.8),
    ) {
        for (mut dialect, beginning) in dialects() {
            let mut call = Call::default();
            let mut last = Parting::Finished(EndReason::HungUp);
            let mut number = 1;
            let beginning = beginning.into_iter().filter(|_| begun).map(|text| Frame::Text(text.to_owned()));
            for frame in beginning.chain(frames.clone()) {
                let frame = if in_step { counted(&frame, number) } else { frame };
                let has_number = matches!(&frame, Frame::Text(text) if text.contains("\"seq\":"));
                match dialect.receive(frame) {
                    Ok(exchange) => {
                        call.watch(&exchange);
                        number += usize::from(has_number);
                    }
                    // Nobody goes on after an error; that nothing breaks even so lets one test reach far.
                    Err(error) => {
                        prop_assert!(!error.to_string().is_empty());
                        last = Parting::Refused(error);
                    }
                }
            }
            call.watch(&dialect.closed());
            prop_assert_eq!(call.begun, call.ended, "a call that began has ended");
            check_last_words(&dialect.part(&last));
        }
    }

    #[test]
    fn after_its_last_words_an_audiohook_only_answers(frames in prop::collection::vec(frame(), 0..40)) {
        let mut hook = AudioHook::new(None, None);
        hook.receive(Frame::Text(OPEN.to_owned())).unwrap();
        check_last_words(&hook.part(&Parting::Draining));
        let mut closed = 0;
        for frame in frames {
            let exchange = hook.receive(frame).unwrap();
            prop_assert_eq!(&exchange.events, &[]);
            for reply in exchange.replies {
                let Reply::Text(text) = reply else { panic!("{reply:?}") };
                prop_assert!(closed == 0, "{text} after `closed`");
                closed += usize::from(text.contains("\"closed\""));
            }
        }
    }

    #[test]
    fn any_query_is_metadata_or_a_typed_error(query in ".{0,300}") {
        let _ = Metadata::from_query(&query);
        let _ = Metadata::from_query(&format!("call_id={query}&sampleRate={query}&mixType={query}"));
    }

    #[test]
    fn any_headers_are_refused(values in prop::collection::vec("[ -~]{0,120}", 8), input in "[a-z0-9=(\");:@ -]{0,120}") {
        let header = |name: &str| {
            Some(if name == "signature-input" { input.clone() } else { values[name.len() % 8].clone() })
        };
        let request = SignedRequest { target: &values[0], header: &header };
        let now = std::time::Duration::from_secs(1_641_013_200);
        prop_assert!(verify_audiohook_signature(&request, values[1].as_bytes(), now).is_err());
        prop_assert!(verify_twilio_signature(&values[2], &values[3], &values[4]).is_err());
    }
}

/// Twilio's messages that never find their turn are the only ones that are kept: no more than a few.
#[test]
fn messages_that_wait_are_few() {
    let mut twilio = Twilio::new(Metadata::default());
    twilio.receive(Frame::Text(r#"{"event":"connected"}"#.to_owned())).unwrap();
    let payload = "A".repeat(60_000);
    let mut outcome = Ok(Exchange::default());
    let mut taken = 0;
    while outcome.is_ok() && taken < 1000 {
        let number = 10 + 2 * taken;
        outcome = twilio.receive(Frame::Text(format!(
            r#"{{"event":"media","sequenceNumber":{number},"media":{{"track":"inbound","chunk":{number},"timestamp":0,"payload":"{payload}"}}}}"#
        )));
        taken += 1;
    }
    // The start never came: once one message's turn is forced, the stream is refused.
    assert!(outcome.is_err() && taken <= 22, "{taken} messages were kept");
}
