//! `earmark watch`: recordings dropped into a folder, by the real program over real audio.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use earmark_records::{CallStart, KeyFile, Records, SqliteRecords, Timestamp};
use earmark_voiceprint::{CallId, CustomerId, TenantId};
use serde_json::{Value, json};
use sha2::Digest;
use tempfile::TempDir;

use crate::harness::server::{EARMARK, folder, models};
use crate::harness::voices;

const PARTLY_FAILED: Option<i32> = Some(3);

/// A data folder with carlo enrolled as 62170001 and allison listed as P-17, and a folder of calls.
struct Desk {
    data: TempDir,
    calls: TempDir,
}

fn earmark(arguments: &[&str]) -> Command {
    let mut command = Command::new(EARMARK);
    command.args(arguments).env("EARMARK_MODELS", models());
    command
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn clip(clip: &str) -> PathBuf {
    voices::path("voices").join(clip).with_extension("flac")
}

impl Desk {
    fn new() -> Self {
        let (data, calls) = (folder(), folder());
        let path = data.path().to_str().unwrap();
        let of = |person| voices::clips(person, "enroll").into_iter().map(|c| clip(&c));
        let enroll = ["enroll", "--data", path, "--customer", "62170001"];
        done(&earmark(&enroll).args(of("carlo")).output().unwrap());
        let list = ["list-proxy", "--data", path, "--proxy", "P-17", "--legal-basis", "case 118"];
        done(&earmark(&list).args(of("allison")).output().unwrap());
        Self { data, calls }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.calls.path().join(name)
    }

    /// A recording of the tests' voices with its sidecar.
    fn drop_clip(&self, name: &str, of: &str, sidecar: &Value) {
        fs::copy(clip(of), self.at(name)).unwrap();
        self.drop_sidecar(name, sidecar);
    }

    fn drop_wav(&self, name: &str, channels: &[&[i16]], sidecar: &Value) {
        fs::write(self.at(name), voices::wav(channels)).unwrap();
        self.drop_sidecar(name, sidecar);
    }

    fn drop_sidecar(&self, name: &str, sidecar: &Value) {
        fs::write(self.at(name).with_extension("json"), sidecar.to_string()).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command =
            earmark(&["watch", "--json", "--settle-s", "0", "--poll-ms", "20", "--threads", "2"]);
        command.arg("--data").arg(self.data.path()).args(arguments).arg(self.calls.path());
        command
    }

    fn batch(&self, arguments: &[&str]) -> (Output, Vec<Value>) {
        let output = self.command(arguments).arg("--once").output().expect("the program runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect();
        (output, lines)
    }

    /// A watcher that runs until it is killed or asked to stop.
    fn watch(&self, arguments: &[&str]) -> Watching {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Watching(command.spawn().expect("the program starts"))
    }

    fn result(&self, name: &str) -> Value {
        let file = self.at("done").join(format!("{name}.result.json"));
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        serde_json::from_str(&text).expect("a JSON object")
    }

    /// The stable code that a recording was set aside with.
    fn reason(&self, name: &str) -> String {
        let file = self.at("failed").join(format!("{name}.reason.txt"));
        let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        text.lines().next().unwrap_or_default().to_owned()
    }

    fn names(&self, of: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at(of)).unwrap().map(|e| e.unwrap());
        let files = entries.filter(|e| !e.file_type().unwrap().is_dir());
        let mut names: Vec<_> = files.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }
}

struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until it holds, as long as a slow machine may need.
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(120), "still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn call(id: &str) -> Value {
    json!({"call_id": id, "customer_id": "62170001", "role": "customer"})
}

