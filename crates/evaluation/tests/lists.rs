//! Lists of all formats, good and hostile.

#![allow(clippy::unwrap_used, reason = "a test, its helpers included")]

use std::path::{Path, PathBuf};

use earmark_evaluation::EvaluationError;
use earmark_evaluation::lists::{
    ListFormat, MAX_LINE_BYTES, TrialSources, VerificationList, check_listed, read_enrollments, read_probes,
    read_verification,
};
use proptest::prelude::*;
use tempfile::TempDir;

struct Lists(TempDir);

impl Lists {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, trials: &str, enroll: Option<&str>) -> Result<VerificationList, EvaluationError> {
        let (trials, enroll) = (self.at(trials), enroll.map(|e| self.at(e)));
        let sources = TrialSources {
            trials: &trials,
            enroll: enroll.as_deref(),
            wav_scp: None,
            root: None,
            format: ListFormat::Detect,
        };
        read_verification(&sources)
    }
}

const ENROLL: (&str, &str) = ("enroll.csv", "model,recording\nm1,a.wav\nm1,sub/b.wav\nm2,/abs/c.wav\n");

#[test]
fn csv_with_columns_in_any_order() {
    let trials = "\u{feff}label,extra,recording,codec,snr_db,model\r\ntarget,x,t 1.wav,gsm,12.5,m1\r\n\r\nNonTarget,,\"t,2.wav\",,,m2\r\n";
    let lists = Lists::new(&[ENROLL, ("trials.csv", trials)]);
    let list = lists.read("trials.csv", Some("enroll.csv")).unwrap();
    assert_eq!(list.enrollments.len(), 3);
    assert_eq!(list.enrollments[1].recording.path(), lists.at("sub/b.wav"));
    assert_eq!(list.enrollments[2].recording.path(), Path::new("/abs/c.wav"));
    let [first, second] = &list.trials[..] else { panic!("{:?}", list.trials) };
    assert!(first.target && !second.target);
    assert_eq!((first.model.as_str(), first.recording.name()), ("m1", "t 1.wav"));
    assert_eq!(first.recording.path(), lists.at("t 1.wav"));
    let columns: Vec<_> = first.columns.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(columns, [("codec", "gsm"), ("snr_db", "12.5")]);
    assert_eq!((second.recording.name(), second.line, second.columns.len()), ("t,2.wav", 4, 0));
}

#[test]
fn kaldi_lists_in_both_directions() {
    let lists = Lists::new(&[
        ("wav.scp", "u1 wav/u1.wav\nu2 /abs/u 2.wav\nu3\twav/u3.wav\n"),
        ("spk2utt", "1 u1 u2\ns2 u3\n"),
        ("utt2spk", "u1 1\nu2 1\nu3 s2\n"),
        ("trials", "1 u3 nontarget\ns2 u3 target\n"),
    ]);
    let list = lists.read("trials", Some("spk2utt")).unwrap();
    assert_eq!(list, lists.read("trials", Some("utt2spk")).unwrap());
    assert_eq!(list.enrollments[1].recording.name(), "u2");
    assert_eq!(list.enrollments[1].recording.path(), Path::new("/abs/u 2.wav"));
    assert_eq!(list.trials[1].recording.path(), lists.at("wav/u3.wav"));
    assert!(list.trials[1].target && !list.trials[0].target);
}

#[test]
fn voxceleb_lists_bring_their_enrollments() {
    let trials = "1 id1/a.wav id1/b.wav\n0 id1/a.wav id2/c.wav\n0 id2/d.wav id1/b.wav\n";
    let lists = Lists::new(&[("veri_test.txt", trials)]);
    let list = lists.read("veri_test.txt", None).unwrap();
    let models: Vec<_> = list.enrollments.iter().map(|e| (e.model.as_str(), e.recording.name())).collect();
    assert_eq!(models, [("id1/a.wav", "id1/a.wav"), ("id2/d.wav", "id2/d.wav")]);
    assert_eq!(list.trials.iter().map(|t| t.target).collect::<Vec<_>>(), [true, false, false]);
    let trials = lists.at("veri_test.txt");
    let root = Some(Path::new("/voxceleb/wav"));
    let sources =
        TrialSources { trials: &trials, enroll: None, wav_scp: None, root, format: ListFormat::VoxCeleb };
    let list = read_verification(&sources).unwrap();
    assert_eq!(list.trials[0].recording.path(), Path::new("/voxceleb/wav/id1/b.wav"));
}

