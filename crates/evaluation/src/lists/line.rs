use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::EvaluationError;

/// The most bytes a list may have: 1 GiB, some ten million trials.
pub const MAX_LIST_BYTES: u64 = 1 << 30;
/// The most rows a list may have.
pub const MAX_ROWS: u64 = 10_000_000;
/// The most bytes a line may have; Kaldi's spk2utt puts all utterances of a speaker on one.
pub const MAX_LINE_BYTES: u64 = 1 << 20;

/// The lines of a list, one at a time, each within its limit, with its number.
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: u64,
    rows: u64,
    bytes: u64,
}

impl Lines {
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn open(path: &Path) -> Result<Self, EvaluationError> {
        let file =
            File::open(path).map_err(|source| EvaluationError::Read { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), reader: BufReader::new(file), number: 0, rows: 0, bytes: 0 })
    }

    /// The next line that is not empty, without its line end, and its number.
    ///
    /// # Errors
    /// When it cannot be read, is too long, is no UTF-8, or a limit of the list is reached.
    pub(super) fn next(&mut self) -> Result<Option<(u64, String)>, EvaluationError> {
        loop {
            let Some(text) = self.read()? else { return Ok(None) };
            if text.trim().is_empty() {
                continue;
            }
            self.rows += 1;
            if self.rows > MAX_ROWS {
                return Err(self.too_large("rows", MAX_ROWS));
            }
            return Ok(Some((self.number, text)));
        }
    }

    fn read(&mut self) -> Result<Option<String>, EvaluationError> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line);
        let read = read.map_err(|source| EvaluationError::Read { path: self.path.clone(), source })? as u64;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read;
        if read > MAX_LINE_BYTES {
            let (path, line) = (self.path.clone(), self.number);
            return Err(EvaluationError::LineTooLong { path, line, max: MAX_LINE_BYTES });
        }
        if self.bytes > MAX_LIST_BYTES {
            return Err(self.too_large("bytes", MAX_LIST_BYTES));
        }
        let text = String::from_utf8(line)
            .map_err(|_| self.malformed(self.number, "not UTF-8; save the list as UTF-8".to_owned()))?;
        let text = text.trim_end_matches(['\n', '\r']);
        // A byte order mark, as spreadsheets write it.
        let text = if self.number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        if text.contains('\0') {
            return Err(self.malformed(self.number, "a NUL byte; is it a list?".to_owned()));
        }
        Ok(Some(text.to_owned()))
    }

    pub(super) fn malformed(&self, line: u64, problem: String) -> EvaluationError {
        EvaluationError::Malformed { path: self.path.clone(), line, problem }
    }

    pub(super) fn too_large(&self, what: &'static str, max: u64) -> EvaluationError {
        EvaluationError::TooLarge { path: self.path.clone(), what, max }
    }
}

/// What stands in a list, short and without control characters, to show in an error.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut out: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    if text.chars().nth(MOST).is_some() {
        out.push('…');
    }
    format!("`{out}`")
}
