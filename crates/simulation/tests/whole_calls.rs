//! Whole simulations over the repository's own voices.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use earmark_audio::{Limits, RecordingReader};
use earmark_simulation::{
    Folder, Materials, OutputFormat, Plan, Preset, Simulation, SimulationError, Speakers,
};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data")
}

/// The repository's voices as a list of recordings, those of `people` only.
fn list(folder: &Path, people: &[&str]) -> PathBuf {
    let manifest = std::fs::read_to_string(data().join("voices/manifest.csv")).unwrap();
    let mut text = String::from("speaker,recording,gender\n");
    for line in manifest.lines().skip(1) {
        let path = line.split(',').next().unwrap();
        let person = path.split('/').next().unwrap();
        if people.contains(&person) {
            let path = data().join("voices").join(path).canonicalize().unwrap();
            text += &format!("{person},{},\n", path.display());
        }
    }
    let list = folder.join("speakers.csv");
    std::fs::write(&list, text).unwrap();
    list
}

const PEOPLE: [&str; 4] = ["allison", "carlo", "june", "paola"];

const SMALL: &str = "
[probes]
net_speech_s = [5.0]
[enrollment]
net_speech_s = 8.0
[trials]
nontargets_per_probe = 0
";

fn simulation(people: &[&str], plan: &str, seed: u64) -> Simulation {
    let folder = tempfile::tempdir().unwrap();
    let speakers = Speakers::read(&list(folder.path(), people)).unwrap();
    let materials = Materials::new(speakers).with_music(Folder::open(&data().join("music")).unwrap());
    Simulation::new(Plan::parse(plan).unwrap(), materials, seed, OutputFormat::Pcm16).unwrap()
}

fn without_amr(plan: &str) -> String {
    format!(
        "codecs = [{{ chain = [\"gsm\", \"alaw\"], weight = 1.0 }}, {{ chain = [\"opus\"], weight = 1.0 }}]\n{plan}"
    )
}

