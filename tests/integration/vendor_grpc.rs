//! Vendors' gRPC streams on the main port: the caller's audio comes through bit-exact, the agent's
//! does not, and what can't be is refused in the vendor's way.

use earmark_server::proto::ringcx::stream_event::Event;
use earmark_server::proto::ringcx::streaming_client::StreamingClient;
use earmark_server::proto::ringcx::{
    AudioContent, AudioFormat, Codec, Dialog, DialogInitEvent, Participant, ParticipantType,
    SegmentMediaEvent, SegmentStartEvent, StreamEvent,
};
use earmark_server::proto::v1::{CallUpdate, Encoding, StreamFormat, Verdict, screen_call_request};
use earmark_server::proto::webex::conversation_audio_client::ConversationAudioClient;
use earmark_server::proto::webex::{
    AudioEncoding, AudioStream, ConversationAudioForkingRequest, ErrorCode, ParticipantRole,
};
use prost::Message;
use prost_types::Timestamp;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::harness::calls::{audio, config, info, timeless, verdict};
use crate::harness::clients::{Clients, unique};
use crate::harness::voices;
use crate::harness::world::{CUSTOMERS, PROXIES, populated, server};

/// 100 ms of G.711, as RingCX sends.
const CHUNK: usize = 800;

async fn channel() -> Channel {
    let address = format!("http://{}", server().await.address());
    Channel::from_shared(address).unwrap().connect().await.unwrap()
}

fn mu_law(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|s| voices::mu_law(*s)).collect()
}

/// The same audio by our own interface.
async fn by_grpc(clients: &mut Clients, call: &str, bytes: &[u8]) -> Vec<CallUpdate> {
    let mut first = config(info(call, CUSTOMERS[0]));
    if let Some(screen_call_request::Request::Config(config)) = &mut first.request {
        config.format = Some(StreamFormat {
            encoding: Encoding::Mulaw.into(),
            sample_rate_hz: 8_000,
            channels: 1,
            ..StreamFormat::default()
        });
    }
    let messages = std::iter::once(first).chain(bytes.chunks(CHUNK).map(audio)).collect();
    clients.screen_messages(messages).await.unwrap()
}

async fn same_evidence(clients: &mut Clients, call: &str, bytes: &[u8]) {
    let kept = clients.call(call).await.unwrap();
    let expected = by_grpc(clients, &unique("same"), bytes).await;
    assert_eq!(kept.updates.len(), expected.len());
    let nameless = |u: &CallUpdate| CallUpdate { call: None, ..timeless(u) };
    let (last, same) = (kept.updates.last().unwrap(), expected.last().unwrap());
    assert_eq!(nameless(last).customer, nameless(same).customer);
    assert_eq!(nameless(last).proxies, nameless(same).proxies);
    assert_eq!(nameless(last).excerpts, nameless(same).excerpts);
    assert_eq!(verdict(last), Verdict::SuspectedProxy);
}

fn ringcx(event: Event) -> StreamEvent {
    StreamEvent { session_id: "session".into(), event: Some(event) }
}

fn init(call: &str) -> StreamEvent {
    let attributes = [("customer_id".to_owned(), CUSTOMERS[0].to_owned())].into();
    let dialog = Dialog { id: call.into(), attributes, ..Dialog::default() };
    ringcx(Event::DialogInit(DialogInitEvent { account: None, dialog: Some(dialog) }))
}

fn start(segment: &str, role: ParticipantType, codec: Codec) -> StreamEvent {
    let participant = Participant { id: segment.into(), r#type: role.into(), name: None };
    let audio_format = Some(AudioFormat { codec: codec.into(), rate: 8_000, ptime: 100 });
    let (segment_id, participant) = (segment.into(), Some(participant));
    ringcx(Event::SegmentStart(SegmentStartEvent { segment_id, product: None, participant, audio_format }))
}

fn media(segment: &str, seq: usize, payload: &[u8]) -> StreamEvent {
    let seq = seq as u32;
    let content = AudioContent { payload: payload.to_vec().into(), seq, duration: 100 };
    ringcx(Event::SegmentMedia(SegmentMediaEvent {
        segment_id: segment.into(),
        audio_content: Some(content),
    }))
}

async fn stream(events: Vec<StreamEvent>) -> Result<(), Status> {
    StreamingClient::new(channel().await).stream(tokio_stream::iter(events)).await.map(|_| ())
}

#[tokio::test]
async fn ringcx_brings_the_contact_and_leaves_the_agent_out() {
    let mut clients = populated().await;
    let call = unique("ringcx");
    let contact = mu_law(&voices::call(PROXIES[0])[..20 * 8000]);
    let agent = mu_law(&voices::call(CUSTOMERS[1])[..20 * 8000]);
    let mut events = vec![init(&call)];
    events.push(start("contact", ParticipantType::Contact, Codec::Pcmu));
    events.push(start("agent", ParticipantType::Agent, Codec::Pcmu));
    for (n, (mine, theirs)) in contact.chunks(CHUNK).zip(agent.chunks(CHUNK)).enumerate() {
        events.push(media("contact", n, mine));
        events.push(media("agent", n, theirs));
    }
    stream(events).await.unwrap();
    same_evidence(&mut clients, &call, &contact).await;
}

#[tokio::test]
async fn ringcx_is_told_what_it_can_not_send() {
    populated().await;
    let refused = stream(vec![media("s", 1, &[0; 8])]).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("dialog_init must be the first"), "{refused:?}");
    let opus = vec![init(&unique("ringcx")), start("s", ParticipantType::Contact, Codec::Opus)];
    assert!(stream(opus).await.unwrap_err().message().contains("stream pcmu or pcma"));
}

