//! Who speaks in which recording.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::SimulationError;

/// The largest list, in bytes, and the most recordings in it.
const MAX_BYTES: u64 = 64 << 20;
const MAX_ROWS: usize = 200_000;
/// The longest name of a speaker, in bytes.
const MAX_NAME: usize = 128;

/// People with their clean recordings; empty by default.
#[derive(Debug, Clone, Default)]
pub struct Speakers {
    speakers: Vec<Speaker>,
    /// Where the list lies.
    folder: PathBuf,
}

#[derive(Debug, Clone)]
pub(crate) struct Speaker {
    name: String,
    gender: String,
    language: String,
    recordings: Vec<(PathBuf, String)>,
}

#[derive(Deserialize)]
struct Row {
    speaker: String,
    #[serde(alias = "path")]
    recording: PathBuf,
    #[serde(default)]
    session: String,
    #[serde(default)]
    gender: String,
    #[serde(default)]
    language: String,
}

impl Speakers {
    /// Reads a CSV with the columns `speaker,recording` and, if known, `session,gender,language`.
    /// Paths are relative to the list.
    ///
    /// # Errors
    /// [`SimulationError::ListFile`], [`SimulationError::List`] or [`SimulationError::Limit`].
    pub fn read(list: &Path) -> Result<Self, SimulationError> {
        let failed = |source| SimulationError::ListFile { path: list.to_owned(), source };
        let mut text = Vec::new();
        File::open(list).map_err(failed)?.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(limit("bytes of a list", text.len(), MAX_BYTES as usize));
        }
        let folder = list.parent().unwrap_or(Path::new("."));
        let mut speakers: BTreeMap<String, Speaker> = BTreeMap::new();
        let mut known = HashSet::new();
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_slice());
        for (count, row) in reader.deserialize::<Row>().enumerate() {
            let line = count as u64 + 2;
            let row = row.map_err(|error| refused(list, &error, line))?;
            let bad =
                |what: &str| SimulationError::List { path: list.to_owned(), line, what: what.to_owned() };
            if count >= MAX_ROWS {
                return Err(limit("recordings in a list", count + 1, MAX_ROWS));
            }
            if row.speaker.is_empty()
                || row.speaker.len() > MAX_NAME
                || row.speaker.chars().any(char::is_control)
            {
                return Err(bad("the speaker's name must have 1 to 128 bytes and no control characters"));
            }
            if row.recording.as_os_str().is_empty() {
                return Err(bad("the recording's path is empty"));
            }
            let path = folder.join(&row.recording);
            if !known.insert(path.clone()) {
                return Err(bad("this recording is in the list already; name it once"));
            }
            let speaker = speakers.entry(row.speaker.clone()).or_insert_with(|| Speaker::new(&row));
            speaker.recordings.push((path, row.session));
        }
        if speakers.is_empty() {
            return Err(SimulationError::List {
                path: list.to_owned(),
                line: 1,
                what: "it has no rows".to_owned(),
            });
        }
        Ok(Self { speakers: speakers.into_values().collect(), folder: folder.to_owned() })
    }

    pub(crate) fn all(&self) -> &[Speaker] {
        &self.speakers
    }

    /// A recording's path as the list has it.
    pub(crate) fn as_listed<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.folder).unwrap_or(path)
    }
}

fn refused(list: &Path, error: &csv::Error, line: u64) -> SimulationError {
    let what = match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} fields, and the first line has {expected_len}")
        }
        _ => "it can't be read as CSV".to_owned(),
    };
    let line = error.position().map_or(line, csv::Position::line);
    SimulationError::List {
        path: list.to_owned(),
        line,
        what: format!("{what}; needed are the columns speaker,recording"),
    }
}

fn limit(what: &'static str, found: usize, allowed: usize) -> SimulationError {
    SimulationError::Limit { what, found, allowed }
}

