//! Clients nobody here wrote: grpcurl, which learns the API from the server's reflection, and Python's
//! grpcio with stubs made from the proto files. `make test` installs both.

use std::path::PathBuf;
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::voices;

/// A program of the tests' Python environment; `None` is said, and skips the test.
pub(crate) fn installed(program: &str) -> Option<PathBuf> {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    let found = cache.join("earmark/venv/bin").join(program);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: {} is not there; `make test` installs it", found.display());
    None
}

struct Grpcurl {
    program: PathBuf,
    server: TestServer,
    _data: tempfile::TempDir,
}

impl Grpcurl {
    fn start() -> Option<Self> {
        let program = installed("grpcurl")?;
        let data = folder();
        let server = Launch::new().start(data.path());
        Some(Self { program, server, _data: data })
    }

    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let request = self._data.path().with_extension("request.json");
        std::fs::write(&request, input).unwrap();
        let mut command = Command::new(&self.program);
        command.args(["-plaintext", "-max-msg-sz", "100000000", "-d", "@"]).arg(self.server.address());
        command.args(arguments).stdin(std::fs::File::open(&request).unwrap());
        let output = command.output().expect("grpcurl runs");
        std::fs::remove_file(request).unwrap();
        output
    }

    fn list(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        let output =
            command.arg("-plaintext").arg(self.server.address()).args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A unary call that must succeed.
    fn call(&self, method: &str, request: &Value) -> Value {
        let output = self.run(&[&format!("earmark.v1.{method}")], &request.to_string());
        assert!(output.status.success(), "{method}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{method}: {e}"))
    }

    /// A unary call that must fail; gives what grpcurl says of it.
    fn refused(&self, method: &str, request: &Value) -> String {
        let output = self.run(&[&format!("earmark.v1.{method}")], &request.to_string());
        assert!(!output.status.success(), "{method} succeeds");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

fn recording(clip: &str) -> Value {
    json!({"name": clip, "content": STANDARD.encode(voices::clip(clip).content)})
}

fn recordings(person: &str) -> Vec<Value> {
    voices::clips(person, "enroll").iter().map(|c| recording(c)).collect()
}

#[test]
fn grpcurl_finds_the_services_and_their_health_by_reflection() {
    let Some(grpcurl) = Grpcurl::start() else { return };
    let services = grpcurl.list(&["list"]);
    for name in ["Customers", "ProxyLibrary", "Screening", "Voiceprints"] {
        let service = format!("earmark.v1.{name}Service");
        assert!(services.lines().any(|line| line == service), "{services}");
        let health = grpcurl.run(&["grpc.health.v1.Health/Check"], &json!({"service": service}).to_string());
        assert!(String::from_utf8_lossy(&health.stdout).contains("\"SERVING\""), "{service}: {health:?}");
    }
    let health = grpcurl.run(&["grpc.health.v1.Health/Check"], "{}");
    assert!(String::from_utf8_lossy(&health.stdout).contains("\"SERVING\""), "{health:?}");
    let unknown = grpcurl.run(&["grpc.health.v1.Health/Check"], &json!({"service": "nothing"}).to_string());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("NotFound"), "{unknown:?}");
    let described = grpcurl.list(&["describe", "earmark.v1.ScreeningService.ScreenCall"]);
    assert!(described.contains("stream .earmark.v1.ScreenCallRequest"), "{described}");
}

#[test]
fn grpcurl_drives_every_rpc_about_customers() {
    let Some(grpcurl) = Grpcurl::start() else { return };
    let id = json!({"customerId": "c-1"});
    let asked = json!({"customerId": "c-1", "requestId": "r-1", "recordings": recordings("carlo")});
    let enrolled = grpcurl.call("CustomersService/EnrollRecordings", &asked);
    assert_eq!(enrolled["customer"]["enrollments"].as_array().unwrap().len(), 3);
    let got = grpcurl.call("CustomersService/GetCustomer", &id);
    assert_eq!(got["customer"], enrolled["customer"]);
    let listed = grpcurl.call("CustomersService/ListCustomers", &json!({"pageSize": 10}));
    assert_eq!(listed["customers"], json!([got["customer"]]));
    let out = grpcurl.call("CustomersService/OptOut", &id);
    assert_eq!(out["customer"]["status"], "CUSTOMER_STATUS_OPTED_OUT");
    let refused = grpcurl.refused(
        "CustomersService/EnrollRecordings",
        &json!({"customerId": "c-1", "recordings": [recording("carlo/01")]}),
    );
    assert!(refused.contains("FailedPrecondition") && refused.contains("CUSTOMER_OPTED_OUT"), "{refused}");
    assert_eq!(grpcurl.call("CustomersService/OptIn", &id), json!({}));
    assert_eq!(grpcurl.call("CustomersService/DeleteCustomer", &id), json!({}));
    let gone = grpcurl.refused("CustomersService/GetCustomer", &id);
    assert!(gone.contains("NotFound") && gone.contains("google.rpc.ErrorInfo"), "{gone}");
}