#[test]
fn a_batch_keeps_roles_and_sets_aside_what_it_can_not_screen() {
    let desk = Desk::new();
    let (carlo, allison) = (voices::samples("carlo/04"), voices::samples("allison/04"));
    let both = carlo.len().min(allison.len());
    let stereo = [&allison[..both], &carlo[..both]];
    let full = json!({"call_id": "c-left", "customer_id": "62170001", "caller_number": "+8613800138000",
        "agent_id": "王芳", "scene": "complaint", "channel": "left"});
    desk.drop_wav("left.wav", &stereo, &full);
    desk.drop_wav(
        "right.wav",
        &stereo,
        &json!({"call_id": "c-right", "customer_id": "62170001", "channel": 1}),
    );
    desk.drop_wav("no-choice.wav", &stereo, &json!({"call_id": "c-3"}));
    desk.drop_wav("third.wav", &stereo, &json!({"call_id": "c-4", "channel": 2}));
    desk.drop_wav("mix.wav", &stereo, &json!({"call_id": "c-5", "channel": "mix"}));
    desk.drop_clip("agent.flac", "carlo/04", &json!({"call_id": "c-6", "role": "agent"}));
    desk.drop_clip("undeclared.flac", "carlo/04", &json!({"call_id": "c-7"}));
    desk.drop_clip("typo.flac", "carlo/04", &json!({"call_id": "c-8", "costumer_id": "62170001"}));
    fs::copy(clip("carlo/04"), desk.at("alone.flac")).unwrap();
    for hostile in ["not-audio.wav", "truncated.wav", "zero-length.wav", "lying-channels.wav"] {
        fs::copy(voices::path("hostile").join(hostile), desk.at(hostile)).unwrap();
        desk.drop_sidecar(hostile, &call(hostile));
    }
    symlink(clip("carlo/04"), desk.at("link.flac")).unwrap();
    fs::create_dir(desk.at("folder.wav")).unwrap();
    let (output, lines) = desk.batch(&[]);
    assert_eq!(output.status.code(), PARTLY_FAILED, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines.len(), 15);

    let left = desk.result("left.wav");
    assert_eq!((left["verdict"].as_str(), left["call"].as_str()), (Some("SUSPECTED_PROXY"), Some("c-left")));
    assert_eq!(
        (left["verdict_zh"].as_str(), left["proxies"][0]["proxy"].as_str()),
        (Some("疑似代理"), Some("P-17"))
    );
    assert_eq!(
        (left["caller_number"].as_str(), left["agent"].as_str()),
        (Some("+8613800138000"), Some("王芳"))
    );
    assert_eq!((left["scene"].as_str(), left["recording"].as_str()), (Some("complaint"), Some("left.wav")));
    let right = desk.result("right.wav");
    assert!(right["customer_llr"].as_f64().unwrap() > 0.0 && left["customer_llr"].as_f64().unwrap() < 0.0);
    assert_ne!(right["verdict"], "SUSPECTED_PROXY");

    let reasons = [
        ("no-choice.wav", "CHANNEL_NOT_CHOSEN"),
        ("third.wav", "NO_SUCH_CHANNEL"),
        ("mix.wav", "MIXED_REFUSED"),
        ("agent.flac", "AGENTS_LEG"),
        ("undeclared.flac", "MONO_NOT_DECLARED"),
        ("typo.flac", "BAD_SIDECAR"),
        ("alone.flac", "SIDECAR_MISSING"),
        ("not-audio.wav", "NOT_AUDIO"),
        ("truncated.wav", "TRUNCATED_AUDIO"),
        ("zero-length.wav", "EMPTY_AUDIO"),
        ("link.flac", "NOT_A_FILE"),
        ("folder.wav", "NOT_A_FILE"),
    ];
    for (name, reason) in reasons {
        assert_eq!(desk.reason(name), reason, "{name}");
        assert!(desk.at("failed").join(name).symlink_metadata().is_ok(), "{name}");
        let told = lines.iter().find(|l| l["recording"] == name).expect("a line for it");
        assert_eq!((told["reason"].as_str(), told["error"].is_string()), (Some(reason), true));
    }
    assert!(desk.names(".").is_empty(), "{:?}", desk.names("."));
    assert!(clip("carlo/04").is_file());
    assert_eq!(desk.names("done").len(), 6);
}

#[test]
fn a_recording_is_screened_as_by_the_command_for_one() {
    let desk = Desk::new();
    desk.drop_clip("a.flac", "carlo/05", &call("c-1"));
    let (output, _) = desk.batch(&[]);
    done(&output);
    let screen = ["screen", "--json", "--customer", "62170001", "--data", desk.data.path().to_str().unwrap()];
    let output = earmark(&screen).arg(clip("carlo/05")).output().unwrap();
    let alone: Value = serde_json::from_slice(&output.stdout).unwrap();
    let watched = desk.result("a.flac");
    for field in ["customer_llr", "proxies", "posterior", "verdict", "net_speech_s", "audio_s", "reasons"] {
        assert_eq!(watched[field], alone[field], "{field}");
    }
}

