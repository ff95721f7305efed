use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::logging::LogLevel;

use crate::AudioError;

/// Names the library file, first of all places to look.
const PATH_VARIABLE: &str = "ORT_DYLIB_PATH";

/// The ONNX Runtime library, loaded into this process. Cheap to clone.
///
/// A process can hold only one; loading again gives the same.
#[derive(Clone, Debug)]
pub struct OnnxRuntime {
    environment: Environment,
    path: PathBuf,
}

/// Kept to the end of the process: the library can't be unloaded while sessions may live, and it
/// allows only one environment ever.
static LOADED: Mutex<Option<OnnxRuntime>> = Mutex::new(None);

impl OnnxRuntime {
    /// Finds and loads the library: from `path` if given; else from the environment variable
    /// `ORT_DYLIB_PATH`; else from `lib/` beside the executable; else the newest that
    /// `scripts/setup-onnxruntime.sh` put into the user's cache.
    ///
    /// # Errors
    /// [`AudioError::RuntimeMissing`] if there is none, [`AudioError::RuntimeUnusable`] for another
    /// file or a too old version, [`AudioError::RuntimeAlreadyLoaded`] if another one was loaded
    /// before.
    pub fn load(path: Option<&Path>) -> Result<Self, AudioError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*loaded, path) {
            (Some(runtime), None) => return Ok(runtime.clone()),
            (Some(runtime), Some(asked)) => return runtime.same_or_refused(asked),
            (None, _) => {}
        }
        let path = find(path, std::env::var_os(PATH_VARIABLE))?;
        let environment = initialize(&path)?;
        let runtime = Self { environment, path };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// The library file that was loaded.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    fn same_or_refused(&self, asked: &Path) -> Result<Self, AudioError> {
        let asked = existing(asked)?;
        if asked == self.path {
            return Ok(self.clone());
        }
        Err(AudioError::RuntimeAlreadyLoaded { loaded: self.path.clone(), asked })
    }
}

/// `ort` panics where it finds no library by itself or a library that contradicts its own version,
/// so it is always given a path that exists, and what remains is caught.
fn initialize(path: &Path) -> Result<Environment, AudioError> {
    let unusable = |cause: String| AudioError::RuntimeUnusable { path: path.to_owned(), cause };
    let attempt = std::panic::catch_unwind(|| {
        let builder = ort::init_from(path).map_err(|e| e.to_string())?;
        let environment = builder.with_name("earmark").with_telemetry(false).build();
        environment.map_err(|e| e.to_string())
    });
    let environment = attempt
        .unwrap_or_else(|_| Err("it does not answer as an ONNX Runtime does".into()))
        .map_err(unusable)?;
    environment.set_log_level(LogLevel::Error);
    Ok(environment)
}

/// Who names a place, by argument or by `variable`, gets that or an error, never another.
fn find(path: Option<&Path>, variable: Option<OsString>) -> Result<PathBuf, AudioError> {
    let variable = variable.filter(|path| !path.is_empty()).map(PathBuf::from);
    if let Some(named) = path.or(variable.as_deref()) {
        return existing(named);
    }
    let searched: Vec<PathBuf> = beside_executable().into_iter().chain(cache()).collect();
    let found = searched.iter().find_map(|folder| newest_library(folder));
    found.ok_or(AudioError::RuntimeMissing { searched })
}

fn existing(path: &Path) -> Result<PathBuf, AudioError> {
    path.canonicalize().map_err(|_| AudioError::RuntimeMissing { searched: vec![path.to_owned()] })
}

fn beside_executable() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join("lib"))
}

fn cache() -> Option<PathBuf> {
    let absolute = |p: PathBuf| p.is_absolute().then_some(p);
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).and_then(absolute);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    Some(cache.or_else(home)?.join("earmark/onnxruntime"))
}

/// The library in `folder` or, of those in its subfolders named after versions, the newest.
fn newest_library(folder: &Path) -> Option<PathBuf> {
    let file = format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let direct = folder.join(&file);
    if direct.is_file() {
        return direct.canonicalize().ok();
    }
    let versions = std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let with_library = versions.map(|v| v.join(&file)).filter(|library| library.is_file());
    with_library.max_by_key(|library| version(library))?.canonicalize().ok()
}

/// `1.31.1` as numbers, so that 1.9 comes before 1.31.
fn version(library: &Path) -> Vec<u32> {
    let folder = library.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    folder.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_wins_by_number() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["1.9.0", "1.31.1", "1.24.3", "notes"] {
            let at = folder.path().join(version);
            std::fs::create_dir(&at).unwrap();
            std::fs::write(at.join("libonnxruntime.so"), b"").unwrap();
        }
        let found = newest_library(folder.path()).unwrap();
        assert!(found.ends_with("1.31.1/libonnxruntime.so"), "{found:?}");
    }

    #[test]
    fn a_named_place_is_taken_or_refused_but_never_passed_over() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (here, gone) = (file.path(), Path::new("/nonexistent/libonnxruntime.so"));
        let variable = |path: &Path| Some(path.as_os_str().to_owned());
        assert_eq!(find(Some(here), variable(gone)).unwrap(), here.canonicalize().unwrap());
        assert_eq!(find(None, variable(here)).unwrap(), here.canonicalize().unwrap());
        for error in [find(Some(gone), variable(here)), find(None, variable(gone))] {
            let error = error.unwrap_err();
            assert!(matches!(&error, AudioError::RuntimeMissing { searched } if searched == &[gone]));
            assert!(error.to_string().contains("run scripts/setup-onnxruntime.sh"), "{error}");
        }
    }
}
