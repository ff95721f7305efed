//! backend.toml as it is written; nothing outside this crate sees these types.

use serde::Deserialize;

/// The first field only, so that a newer file is called newer and not malformed.
#[derive(Deserialize)]
pub(crate) struct Versioned {
    pub(crate) format: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) description: String,
    pub(crate) data: Vec<Source>,
    pub(crate) mean: MeanFile,
    pub(crate) projection: Option<ProjectionFile>,
    /// From format 2 on.
    pub(crate) plda: Option<RawPlda>,
    /// From format 2 on.
    pub(crate) cohort: Option<CohortFile>,
    pub(crate) calibration: RawCalibration,
}

/// A collection of speech that the fit used.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) license: String,
    pub(crate) attribution: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeanFile {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) dimension: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectionFile {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// Variances of the space before the factors of [`crate::Plda::scale`], one a dimension.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawPlda {
    pub(crate) between: Vec<f64>,
    pub(crate) within: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CohortFile {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) voices: usize,
    /// How many of them, the nearest, stand beside one voice.
    pub(crate) top: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCalibration {
    /// The sha256 of the cohort whose normalized scores it was fitted on; none for plain scores.
    pub(crate) cohort: Option<String>,
    pub(crate) slope: f64,
    pub(crate) offset: f64,
    pub(crate) llr_min: f64,
    pub(crate) llr_max: f64,
    #[serde(default)]
    pub(crate) term: Vec<RawTerm>,
    /// [LLR in nats, rate] pairs, at one look.
    pub(crate) false_matches: Vec<(f64, f64)>,
    /// The same at any look of a live call.
    pub(crate) live_false_matches: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTerm {
    pub(crate) input: String,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) center: f64,
    pub(crate) scale: f64,
    pub(crate) slope: f64,
    pub(crate) offset: f64,
}