fn rows(path: PathBuf) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path).unwrap();
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn lists_manifest_and_calls_fit_together() {
    let folder = tempfile::tempdir().unwrap();
    let simulation = simulation(&PEOPLE, &without_amr(SMALL), 7);
    let summary = simulation.write(folder.path(), 2, |_| ()).unwrap();
    // Two halves of four people: two enrollment calls and one probe each.
    assert_eq!(summary.calls, 4 * 2 * 3);
    let manifest = std::fs::read_to_string(folder.path().join("manifest.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = manifest.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), summary.calls);
    let clips = |line: &serde_json::Value| -> BTreeSet<String> {
        let marks = line["marks"].as_array().unwrap().iter().filter(|mark| mark["what"] == "speech");
        marks.map(|mark| mark["clip"].as_str().unwrap().to_owned()).collect()
    };
    let by_recording = |recording: &str| lines.iter().find(|line| line["recording"] == recording).unwrap();
    for line in &lines {
        let wanted = line["wanted_net_speech_s"].as_f64().unwrap();
        let net = line["net_speech_s"].as_f64().unwrap();
        assert!((net - wanted).abs() <= 0.11, "{net} s instead of {wanted}");
        let path = folder.path().join(line["recording"].as_str().unwrap());
        let mut reader = RecordingReader::open(&path, &Limits::default()).unwrap();
        assert_eq!((reader.info().sample_rate_hz, reader.info().channels), (8000, 1));
        while reader.next_block().unwrap().is_some() {}
        assert!((reader.frames() as f64 / 8000.0 - line["seconds"].as_f64().unwrap()).abs() < 0.001);
    }
    let enroll = rows(folder.path().join("enroll.csv"));
    assert_eq!(enroll[0], ["model", "recording"]);
    let mut targets = 0;
    for trial in &rows(folder.path().join("trials.csv"))[1..] {
        let probe = by_recording(&trial[1]);
        for row in enroll.iter().filter(|row| row[0] == trial[0]) {
            let model = by_recording(&row[1]);
            assert_eq!(trial[2] == "target", model["speaker"] == probe["speaker"]);
            assert!(
                clips(model).is_disjoint(&clips(probe)),
                "{} and {} share recordings",
                trial[0],
                trial[1]
            );
        }
        targets += usize::from(trial[2] == "target");
    }
    // Eight probes, each against the models from one and two calls of the other half.
    assert_eq!(targets, 16);
    for suffix in ["", "-swapped"] {
        let watchlist = rows(folder.path().join(format!("watchlist{suffix}.csv")));
        let listed: BTreeSet<&String> = watchlist[1..].iter().map(|row| &row[0]).collect();
        assert_eq!(listed.len(), 2);
        for probe in &rows(folder.path().join(format!("probes{suffix}.csv")))[1..] {
            assert_eq!(probe[3] == "1", listed.contains(&probe[1]));
            for row in watchlist.iter().filter(|row| row[0] == probe[1]) {
                assert!(clips(by_recording(&row[1])).is_disjoint(&clips(by_recording(&probe[0]))));
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let call =
        |seed, number| simulation(&PEOPLE[..2], &without_amr(SMALL), seed).call(number).unwrap().unwrap();
    for number in [0, 5] {
        let (once, again) = (call(3, number), call(3, number));
        assert!(once.samples() == again.samples() && once.manifest() == again.manifest());
        assert!(once.samples() != call(4, number).samples());
    }
}

#[test]
fn one_more_speaker_leaves_the_other_calls_as_they_were() {
    // Babble and double talk take the others of the list; all else must not know of them.
    let alone = format!(
        "{}[noise]\nweights = {{ pink = 1.0, street = 1.0 }}\n[double_talk]\nshare = 0.0\n",
        without_amr(SMALL)
    );
    let (few, more) = (simulation(&PEOPLE[1..3], &alone, 5), simulation(&PEOPLE, &alone, 5));
    // allison comes first in the longer list, with six calls.
    for number in 0..few.len() {
        let (a, b) = (few.call(number).unwrap().unwrap(), more.call(number + 6).unwrap().unwrap());
        assert_eq!(a.manifest(), b.manifest());
        assert!(a.samples() == b.samples());
    }
}

#[test]
fn harsh_calls_go_through_every_codec() {
    let plan = format!("{SMALL}\n[loss]\nshare = 0.5\n[double_talk]\nshare = 0.5\n[gaps]\nshare = 0.3\n");
    let folder = tempfile::tempdir().unwrap();
    let speakers = Speakers::read(&list(folder.path(), &PEOPLE)).unwrap();
    let parsed = Plan::parse(&plan).unwrap();
    let simulation = match Simulation::new(parsed, Materials::new(speakers), 11, OutputFormat::Alaw) {
        Err(SimulationError::CodecLibrary { .. }) => {
            eprintln!("skipped: libopencore-amrnb0 is not installed");
            return;
        }
        made => made.unwrap(),
    };
    let mut codecs = BTreeSet::new();
    for number in 0..simulation.len() {
        let call = simulation.call(number).unwrap().unwrap();
        assert!(call.samples().iter().any(|sample| *sample != 0));
        let line: serde_json::Value = serde_json::from_str(&call.manifest()).unwrap();
        let level = line["channel"]["level_dbfs"].as_f64().unwrap();
        assert!((-34.0..=-14.0).contains(&level));
        for codec in line["channel"]["codecs"].as_array().unwrap() {
            codecs.insert(
                codec.as_str().unwrap().trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').to_owned(),
            );
        }
    }
    assert_eq!(codecs.into_iter().collect::<Vec<_>>(), ["alaw", "amr", "gsm", "opus", "ulaw"]);
}

#[test]
fn calls_without_speech_need_no_speakers_and_have_every_kind() {
    let plan = without_amr("based_on = \"not-speech\"\n[not_speech]\ncalls = 60\nseconds = [2.0, 4.0]\n");
    let materials = Materials::default().with_prompts(Folder::open(&data().join("voices/june")).unwrap());
    let simulation = Simulation::new(Plan::parse(&plan).unwrap(), materials, 2, OutputFormat::Pcm16).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let summary = simulation.write(folder.path(), 2, |_| ()).unwrap();
    assert_eq!((summary.calls, summary.net_speech_s), (60, 0.0));
    let probes = rows(folder.path().join("probes.csv"));
    let kinds: BTreeSet<&str> = probes[1..].iter().map(|row| row[4].as_str()).collect();
    assert_eq!(Vec::from_iter(kinds), ["dtmf", "mix", "music", "noise", "prompt", "ringback", "silence"]);
    assert!(probes[1..].iter().all(|row| row[1] == "-" && row[3] == "0"));
}

#[test]
fn presets_are_plans() {
    for preset in Preset::ALL {
        Plan::preset(preset).unwrap();
        assert_eq!(Preset::named(preset.name()), Some(preset));
    }
}
