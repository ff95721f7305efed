use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::symlink;

use super::*;

fn put(folder: &Path, names: &[&str]) {
    for name in names {
        fs::write(folder.join(name), name).unwrap();
    }
}

/// The names in a folder of the shelf, hidden ones left out.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    let files = entries.filter(|e| e.file_type().unwrap().is_file());
    let mut names: Vec<_> = files.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}

#[test]
fn what_is_finished_goes_with_all_that_belongs_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), false).unwrap();
    for _ in 0..2 {
        put(folder.path(), &["a.wav", "a.json", "a.done", "b.json"]);
        shelf.finish(OsStr::new("a.wav"), "{}").unwrap();
    }
    assert_eq!(names(folder.path()), ["b.json"]);
    let expected = ["a.2.json", "a.2.wav", "a.2.wav.result.json", "a.json", "a.wav", "a.wav.result.json"];
    assert_eq!(names(&shelf.done), expected);
}

#[test]
fn what_failed_goes_with_its_reason_until_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), false).unwrap();
    put(folder.path(), &["a.wav", "a.json"]);
    shelf.set_aside(OsStr::new("a.wav"), &Refused::BothParties).unwrap();
    assert_eq!(names(&shelf.failed), ["a.json", "a.wav", "a.wav.reason.txt"]);
    let reason = fs::read_to_string(shelf.failed.join("a.wav.reason.txt")).unwrap();
    assert!(reason.starts_with("MIXED_REFUSED\n") && reason.contains("--mixed mark"), "{reason}");
    for name in ["a.wav", "a.json"] {
        fs::rename(shelf.failed.join(name), folder.path().join(name)).unwrap();
    }
    shelf.finish(OsStr::new("a.wav"), "{}").unwrap();
    assert!(names(&shelf.failed).is_empty());
}

#[test]
fn any_name_can_be_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), false).unwrap();
    let hostile =
        [b"\xff\xfe\n.wav".to_vec(), b"-rf.wav".to_vec(), [b"x".repeat(250), b".wav".to_vec()].concat()];
    for name in hostile.map(OsString::from_vec) {
        fs::write(folder.path().join(&name), "x").unwrap();
        shelf.set_aside(&name, &Refused::NameNotUtf8).unwrap();
        assert!(!folder.path().join(&name).exists());
    }
    assert_eq!(fs::read_dir(&shelf.failed).unwrap().count(), 6);
}

#[test]
fn one_that_stays_has_its_result_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), true).unwrap();
    put(folder.path(), &["a.wav", "a.json"]);
    assert!(!shelf.has_result(OsStr::new("a.wav")));
    shelf.finish(OsStr::new("a.wav"), "{}").unwrap();
    assert_eq!(names(folder.path()), ["a.json", "a.wav", "a.wav.result.json"]);
    assert!(shelf.has_result(OsStr::new("a.wav")));
}

#[test]
fn a_killed_run_is_finished_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), false).unwrap();
    put(&shelf.done, &["a.wav", "a.wav.result.json", ".earmark-unfinished-1-1"]);
    put(folder.path(), &["a.json", "a.done", "to-come.json", "c.wav", "c.json"]);
    put(&shelf.failed, &["c.wav"]);
    let done = shelf.done.clone();
    drop(shelf);
    Shelf::open(folder.path(), false).unwrap();
    assert_eq!(names(folder.path()), ["c.json", "c.wav", "to-come.json"]);
    assert_eq!(names(&done), ["a.json", "a.wav", "a.wav.result.json"]);
    assert!(!done.join(".earmark-unfinished-1-1").exists());
}

#[test]
fn a_folder_is_one_processs_and_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::open(folder.path(), false).unwrap();
    assert!(Shelf::open(folder.path(), false).is_err_and(|e| e.to_string().contains("another process")));
    drop(shelf);
    fs::remove_dir(folder.path().join("done")).unwrap();
    symlink("/tmp", folder.path().join("done")).unwrap();
    assert!(Shelf::open(folder.path(), false).is_err_and(|e| e.to_string().contains("no folder of its own")));
}
