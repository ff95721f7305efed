//! What comes over plain HTTP/1.1 on the same port: gRPC-Web, probes, metrics.

use earmark_server::proto::v1::{GetCustomerRequest, GetCustomerResponse, OptOutRequest, Verdict};
use prost::Message;

use crate::harness::calls::{info, verdict};
use crate::harness::clients::{Clients, unique};
use crate::harness::enrollments::enrollment;
use crate::harness::refused::nothing_left_of;
use crate::harness::server::{Launch, folder};
use crate::harness::voices;
use crate::harness::web::{Reply, exchange, get};
use crate::harness::world::{client, server};

/// Marks the frame that holds the trailers.
const TRAILERS: u8 = 0x80;

/// A unary call as a browser sends it.
fn call(address: &str, method: &str, message: &impl Message, more: &[(&str, &str)]) -> Reply {
    let content = message.encode_to_vec();
    let mut body = vec![0];
    body.extend_from_slice(&u32::try_from(content.len()).unwrap().to_be_bytes());
    body.extend_from_slice(&content);
    let kind = [("content-type", "application/grpc-web+proto"), ("x-grpc-web", "1")];
    exchange(address, "POST", &format!("/earmark.v1.{method}"), &[&kind[..], more].concat(), &body)
}

/// The message, if there is one, and the status.
fn answer(reply: &Reply) -> (Option<Vec<u8>>, String) {
    assert_eq!(reply.status, 200);
    assert!(
        reply.header("content-type").is_some_and(|kind| kind.starts_with("application/grpc-web")),
        "{reply:?}"
    );
    let (mut rest, mut message, mut trailers) = (reply.body.as_slice(), None, String::new());
    while let Some((head, frames)) = rest.split_at_checked(5) {
        let size = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let content = &frames[..size];
        match head[0] {
            TRAILERS => trailers = String::from_utf8_lossy(content).replace(' ', ""),
            _ => message = Some(content.to_vec()),
        }
        rest = &frames[size..];
    }
    let status = |line: &str| line.trim().strip_prefix("grpc-status:").map(str::to_owned);
    let told = trailers.lines().find_map(status).or_else(|| reply.header("grpc-status").map(str::to_owned));
    (message, told.unwrap_or_else(|| panic!("no status in {reply:?}")))
}

#[tokio::test]
async fn a_browser_reads_a_customer() {
    let mut clients = client().await;
    let id = unique("customer");
    clients.customers.opt_out(OptOutRequest { customer_id: id.clone() }).await.unwrap();
    let asked = GetCustomerRequest { customer_id: id.clone() };
    let reply = call(server().await.address(), "CustomersService/GetCustomer", &asked, &[]);
    let (message, status) = answer(&reply);
    assert_eq!(status, "0");
    let told = GetCustomerResponse::decode(message.unwrap().as_slice()).unwrap();
    assert_eq!(told.customer.unwrap(), clients.customer(&id).await.unwrap());
}

#[tokio::test]
async fn a_browser_is_told_what_is_wrong() {
    let asked = GetCustomerRequest { customer_id: unique("nobody") };
    let reply = call(server().await.address(), "CustomersService/GetCustomer", &asked, &[]);
    let (message, status) = answer(&reply);
    assert_eq!((message, status.as_str()), (None, "5"));
}

/// The deadline is the client's word alone here: nothing on its side ends the call first.
#[tokio::test]
async fn an_enrollment_past_its_deadline_leaves_nothing_behind() {
    let mut clients = client().await;
    let id = unique("late");
    let asked = enrollment(&id, voices::enrollment("ivrvoice"));
    let address = server().await.address();
    let reply = call(address, "CustomersService/EnrollRecordings", &asked, &[("grpc-timeout", "1m")]);
    assert_eq!(answer(&reply), (None, "4".to_owned()));
    nothing_left_of(&mut clients, &id).await;
    let reply = call(address, "CustomersService/EnrollRecordings", &asked, &[("grpc-timeout", "soon")]);
    assert_eq!(answer(&reply), (None, "3".to_owned()));
}

#[tokio::test]
async fn probes_answer() {
    let address = server().await.address();
    for (path, text) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let reply = get(address, path);
        assert_eq!((reply.status, reply.text().as_str()), (200, text), "{path}");
    }
    assert!((400..500).contains(&get(address, "/nothing-here").status));
}

/// The value of a metric; 0 where it was not counted yet.
fn value(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().expect("a number"))
}

#[tokio::test]
async fn metrics_tell_of_calls_audio_stages_queues_and_decisions() {
    let data = folder();
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    let mut call = clients.begin_call(info("call", "")).await.unwrap();
    call.say(&voices::call("carlo")).await;
    call.next().await.unwrap().expect("an update");
    let during = get(server.address(), "/metrics").text();
    assert_eq!(value(&during, "earmark_live_calls"), 1.0, "{during}");
    let last = call.hang_up().await.unwrap().pop().unwrap();
    assert_eq!(verdict(&last), Verdict::NoCustomerClaimed);
    clients.customer("nobody").await.unwrap_err();
    let reply = get(server.address(), "/metrics");
    assert!(reply.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let after = reply.text();
    assert_eq!(value(&after, "earmark_live_calls"), 0.0);
    let audio_s = last.speech.unwrap().audio_s;
    assert!((value(&after, "earmark_audio_seconds_total") - audio_s).abs() <= 1.0, "{audio_s} s: {after}");
    assert_eq!(value(&after, "earmark_decisions_total{verdict=\"NO_CUSTOMER_CLAIMED\"}"), 1.0);
    assert_eq!(value(&after, "earmark_refusals_total{reason=\"NOT_FOUND\"}"), 1.0);
    for stage in ["begin", "accept", "update", "finish"] {
        let counted = value(&after, &format!("earmark_stage_seconds_count{{stage=\"{stage}\"}}"));
        assert!(counted >= 1.0, "{stage}: {after}");
    }
    for name in
        ["earmark_queue_depth", "earmark_queue_wait_seconds", "earmark_rpc_seconds", "earmark_connections"]
    {
        assert!(after.contains(&format!("# HELP {name} ")), "{name}: {after}");
    }
}
