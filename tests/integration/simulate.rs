//! `earmark simulate`, as a user runs it, and that the program reads what it wrote.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::server::{EARMARK, folder, models};
use crate::harness::voices;

fn run(arguments: &[&str]) -> Output {
    Command::new(EARMARK).args(arguments).env("EARMARK_MODELS", models()).output().expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Two people with all their clips, and a plan of few calls through codecs that are always there.
fn write_inputs(folder: &Path) {
    let mut list = "speaker,recording,language\n".to_owned();
    for (person, language) in [("allison", "en"), ("carlo", "it")] {
        for part in ["enroll", "call"] {
            for clip in voices::clips(person, part) {
                let path = voices::path("voices").join(clip).with_extension("flac");
                list += &format!("{person},{},{language}\n", path.display());
            }
        }
    }
    std::fs::write(folder.join("speakers.csv"), list).unwrap();
    let plan = "
        based_on = \"typical\"
        codecs = [{ chain = [\"gsm\", \"alaw\"], weight = 1.0 }, { chain = [\"opus16\"], weight = 1.0 }]
        [enrollment]
        net_speech_s = 12.0
        models = [1]
        [probes]
        net_speech_s = [8.0]
        [not_speech]
        calls = 6
        seconds = [4.0, 6.0]";
    std::fs::write(folder.join("plan.toml"), plan).unwrap();
}

fn simulated(folder: &Path, out: &str, seed: &str) -> Output {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let music = voices::path("music").to_str().unwrap().to_owned();
    let (list, plan, out) = (at("speakers.csv"), at("plan.toml"), at(out));
    run(&[
        "simulate",
        "--recordings",
        &list,
        "--music",
        &music,
        "--plan",
        &plan,
        "--out",
        &out,
        "--seed",
        seed,
    ])
}

#[test]
fn simulated_calls_are_read_back_and_are_the_people_they_claim() {
    let folder = folder();
    write_inputs(folder.path());
    let made = simulated(folder.path(), "calls", "3");
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    assert!(said(&made).contains("made 14 calls"), "{}", said(&made));
    let calls = folder.path().join("calls");
    let at = |name: &str| calls.join(name).to_str().unwrap().to_owned();

    // The lists of calls are lists of recordings for `earmark extract` as they are.
    let prints = |list: &str| -> Vec<Value> {
        let out = at(&format!("{list}.jsonl"));
        let read = run(&["extract", "--recordings", &at(list), "--out", &out]);
        assert_eq!(read.status.code(), Some(0), "{}", said(&read));
        let lines = std::fs::read_to_string(out).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let voiceprint = |value: &Value| -> Vec<f64> {
        value["voiceprint"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let models = prints("enroll.csv");
    assert_eq!(models.len(), 4);
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for probe in prints("trials.csv") {
        let name =
            |value: &Value| value["recording"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let person = |value: &Value| name(value).split('-').next().unwrap().to_owned();
        let half = |value: &Value| name(value).split('-').nth(1).unwrap().to_owned();
        for model in &models {
            let cosine: f64 = voiceprint(model).iter().zip(voiceprint(&probe)).map(|(a, b)| a * b).sum();
            if person(model) != person(&probe) {
                other.push(cosine);
            } else if half(model) != half(&probe) {
                own.push(cosine);
            }
        }
    }
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    assert!(mean(&own) > mean(&other) + 0.2, "{own:?} {other:?}");

    let manifest = std::fs::read_to_string(calls.join("manifest.jsonl")).unwrap();
    let recordings: BTreeSet<String> = manifest
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["recording"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(recordings.len(), 14);
    assert!(recordings.iter().all(|recording| calls.join(recording).is_file()));
}

#[test]
fn the_same_seed_writes_the_same_files() {
    let folder = folder();
    write_inputs(folder.path());
    for (out, seed) in [("first", "5"), ("again", "5"), ("other", "6")] {
        let made = simulated(folder.path(), out, seed);
        assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    }
    let read = |out: &str, file: &str| std::fs::read(folder.path().join(out).join(file)).unwrap();
    for file in ["manifest.jsonl", "trials.csv", "probes.csv", "calls/probe/carlo-1-p8s-0.wav"] {
        assert!(read("first", file) == read("again", file), "{file}");
        assert!(read("first", file) != read("other", file) || file == "trials.csv", "{file}");
    }
}

#[test]
fn plans_are_printed_and_wrong_ones_refused() {
    for preset in ["harsh", "typical", "clean", "not-speech"] {
        let printed = run(&["simulate", "--print-plan", preset]);
        assert_eq!(printed.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&printed.stdout).contains(&format!("preset \"{preset}\"")));
    }
    let folder = folder();
    write_inputs(folder.path());
    std::fs::write(folder.path().join("plan.toml"), "[noise]\nloudness = 3").unwrap();
    let refused = simulated(folder.path(), "calls", "1");
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said(&refused).contains("loudness") && said(&refused).contains("--print-plan"),
        "{}",
        said(&refused)
    );
    assert!(!folder.path().join("calls").exists());
    let nobody = run(&["simulate", "--out", folder.path().join("calls").to_str().unwrap()]);
    assert!(said(&nobody).contains("give a list of their recordings"), "{}", said(&nobody));
}
