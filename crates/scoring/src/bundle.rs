use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use earmark_voiceprint::{MAX_DIMENSION, ModelId};
use sha2::{Digest, Sha256};

use crate::manifest::{CohortFile, Manifest, ProjectionFile, RawCalibration, RawTerm, Versioned};
use crate::{
    BackEnd, Calibration, CalibrationFit, Cohort, FalseMatches, Input, MAX_COHORT, Plda, Projection,
    ScoringError, Term,
};

/// The newest format of backend.toml that this version reads. Format 2 brought the cohort and PLDA.
pub const FORMAT: u32 = 2;

/// The most bytes backend.toml may have.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;

const MANIFEST: &str = "backend.toml";

/// A back end and its calibration as they are shipped: a folder with `backend.toml` and the files
/// it names, each checked against its sha256. `earmark adapt` makes one.
///
/// `mean.f32` holds the mean as little-endian float32; `projection.f32`, where there is one, the
/// matrix row after row; `cohort.f32`, where there is one, the voices of the cohort one after the
/// other, as they are in the back end's space.
#[derive(Clone, Debug)]
pub struct BackEndBundle {
    name: String,
    description: String,
    attributions: Vec<String>,
    back_end: BackEnd,
    plda: Option<Plda>,
    cohort: Option<Cohort>,
    calibration: Calibration,
}

impl BackEndBundle {
    /// Reads and checks a folder. It is bound to one model: see [`BackEndBundle::require_model`].
    ///
    /// # Errors
    /// [`ScoringError`]: unreadable, too large, malformed, newer, corrupt, or numbers of no fit.
    pub fn open(folder: &Path) -> Result<Self, ScoringError> {
        let path = folder.join(MANIFEST);
        let bytes = read(&path, MAX_MANIFEST_BYTES)?;
        let manifest = parse(&path, &bytes)?;
        let mean = floats(folder, &manifest.mean.file, &manifest.mean.sha256, manifest.mean.dimension)?;
        let projection = manifest.projection.as_ref().map(|p| open_projection(folder, p)).transpose()?;
        let back_end = BackEnd::new(ModelId::from_stored(&manifest.model), &mean, projection)?;
        check_binding(&path, &manifest)?;
        let plda = manifest.plda.as_ref().map(|p| Plda::new(&p.between, &p.within)).transpose()?;
        let cohort = |file| open_cohort(folder, file, back_end.dimension(), plda.as_ref());
        let cohort = manifest.cohort.as_ref().map(cohort).transpose()?;
        let fit = fit(&path, manifest.calibration)?;
        let calibration = Calibration::new(back_end.space().clone(), &sha256(&bytes), fit)?;
        let attributions =
            manifest.data.iter().map(|d| format!("{} ({}): {}", d.name, d.license, d.attribution)).collect();
        let (name, description) = (manifest.name, manifest.description);
        let bundle = Self { name, description, attributions, back_end, plda, cohort, calibration };
        bundle.check_parts()?;
        Ok(bundle)
    }

    /// From parts that were fitted together, without any file; [`crate::Matcher::new`] checks that
    /// they are of one space.
    #[must_use]
    pub fn new(
        name: &str,
        back_end: BackEnd,
        plda: Option<Plda>,
        cohort: Option<Cohort>,
        calibration: Calibration,
    ) -> Self {
        let (name, description, attributions) = (name.to_owned(), String::new(), Vec::new());
        Self { name, description, attributions, back_end, plda, cohort, calibration }
    }

    /// Checks that all parts are of one space.
    pub(crate) fn check_parts(&self) -> Result<(), ScoringError> {
        let dimension = self.back_end.dimension();
        let plda = self.plda.as_ref().map(Plda::dimension);
        let cohort = self.cohort.as_ref().map(Cohort::dimension);
        if [plda, cohort].into_iter().flatten().all(|d| d == dimension)
            && self.calibration.space() == self.back_end.space()
        {
            return Ok(());
        }
        Err(ScoringError::BadFit("its parts are of different spaces or dimensions".into()))
    }

