//! What is written: every file, its exact columns and keys, and pages that stand alone. The pages
//! made here from synthetic scores are left in the build folder's tmp/reports, to be looked at.

#![allow(clippy::unwrap_used, reason = "a test, its helpers included")]

use std::path::{Path, PathBuf};

use earmark_evaluation::lists::Columns;
use earmark_evaluation::metrics::SplitMix64;
use earmark_evaluation::{
    Best, CallRow, CallsInput, CallsResult, Candidate, EvaluationError, IdentifyInput, IdentifyProbe,
    IdentifyResult, IdentifySystem, SystemScores, VerifyInput, VerifyResult, VerifyTrial,
};
use serde_json::Value;

const CODECS: [&str; 4] = ["g711-alaw", "gsm", "amr-4.75", "opus-8"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports").join(name)
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

fn columns(random: &mut SplitMix64, speaker: usize) -> Columns {
    let gender = if speaker.is_multiple_of(2) { "female" } else { "male" };
    let snr = 4.0 + 22.0 * random.uniform();
    let pairs = [
        ("codec", CODECS[random.below(4)].to_owned()),
        ("snr_db", format!("{snr:.1}")),
        ("gender", gender.to_owned()),
        ("language", if speaker.is_multiple_of(3) { "en" } else { "zh" }.to_owned()),
    ];
    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

/// Calls of 60 speakers against 60 models, as a fair system would score them: worse with little
/// speech.
fn verify_input(hostile: &str) -> VerifyInput {
    let mut random = SplitMix64::new(11);
    let (mut trials, mut peer, mut mfcc) = (Vec::new(), Vec::new(), Vec::new());
    for call in 0..240 {
        let speaker = call % 60;
        let columns = columns(&mut random, speaker);
        let net_speech_s = 2.0 + 20.0 * random.uniform();
        let spread = 2.2 + 2.0 / net_speech_s;
        for model in 0..60 {
            let target = model == speaker;
            let llr = if target { 6.5 } else { -8.0 } + spread * random.normal();
            let scored = call % 97 != 5;
            peer.push(scored.then(|| if target { 0.62 } else { 0.3 } + 0.11 * random.normal()));
            mfcc.push(scored.then(|| if target { -2.0 } else { -2.8 } + 0.8 * random.normal()));
            trials.push(VerifyTrial {
                model: format!("m{model:02}"),
                recording: format!("calls/{speaker:02}-{call:03}{hostile}.wav"),
                target,
                cosine: scored.then_some(llr / 20.0),
                llr: scored.then_some(llr),
                net_speech_s: Some(net_speech_s),
                columns: columns.clone(),
            });
        }
    }
    let system = |name: &str, title: &str, scores| SystemScores {
        name: name.to_owned(),
        title: title.to_owned(),
        scores,
        calibrated: false,
    };
    VerifyInput {
        title: format!("听牌 Earmark{hostile}"),
        trials,
        enrollments: Vec::new(),
        others: vec![
            system("peer", "CAM++ 原网络，整段，余弦 whole call, cosine", peer),
            system("mfcc", "高斯 MFCC 基线 Gaussian MFCC", mfcc),
        ],
        facts: vec![
            ("model".to_owned(), format!("campplus-phone-192{hostile}")),
            (
                "command".to_owned(),
                "earmark evaluate verify --enroll enroll.csv --trials trials.csv".to_owned(),
            ),
        ],
        ..VerifyInput::default()
    }
}

fn identify_input(hostile: &str) -> IdentifyInput {
    let mut random = SplitMix64::new(12);
    let (mut probes, mut peer) = (Vec::new(), Vec::new());
    for call in 0..4000_usize {
        let speaker = call % 200;
        let listed = speaker < 60;
        let columns = columns(&mut random, speaker);
        let llr = if listed { 8.0 } else { 0.5 } + 2.4 * random.normal();
        let right = listed && random.uniform() < 0.985;
        let entry = |name: String, llr| Candidate { entry: name, llr };
        let mut candidates: Vec<_> =
            (1..6).map(|i| entry(format!("other{i}"), llr - 2.0 * f64::from(i))).collect();
        candidates.push(entry(if right { format!("s{speaker}") } else { "other".to_owned() }, llr));
        if call % 500 == 7 {
            candidates.clear();
        }
        let weak = if listed { 5.0 } else { 1.5 } + 2.4 * random.normal();
        peer.push((call % 500 != 7).then_some(Best { score: weak, right: right && weak > 1.0 }));
        probes.push(IdentifyProbe {
            recording: format!("c{call}{hostile}.wav"),
            speaker: format!("s{speaker}"),
            claimed: None,
            listed,
            tagged: !candidates.is_empty() && llr > 6.0,
            candidates,
            net_speech_s: Some(2.0 + 20.0 * random.uniform()),
            columns,
        });
    }
    IdentifyInput {
        title: format!("听牌 Earmark{hostile}"),
        probes,
        list_size: 180,
        threshold: Some(6.0),
        promised_false_tag_rate: Some(0.005),
        others: vec![IdentifySystem {
            name: "peer".to_owned(),
            title: "CAM++ 原网络，整段，余弦 whole call, cosine".to_owned(),
            best: peer,
        }],
        facts: vec![("command".to_owned(), "earmark evaluate identify --watchlist watchlist.csv".to_owned())],
        ..IdentifyInput::default()
    }
}

fn calls_input(hostile: &str) -> CallsInput {
    let mut random = SplitMix64::new(13);
    let calls = (0..1500_usize).map(|call| {
        let speaker = call % 150;
        let listed = speaker < 30;
        let columns = columns(&mut random, speaker);
        let llr = if listed { 8.5 } else { 0.0 } + 2.4 * random.normal();
        let tagged = llr >= 6.0;
        let own = speaker.is_multiple_of(3);
        let verdict = match (tagged, own) {
            (true, _) => "SUSPECTED_PROXY",
            (false, true) => "MATCH",
            (false, false) => "MISMATCH",
        };
        CallRow {
            recording: format!("c{call}{hostile}.wav"),
            speaker: format!("s{speaker}"),
            claimed: Some(if own { format!("s{speaker}") } else { format!("k{call}") }),
            listed,
            tagged,
            tagged_right: tagged && listed,
            verdict: if call % 101 == 3 { format!("ODD{hostile}") } else { verdict.to_owned() },
            seconds_to_decision: (call % 40 != 0).then(|| 3.0 + 6.0 * random.uniform()),
            net_speech_s: Some(4.0 + 30.0 * random.uniform()),
            best_llr: Some(llr),
            best_right: listed,
            threshold: Some(6.0),
            columns,
        }
    });
    CallsInput {
        title: "听牌 Earmark".to_owned(),
        calls: calls.collect(),
        list_size: 180,
        customers: 50,
        facts: vec![("command".to_owned(), format!("earmark evaluate calls{hostile}"))],
        ..CallsInput::default()
    }
}

/// Nothing is loaded from elsewhere, nothing is left unescaped, and no number is missing.
fn stands_alone(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    for outside in ["<script", "src=", "href=", "@import", "url(http", "onload", "<img"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for number in ["NaN", ">inf", "-inf", "=\"inf", "null"] {
        assert!(!page.contains(number), "{number}");
    }
    let urls = page.matches("http").count();
    assert_eq!(urls, page.matches("http://www.w3.org/2000/svg").count());
}

const HOSTILE: &str = "<script>alert('x')</script>\"&";

#[test]
fn verify_writes_its_five_files() {
    let folder = folder("verify");
    let result = VerifyResult::new(verify_input("")).unwrap();
    result.write(&folder).unwrap();
    let scores = read(&folder, "scores.csv");
    let mut lines = scores.lines();
    assert_eq!(lines.next(), Some("model,recording,label,cosine,llr,net_speech_s"));
    assert!(lines.next().unwrap().starts_with("m00,calls/00-000.wav,target,0."));
    assert_eq!(scores.lines().count(), 1 + 240 * 60);
    assert!(scores.lines().any(|l| l.contains("nontarget,,,")), "a trial without a score has empty fields");
    let metrics: Value = serde_json::from_str(&read(&folder, "metrics.json")).unwrap();
    let shipped = &metrics["systems"]["earmark"];
    let eer = shipped["eer_rocch"]["value"].as_f64().unwrap();
    let interval = &shipped["eer_rocch"]["interval"];
    assert!(interval[0].as_f64().unwrap() <= eer && eer <= interval[1].as_f64().unwrap() && eer > 0.0);
    assert_eq!(metrics["trials"]["speakers"], 60);
    assert_eq!(shipped["operating_points"][0]["prior"], 0.01);
    assert!(shipped["operating_points"][1]["actual_dcf"]["value"].is_f64());
    assert!(
        metrics["systems"]["peer"]["cllr"].is_null() && metrics["systems"]["mfcc"]["eer"]["value"].is_f64()
    );
    assert!(shipped["unscored_as_errors"]["eer"].as_f64() > shipped["eer"]["value"].as_f64());
    assert_eq!(metrics["breakdown"]["codec"].as_array().unwrap().len(), 4);
    let det = read(&folder, "det.svg");
    assert!(det.starts_with("<svg") && det.contains("clip-path=\"url(#det)\""));
    assert!(read(&folder, "calibration.svg").contains("Cllr"));
    stands_alone(&read(&folder, "report.html"));
}

#[test]
fn identify_writes_its_files() {
    let folder = folder("identify");
    IdentifyResult::new(identify_input("")).unwrap().write(&folder).unwrap();
    let scores = read(&folder, "scores.csv");
    let lines: Vec<&str> = scores.lines().collect();
    assert_eq!(lines[0], "recording,speaker,listed,rank,entry,llr,tagged");
    assert!(lines[1].starts_with("c0.wav,s0,1,1,s0,") && lines[5].starts_with("c0.wav,s0,1,5,other4,"));
    assert!(lines.contains(&"c7.wav,s7,1,,,,0"), "a probe without a voiceprint has one row");
    let metrics: Value = serde_json::from_str(&read(&folder, "metrics.json")).unwrap();
    let tpir = metrics["systems"]["earmark"]["tpir_at_fpir"].as_array().unwrap();
    let rates: Vec<f64> = tpir.iter().map(|t| t["fpir"].as_f64().unwrap()).collect();
    assert_eq!(rates, [0.001, 0.003, 0.01, 0.03]);
    assert!(tpir[0]["few"].as_bool().unwrap() && !tpir[3]["few"].as_bool().unwrap());
    assert!(
        tpir[2]["tpir"]["value"].as_f64()
            > metrics["systems"]["peer"]["tpir_at_fpir"][2]["tpir"]["value"].as_f64()
    );
    assert!(metrics["tags"]["false_tags_per_1000"]["interval"][1].is_f64());
    assert_eq!(metrics["warnings"][0]["code"], "few_unlisted");
    assert!(read(&folder, "tpir.svg").starts_with("<svg"));
    stands_alone(&read(&folder, "report.html"));
}

#[test]
fn calls_write_their_files() {
    let folder = folder("calls");
    let result = CallsResult::new(calls_input("")).unwrap();
    result.write(&folder).unwrap();
    assert!(read(&folder, "decisions.csv").starts_with("recording,speaker,claimed,listed,verdict,tagged,"));
    let metrics: Value = serde_json::from_str(&read(&folder, "metrics.json")).unwrap();
    assert_eq!(metrics["calls"]["listed_proxies"], 300);
    let customers = &metrics["customers_tagged_per_1000"];
    assert_eq!((customers["total"].as_u64(), customers["count"].as_u64()), (Some(400), Some(1)));
    assert!(metrics["seconds_to_decision"]["customers"]["p50"].is_f64());
    // The shipped threshold, moved by nothing, tags what was tagged.
    let same = metrics["what_if_threshold"].as_array().unwrap().iter().find(|t| t["shift"] == 0.0).unwrap();
    assert_eq!(same["found"], metrics["tags"]["found"]);
    let worth: Vec<f64> = metrics["what_if_prior"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["precision"]["value"].as_f64().unwrap())
        .collect();
    assert!(worth.is_sorted() && worth[0] < 0.9 && worth[6] > 0.9, "{worth:?}");
    stands_alone(&read(&folder, "report.html"));
}

/// Keys of an object and of all below it, but not those that come from outside.
fn keys(value: &Value, found: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                found.insert(key.clone());
                match (key.as_str(), value) {
                    ("run", _) => {}
                    ("verdicts", Value::Object(below)) => found.extend(below.keys().cloned()),
                    ("systems" | "breakdown", Value::Object(below)) => {
                        below.values().for_each(|v| keys(v, found));
                    }
                    _ => keys(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|v| keys(v, found)),
        _ => {}
    }
}

#[test]
fn every_key_is_documented() {
    let folder = tempfile::tempdir().unwrap();
    let mut found = std::collections::BTreeSet::new();
    for name in ["verify", "identify", "calls"] {
        let at = folder.path().join(name);
        match name {
            "verify" => VerifyResult::new(verify_input("")).unwrap().write(&at).unwrap(),
            "identify" => IdentifyResult::new(identify_input("")).unwrap().write(&at).unwrap(),
            _ => CallsResult::new(calls_input("")).unwrap().write(&at).unwrap(),
        }
        keys(&serde_json::from_str(&read(&at, "metrics.json")).unwrap(), &mut found);
    }
    let readme = include_str!("../README.md");
    let missing: Vec<_> = found.iter().filter(|k| !readme.contains(&format!("`{k}`"))).collect();
    assert!(missing.is_empty(), "not in README.md: {missing:?}");
}

#[test]
fn what_comes_from_outside_cannot_become_markup() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["v", "i", "c"] {
        let at = folder.path().join(name);
        match name {
            "v" => VerifyResult::new(verify_input(HOSTILE)).unwrap().write(&at).unwrap(),
            "i" => IdentifyResult::new(identify_input(HOSTILE)).unwrap().write(&at).unwrap(),
            _ => CallsResult::new(calls_input(HOSTILE)).unwrap().write(&at).unwrap(),
        }
        let page = read(&at, "report.html");
        stands_alone(&page);
        assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
    }
    assert!(!read(&folder.path().join("v"), "det.svg").contains("<script"));
}

#[test]
fn a_second_run_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| {
        let at = folder.path().join(name);
        CallsResult::new(calls_input("")).unwrap().write(&at).unwrap();
        ["metrics.json", "report.html", "decisions.csv"].map(|file| read(&at, file))
    });
    assert_eq!(a, b);
    // Only the files themselves, no temporary ones.
    assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 3);
}