fn webex(call: &str, role: ParticipantRole, ms: i64, bytes: &[u8]) -> ConversationAudioForkingRequest {
    let audio = AudioStream {
        audio_data: bytes.to_vec().into(),
        encoding: AudioEncoding::Mulaw.into(),
        sample_rate_hertz: 8_000,
        audio_timestamp: Some(Timestamp {
            seconds: 1_800_000_000 + ms / 1000,
            nanos: (ms % 1000) as i32 * 1_000_000,
        }),
        role: role.into(),
        role_id: role.as_str_name().into(),
    };
    ConversationAudioForkingRequest {
        conversation_id: call.into(),
        audio: Some(audio),
        additional_info: [("customer_id".to_owned(), CUSTOMERS[0].to_owned())].into(),
        ..ConversationAudioForkingRequest::default()
    }
}

#[tokio::test]
async fn webex_brings_the_caller_and_is_answered_once() {
    let mut clients = populated().await;
    let call = unique("webex");
    let caller = mu_law(&voices::call(PROXIES[0])[..20 * 8000]);
    let agent = mu_law(&voices::call(CUSTOMERS[1])[..20 * 8000]);
    let mut messages = Vec::new();
    for (n, (mine, theirs)) in caller.chunks(CHUNK).zip(agent.chunks(CHUNK)).enumerate() {
        let ms = 100 * n as i64;
        messages.push(webex(&call, ParticipantRole::Agent, ms, theirs));
        messages.push(webex(&call, ParticipantRole::Caller, ms, mine));
        // Once more, as a sender that retries does.
        messages.push(webex(&call, ParticipantRole::Caller, ms, mine));
    }
    let mut client = ConversationAudioClient::new(channel().await);
    let mut replies =
        client.stream_conversation_audio(tokio_stream::iter(messages)).await.unwrap().into_inner();
    let reply = replies.message().await.unwrap().unwrap();
    assert_eq!((reply.error_code(), reply.status_message.as_str()), (ErrorCode::ErrorNone, "screened"));
    assert!(replies.message().await.unwrap().is_none());
    same_evidence(&mut clients, &call, &caller).await;

    let mixed = vec![webex(&unique("webex"), ParticipantRole::RoleUnspecified, 0, &caller[..CHUNK])];
    let mut replies = client.stream_conversation_audio(tokio_stream::iter(mixed)).await.unwrap().into_inner();
    let reply = replies.message().await.unwrap().unwrap();
    assert_eq!(reply.error_code(), ErrorCode::ErrorStreamFailure);
    assert!(reply.status_message.starts_with("MIXED_AUDIO"), "{reply:?}");
}

/// The vendors' published field numbers and types, byte by byte.
#[test]
fn messages_are_laid_out_as_the_vendors_publish() {
    let ring = media("s", 3, &[0xff, 0x7f]).encode_to_vec();
    let content = [&[0x0a, 2, 0xff, 0x7f][..], &[0x10, 3], &[0x18, 100]].concat();
    let event = [&[0x0a, 1, b's'][..], &[0x12, content.len() as u8], &content].concat();
    assert_eq!(ring, [&[0x0a, 7][..], b"session", &[0x22, event.len() as u8], &event].concat());
    let bot = start("s", ParticipantType::Bot, Codec::Pcmu).encode_to_vec();
    let participant = [0x1a, 5, 0x0a, 1, b's', 0x10, 5];
    let format = [0x22, 7, 0x08, 3, 0x10, 0xc0, 0x3e, 0x18, 100];
    let event = [&[0x0a, 1, b's'][..], &participant, &format].concat();
    assert_eq!(bot, [&[0x0a, 7][..], b"session", &[0x1a, event.len() as u8], &event].concat());
    let mut cisco = webex("c", ParticipantRole::Caller, 0, &[0xff]);
    cisco.additional_info.clear();
    let stamp = [0x22, 6, 0x08, 0x80, 0xa4, 0xa7, 0xda, 0x06];
    let audio =
        [&[0x0a, 1, 0xff][..], &[0x10, 2, 0x18, 0xc0, 0x3e], &stamp, &[0x28, 1, 0x32, 6], b"CALLER"].concat();
    assert_eq!(cisco.encode_to_vec(), [&[0x0a, 1, b'c'][..], &[0x1a, audio.len() as u8], &audio].concat());
}
