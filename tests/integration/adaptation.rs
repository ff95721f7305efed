//! `earmark adapt` over real voices: what it writes is what the other commands read and score by.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::server::{EARMARK, folder, models};
use crate::harness::voices;

const PEOPLE: [&str; 6] = ["allison", "armelle", "carlo", "ivrvoice", "june", "paola"];
/// Played at another speed a voice is another voice: three of each person.
const SPEEDS: [u32; 3] = [6_700, 8_000, 9_500];
/// Recordings of each voice, in two sessions.
const RECORDINGS: usize = 4;

fn adapt(list: &Path, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(EARMARK);
    command.arg("adapt").args(["--no-live", "--name", "toy"]).args(more);
    command.arg("--recordings").arg(list).arg("--out").arg(out).env("EARMARK_MODELS", models());
    command.output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Recordings of eighteen voices and their list.
fn material(folder: &Path) -> PathBuf {
    let mut list = "recording,speaker,session,set,gender,codec\n".to_owned();
    for person in PEOPLE {
        let mut clips = voices::clips(person, "enroll");
        clips.extend(voices::clips(person, "call"));
        let samples: Vec<i16> = clips.iter().flat_map(|clip| voices::samples(clip)).collect();
        for speed in SPEEDS {
            for (at, part) in samples.chunks(samples.len().div_ceil(RECORDINGS)).enumerate() {
                let file = format!("{person}-{speed}-{at}.wav");
                let spec = hound::WavSpec {
                    channels: 1,
                    sample_rate: speed,
                    bits_per_sample: 16,
                    sample_format: hound::SampleFormat::Int,
                };
                let mut wav = hound::WavWriter::create(folder.join(&file), spec).expect("a file");
                part.iter().for_each(|s| wav.write_sample(*s).expect("a sample"));
                wav.finalize().expect("a file");
                list += &format!("{file},{person}-{speed},{},a,,none\n", at % 2);
            }
        }
    }
    let path = folder.join("list.csv");
    std::fs::write(&path, list).expect("a file");
    path
}

/// The shipped model with another back end.
fn model_with(folder: &Path, back_end: &Path) -> PathBuf {
    let shipped = models().join("campplus-phone-192");
    let model = folder.join("model");
    std::fs::create_dir(&model).expect("a folder");
    for file in ["model.toml", "campplus.onnx", "voice_gate.f32"] {
        std::os::unix::fs::symlink(shipped.join(file), model.join(file)).expect("a link");
    }
    std::os::unix::fs::symlink(back_end, model.join("backend")).expect("a link");
    model
}

#[test]
fn a_back_end_of_own_recordings_is_made_kept_and_used() {
    let scratch = folder();
    let (list, cache) = (material(scratch.path()), scratch.path().join("cache"));
    let cache = cache.to_str().expect("a path");
    let out = scratch.path().join("new");
    let first = adapt(&list, &out, &["--cache", cache]);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let report = std::fs::read_to_string(out.join("report.md")).expect("a report");
    for part in
        ["| report | 18 | 18 | 72 |", "## What was tried", "AS-norm", "PLDA", "Chosen: **", "## Proxy list"]
    {
        assert!(report.contains(part), "{part} in\n{report}");
    }
    // The voiceprints were kept, for their owner only.
    let mode = |p: &Path| std::fs::metadata(p).expect("a file").permissions().mode() & 0o777;
    let kept: Vec<_> =
        std::fs::read_dir(cache).expect("a folder").map(|f| f.expect("a file").path()).collect();
    assert_eq!((kept.len(), mode(Path::new(cache))), (72, 0o700));
    assert!(kept.iter().all(|p| mode(p) == 0o600));
    // From them the same bytes come again; one that is damaged is made anew.
    std::fs::write(&kept[0], b"damaged").expect("a file");
    let again = scratch.path().join("again");
    let second = adapt(&list, &again, &["--cache", cache]);
    assert_eq!(first.stdout, second.stdout, "{}", text(&second.stderr));
    assert!(text(&first.stdout).starts_with("toy ("));
    let read = |folder: &Path, file: &str| std::fs::read(folder.join(file)).ok();
    for file in ["backend.toml", "mean.f32", "projection.f32", "cohort.f32", "report.md"] {
        assert_eq!(read(&out, file), read(&again, file), "{file}");
    }

    let model = model_with(scratch.path(), &out);
    let run = |arguments: &[&str], files: &[PathBuf]| {
        let mut command = Command::new(EARMARK);
        command.args(arguments).arg("--model").arg(&model).args(files).env("EARMARK_MODELS", models());
        command.output().expect("the program runs")
    };
    let verified = run(&["model", "verify"], &[]);
    assert!(text(&verified.stdout).contains("toy ("), "{}", text(&verified.stderr));
    let file = |clip: &str| voices::path("voices").join(clip).with_extension("flac");
    let files = |part: &str| voices::clips("carlo", part).iter().map(|c| file(c)).collect::<Vec<_>>();
    let data = scratch.path().join("data");
    let data = data.to_str().expect("a path");
    let enrolled = run(&["enroll", "--data", data, "--customer", "1"], &files("enroll"));
    assert_eq!(enrolled.status.code(), Some(0), "{}", text(&enrolled.stderr));
    let screened = run(&["screen", "--data", data, "--customer", "1", "--json"], &files("call")[..1]);
    assert_eq!(screened.status.code(), Some(0), "{}", text(&screened.stderr));
    let id = text(&first.stdout).trim().trim_end_matches(')').rsplit('(').next().map(str::to_owned);
    assert!(text(&screened.stdout).contains("\"verdict\""), "{}", text(&screened.stdout));
    assert!(id.is_some_and(|id| id.len() == 64));
}

#[test]
fn without_speakers_only_the_domain_moves() {
    let scratch = folder();
    let list = material(scratch.path());
    let bare = std::fs::read_to_string(&list).expect("a list");
    let bare: Vec<&str> = bare.lines().map(|l| l.split(',').next().unwrap_or_default()).collect();
    std::fs::write(&list, bare.join("\n")).expect("a list");
    let out = scratch.path().join("new");
    let done = adapt(&list, &out, &["--no-cache"]);
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let report = std::fs::read_to_string(out.join("report.md")).expect("a report");
    assert!(report.contains("| mean of the domain | new"), "{report}");
    let shipped = models().join("campplus-phone-192").join("backend");
    let read = |folder: &Path, file: &str| std::fs::read(folder.join(file)).ok();
    assert_eq!(read(&out, "projection.f32"), read(&shipped, "projection.f32"));
    let mean = read(&out, "mean.f32");
    assert!(mean.is_some() && mean != read(&shipped, "mean.f32"));
}

#[test]
fn a_list_that_makes_no_sense_says_so() {
    let scratch = folder();
    let clip = voices::path("voices").join("carlo/01.flac");
    let refused = |list: &str, said: &str| {
        let path = scratch.path().join("list.csv");
        std::fs::write(&path, list.replace("CLIP", clip.to_str().expect("a path"))).expect("a list");
        let output = adapt(&path, &scratch.path().join("new"), &["--no-cache"]);
        assert_ne!(output.status.code(), Some(0));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        assert!(!scratch.path().join("new/backend.toml").exists());
    };
    refused("file\nCLIP\n", "column `recording`");
    refused("recording\nCLIP\nCLIP\n", "in the list twice");
    refused("recording\nCLIP\n", "50 are needed");
    refused("recording,speaker\nCLIP,a\n", "10 are needed");
    refused("recording,speaker,use\nCLIP,a,shoe\n", "it may be report, train, test or empty");
    refused("recording,speaker,side\nCLIP,a,left\n", "it may be enroll, probe or empty");
}
