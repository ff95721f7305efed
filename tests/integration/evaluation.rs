//! `earmark evaluate` on the voices of `tests/data`: the files that other tools read, and figures
//! that a second look at scores.csv confirms.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::server::{EARMARK, folder, models};
use crate::harness::voices;

const PEOPLE: [&str; 5] = ["allison", "armelle", "carlo", "june", "paola"];

fn evaluate(arguments: &[&str], at: &Path) {
    let mut command = Command::new(EARMARK);
    command.arg("evaluate").args(arguments).env("EARMARK_MODELS", models()).current_dir(at);
    let output = command.arg("--no-cache").output().expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

fn path(clip: &str) -> String {
    voices::path("voices").join(clip).with_extension("flac").display().to_string()
}

/// `model,recording` of some people's enrollments.
fn models_csv(people: &[&str]) -> String {
    let mut csv = "model,recording\n".to_owned();
    for person in people {
        for clip in voices::clips(person, "enroll") {
            writeln!(csv, "{person},{}", path(&clip)).unwrap();
        }
    }
    csv
}

/// Each person's long clips of their calls.
fn calls() -> Vec<(&'static str, String)> {
    let long = |clip: &String| voices::samples(clip).len() > 6 * voices::RATE_HZ as usize;
    let of = |person| voices::clips(person, "call").into_iter().filter(long).map(move |c| (person, path(&c)));
    PEOPLE.into_iter().flat_map(of).collect()
}

fn rows(file: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(file).expect("the file is there");
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).expect("the file is there")).expect("it is JSON")
}

#[test]
fn verification_writes_what_other_tools_read() {
    let at = folder();
    let write = |name: &str, text: &str| std::fs::write(at.path().join(name), text).unwrap();
    write("enroll.csv", &models_csv(&PEOPLE));
    let mut trials = "model,recording,label\n".to_owned();
    for model in PEOPLE {
        for (person, call) in calls() {
            let label = if person == model { "target" } else { "nontarget" };
            writeln!(trials, "{model},{call},{label}").unwrap();
        }
    }
    write("trials.csv", &trials);
    let arguments = ["verify", "--enroll", "enroll.csv", "--trials", "trials.csv", "--out", "result"];
    evaluate(&arguments, at.path());

    let result = at.path().join("result");
    let header = std::fs::read_to_string(result.join("scores.csv")).unwrap();
    assert_eq!(header.lines().next(), Some("model,recording,label,cosine,llr,net_speech_s"));
    let scores = rows(&result.join("scores.csv"));
    assert_eq!(scores.len(), trials.lines().count() - 1);
    let number = |row: &BTreeMap<String, String>, column: &str| row[column].parse::<f64>().unwrap();
    let (targets, others): (Vec<_>, Vec<_>) = scores.iter().partition(|row| row["label"] == "target");
    let mean = |rows: &[&BTreeMap<String, String>]| {
        rows.iter().map(|row| number(row, "llr")).sum::<f64>() / rows.len() as f64
    };
    assert!(mean(&targets) > 3.0 && mean(&others) < -3.0, "{} {}", mean(&targets), mean(&others));
    assert!(scores.iter().all(|row| number(row, "cosine").abs() <= 1.0 && number(row, "net_speech_s") > 3.0));
    // Studio voices on clean lines: a system that hears voices tells nearly all of them apart.
    let metrics = json(&result.join("metrics.json"));
    let eer = metrics["systems"]["earmark"]["eer"]["value"].as_f64().expect("a number");
    let baseline = metrics["systems"]["mfcc"]["eer"]["value"].as_f64().expect("a number");
    assert!(eer < 0.05 && eer <= baseline, "{eer} {baseline}");
    for page in ["report.html", "det.svg", "calibration.svg"] {
        let text = std::fs::read_to_string(result.join(page)).unwrap();
        assert!(text.contains("EER") || page == "calibration.svg", "{page}");
        assert!(!text.contains("NaN"), "{page}");
    }
}

#[test]
fn identification_finds_listed_voices_and_no_others() {
    let at = folder();
    let write = |name: &str, text: &str| std::fs::write(at.path().join(name), text).unwrap();
    let listed = &PEOPLE[..2];
    write("watchlist.csv", &models_csv(listed));
    let mut probes = "recording,speaker,claimed,listed\n".to_owned();
    for (person, call) in calls() {
        writeln!(probes, "{call},{person},,{}", u8::from(listed.contains(&person))).unwrap();
    }
    write("probes.csv", &probes);
    let arguments = ["identify", "--watchlist", "watchlist.csv", "--probes", "probes.csv", "--out", "result"];
    evaluate(&arguments, at.path());

    let result = at.path().join("result");
    let header = std::fs::read_to_string(result.join("scores.csv")).unwrap();
    assert_eq!(header.lines().next(), Some("recording,speaker,listed,rank,entry,llr,tagged"));
    for row in rows(&result.join("scores.csv")) {
        let tagged = row["tagged"] == "1";
        let right = row["entry"] == row["speaker"];
        assert!(!tagged || right, "{row:?}");
        assert!(row["rank"] != "1" || row["listed"] == "0" || right, "{row:?}");
    }
    assert!(result.join("report.html").is_file());
    assert!(json(&result.join("metrics.json"))["systems"]["earmark"]["rank1"]["value"].as_f64() > Some(0.9));
}

#[test]
fn whole_calls_go_the_live_way() {
    let at = folder();
    let write = |name: &str, text: &str| std::fs::write(at.path().join(name), text).unwrap();
    write("customers.csv", &models_csv(&["carlo"]));
    write("watchlist.csv", &models_csv(&["allison"]));
    let mut list = "recording,speaker,claimed,listed\n".to_owned();
    for (person, call) in calls().iter().filter(|(p, _)| ["carlo", "allison", "paola"].contains(p)) {
        writeln!(list, "{call},{person},carlo,{}", u8::from(*person == "allison")).unwrap();
    }
    write("calls.csv", &list);
    let mut command = Command::new(EARMARK);
    command.args(["evaluate", "calls", "--customers", "customers.csv", "--watchlist", "watchlist.csv"]);
    command.args(["--calls", "calls.csv", "--out", "result"]).env("EARMARK_MODELS", models());
    let output = command.current_dir(at.path()).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));

    let scores = rows(&at.path().join("result/decisions.csv"));
    assert_eq!(scores.len(), list.lines().count() - 1);
    let verdict = |speaker: &str| {
        let of = scores.iter().filter(|row| row["speaker"] == speaker);
        of.map(|row| row["verdict"].clone()).collect::<Vec<_>>()
    };
    assert!(verdict("allison").iter().any(|v| v == "SUSPECTED_PROXY"), "{:?}", verdict("allison"));
    assert!(
        verdict("carlo").iter().all(|v| v != "SUSPECTED_PROXY" && v != "MISMATCH"),
        "{:?}",
        verdict("carlo")
    );
    assert!(verdict("paola").iter().all(|v| v != "MATCH"), "{:?}", verdict("paola"));
}

#[test]
fn a_bad_list_is_refused_by_line() {
    let at = folder();
    std::fs::write(at.path().join("enroll.csv"), "model,recording\na,x.wav\n").unwrap();
    std::fs::write(at.path().join("trials.csv"), "model,recording,label\na,y.wav,perhaps\n").unwrap();
    let mut command = Command::new(EARMARK);
    command.args(["evaluate", "verify", "--enroll", "enroll.csv", "--trials", "trials.csv", "--out", "o"]);
    let output = command.env("EARMARK_MODELS", models()).current_dir(at.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("trials.csv") && said.contains("line 2") || said.contains(":2"), "{said}");
}
