use earmark_audio::ChannelRole;
use serde_json::json;

use super::*;
use crate::testing::{
    bad_field, begun, binary, close_code, events, is_malformed, is_out_of_order, is_unsupported, text, update,
};

/// As Asterisk 22.6 sends it.
const START: &str = "MEDIA_START connection_id:earmark channel:WebSocket/earmark/0x7f0c8c01e0b0 format:ulaw optimal_frame_size:160 ptime:20";

fn channel(query: &str) -> AsteriskWebSocket {
    AsteriskWebSocket::new(Metadata::from_query(query).unwrap())
}

fn running() -> AsteriskWebSocket {
    let mut channel = channel("call_id=c");
    begun(&events(&mut channel, text(START)));
    channel
}

#[test]
fn the_plain_start_and_the_urls_parameters_begin_the_call() {
    let mut channel =
        channel("call_id=1763867000.12&customer_id=6217-0001&caller_number=%2B86138&agent_id=1001");
    let call = begun(&events(&mut channel, text(START)));
    assert_eq!(call.call.call_id.as_str(), "1763867000.12");
    assert_eq!(call.call.claimed.unwrap().as_str(), "6217-0001");
    assert_eq!(
        (call.call.caller_number.as_deref(), call.call.agent.as_deref()),
        (Some("+86138"), Some("1001"))
    );
    assert_eq!(call.format, MediaFormat::customer_leg(Encoding::MuLaw, 8000));
    assert_eq!(events(&mut channel, binary(&[0xff; 160])), [CallEvent::Audio(vec![0xff; 160].into())]);
    assert_eq!(events(&mut channel, binary(&[])), []);
}

#[test]
fn a_start_in_json_brings_channel_variables() {
    let start = json!({
        "event": "MEDIA_START", "connection_id": "earmark", "channel": "WebSocket/earmark/0x7f",
        "channel_id": "1763867000.13", "format": "slin16", "optimal_frame_size": 640, "ptime": 20,
        "channel_variables": {
            "EARMARK_CUSTOMER_ID": "c-1", "EARMARK_AGENT_ID": "a-1", "EARMARK_SCENE": "collections",
            "EARMARK_MIXTYPE": "ignored: names are ours in lower case", "MEDIA_WEBSOCKET_CONNECTION_ID": "x",
        },
    });
    let mut channel = channel("agent_id=url");
    let call = begun(&events(&mut channel, text(start)));
    assert_eq!(call.call.call_id.as_str(), "1763867000.13", "the channel's own id names the call");
    assert_eq!((call.call.claimed.unwrap().as_str(), call.call.agent.as_deref()), ("c-1", Some("url")));
    assert_eq!(call.call.scene.as_deref(), Some("collections"));
    assert_eq!(call.format, MediaFormat::customer_leg(Encoding::Pcm16Le, 16_000));
}

#[test]
fn every_codec_of_one_sample_size_is_taken() {
    for (name, encoding, rate) in [
        ("ulaw", Encoding::MuLaw, 8000),
        ("alaw", Encoding::ALaw, 8000),
        ("gsm", Encoding::Gsm610, 8000),
        ("slin", Encoding::Pcm16Le, 8000),
        ("slin16", Encoding::Pcm16Le, 16_000),
        ("slin48", Encoding::Pcm16Le, 48_000),
    ] {
        let start = format!("MEDIA_START channel_id:9.1 format:{name} ptime:20");
        let call = begun(&events(&mut channel(""), text(start)));
        assert_eq!(call.format, MediaFormat::customer_leg(encoding, rate), "{name}");
        call.format.stream.check().unwrap();
    }
    for name in ["opus", "g722", "", "SLIN"] {
        let start = format!("MEDIA_START channel_id:9.1 format:{name}");
        assert!(is_unsupported(channel("").receive(text(start))), "{name}");
    }
}

#[test]
fn a_bridge_is_mixed_where_the_url_says_so_and_never_stereo() {
    let call = begun(&events(&mut channel("call_id=c&mixType=mixed"), text(START)));
    assert_eq!(call.format.role, ChannelRole::Mixed);
    assert!(is_unsupported(channel("call_id=c&mixType=stereo").receive(text(START))));
}

#[test]
fn other_messages_say_nothing_of_the_caller() {
    let mut channel = running();
    for message in [
        "MEDIA_XON",
        "MEDIA_XOFF",
        "MEDIA_BUFFERING_COMPLETED abc",
        "MEDIA_MARK_PROCESSED",
        "QUEUE_DRAINED",
        "DTMF_END digit:5 channel_id:9.1",
        "STATUS channel_id:9.1 queue_length:0 xon_level:800 xoff_level:900 queue_full:false",
        "ERROR channel_id:9.1 error_text:Unable to parse JSON command",
        r#"{"event":"DTMF_END","channel_id":"9.1","digit":"5"}"#,
        r#"{"event":"OF_A_LATER_RELEASE"}"#,
    ] {
        assert_eq!(events(&mut channel, text(message)), [], "{message}");
    }
}

#[test]
fn what_comes_at_the_wrong_time_is_refused() {
    assert!(is_out_of_order(channel("call_id=c").receive(binary(&[0; 160]))));
    assert!(is_out_of_order(channel("call_id=c").receive(text("MEDIA_XON"))));
    assert!(is_out_of_order(running().receive(text(START))));
    let mut over = running();
    assert_eq!(over.closed().events, [CallEvent::Ended(EndReason::HungUp)]);
    assert!(is_out_of_order(over.receive(binary(&[0; 160]))));
    assert_eq!(over.closed(), Exchange::default());
    assert_eq!(channel("").closed(), Exchange::default());
}

#[test]
fn what_is_no_control_message_is_refused() {
    for bad in ["", "   ", "hello", "media_start format:ulaw", "{", "{]", "坏"] {
        assert!(is_malformed(channel("call_id=c").receive(text(bad))), "{bad}");
    }
    assert_eq!(bad_field(channel("call_id=c").receive(text("MEDIA_START ptime:20"))), "format");
    assert_eq!(bad_field(channel("call_id=c").receive(text(r#"{"event":"MEDIA_START"}"#))), "format");
    assert_eq!(bad_field(channel("call_id=c").receive(text(r#"{"event":7}"#))), "event");
    assert_eq!(bad_field(channel("").receive(text(START))), "call_id");
}

#[test]
fn asterisk_is_told_nothing_it_would_not_know() {
    assert_eq!(running().tell(&update()), []);
    let said = running().part(&Parting::Draining);
    assert_eq!(said.iter().map(close_code).collect::<Vec<_>>(), [1001]);
}
