//! The commands, as scripts use them: help, results, exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::server::{EARMARK, folder, models};
use crate::harness::voices;

const PARTLY_FAILED: Option<i32> = Some(3);
const REFUSED: Option<i32> = Some(4);
const STORAGE: Option<i32> = Some(5);

fn run(arguments: &[&str], files: &[PathBuf]) -> Output {
    let mut command = Command::new(EARMARK);
    command.args(arguments).args(files).env("EARMARK_MODELS", models());
    command.output().expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The JSON objects of the result, one a line.
fn objects(output: &Output) -> Vec<Value> {
    printed(output).lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

fn clip(clip: &str) -> PathBuf {
    voices::path("voices").join(clip).with_extension("flac")
}

fn clips(person: &str, part: &str) -> Vec<PathBuf> {
    voices::clips(person, part).iter().map(|c| clip(c)).collect()
}

fn hostile(file: &str) -> PathBuf {
    voices::path("hostile").join(file)
}

/// A data folder with carlo enrolled and allison listed, by the commands.
fn bank() -> (TempDir, String) {
    let data = folder();
    let path = data.path().to_str().unwrap().to_owned();
    let enrolled = run(&["enroll", "--data", &path, "--customer", "62170001"], &clips("carlo", "enroll"));
    assert_eq!(enrolled.status.code(), Some(0), "{}", said(&enrolled));
    assert!(
        printed(&enrolled).contains("customer 62170001 has 3 enrolled recordings"),
        "{}",
        printed(&enrolled)
    );
    let basis =
        ["list-proxy", "--data", &path, "--proxy", "P-17", "--label", "王某", "--legal-basis", "case 118"];
    let listed = run(&basis, &clips("allison", "enroll"));
    assert_eq!(listed.status.code(), Some(0), "{}", said(&listed));
    assert!(printed(&listed).contains("proxy P-17 is listed from 3 recordings"), "{}", printed(&listed));
    (data, path)
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let commands: [&[&str]; 9] = [
        &["serve"],
        &["enroll"],
        &["list-proxy"],
        &["screen"],
        &["extract"],
        &["adapt"],
        &["demo"],
        &["model", "verify"],
        &["watch"],
    ];
    for command in commands {
        let help = run(&[command, &["--help"]].concat(), &[]);
        let example = format!("Example:\n  earmark {}", command.join(" "));
        assert!(
            help.status.success() && printed(&help).contains(&example),
            "{command:?}: {}",
            printed(&help)
        );
    }
    let help = printed(&run(&["--help"], &[]));
    for word in [
        "serve",
        "enroll",
        "list-proxy",
        "screen",
        "extract",
        "adapt",
        "demo",
        "model",
        "watch",
        "Exit codes:",
    ] {
        assert!(help.contains(word), "{word} is not in {help}");
    }
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    for arguments in
        [&["enrol"][..], &["enroll"], &["serve", "--port", "1"], &["screen", "--channel", "left", "x"]]
    {
        let output = run(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains("--help") && printed(&output).is_empty(), "{}", said(&output));
    }
}

#[test]
fn a_call_is_screened_as_a_table_and_as_json() {
    let (_data, path) = bank();
    let table = run(&["screen", "--data", &path, "--customer", "62170001"], &[clip("carlo/04")]);
    assert_eq!(table.status.code(), Some(0), "{}", said(&table));
    assert!(
        printed(&table).contains("LLR customer") && printed(&table).contains("一致 "),
        "{}",
        printed(&table)
    );
    let json = run(&["screen", "--data", &path, "--json", "--customer", "62170001"], &[clip("allison/04")]);
    let call = &objects(&json)[0];
    assert_eq!(
        (call["verdict"].as_str(), call["customer"].as_str()),
        (Some("SUSPECTED_PROXY"), Some("62170001"))
    );
    assert_eq!(
        (call["proxies"][0]["proxy"].as_str(), call["proxies"][0]["label"].as_str()),
        (Some("P-17"), Some("王某"))
    );
    assert!(call["customer_llr"].as_f64().unwrap() < 0.0 && call["net_speech_s"].as_f64().unwrap() > 5.0);
}

#[test]
fn a_folder_with_a_bad_recording_is_screened_but_for_that_one() {
    let (_data, path) = bank();
    let calls = folder();
    for (from, name) in
        [(clip("allison/05"), "a.flac"), (hostile("not-audio.wav"), "b.wav"), (clip("june/05"), "c.flac")]
    {
        std::fs::copy(from, calls.path().join(name)).unwrap();
    }
    let output = run(&["screen", "--data", &path, "--json"], &[calls.path().into()]);
    assert_eq!(output.status.code(), PARTLY_FAILED, "{}", said(&output));
    let verdicts: Vec<_> =
        objects(&output).iter().map(|o| o["verdict"].as_str().map(str::to_owned)).collect();
    assert_eq!((verdicts.len(), &verdicts[0], &verdicts[1]), (3, &Some("SUSPECTED_PROXY".to_owned()), &None));
    assert!(verdicts[2].as_ref().is_some_and(|v| v != "SUSPECTED_PROXY"));
    assert!(objects(&output)[1]["error"].as_str().unwrap().contains("not an audio file"));
    let table = run(&["screen", "--data", &path], &[calls.path().into()]);
    assert_eq!(table.status.code(), PARTLY_FAILED);
    assert!(
        said(&table).contains("b.wav: not an audio file") && printed(&table).contains("c.flac"),
        "{}",
        said(&table)
    );
}

#[test]
fn what_is_refused_exits_with_4_and_says_why() {
    let (_data, path) = bank();
    let enroll = ["enroll", "--data", &path, "--customer", "new"];
    for (file, words) in [
        (hostile("not-audio.wav"), "not an audio file"),
        (clip("carlo/08"), "record more"),
        (hostile("six-channels.flac"), "6 channels"),
        (clip("allison/05"), "P-17"),
    ] {
        let output = run(&enroll, &[file]);
        assert_eq!(output.status.code(), REFUSED, "{}", said(&output));
        assert!(said(&output).starts_with("error: ") && said(&output).contains(words), "{}", said(&output));
        assert!(printed(&output).is_empty());
    }
    let odd = run(&enroll, &[clip("june/01"), clip("june/02"), clip("carlo/01")]);
    assert_eq!(odd.status.code(), REFUSED);
    assert!(said(&odd).contains("01.flac does not sound like the other recordings"), "{}", said(&odd));
    let taken = ["list-proxy", "--data", &path, "--proxy", "P-17", "--legal-basis", "x"];
    let taken = run(&taken, &clips("june", "enroll"));
    assert_eq!(
        (taken.status.code(), said(&taken).contains("already exists")),
        (REFUSED, true),
        "{}",
        said(&taken)
    );
}

#[test]
fn force_and_request_ids_do_what_the_service_does() {
    let (_data, path) = bank();
    let forced = ["enroll", "--data", &path, "--customer", "new", "--force", "--request-id", "r-1", "--json"];
    let first = run(&forced, &[clip("allison/05")]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    assert_eq!(objects(&first)[0]["overridden"][0], "PROXY_MATCH");
    let again = run(&forced, &[clip("allison/05")]);
    assert_eq!(
        (&objects(&again)[0]["replayed"], &objects(&again)[0]["enrollments"]),
        (&true.into(), &1.into())
    );
    let other = run(&forced, &[clip("allison/06")]);
    assert_eq!(other.status.code(), REFUSED, "{}", said(&other));
}

/// The lines of an extraction over a list of these recordings.
fn extracted(files: &[PathBuf], more: &[&str]) -> (Output, Vec<Value>, TempDir) {
    let out = folder();
    let (list, prints) = (out.path().join("list.csv"), out.path().join("prints.jsonl"));
    let rows: String = files.iter().map(|f| format!("{}\n", f.display())).collect();
    std::fs::write(&list, format!("recording\n{rows}")).unwrap();
    let arguments = ["extract", "--recordings", list.to_str().unwrap(), "--out", prints.to_str().unwrap()];
    let output = run(&[&arguments[..], more].concat(), &[]);
    let text = std::fs::read_to_string(prints).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect();
    (output, lines, out)
}

#[test]
fn voiceprints_come_in_the_order_of_the_list_for_their_owner_only() {
    let files = [clip("carlo/01"), clip("june/01"), clip("carlo/02")];
    let (output, lines, out) = extracted(&files, &[]);
    assert_eq!((output.status.code(), lines.len()), (Some(0), 3), "{}", said(&output));
    let print = |n: usize| -> Vec<f64> {
        lines[n]["voiceprint"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let cosine = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for (n, file) in files.iter().enumerate() {
        assert_eq!(lines[n]["recording"].as_str().map(Path::new), Some(file.as_path()));
        assert!((cosine(&print(n), &print(n)) - 1.0).abs() < 1e-5 && print(n).len() == 192);
        assert!(
            lines[n]["snr_db"].as_f64().unwrap() > 10.0 && lines[n]["clipped_fraction"].as_f64().is_some()
        );
        assert!(lines[n]["net_speech_s"].as_f64().unwrap() > 5.0);
    }
    assert!(cosine(&print(0), &print(2)) > cosine(&print(0), &print(1)) + 0.2);
    use std::os::unix::fs::PermissionsExt;
    let mode = out.path().join("prints.jsonl").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_recording_without_a_voiceprint_is_told_in_its_line() {
    let files =
        [hostile("silence-10s.wav"), clip("carlo/01"), hostile("truncated.wav"), "/nowhere.wav".into()];
    let (output, lines, _out) = extracted(&files, &[]);
    assert_eq!(output.status.code(), PARTLY_FAILED, "{}", said(&output));
    let reasons: Vec<_> = lines.iter().map(|line| line["reason"].as_str()).collect();
    let missing = Some("AUDIO_UNREADABLE");
    assert_eq!(reasons, [Some("INSUFFICIENT_SPEECH"), None, Some("TRUNCATED_AUDIO"), missing]);
    assert!(lines[0]["voiceprint"].is_null() && !lines[1]["voiceprint"].is_null());
}

#[test]
fn the_voiceprint_of_a_live_call_is_of_less_speech() {
    let (output, lines, _out) = extracted(&[clip("carlo/01")], &["--live-at", "5"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let speech = lines[0]["net_speech_s"].as_f64().unwrap();
    assert!((5.0..5.1).contains(&speech), "{speech}");
}

#[test]
fn a_model_is_verified_against_its_fingerprint() {
    let output = run(&["model", "verify", "--json"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let found = &objects(&output)[0];
    assert_eq!((found["dimension"].as_u64(), found["sample_rate_hz"].as_u64()), (Some(192), Some(16_000)));
    assert!(found["back_end"].is_string(), "{found}");
    let fingerprint = found["self_test"].as_str().unwrap();
    assert_eq!(run(&["model", "verify", "--expect", fingerprint], &[]).status.code(), Some(0));
    let other = run(&["model", "verify", "--expect", &"0".repeat(fingerprint.len())], &[]);
    assert_ne!(other.status.code(), Some(0), "{}", said(&other));
    let missing = run(&["model", "verify", "--models", "/nowhere"], &[]);
    assert_eq!(missing.status.code(), STORAGE, "{}", said(&missing));
    assert!(said(&missing).contains("/nowhere"), "{}", said(&missing));
}

#[test]
fn a_data_folder_that_cannot_be_made_exits_with_5() {
    let output = run(&["enroll", "--data", "/proc/nothing", "--customer", "x"], &[clip("carlo/01")]);
    assert_eq!(output.status.code(), STORAGE, "{}", said(&output));
    assert!(said(&output).contains("/proc/nothing"), "{}", said(&output));
}
