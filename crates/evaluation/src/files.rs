use std::io::Write;
use std::path::{Path, PathBuf};

use crate::EvaluationError;

/// An output folder: made when it is not there; a file in it is either the old or the new one whole.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn create(path: &Path) -> Result<Self, EvaluationError> {
        std::fs::create_dir_all(path).map_err(|source| write_error(path, source))?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn text(&self, name: &str, text: &str) -> Result<(), EvaluationError> {
        self.with(name, |file| file.write_all(text.as_bytes()))
    }

    pub(crate) fn json(&self, name: &str, value: &serde_json::Value) -> Result<(), EvaluationError> {
        self.with(name, |file| writeln!(file, "{value:#}"))
    }

    /// A table with this header; rows of text fields, quoted where needed.
    pub(crate) fn csv<const N: usize>(
        &self,
        name: &str,
        header: [&str; N],
        rows: impl Iterator<Item = [String; N]>,
    ) -> Result<(), EvaluationError> {
        self.with(name, |file| {
            let mut writer = csv::Writer::from_writer(file);
            writer.write_record(header)?;
            for row in rows {
                writer.write_record(&row)?;
            }
            writer.flush()
        })
    }

    fn with(
        &self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), EvaluationError> {
        let path = self.0.join(name);
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
            let mut buffer = std::io::BufWriter::new(&mut file);
            fill(&mut buffer)?;
            buffer.flush()?;
            drop(buffer);
            readable(&file)?;
            file.persist(&path).map(|_| ()).map_err(|e| e.error)
        };
        write().map_err(|source| write_error(&path, source))
    }
}

/// Temporary files are private to their maker; a report is to be read by others as the folder is.
#[cfg(unix)]
fn readable(file: &tempfile::NamedTempFile) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &tempfile::NamedTempFile) -> std::io::Result<()> {
    Ok(())
}

fn write_error(path: &Path, source: std::io::Error) -> EvaluationError {
    EvaluationError::Write { path: path.to_owned(), source }
}

/// A number of a table, in as many places as are needed; empty where there is none.
pub(crate) fn field(value: Option<f64>, places: usize) -> String {
    value.filter(|v| v.is_finite()).map_or_else(String::new, |v| format!("{v:.places$}"))
}