#[test]
fn probes_and_whether_they_agree_with_the_list() {
    let watchlist = ("watchlist.csv", "model,recording\np1,a.wav\n");
    let probes = "recording,speaker,claimed,listed\nx.wav,p1,c9,1\ny.wav,c1,,0\n";
    let lists = Lists::new(&[
        watchlist,
        ("probes.csv", probes),
        ("wrong.csv", "listed,claimed,speaker,recording\n0,,c1,x.wav\n1,,p2,y.wav\n"),
        ("other.csv", "listed,claimed,speaker,recording\n0,,p1,x.wav\n"),
    ]);
    let list = read_enrollments(&lists.at("watchlist.csv"), None).unwrap();
    let read = |name: &str| read_probes(&lists.at(name), None).unwrap();
    let probes = read("probes.csv");
    assert_eq!((probes[0].claimed.as_deref(), probes[1].claimed.as_deref()), (Some("c9"), None));
    assert!(probes[0].listed && !probes[1].listed);
    check_listed(&lists.at("probes.csv"), &probes, &list).unwrap();
    for (name, line) in [("wrong.csv", 3), ("other.csv", 2)] {
        let error = check_listed(&lists.at(name), &read(name), &list);
        assert!(matches!(error, Err(EvaluationError::Malformed { line: l, .. }) if l == line));
    }
}

/// The text of the error that a trial list gives.
fn refused(trials: &str) -> String {
    let lists =
        Lists::new(&[ENROLL, ("trials.csv", trials), ("wav.scp", "u1 a.wav\nu2 sox b.wav -t wav - |\n")]);
    let error = lists.read("trials.csv", Some("enroll.csv")).unwrap_err();
    error.to_string().replace(&format!("{}/", lists.0.path().display()), "")
}

#[test]
fn errors_say_where_and_what_to_do() {
    let check = |trials: &str, expect: &str| {
        let found = refused(trials);
        assert!(found.contains(expect), "{found}\nshould say: {expect}");
    };
    check("", "trials.csv has no rows");
    check("model,recording,label\n", "trials.csv has no rows");
    check("model,label\nm1,target\n", "has no column recording; its header needs model,recording,label");
    check("model,recording,label,model\n", "trials.csv line 1: column model stands twice");
    check("model,recording,label\nm1,a.wav\n", "trials.csv line 2: 2 fields where the header has 3");
    check("model,recording,label\nm1,a.wav,same\n", "line 2: label is `same`, expected target or nontarget");
    check("model,recording,label\n,a.wav,target\n", "line 2: model is empty");
    check("model,recording,label\nm9,a.wav,target\n", "line 2: model `m9` is not in the enrollments");
    check("model,recording,label\n\"m1,a.wav,target\n", "line 2: a quote is not closed");
    check("model,recording,label\nm1,a\0.wav,target\n", "line 2: a NUL byte");
    check("what is this\n", "is no trial list that is known");
    check("m1 u1 target\n", "wav.scp line 2 is a command pipe, which is not run");
    check(&format!("model,recording,label\nm1,{},target\n", "x".repeat(1 << 20)), "line 2 is longer than");
    check("model,recording,label\nm1,\u{1b}[31mred,same\n", "label is `same`");
}

#[test]
fn hostile_files_end_early() {
    let lists = Lists::new(&[ENROLL]);
    let long = lists.at("long");
    std::fs::write(&long, vec![b'x'; MAX_LINE_BYTES as usize * 2]).unwrap();
    assert!(matches!(lists.read("long", None), Err(EvaluationError::LineTooLong { line: 1, .. })));
    std::fs::write(lists.at("binary"), [0xff, 0xfe, b'\n']).unwrap();
    assert!(matches!(lists.read("binary", None), Err(EvaluationError::Malformed { line: 1, .. })));
    let wide = format!("model,recording,label{}\n", ",x".repeat(300));
    std::fs::write(lists.at("wide"), wide).unwrap();
    assert!(matches!(lists.read("wide", Some("enroll.csv")), Err(EvaluationError::TooLarge { .. })));
    assert!(matches!(lists.read("absent", None), Err(EvaluationError::Read { .. })));
    assert!(matches!(lists.read(".", None), Err(EvaluationError::Read { .. })));
    std::fs::write(lists.at("csv"), "model,recording,label\nm1,a,target\n").unwrap();
    assert!(matches!(lists.read("csv", None), Err(EvaluationError::MissingList(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let lists = Lists::new(&[ENROLL]);
        std::fs::write(lists.at("any"), &bytes).unwrap();
        let _ = lists.read("any", Some("enroll.csv"));
        let _ = read_probes(&lists.at("any"), None);
        let _ = read_enrollments(&lists.at("any"), None);
    }

    #[test]
    fn any_lines_of_words_are_read_or_refused(text in "((m1|u1|target|nontarget|1|0|model|,|\"|\\|) ?){0,12}(\n((m1|u1|target|1|,|\") ?){0,6}){0,4}") {
        let lists = Lists::new(&[ENROLL, ("wav.scp", "u1 a.wav\n"), ("spk2utt", &text), ("trials", &text)]);
        for enroll in ["enroll.csv", "spk2utt"] {
            let _ = lists.read("trials", Some(enroll));
        }
    }
}
