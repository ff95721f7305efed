use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use earmark_scoring::{CalibrationFit, FORMAT};
use sha2::{Digest, Sha256};

use crate::AdaptationError;

/// A collection of speech that a back end was trained on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its license.
    pub license: String,
    /// Whom to name.
    pub attribution: String,
}

/// A back end as it will stand in files.
#[derive(Clone)]
pub struct Fitted {
    pub(crate) model: String,
    pub(crate) mean: Vec<f32>,
    /// Rows, columns, row after row.
    pub(crate) projection: Option<(usize, usize, Vec<f32>)>,
    /// The variances between and within speakers, where PLDA scores.
    pub(crate) plda: Option<(Vec<f64>, Vec<f64>)>,
    /// The cohort's voices one after the other, how many numbers each has, how many are taken.
    pub(crate) cohort: Option<(Vec<f32>, usize, usize)>,
    pub(crate) calibration: CalibrationFit,
    pub(crate) description: String,
}

impl Fitted {
    /// Writes the folder that `earmark_scoring::BackEndBundle::open` reads: `backend.toml` last, so
    /// that a folder with one is whole. The cohort is readable by its owner only: it holds
    /// voiceprints.
    ///
    /// # Errors
    /// [`AdaptationError::Write`] names what could not be written.
    pub fn write(&self, folder: &Path, name: &str, sources: &[Source]) -> Result<(), AdaptationError> {
        let failed = |source| AdaptationError::Write { path: folder.into(), source };
        DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(failed)?;
        let mut out = head(&self.model, name, &self.description, sources);
        out += "\n[mean]  # subtracted from a voiceprint\n";
        out += &floats(folder, "mean.f32", &self.mean, 0o644)?.0;
        out += &format!("dimension = {}\n", self.mean.len());
        if let Some((rows, columns, values)) = &self.projection {
            out += "\n[projection]  # then multiplied with, row after row\n";
            out += &floats(folder, "projection.f32", values, 0o644)?.0;
            out += &format!("rows = {rows}\ncolumns = {columns}\n");
        }
        if let Some((between, within)) = &self.plda {
            out += "\n[plda]  # scores in place of the cosine; variances between and within speakers\n";
            out += &format!("between = {between:?}\nwithin = {within:?}\n");
        }
        let mut cohort_hash = None;
        if let Some((values, dimension, top)) = &self.cohort {
            let (lines, hash) = floats(folder, "cohort.f32", values, 0o600)?;
            out += "\n[cohort]  # scores are normalized by the `top` voices nearest to each side\n";
            out += &lines;
            out += &format!("voices = {}\ntop = {top}\n", values.len() / dimension);
            cohort_hash = Some(hash);
        }
        out += &calibration(&self.calibration, cohort_hash.as_deref());
        put(folder, "backend.toml", out.as_bytes(), 0o644)
    }
}

fn head(model: &str, name: &str, description: &str, sources: &[Source]) -> String {
    let mut out = String::from(
        "# A back end and its calibration, read by crates/scoring; unknown keys are refused.\n\
         # Written by `earmark adapt`: do not edit, adapt again.\n\n",
    );
    let _ = writeln!(out, "format = {FORMAT}\nname = {}", quoted(name));
    let _ = writeln!(out, "model = {}  # the model whose voiceprints it takes", quoted(model));
    let _ = writeln!(out, "description = {}", quoted(description));
    if sources.is_empty() {
        out += "data = []\n";
    }
    for source in sources {
        let _ = write!(
            out,
            "\n[[data]]\nname = {}\nlicense = {}\nattribution = {}\n",
            quoted(&source.name),
            quoted(&source.license),
            quoted(&source.attribution)
        );
    }
    out
}

fn calibration(fit: &CalibrationFit, cohort: Option<&str>) -> String {
    let mut out = String::from(
        "\n# llr = exp(slope + sum of the terms' slope * z) * score + offset + sum of the terms' offset * z,\n\
         # z = (value clamped to low..high - center) / scale; natural logarithm; clamped to llr_min..llr_max.\n\
         [calibration]\n",
    );
    if let Some(hash) = cohort {
        let _ = writeln!(out, "cohort = \"{hash}\"  # its scores are normalized by these voices");
    }
    let CalibrationFit { slope, offset, terms, llr_min, llr_max, false_matches, live_false_matches } = fit;
    let _ = write!(
        out,
        "slope = {slope:?}\noffset = {offset:?}\nllr_min = {llr_min:?}\nllr_max = {llr_max:?}\n\
         # [llr, the part of comparisons between two people that reach it], at one look and at any\n\
         # look of a live call; measured as far as the report says, then by a fitted tail.\n"
    );
    for (key, curve) in [("false_matches", false_matches), ("live_false_matches", live_false_matches)] {
        let _ = writeln!(out, "{key} = [");
        for (llr, rate) in curve.points() {
            let _ = writeln!(out, "    [{llr:?}, {rate:.4e}],");
        }
        out += "]\n";
    }
    for t in terms {
        let _ = write!(
            out,
            "\n[[calibration.term]]\ninput = \"{}\"\nlow = {:?}\nhigh = {:?}\ncenter = {:?}\nscale = {:?}\n\
             slope = {:?}\noffset = {:?}\n",
            t.input.name(),
            t.low,
            t.high,
            t.center,
            t.scale,
            t.slope,
            t.offset
        );
    }
    out
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Writes numbers as little-endian float32; gives the manifest's lines about them and their hash.
fn floats(folder: &Path, file: &str, values: &[f32], mode: u32) -> Result<(String, String), AdaptationError> {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    put(folder, file, &bytes, mode)?;
    let hash: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    Ok((format!("file = \"{file}\"\nsha256 = \"{hash}\"\n"), hash))
}

fn put(folder: &Path, file: &str, bytes: &[u8], mode: u32) -> Result<(), AdaptationError> {
    let (path, scratch) = (folder.join(file), folder.join(format!(".{file}.new")));
    let write = || {
        let mut options = OpenOptions::new();
        let mut out = options.write(true).create(true).truncate(true).mode(mode).open(&scratch)?;
        out.write_all(bytes)?;
        out.sync_all()?;
        std::fs::rename(&scratch, &path)
    };
    write().map_err(|source| AdaptationError::Write { path: path.clone(), source })
}