#[test]
fn small_and_one_sided_tests_are_written_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut input = identify_input("");
    input.others.clear();
    input.probes.retain(|p| p.listed);
    let result = IdentifyResult::new(input).unwrap();
    assert!(result.systems()[0].figures.tpir.is_empty());
    result.write(&folder.path().join("listed")).unwrap();
    let mut input = calls_input("");
    input.calls.retain(|c| !c.listed);
    input.calls.truncate(1);
    CallsResult::new(input).unwrap().write(&folder.path().join("one")).unwrap();
    for name in ["listed", "one"] {
        stands_alone(&read(&folder.path().join(name), "report.html"));
    }
    let mut input = verify_input("");
    input.others.clear();
    input.trials.truncate(2);
    let result = VerifyResult::new(input).unwrap();
    assert_eq!(result.systems()[0].figures.eer.interval, None);
    result.write(&folder.path().join("two")).unwrap();
    stands_alone(&read(&folder.path().join("two"), "report.html"));
}

#[test]
fn what_cannot_be_is_refused() {
    let mut input = verify_input("");
    input.others[0].scores.pop();
    assert!(matches!(VerifyResult::new(input), Err(EvaluationError::Length { .. })));
    let mut input = verify_input("");
    input.others[1].scores[3] = Some(f64::NAN);
    let found = VerifyResult::new(input);
    assert!(matches!(found, Err(EvaluationError::NotFinite { system, index: 3 }) if system == "mfcc"));
    let mut input = identify_input("");
    input.probes[2].candidates[0].llr = f64::INFINITY;
    assert!(matches!(IdentifyResult::new(input), Err(EvaluationError::NotFinite { index: 2, .. })));
    let mut input = calls_input("");
    input.calls[1].threshold = Some(f64::NAN);
    assert!(matches!(CallsResult::new(input), Err(EvaluationError::NotFinite { index: 1, .. })));
    let mut input = calls_input("");
    input.options.bootstrap.level = 1.0;
    assert!(matches!(CallsResult::new(input), Err(EvaluationError::BadSetting(_))));
    assert!(matches!(CallsResult::new(CallsInput::default()), Err(EvaluationError::Nothing("calls"))));
    let file = tempfile::NamedTempFile::new().unwrap();
    let result = CallsResult::new(calls_input("")).unwrap();
    assert!(matches!(result.write(file.path()), Err(EvaluationError::Write { .. })));
}
