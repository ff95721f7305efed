//! Nothing biometric and nothing identifying is written to the log, at any level.

use earmark_server::proto::v1::{
    AddProxyRequest, CallInfo, CompareRequest, GetCallRequest, MergeRequest, Outcome, ReportOutcomeRequest,
    Voiceprint,
};

use crate::harness::calls::info;
use crate::harness::clients::Clients;
use crate::harness::enrollments::stream_of;
use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::{voices, web};

const CALLER_NUMBER: &str = "+8613912345678";
const LABEL: &str = "王某某声纹";
const NOTE: &str = "她自称是客户的律师";
const LEGAL_BASIS: &str = "Aktenzeichen 4711-KJ";

/// A bit of everything, some of it refused; gives the voiceprints that went over the wire.
async fn session(server: &TestServer) -> Vec<Voiceprint> {
    let mut clients = Clients::connect(server.address()).await;
    clients.enroll("customer", voices::enrollment("carlo")).await.unwrap();
    let pcm = voices::pcm(&voices::samples("june/01"));
    clients.enroll_stream(stream_of("streamed"), &pcm, 320).await.unwrap();
    let listing = AddProxyRequest {
        proxy_id: "proxy".into(),
        label: LABEL.into(),
        legal_basis: LEGAL_BASIS.into(),
        note: NOTE.into(),
        recordings: voices::enrollment("allison"),
        ..Default::default()
    };
    clients.library.add_proxy(listing).await.unwrap();
    let call = CallInfo { caller_number: CALLER_NUMBER.into(), ..info("call", "customer") };
    clients.screen(call.clone(), &voices::call("allison")).await.unwrap();
    clients.screen(call.clone(), &voices::noise()).await.unwrap_err();
    clients
        .screen_recording(call, voices::recording("x", voices::hostile("not-audio.wav")))
        .await
        .unwrap_err();
    clients.screening.get_call(GetCallRequest { call_id: "call".into() }).await.unwrap();
    let outcome = ReportOutcomeRequest {
        call_id: "call".into(),
        outcome: Outcome::ConfirmedProxy.into(),
        note: NOTE.into(),
        ..Default::default()
    };
    clients.screening.report_outcome(outcome).await.unwrap();
    let prints = vec![clients.print("carlo/04").await, clients.print("june/05").await];
    let compare = CompareRequest { enrolled: prints.clone(), probes: prints.clone() };
    clients.voiceprints.compare(compare).await.unwrap();
    clients.voiceprints.merge(MergeRequest { voiceprints: prints.clone() }).await.unwrap();
    let mut bad = prints[0].clone();
    bad.values[7] = 7.654_321;
    let compare = CompareRequest { enrolled: vec![bad.clone()], probes: prints.clone() };
    clients.voiceprints.compare(compare).await.unwrap_err();
    [prints, vec![bad]].concat()
}

/// The ways in which a number of a voiceprint could be written: to six digits, or as its bytes.
fn writings(value: f32) -> [String; 3] {
    let bytes: String = value.to_le_bytes().iter().map(|b| format!("\\x{b:02x}")).collect();
    [format!("{value:.6}"), format!("{value:e}"), bytes]
}

#[tokio::test]
async fn the_log_at_its_fullest_holds_no_voiceprint_no_number_and_no_name() {
    let data = folder();
    let server = Launch::new().log_level("trace").start(data.path());
    let prints = session(&server).await;
    let metrics = web::get(server.address(), "/metrics").text();
    server.terminate();
    let (_, log) = server.ended();
    assert!(log.contains("TRACE") && log.lines().count() > 1000, "the log is at its fullest");
    assert!(log.contains("ScreeningService/ScreenCall"), "the log tells of the calls");
    for text in [&log, &metrics] {
        for secret in [CALLER_NUMBER, &CALLER_NUMBER[3..], LABEL, NOTE, LEGAL_BASIS] {
            assert!(!text.contains(secret), "{secret} is told");
            let escaped: String = secret.bytes().map(|b| format!("\\x{b:02x}")).collect();
            assert!(!text.contains(&escaped), "{secret} is told as bytes");
        }
        for print in &prints {
            // One time or sum of the metrics may have a number's six digits by chance; a voiceprint
            // that is told brings 192.
            let told = print.values.iter().filter(|v| writings(**v).iter().any(|w| text.contains(w))).count();
            assert!(told < 3, "{told} numbers of a voiceprint are told");
            let exact = print.values.iter().find(|v| text.contains(&v.to_string()));
            assert!(exact.is_none(), "a number of a voiceprint is told exactly");
        }
    }
    let key = std::fs::read_to_string(data.path().join("voiceprints.key")).unwrap();
    let secret = key.trim_end().rsplit(' ').next().unwrap();
    assert!(secret.len() > 40 && !log.contains(secret));
}

/// What lies on the disk is sealed: neither the voiceprint's bytes nor its numbers are in it.
#[tokio::test]
async fn the_records_on_the_disk_hold_no_voiceprint_in_the_clear() {
    let data = folder();
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    clients.enroll("customer", vec![voices::clip("carlo/01")]).await.unwrap();
    let print = clients.print("carlo/01").await;
    server.terminate();
    assert!(server.ended().0.success());
    let mut looked_at = 0;
    for entry in std::fs::read_dir(data.path()).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        looked_at += bytes.len();
        for values in print.values.windows(2) {
            let [a, b] = [values[0].to_le_bytes(), values[1].to_le_bytes()];
            let pair = [a, b].concat();
            assert!(!bytes.windows(8).any(|w| w == pair), "{} holds a voiceprint", entry.path().display());
        }
    }
    assert!(looked_at > 50_000);
}
