//! The stateless service: extract, compare, merge.

use earmark_server::proto::v1::{
    CompareRequest, CustomerState, Encoding, ExtractRequest, MergeRequest, StreamFormat, Voiceprint,
};
use tonic::Code;

use crate::harness::calls::{customer_llr, info, state};
use crate::harness::clients::{Clients, unique};
use crate::harness::refused::{field_of, refused};
use crate::harness::voices;
use crate::harness::world::client;

async fn compare(clients: &mut Clients, enrolled: &[Voiceprint], probes: &[Voiceprint]) -> Vec<Vec<f64>> {
    let request = CompareRequest { enrolled: enrolled.to_vec(), probes: probes.to_vec() };
    let reply = clients.voiceprints.compare(request).await.expect("they compare").into_inner();
    assert!(!reply.calibration.is_empty());
    reply.rows.into_iter().map(|row| row.llrs).collect()
}

#[tokio::test]
async fn a_voiceprint_is_a_unit_vector_with_its_model_and_speech() {
    let mut clients = client().await;
    let print = clients.print("carlo/01").await;
    let square: f64 = print.values.iter().map(|v| f64::from(*v).powi(2)).sum();
    assert!((square - 1.0).abs() < 1e-5 && print.values.len() == 192);
    assert!(print.model.starts_with("campplus-phone-192/"), "{}", print.model);
    assert!((10.0..15.0).contains(&print.net_speech_s));
    assert!(print.quality.is_some());
    assert_eq!(clients.print("carlo/01").await, print, "the same again");
}

#[tokio::test]
async fn ones_own_voice_scores_above_every_other_in_a_matrix_of_the_asked_shape() {
    let mut clients = client().await;
    let people = ["carlo", "june", "ivrvoice", "paola"];
    let (mut enrolled, mut probes) = (Vec::new(), Vec::new());
    for person in people {
        enrolled.push(clients.print(&voices::clips(person, "enroll")[0]).await);
        probes.push(clients.print(&voices::clips(person, "call")[0]).await);
    }
    probes.pop();
    let rows = compare(&mut clients, &enrolled, &probes).await;
    assert_eq!((rows.len(), rows[0].len()), (4, 3));
    for (column, person) in people[..3].iter().enumerate() {
        for (row, other) in rows.iter().enumerate().filter(|(row, _)| *row != column) {
            assert!(rows[column][column] > other[column], "{person} and row {row}: {rows:?}");
        }
        assert!(rows[column][column] > 0.0, "{person}: {rows:?}");
    }
}

#[tokio::test]
async fn merged_voiceprints_weigh_their_speech() {
    let mut clients = client().await;
    let prints =
        [clients.print("carlo/01").await, clients.print("carlo/02").await, clients.print("carlo/03").await];
    let reply = clients.voiceprints.merge(MergeRequest { voiceprints: prints.to_vec() }).await.unwrap();
    let merged = reply.into_inner().voiceprint.unwrap();
    let speech: f32 = prints.iter().map(|p| p.net_speech_s).sum();
    assert!((merged.net_speech_s - speech).abs() < 1e-3, "{} and {speech}", merged.net_speech_s);
    let weighted = |n: usize| prints.iter().map(|p| f64::from(p.values[n] * p.net_speech_s)).sum::<f64>();
    let sums: Vec<f64> = (0..192).map(weighted).collect();
    let norm = sums.iter().map(|s| s * s).sum::<f64>().sqrt();
    for (value, sum) in merged.values.iter().zip(&sums) {
        assert!((f64::from(*value) - sum / norm).abs() < 1e-5);
    }
    let own = clients.print("carlo/04").await;
    let rows = compare(&mut clients, &[merged, prints[2].clone()], &[own]).await;
    assert!(rows[0][0] > rows[1][0], "the merge of three is better than one: {rows:?}");
}