    /// Checks that it was fitted for this model.
    ///
    /// # Errors
    /// [`ScoringError::OtherModel`] if it was not.
    pub fn require_model(&self, model: &ModelId) -> Result<(), ScoringError> {
        if self.back_end.model() == model {
            return Ok(());
        }
        Err(ScoringError::OtherModel { bound: self.back_end.model().clone(), given: model.clone() })
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it was made.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whose speech it was fitted on: name, license and attribution of each collection.
    #[must_use]
    pub fn attributions(&self) -> &[String] {
        &self.attributions
    }

    /// The map to the compensated space.
    #[must_use]
    pub fn back_end(&self) -> &BackEnd {
        &self.back_end
    }

    /// What scores in place of the cosine, where the back end has it.
    #[must_use]
    pub fn plda(&self) -> Option<&Plda> {
        self.plda.as_ref()
    }

    /// The voices that scores are normalized by, where the back end has them.
    #[must_use]
    pub fn cohort(&self) -> Option<&Cohort> {
        self.cohort.as_ref()
    }

    /// The calibration of scores in that space.
    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest, ScoringError> {
    let malformed = |detail: String| ScoringError::Malformed { path: path.into(), detail };
    let text = std::str::from_utf8(bytes).map_err(|e| malformed(e.to_string()))?;
    let toml_error = |e: toml::de::Error| malformed(e.message().to_owned());
    let found = toml::from_str::<Versioned>(text).map_err(toml_error)?.format;
    if found > FORMAT {
        return Err(ScoringError::NewerFormat { path: path.into(), found, supported: FORMAT });
    }
    toml::from_str(text).map_err(toml_error)
}

/// Parts that a format had not yet, and a calibration fitted with another cohort, are refused.
fn check_binding(path: &Path, manifest: &Manifest) -> Result<(), ScoringError> {
    let malformed = |detail: &str| Err(ScoringError::Malformed { path: path.into(), detail: detail.into() });
    if manifest.format < 2 && (manifest.cohort.is_some() || manifest.plda.is_some()) {
        return malformed("format 1 has no cohort and no plda");
    }
    let shipped = manifest.cohort.as_ref().map(|c| c.sha256.to_ascii_lowercase());
    if manifest.calibration.cohort.as_ref().map(|c| c.to_ascii_lowercase()) != shipped {
        return malformed("the calibration was fitted with another cohort; fit the back end again");
    }
    Ok(())
}

fn open_cohort(
    folder: &Path,
    file: &CohortFile,
    dimension: usize,
    plda: Option<&Plda>,
) -> Result<Cohort, ScoringError> {
    if file.voices > MAX_COHORT {
        return Err(ScoringError::BadFit(format!(
            "a cohort of {} voices, more than {MAX_COHORT}",
            file.voices
        )));
    }
    let values = floats(folder, &file.file, &file.sha256, file.voices * dimension)?;
    if plda.is_some_and(|p| p.dimension() != dimension) {
        return Err(ScoringError::BadFit("its plda is of another dimension".into()));
    }
    Cohort::new(dimension, &values, file.top, plda)
}

fn fit(path: &Path, raw: RawCalibration) -> Result<CalibrationFit, ScoringError> {
    let terms = raw.term.iter().map(|t| term(path, t)).collect::<Result<_, _>>()?;
    let RawCalibration { slope, offset, llr_min, llr_max, .. } = raw;
    let false_matches = FalseMatches::new(&raw.false_matches)?;
    let live_false_matches = FalseMatches::new(&raw.live_false_matches)?;
    Ok(CalibrationFit { slope, offset, terms, llr_min, llr_max, false_matches, live_false_matches })
}

fn term(path: &Path, raw: &RawTerm) -> Result<Term, ScoringError> {
    let RawTerm { low, high, center, scale, slope, offset, .. } = *raw;
    let Some(input) = Input::named(&raw.input) else {
        let detail = format!("no condition is called {:?}", raw.input);
        return Err(ScoringError::Malformed { path: path.into(), detail });
    };
    Ok(Term { input, low, high, center, scale, slope, offset })
}

fn open_projection(folder: &Path, file: &ProjectionFile) -> Result<Projection, ScoringError> {
    let count = file.rows.saturating_mul(file.columns);
    Projection::new(file.rows, file.columns, &floats(folder, &file.file, &file.sha256, count)?)
}

/// Reads `count` little-endian float32 from a file of the folder whose sha256 must be `expected`.
fn floats(folder: &Path, name: &str, expected: &str, count: usize) -> Result<Vec<f32>, ScoringError> {
    let path = plain_name(folder, name)?;
    let most = count.min(MAX_DIMENSION * MAX_COHORT) * size_of::<f32>();
    let bytes = read(&path, most as u64)?;
    if sha256(&bytes) != expected.to_ascii_lowercase() {
        return Err(ScoringError::Corrupt { path });
    }
    let (numbers, rest) = bytes.as_chunks::<4>();
    if numbers.len() != count || !rest.is_empty() {
        let detail = format!("{} bytes can't be {count} numbers of 4 bytes", bytes.len());
        return Err(ScoringError::Malformed { path, detail });
    }
    Ok(numbers.iter().map(|b| f32::from_le_bytes(*b)).collect())
}

/// The manifest names files beside itself and nothing else on the disk.
fn plain_name(folder: &Path, name: &str) -> Result<PathBuf, ScoringError> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) => Ok(folder.join(name)),
        _ => {
            let detail = format!("{name:?} is not the name of a file beside it");
            Err(ScoringError::Malformed { path: folder.join(MANIFEST), detail })
        }
    }
}