#[test]
fn grpcurl_drives_every_rpc_about_proxies() {
    let Some(grpcurl) = Grpcurl::start() else { return };
    let id = json!({"proxyId": "p-1"});
    let asked = json!({
        "proxyId": "p-1", "label": "王某", "legalBasis": "case 118", "recordings": recordings("allison"),
        "expireTime": "2099-01-01T00:00:00Z",
    });
    let added = grpcurl.call("ProxyLibraryService/AddProxy", &asked);
    assert_eq!(
        (&added["proxy"]["label"], &added["proxy"]["expireTime"]),
        (&json!("王某"), &json!("2099-01-01T00:00:00Z"))
    );
    assert_eq!(grpcurl.call("ProxyLibraryService/GetProxy", &id), json!({"proxy": added["proxy"]}));
    assert_eq!(
        grpcurl.call("ProxyLibraryService/ListProxies", &json!({})),
        json!({"proxies": [added["proxy"]]})
    );
    assert!(grpcurl.refused("ProxyLibraryService/AddProxy", &asked).contains("ALREADY_EXISTS"));
    assert_eq!(grpcurl.call("ProxyLibraryService/RemoveProxy", &id), json!({}));
    assert!(grpcurl.refused("ProxyLibraryService/GetProxy", &id).contains("NotFound"));
}

#[test]
fn grpcurl_drives_every_unary_rpc_about_calls() {
    let Some(grpcurl) = Grpcurl::start() else { return };
    grpcurl.call(
        "CustomersService/EnrollRecordings",
        &json!({"customerId": "c-1", "recordings": recordings("carlo")}),
    );
    let call =
        json!({"callId": "call-1", "claimedCustomerId": "c-1", "callerNumber": "+86138", "agentId": "desk"});
    let asked = json!({"call": call, "recording": recording("carlo/04")});
    let screened = grpcurl.call("ScreeningService/ScreenRecording", &asked);
    assert_eq!(screened["update"]["decision"]["verdict"], "VERDICT_MATCH", "{screened}");
    let got = grpcurl.call("ScreeningService/GetCall", &json!({"callId": "call-1"}));
    assert_eq!((&got["call"]["call"], &got["call"]["updates"]), (&call, &json!([screened["update"]])));
    let report = json!({"callId": "call-1", "outcome": "OUTCOME_GENUINE_CUSTOMER", "note": "called back", "reportedBy": "risk"});
    let reported = grpcurl.call("ScreeningService/ReportOutcome", &report);
    assert_eq!(reported["call"]["outcome"], "OUTCOME_GENUINE_CUSTOMER");
    assert!(grpcurl.refused("ScreeningService/ScreenRecording", &asked).contains("ALREADY_EXISTS"));
}

#[test]
fn grpcurl_drives_every_rpc_about_voiceprints() {
    let Some(grpcurl) = Grpcurl::start() else { return };
    let print = |clip: &str| {
        let reply = grpcurl.call("VoiceprintsService/Extract", &json!({"recording": recording(clip)}));
        reply["voiceprint"].clone()
    };
    let (own, other, probe) = (print("carlo/01"), print("june/01"), print("carlo/04"));
    assert_eq!(own["values"].as_array().unwrap().len(), 192);
    let asked = json!({"enrolled": [own, other], "probes": [probe]});
    let compared = grpcurl.call("VoiceprintsService/Compare", &asked);
    let llr = |row: usize| compared["rows"][row]["llrs"][0].as_f64().unwrap();
    assert!(llr(0) > llr(1), "{compared}");
    let merged = grpcurl.call("VoiceprintsService/Merge", &json!({"voiceprints": [own, probe]}));
    let speech = |print: &Value| print["netSpeechS"].as_f64().unwrap();
    assert!((speech(&merged["voiceprint"]) - speech(&own) - speech(&probe)).abs() < 1e-3);
    let bad =
        grpcurl.refused("VoiceprintsService/Extract", &json!({"recording": {"content": "bm8gYXVkaW8="}}));
    assert!(bad.contains("InvalidArgument") && bad.contains("NOT_AUDIO"), "{bad}");
}

#[test]
fn a_python_client_drives_every_stream() {
    let Some(python) = installed("python") else { return };
    let data = folder();
    let server = Launch::new().start(data.path());
    let files = folder();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let (enroll, call) = (files.path().join("enroll.pcm"), files.path().join("call.pcm"));
    std::fs::write(&enroll, voices::pcm(&voices::samples("carlo/01"))).unwrap();
    std::fs::write(&call, voices::pcm(&voices::call("carlo"))).unwrap();
    let mut command = Command::new(python);
    command.arg(root.join("tests/clients/stream_client.py")).arg(server.address()).arg(root.join("proto"));
    let output =
        command.arg(enroll).arg(call).env("PYTHONDONTWRITEBYTECODE", "1").output().expect("python runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let held = String::from_utf8(output.stdout).unwrap();
    let checks = [
        "enrolls_from_a_stream",
        "screens_a_call_both_ways",
        "watches_a_call",
        "reads_the_details_of_a_refusal",
        "cancels_a_call",
        "meets_its_deadline",
        "finds_the_services_by_the_older_reflection",
    ];
    assert_eq!(held.lines().collect::<Vec<_>>(), checks, "{said}");
}