#[tokio::test]
async fn an_enrolled_customers_llr_is_that_of_the_merged_voiceprints() {
    let mut clients = client().await;
    let id = unique("customer");
    let clips = voices::clips("ivrvoice", "enroll");
    clients.enroll(&id, voices::enrollment("ivrvoice")).await.unwrap();
    let mut voiceprints = Vec::new();
    for clip in &clips {
        voiceprints.push(clients.print(clip).await);
    }
    let merged = clients
        .voiceprints
        .merge(MergeRequest { voiceprints })
        .await
        .unwrap()
        .into_inner()
        .voiceprint
        .unwrap();
    let probe = clients.print("ivrvoice/05").await;
    let llr = compare(&mut clients, &[merged], &[probe]).await[0][0];
    let call =
        clients.screen_recording(info(&unique("call"), &id), voices::clip("ivrvoice/05")).await.unwrap();
    assert_eq!(state(&call), CustomerState::Scored);
    // The calibration knows of a customer from how many recordings the history is; a merged voiceprint
    // does not say, which is worth less than a nat.
    assert!((customer_llr(&call).unwrap() - llr).abs() < 1.0, "{:?} and {llr}", customer_llr(&call));
}

#[tokio::test]
async fn another_models_voiceprint_is_refused_and_not_scored_low() {
    let mut clients = client().await;
    let own = clients.print("carlo/01").await;
    let other = Voiceprint { model: "campplus-phone-192/0000000000000000".into(), ..own.clone() };
    for (enrolled, probes) in [(&own, &other), (&other, &own), (&other, &other)] {
        let request = CompareRequest { enrolled: vec![enrolled.clone()], probes: vec![probes.clone()] };
        refused(clients.voiceprints.compare(request).await, Code::InvalidArgument, "MODEL_MISMATCH");
    }
    let mixed = MergeRequest { voiceprints: vec![own, other] };
    refused(clients.voiceprints.merge(mixed).await, Code::InvalidArgument, "MODEL_MISMATCH");
}

#[tokio::test]
async fn what_is_no_voiceprint_is_refused_by_place() {
    let mut clients = client().await;
    let own = clients.print("carlo/01").await;
    let mut long = own.clone();
    long.values[0] = 7.0;
    let mut nan = own.clone();
    nan.values[191] = f32::NAN;
    let short = Voiceprint { values: own.values[..100].to_vec(), ..own.clone() };
    for bad in [long, nan, Voiceprint { values: vec![], ..own.clone() }] {
        let request = CompareRequest { enrolled: vec![own.clone()], probes: vec![own.clone(), bad] };
        let status =
            refused(clients.voiceprints.compare(request).await, Code::InvalidArgument, "BAD_VOICEPRINT");
        assert_eq!(field_of(&status), "probes[1].values");
    }
    let request = CompareRequest { enrolled: vec![own.clone()], probes: vec![short] };
    assert_eq!(clients.voiceprints.compare(request).await.unwrap_err().code(), Code::InvalidArgument);
    let status = refused(
        clients.voiceprints.compare(CompareRequest::default()).await,
        Code::InvalidArgument,
        "VOICEPRINT_COUNT",
    );
    assert_eq!(field_of(&status), "enrolled");
    refused(
        clients.voiceprints.merge(MergeRequest::default()).await,
        Code::InvalidArgument,
        "VOICEPRINT_COUNT",
    );
}

#[tokio::test]
async fn more_comparisons_than_the_limit_are_refused() {
    let mut clients = client().await;
    let own = clients.print("carlo/01").await;
    let request = CompareRequest { enrolled: vec![own.clone(); 400], probes: vec![own; 400] };
    refused(clients.voiceprints.compare(request).await, Code::InvalidArgument, "TOO_MANY_COMPARISONS");
}

#[tokio::test]
async fn headerless_bytes_are_a_recording_once_their_format_is_declared() {
    let mut clients = client().await;
    let samples = voices::samples("carlo/01");
    let raw = voices::recording("raw", voices::pcm(&samples));
    let request = |recording| ExtractRequest { recording: Some(recording) };
    let declared = earmark_server::proto::v1::Recording { format: Some(voices::pcm_format()), ..raw.clone() };
    let print =
        clients.voiceprints.extract(request(declared)).await.unwrap().into_inner().voiceprint.unwrap();
    assert_eq!(print.values, clients.print("carlo/01").await.values);
    refused(clients.voiceprints.extract(request(raw.clone())).await, Code::InvalidArgument, "NOT_AUDIO");
    let format = StreamFormat { encoding: Encoding::Alaw.into(), ..voices::pcm_format() };
    let wrong = earmark_server::proto::v1::Recording { format: Some(format), ..raw };
    refused(clients.voiceprints.extract(request(wrong)).await, Code::InvalidArgument, "WRONG_ENCODING");
}
