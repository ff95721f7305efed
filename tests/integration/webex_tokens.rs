//! Webex shows a token that Cisco signed: the real server takes it for Webex's method, takes no other
//! there, and takes it nowhere else.

use std::time::Duration;

use earmark_server::proto::v1::GetCallRequest;
use earmark_server::proto::webex::conversation_audio_client::ConversationAudioClient;
use earmark_server::proto::webex::{
    AudioEncoding, AudioStream, ConversationAudioForkingRequest, ErrorCode, ParticipantRole,
};
use serde_json::json;
use tonic::{Code, Request, Status};

use crate::harness::cisco::{AUDIENCE, DATASOURCE_URL, ISSUER, Issuer, claims, key_set, now};
use crate::harness::clients::Clients;
use crate::harness::refused::{reason_of, refused};
use crate::harness::server::{Launch, TestServer, folder};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Between two looks at whether the server has read the keys again, and the most of them.
const BETWEEN: Duration = Duration::from_millis(50);
const MOST_LOOKS: usize = 2400;

fn start(data: &std::path::Path, keys: &str) -> TestServer {
    let file = |name: &str, text: &str| {
        let path = data.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let keys = file("webex-jwks.json", keys);
    let telephony = format!(
        "[webex]\nkeys_file = {keys:?}\nissuers = [{ISSUER:?}]\naudience = {AUDIENCE:?}\n\
         datasource_url = {DATASOURCE_URL:?}\n"
    );
    let tokens = format!("[[token]]\nname = \"desk\"\ntoken = \"{TOKEN}\"\n");
    let (telephony, tokens) = (file("telephony.toml", &telephony), file("tokens.toml", &tokens));
    let launch = Launch::new().argument("--telephony", &telephony).argument("--tokens", &tokens);
    launch.start(&data.join("data"))
}

/// A second of silence under this token; the stream's outcome as Webex is told it.
async fn stream(server: &TestServer, authorization: &str, call: &str) -> Result<ErrorCode, Status> {
    let address = format!("http://{}", server.address());
    let mut client = ConversationAudioClient::connect(address).await.unwrap();
    let audio = AudioStream {
        audio_data: vec![0xff; 8000].into(),
        encoding: AudioEncoding::Mulaw.into(),
        sample_rate_hertz: 8000,
        role: ParticipantRole::Caller.into(),
        ..AudioStream::default()
    };
    let message = ConversationAudioForkingRequest {
        conversation_id: call.into(),
        audio: Some(audio),
        ..ConversationAudioForkingRequest::default()
    };
    let mut request = Request::new(tokio_stream::iter([message]));
    request.metadata_mut().insert("authorization", authorization.parse().unwrap());
    let mut replies = client.stream_conversation_audio(request).await?.into_inner();
    Ok(replies.message().await?.expect("one reply").error_code())
}

#[tokio::test]
async fn webex_is_let_in_by_ciscos_token_alone() {
    let (data, cisco) = (folder(), Issuer::new("one"));
    let server = start(data.path(), &key_set(&[&cisco]));
    let token = cisco.sign(&claims());
    assert_eq!(stream(&server, &token, "conversation-1").await.unwrap(), ErrorCode::ErrorNone);
    let bearer = format!("Bearer {token}");
    assert_eq!(stream(&server, &bearer, "conversation-2").await.unwrap(), ErrorCode::ErrorNone);

    // The call is kept like any other.
    let mut clients = Clients::connect(server.address()).await;
    let mut ask = Request::new(GetCallRequest { call_id: "conversation-1".into() });
    ask.metadata_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    assert!(clients.screening.get_call(ask).await.is_ok());

    // One of our own tokens is none of Cisco's, and Cisco's opens nothing else.
    let own = stream(&server, &format!("Bearer {TOKEN}"), "conversation-3").await;
    refused(own, Code::Unauthenticated, "WEBEX_TOKEN_MALFORMED");
    let mut ask = Request::new(GetCallRequest { call_id: "conversation-1".into() });
    ask.metadata_mut().insert("authorization", bearer.parse().unwrap());
    refused(clients.screening.get_call(ask).await, Code::Unauthenticated, "TOKEN_NOT_VALID");

    let mut old = claims();
    old["exp"] = json!(now() - 3600);
    let expired = stream(&server, &cisco.sign(&old), "conversation-4").await;
    let status = refused(expired, Code::Unauthenticated, "WEBEX_TOKEN_EXPIRED");
    assert!(status.message().contains("renew the data source's token"), "{status:?}");
    let forged = Issuer::new("one").sign(&claims());
    let outcome = stream(&server, &forged, "conversation-5").await;
    refused(outcome, Code::Unauthenticated, "WEBEX_SIGNATURE_NOT_VALID");
    let log = server.log();
    assert!(!log.contains(&token) && !log.contains(&forged), "a token is in the log");
}

#[tokio::test]
async fn keys_that_are_replaced_on_disk_count_without_a_restart() {
    let data = folder();
    let (before, after) = (Issuer::new("before"), Issuer::new("after"));
    let server = start(data.path(), &key_set(&[&before]));
    let unknown = stream(&server, &after.sign(&claims()), "never").await;
    refused(unknown, Code::Unauthenticated, "WEBEX_KEY_UNKNOWN");
    // As a careful cron job does it: the new file takes the old one's place.
    let new = data.path().join("new.json");
    std::fs::write(&new, key_set(&[&after])).unwrap();
    std::fs::rename(new, data.path().join("webex-jwks.json")).unwrap();
    for look in 0..MOST_LOOKS {
        match stream(&server, &after.sign(&claims()), &format!("look-{look}")).await {
            Ok(code) => return assert_eq!(code, ErrorCode::ErrorNone),
            Err(status) => assert_eq!(reason_of(&status), "WEBEX_KEY_UNKNOWN"),
        }
        tokio::time::sleep(BETWEEN).await;
    }
    panic!("the new keys were never read");
}

#[tokio::test]
async fn a_server_without_keys_does_not_serve() {
    let data = folder();
    let telephony = data.path().join("telephony.toml");
    let text = "[webex]\nkeys_file = \"/nowhere/webex-jwks.json\"\nissuers = [\"https://idbroker.webex.com/idb\"]\n\
        audience = \"a\"\ndatasource_url = \"https://a:443\"\n";
    std::fs::write(&telephony, text).unwrap();
    let launch = Launch::new().argument("--telephony", telephony.to_str().unwrap());
    let failure = launch.refused_late(&data.path().join("data"));
    assert!(failure.said.contains("webex.keys_file /nowhere/webex-jwks.json"), "{}", failure.said);
}