fn read(path: &Path, max: u64) -> Result<Vec<u8>, ScoringError> {
    let failed = |source| ScoringError::Read { path: path.into(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max {
        return Err(ScoringError::TooLarge { path: path.into(), max });
    }
    Ok(bytes)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::{Cosine, NetSpeech, Voiceprint};
    use proptest::prelude::*;

    use super::*;
    use crate::Side;

    const TEMPLATE: &str = r#"
        format = 1
        name = "toy-telephone"
        model = "toy/0"
        description = "made by a test"

        [[data]]
        name = "nobody"
        license = "CC0-1.0"
        attribution = "nobody spoke"

        [mean]
        file = "mean.f32"
        sha256 = "MEAN"
        dimension = 2

        [projection]
        file = "projection.f32"
        sha256 = "PROJECTION"
        rows = 2
        columns = 2

        [calibration]
        slope = 3.0
        offset = -8.0
        llr_min = -9.0
        llr_max = 12.0
        false_matches = [[0.0, 0.01], [5.0, 0.0001]]
        live_false_matches = [[0.0, 0.02], [5.0, 0.0003]]

        [[calibration.term]]
        input = "probe_log_speech"
        low = 1.0
        high = 3.0
        center = 2.0
        scale = 0.5
        slope = 0.1
        offset = -0.5
    "#;

    /// A good folder, its manifest changed by `edit`.
    fn folder(edit: impl Fn(String) -> String) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, values: &[f32]| {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            std::fs::write(folder.path().join(name), &bytes).unwrap();
            sha256(&bytes)
        };
        let mean = write("mean.f32", &[0.1, 0.2]);
        let projection = write("projection.f32", &[1.0, 0.0, 0.0, 2.0]);
        let manifest = TEMPLATE.replace("MEAN", &mean).replace("PROJECTION", &projection);
        std::fs::write(folder.path().join(MANIFEST), edit(manifest)).unwrap();
        folder
    }

    fn refused(edit: impl Fn(String) -> String) -> ScoringError {
        BackEndBundle::open(folder(edit).path()).unwrap_err()
    }

    #[test]
    fn opens_what_the_fit_writes() {
        let folder = folder(|m| m);
        let bundle = BackEndBundle::open(folder.path()).unwrap();
        assert_eq!((bundle.name(), bundle.description()), ("toy-telephone", "made by a test"));
        assert_eq!(bundle.attributions(), ["nobody (CC0-1.0): nobody spoke"]);
        let speech = NetSpeech::from_seconds(1.0);
        let print = Voiceprint::from_embedding(ModelId::new("toy", "0"), &[1.1, 0.2], speech).unwrap();
        let moved = bundle.back_end().apply(&print).unwrap();
        assert_eq!(moved.model(), bundle.calibration().space());
        // ln 1 s is below the range, so 1.0: z = -2, slope e^2.8, offset -7.
        let side = Side::single(speech, None);
        let llr = bundle.calibration().llr(Cosine::from_dot(0.5), &side, &side).nats();
        assert!((llr - (2.8f64.exp() * 0.5 - 7.0)).abs() < 1e-9);
        let manifest = std::fs::read(folder.path().join(MANIFEST)).unwrap();
        assert_eq!(bundle.calibration().id(), sha256(&manifest));
    }

    /// The manifest of format 2 with a cohort of three voices and PLDA.
    fn with_cohort(folder: &Path) {
        let values: [f32; 6] = [1.0, 0.0, 0.6, 0.8, 0.0, 1.0];
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(folder.join("cohort.f32"), &bytes).unwrap();
        let hash = sha256(&bytes);
        let parts = format!(
            "[plda]\nbetween = [0.3, 0.2]\nwithin = [0.1, 0.2]\n[cohort]\nfile = \"cohort.f32\"\n\
             sha256 = \"{hash}\"\nvoices = 3\ntop = 2\n[calibration]\ncohort = \"{hash}\"\n"
        );
        let path = folder.join(MANIFEST);
        let manifest = std::fs::read_to_string(&path).unwrap();
        let manifest = manifest.replace("format = 1", "format = 2").replace("[calibration]\n", &parts);
        std::fs::write(path, manifest).unwrap();
    }

    fn edit(folder: &Path, from: &str, to: &str) {
        let path = folder.join(MANIFEST);
        let manifest = std::fs::read_to_string(&path).unwrap();
        assert!(manifest.contains(from), "{from}");
        std::fs::write(path, manifest.replacen(from, to, 1)).unwrap();
    }

    #[test]
    fn format_2_brings_a_cohort_and_plda() {
        let folder = folder(|m| m);
        with_cohort(folder.path());
        let bundle = BackEndBundle::open(folder.path()).unwrap();
        assert_eq!((bundle.cohort().unwrap().len(), bundle.plda().unwrap().dimension()), (3, 2));
        edit(folder.path(), "format = 2", "format = 1");
        assert!(matches!(BackEndBundle::open(folder.path()), Err(ScoringError::Malformed { .. })));
    }

    #[test]
    fn a_calibration_is_bound_to_its_cohort() {
        let refused = |change: &dyn Fn(&Path)| {
            let folder = folder(|m| m);
            with_cohort(folder.path());
            change(folder.path());
            BackEndBundle::open(folder.path()).unwrap_err()
        };
        let other = refused(&|f| edit(f, "[calibration]\ncohort = \"", "[calibration]\ncohort = \"00"));
        assert!(other.to_string().contains("another cohort"), "{other}");
        let none = refused(&|f| {
            let manifest = std::fs::read_to_string(f.join(MANIFEST)).unwrap();
            let (before, after) = manifest.split_once("[cohort]").unwrap();
            let (_, after) = after.split_once("[calibration]").unwrap();
            std::fs::write(f.join(MANIFEST), format!("{before}[calibration]{after}")).unwrap();
        });
        assert!(none.to_string().contains("another cohort"), "{none}");
        let changed = refused(&|f| std::fs::write(f.join("cohort.f32"), [0; 24]).unwrap());
        assert!(matches!(changed, ScoringError::Corrupt { .. }));
        assert!(matches!(refused(&|f| edit(f, "top = 2", "top = 4")), ScoringError::BadFit(_)));
        assert!(matches!(refused(&|f| edit(f, "voices = 3", "voices = 2")), ScoringError::TooLarge { .. }));
        assert!(matches!(refused(&|f| edit(f, "voices = 3", "voices = 99999")), ScoringError::BadFit(_)));
        assert!(matches!(refused(&|f| edit(f, "[0.3, 0.2]", "[0.3]")), ScoringError::BadFit(_)));
    }

    #[test]
    fn is_bound_to_its_model() {
        let bundle = BackEndBundle::open(folder(|m| m).path()).unwrap();
        assert!(bundle.require_model(&ModelId::new("toy", "0")).is_ok());
        let other = bundle.require_model(&ModelId::new("toy", "1"));
        assert!(matches!(other, Err(ScoringError::OtherModel { .. })));
    }

    #[test]
    fn a_changed_file_is_corrupt() {
        let folder = folder(|m| m);
        let path = folder.path().join("mean.f32");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[3] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = BackEndBundle::open(folder.path()).unwrap_err();
        assert!(matches!(error, ScoringError::Corrupt { path: p } if p == path));
    }

    #[test]
    fn a_missing_file_is_named() {
        let folder = folder(|m| m);
        std::fs::remove_file(folder.path().join("projection.f32")).unwrap();
        let error = BackEndBundle::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("projection.f32"), "{error}");
        let nowhere = BackEndBundle::open(&folder.path().join("nowhere")).unwrap_err();
        assert!(matches!(nowhere, ScoringError::Read { .. }));
    }

    #[test]
    fn a_newer_format_is_called_newer() {
        let newer = refused(|m| m.replace("format = 1", "format = 3\nshape = \"unheard of\""));
        assert!(matches!(newer, ScoringError::NewerFormat { found: 3, supported: FORMAT, .. }));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let malformed = |from: &str, to: &str| {
            let error = refused(|m| m.replace(from, to));
            assert!(matches!(error, ScoringError::Malformed { .. }), "{from} -> {to}: {error}");
        };
        malformed("slope = 3.0", "slop = 3.0");
        malformed("slope = 3.0", "slope = 3.0\nextra = 1");
        malformed("probe_log_speech", "shoe_size");
        malformed("dimension = 2", "dimension = 3");
        malformed("file = \"mean.f32\"", "file = \"../mean.f32\"");
        malformed("file = \"mean.f32\"", "file = \"/etc/passwd\"");
        malformed("format = 1", "");
        malformed("columns = 2", "columns = 99999999999");
        let bad_fit = |from: &str, to: &str| {
            let error = refused(|m| m.replace(from, to));
            assert!(matches!(error, ScoringError::BadFit(_)), "{from} -> {to}: {error}");
        };
        bad_fit("llr_max = 12.0", "llr_max = inf");
        bad_fit("[5.0, 0.0001]", "[5.0, 0.1]");
        let huge = refused(|m| m + &" ".repeat(MAX_MANIFEST_BYTES as usize));
        assert!(matches!(huge, ScoringError::TooLarge { .. }));
    }

    proptest! {
        #[test]
        fn no_manifest_panics(junk in prop::collection::vec(any::<u8>(), 0..400), at in 0usize..700) {
            let path = Path::new(MANIFEST);
            let mut bytes = TEMPLATE.as_bytes().to_vec();
            let at = at.min(bytes.len());
            bytes.splice(at..at, junk.iter().copied());
            for bytes in [junk, bytes] {
                if let Ok(manifest) = parse(path, &bytes) {
                    let _ = fit(path, manifest.calibration);
                }
            }
        }
    }
}
