//! A process killed while it saves leaves the file it had or the file it was writing.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::keyring::Keyring;
use super::{space, spoken, voices};
use crate::{EntryId, Gallery};

const FOLDER: &str = "EARMARK_INDEX_CRASH_FOLDER";
const ROWS: usize = 300;
const KILLS: usize = 12;

fn keyring() -> Keyring {
    Keyring::new("k", 9)
}

/// The process to be killed: saves round after round, each with another net speech.
#[test]
fn saves_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let gallery = Gallery::new(space(), 64);
    let prints: Vec<_> = voices(1, 64).take(ROWS).collect();
    for round in 1u32.. {
        let batch = prints.iter().map(|print| spoken(print.values(), round as f32));
        gallery.put_many(&(0..).map(EntryId).zip(batch).collect::<Vec<_>>()).unwrap();
        gallery.save(&Path::new(&folder).join("gallery"), &keyring()).unwrap();
        println!("\nsaved {round}");
    }
}

/// Waits for `saves` saves, then kills the saver wherever it is; gives the last round it reported.
fn save_and_kill(folder: &Path, saves: usize) -> u32 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::crash::saves_until_killed", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let rounds = lines.filter_map(|line| line.unwrap().strip_prefix("saved ")?.parse().ok());
    let last = rounds.take(saves).last();
    child.kill().unwrap();
    child.wait().unwrap();
    last.unwrap()
}

#[test]
fn killed_at_any_moment_the_file_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    for kill in 1..=KILLS {
        let reported = save_and_kill(folder.path(), kill);
        let gallery = Gallery::open(&folder.path().join("gallery"), &space(), 64, &keyring()).unwrap();
        let snapshot = gallery.snapshot();
        let rounds: Vec<f32> =
            (0..ROWS as u64).map(|id| snapshot.get(EntryId(id)).unwrap().net_speech().seconds()).collect();
        assert!(rounds.iter().all(|round| *round == rounds[0]) && snapshot.len() == ROWS);
        assert!(rounds[0] >= reported as f32, "an acknowledged save is lost");
    }
    let gallery = Gallery::new(space(), 64);
    gallery.save(&folder.path().join("gallery"), &keyring()).unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 1, "what killed saves left is swept by the next");
}