#[test]
fn names_and_options_say_what_a_sidecar_would() {
    let desk = Desk::new();
    fs::copy(clip("carlo/04"), desk.at("c1_62170001_138_a7.flac")).unwrap();
    fs::copy(clip("allison/04"), desk.at("c2___.flac")).unwrap();
    fs::copy(clip("allison/04"), desk.at("c_3_6_1_a.flac")).unwrap();
    fs::copy(clip("allison/04"), desk.at("other.flac")).unwrap();
    let name = "{call_id}_{customer_id}_{caller_number}_{agent_id}.flac";
    let (output, lines) = desk.batch(&["--name", name, "--mono", "mixed", "--mixed", "mark"]);
    assert_eq!((output.status.code(), lines.len()), (PARTLY_FAILED, 4));
    let first = desk.result("c1_62170001_138_a7.flac");
    assert_eq!((first["call"].as_str(), first["customer"].as_str()), (Some("c1"), Some("62170001")));
    assert_eq!((first["caller_number"].as_str(), first["agent"].as_str()), (Some("138"), Some("a7")));
    assert_eq!(first["warnings"], json!(["MIXED_CHANNELS"]));
    assert_eq!(desk.result("c2___.flac")["customer_state"], "NOT_CLAIMED");
    assert_eq!(desk.reason("c_3_6_1_a.flac"), "NAME_AMBIGUOUS");
    assert_eq!(desk.reason("other.flac"), "NAME_DOES_NOT_FIT");
    let (output, _) = desk.batch(&["--name", "{call}.wav"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("{customer_id}"));
}

#[test]
fn the_same_recording_is_not_screened_twice() {
    let desk = Desk::new();
    desk.drop_clip("a.flac", "carlo/04", &call("c-1"));
    done(&desk.batch(&[]).0);
    let first = desk.result("a.flac");

    // The same under another name, and the state in which a kill between verdict and move leaves it.
    desk.drop_clip("again.flac", "carlo/04", &call("c-1"));
    for name in ["a.flac", "a.json"] {
        fs::rename(desk.at("done").join(name), desk.at(name)).unwrap();
    }
    fs::remove_file(desk.at("done").join("a.flac.result.json")).unwrap();
    let (output, lines) = desk.batch(&[]);
    done(&output);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line["screened_before"] == true), "{lines:?}");
    for name in ["a.flac", "again.flac"] {
        let (again, first) = (desk.result(name), &first);
        for field in ["screened_at_unix_ms", "customer_llr", "verdict", "compute_ms", "call"] {
            assert_eq!(again[field], first[field], "{name} {field}");
        }
    }

    // The call id of another recording, or the same recording for another customer.
    desk.drop_clip("other.flac", "allison/04", &call("c-1"));
    desk.drop_clip(
        "whose.flac",
        "carlo/04",
        &json!({"call_id": "c-1", "customer_id": "7", "role": "customer"}),
    );
    let (output, _) = desk.batch(&[]);
    assert_eq!(output.status.code(), PARTLY_FAILED);
    assert_eq!([desk.reason("other.flac"), desk.reason("whose.flac")], ["CALL_ID_REUSED", "CALL_ID_REUSED"]);
}

/// What is left in the records where the program is killed between a call's begin and its verdict.
fn begin_in_records(desk: &Desk, call: &str, recording: &Path) {
    let database = desk.data.path().join("records.db");
    let keys = KeyFile::open_or_create(&desk.data.path().join("voiceprints.key"), &database).unwrap();
    let records = SqliteRecords::open(&database, Arc::new(keys)).unwrap();
    let digest = sha2::Sha256::digest(fs::read(recording).unwrap());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let start = CallStart {
        call: CallId::new(call).unwrap(),
        claimed_customer: Some(CustomerId::new("62170001").unwrap()),
        caller_number: None,
        agent: None,
        scene: None,
        encoding: format!("recording sha256:{hex}"),
        channel: None,
        started_at: Timestamp::from_unix_millis(1),
    };
    records.begin_call(&TenantId::new("default").unwrap(), &start).unwrap();
}

#[test]
fn a_call_that_was_begun_and_has_no_verdict_gets_one() {
    let desk = Desk::new();
    desk.drop_clip("a.flac", "carlo/04", &call("c-1"));
    begin_in_records(&desk, "c-1", &clip("carlo/04"));
    let (output, lines) = desk.batch(&[]);
    done(&output);
    assert_eq!(
        (lines[0]["screened_before"].as_bool(), lines[0]["call"].as_str()),
        (Some(false), Some("c-1"))
    );
    assert!(desk.result("a.flac")["customer_llr"].as_f64().unwrap() > 0.0);
    desk.drop_clip("a.flac", "carlo/04", &call("c-1"));
    assert_eq!(desk.batch(&[]).1[0]["screened_before"], true);
}