impl Speaker {
    fn new(row: &Row) -> Self {
        Self {
            name: row.speaker.clone(),
            gender: row.gender.clone(),
            language: row.language.clone(),
            recordings: Vec::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn gender(&self) -> &str {
        &self.gender
    }

    pub(crate) fn language(&self) -> &str {
        &self.language
    }

    pub(crate) fn recordings(&self) -> impl Iterator<Item = &Path> {
        self.recordings.iter().map(|(path, _)| path.as_path())
    }

    /// The recordings in two parts that share none: whole sessions where there are several, else every
    /// other recording. Of one recording, the second part is empty.
    pub(crate) fn halves(&self) -> [Vec<&Path>; 2] {
        let mut sessions: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
        for (path, session) in &self.recordings {
            sessions.entry(session).or_default().push(path);
        }
        let mut halves = [Vec::new(), Vec::new()];
        if sessions.len() < 2 {
            for (index, path) in self.recordings().enumerate() {
                halves[index % 2].push(path);
            }
            return halves;
        }
        let mut sessions: Vec<Vec<&Path>> = sessions.into_values().collect();
        // The largest first, each to the smaller half; equal ones stay in the order of their names.
        sessions.sort_by_key(|paths| std::cmp::Reverse(paths.len()));
        for paths in sessions {
            let smaller = usize::from(halves[1].len() < halves[0].len());
            halves[smaller].extend(paths);
        }
        halves
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Result<Speakers, SimulationError> {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.csv");
        std::fs::write(&list, text).unwrap();
        Speakers::read(&list)
    }

    fn names(half: &[&Path]) -> Vec<String> {
        half.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn halves_are_whole_sessions_or_every_other_recording() {
        let text = b"recording,speaker,session,gender\n1,a,s1,f\n2,a,s1,f\n3,a,s2,f\n4,a,s3,f\n5,b,,m\n6,b,,m\n7,b,,m\n8,c,,\n";
        let speakers = read(text).unwrap();
        let halves: Vec<[Vec<String>; 2]> =
            speakers.all().iter().map(|s| s.halves().map(|h| names(&h))).collect();
        assert_eq!(halves[0], [vec!["1", "2"], vec!["3", "4"]]);
        assert_eq!(halves[1], [vec!["5", "7"], vec!["6"]]);
        assert_eq!(halves[2], [vec!["8"], vec![]]);
        assert_eq!((speakers.all()[0].gender(), speakers.all()[1].name()), ("f", "b"));
    }

    #[test]
    fn wrong_lists_say_which_line_and_what_to_do() {
        for (text, line, said) in [
            (&b"speaker,file\na,b\n"[..], 2, "missing field `recording`"),
            (b"speaker,recording\na,b\na\n", 3, "1 fields"),
            (b"speaker,recording\na,b\n,c\n", 3, "name must have"),
            (b"speaker,recording\na,b\nc,\n", 3, "path is empty"),
            (b"speaker,recording\na,b\na,b\n", 3, "in the list already"),
            (b"speaker,recording\na,b\nc,b\n", 3, "in the list already"),
            (b"speaker,recording\n\xff\xfe,b\n", 2, "UTF-8"),
            (b"speaker,recording\n", 1, "no rows"),
            (b"", 1, "no rows"),
        ] {
            match read(text) {
                Err(SimulationError::List { line: found, what, .. }) => {
                    assert!(what.contains(said) && found == line, "{line} {said}: {found} {what}");
                }
                other => panic!("{said}: {other:?}"),
            }
        }
        assert!(matches!(Speakers::read(Path::new("/no/list.csv")), Err(SimulationError::ListFile { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_list_panics(rows in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut text = b"speaker,recording,session\n".to_vec();
            text.extend(rows);
            if let Ok(speakers) = read(&text) {
                for speaker in speakers.all() {
                    let [first, second] = speaker.halves();
                    prop_assert_eq!(first.len() + second.len(), speaker.recordings().count());
                    prop_assert!(!first.is_empty());
                }
            }
        }
    }
}
