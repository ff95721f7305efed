use earmark_server::proto::v1;
use tonic::Code;

use crate::errors::{field, refused};
use crate::fixture::{Server, recording};

async fn extract(server: &Server, person: &str, clip: u32) -> v1::Voiceprint {
    let request = v1::ExtractRequest { recording: Some(recording(person, clip)) };
    server.voiceprints().extract(request).await.unwrap().into_inner().voiceprint.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn voices_compare_as_a_matrix_and_merge() {
    let server = Server::start().await;
    let mut client = server.voiceprints();
    let (allison, carlo) = (extract(&server, "allison", 1).await, extract(&server, "carlo", 1).await);
    let probe = extract(&server, "allison", 4).await;
    let compare =
        v1::CompareRequest { enrolled: vec![allison.clone(), carlo.clone()], probes: vec![probe.clone()] };
    let rows = client.compare(compare).await.unwrap().into_inner().rows;
    assert_eq!((rows.len(), rows[0].llrs.len()), (2, 1));
    assert!(rows[0].llrs[0] > 0.0 && rows[1].llrs[0] < 0.0, "{rows:?}");
    let merge = v1::MergeRequest { voiceprints: vec![allison.clone(), probe.clone()] };
    let merged = client.merge(merge).await.unwrap().into_inner().voiceprint.unwrap();
    assert!((merged.net_speech_s - allison.net_speech_s - probe.net_speech_s).abs() < 1e-3);
    assert_eq!(merged.model, allison.model);
    let other = v1::Voiceprint { model: "another/1".into(), ..carlo };
    let mixed = v1::MergeRequest { voiceprints: vec![allison, other] };
    refused(client.merge(mixed).await, Code::InvalidArgument, "MODEL_MISMATCH");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_no_voice_is_refused() {
    let server = Server::start().await;
    let mut client = server.voiceprints();
    let status = refused(
        client.extract(v1::ExtractRequest { recording: None }).await,
        Code::InvalidArgument,
        "RECORDING_MISSING",
    );
    assert_eq!(field(&status), "recording");
    let silence = v1::Recording {
        content: vec![0; 160_000],
        format: Some(crate::fixture::s16le()),
        ..v1::Recording::default()
    };
    let request = v1::ExtractRequest { recording: Some(silence) };
    refused(client.extract(request).await, Code::FailedPrecondition, "INSUFFICIENT_SPEECH");
    let status =
        refused(client.merge(v1::MergeRequest::default()).await, Code::InvalidArgument, "VOICEPRINT_COUNT");
    assert_eq!(field(&status), "voiceprints");
    server.stop().await;
}