#[test]
fn killed_at_any_point_it_goes_on_where_it_was() {
    let desk = Desk::new();
    let clips: Vec<String> =
        ["carlo", "allison", "june"].iter().flat_map(|p| voices::clips(p, "call")).collect();
    let name = |index: usize| format!("{index:02}.flac");
    for (index, of) in clips.iter().enumerate() {
        desk.drop_clip(&name(index), of, &call(&format!("c-{index}")));
    }
    let finished = |desk: &Desk| -> Vec<String> {
        let names = desk.names("done").into_iter();
        names.filter_map(|n| n.strip_suffix(".result.json").map(str::to_owned)).collect()
    };
    let mut told: Vec<(String, Value)> = Vec::new();
    for kill_at in [1, 2, 3, 5, 8] {
        let watching = desk.watch(&[]);
        // `done` is made by the first run.
        wait_until("some results", || desk.at("done").is_dir() && finished(&desk).len() >= kill_at);
        drop(watching);
        for (name, result) in &told {
            // A recording whose result was written and that had not moved yet is told again, from its call.
            let now = desk.result(name);
            for field in ["screened_at_unix_ms", "customer_llr", "verdict"] {
                assert_eq!(now[field], result[field], "{name} was screened twice: {field}");
            }
        }
        told = finished(&desk).into_iter().map(|name| (name.clone(), desk.result(&name))).collect();
    }
    let (output, _) = desk.batch(&[]);
    done(&output);
    assert!(desk.names(".").is_empty() && desk.names("failed").is_empty());
    assert_eq!(
        desk.names("done").len(),
        3 * clips.len(),
        "recording, sidecar, result: {:?}",
        desk.names("done")
    );
    for (index, of) in clips.iter().enumerate() {
        let result = desk.result(&name(index));
        assert_eq!(result["call"], format!("c-{index}"));
        let llr = result["customer_llr"].as_f64();
        assert!(llr.is_none_or(|llr| (llr > 0.0) == of.starts_with("carlo")), "{of}: {llr:?}");
    }
}

#[test]
fn a_marked_recording_is_taken_when_its_mark_comes() {
    let desk = Desk::new();
    let arguments = ["--marker", "--leave"];
    let mut watching = desk.watch(&arguments);
    let whole = fs::read(clip("carlo/04")).unwrap();
    desk.drop_sidecar("a.flac", &call("c-1"));
    fs::write(desk.at("a.flac"), &whole[..whole.len() / 2]).unwrap();
    desk.drop_clip("b.flac", "allison/04", &call("c-2"));
    fs::write(desk.at("b.done"), "").unwrap();
    wait_until("b is screened", || desk.at("b.flac.result.json").is_file() && !desk.at("b.done").exists());
    assert!(!desk.at("a.flac.result.json").exists());
    fs::write(desk.at("a.flac"), &whole).unwrap();
    fs::write(desk.at("a.done"), "").unwrap();
    wait_until("a is screened", || desk.at("a.flac.result.json").is_file() && !desk.at("a.done").exists());
    assert_eq!(
        desk.names("."),
        ["a.flac", "a.flac.result.json", "a.json", "b.flac", "b.flac.result.json", "b.json"]
    );

    let second = desk.command(&["--once"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("watched by another process"));

    let pid = watching.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    assert_eq!(watching.0.wait().unwrap().code(), Some(0));
    let (output, lines) = desk.batch(&arguments);
    done(&output);
    assert!(lines.is_empty(), "what has its result is not looked at again: {lines:?}");
}

#[test]
fn a_recording_renamed_into_the_folder_is_taken() {
    let desk = Desk::new();
    let _watching = desk.watch(&[]);
    wait_until("it watches", || desk.at("failed").is_dir());
    desk.drop_sidecar("a.flac", &call("c-1"));
    fs::copy(clip("carlo/04"), desk.at(".a.flac.tmp")).unwrap();
    fs::rename(desk.at(".a.flac.tmp"), desk.at("a.flac")).unwrap();
    wait_until("it is screened", || desk.at("done/a.json").is_file());
    assert_eq!(desk.result("a.flac")["call"], "c-1");
    assert!(is_empty(&desk.at("failed")));
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}
