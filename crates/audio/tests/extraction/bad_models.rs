//! Models and libraries that are wrong are refused by name, and never loaded in part.

use std::path::{Path, PathBuf};

use earmark_audio::{AudioError, OnnxRuntime, OnnxSpeakerModel, VoiceActivityModel};

use crate::corpus;

/// A copy of a model's folder that a test may damage.
fn copy(model: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for extension in ["toml", "onnx"] {
        for file in corpus::files(model, extension) {
            std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    let weights = corpus::files(folder.path(), "onnx").remove(0);
    (folder, weights)
}

fn edit(folder: &Path, from: &str, to: &str) {
    let path = folder.join("model.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(path, text.replace(from, to)).unwrap();
}

fn refused(folder: &Path) -> Option<AudioError> {
    let opened = OnnxSpeakerModel::open(folder, &corpus::runtime()?, 1);
    Some(opened.map(|_| ()).expect_err("it must be refused"))
}

fn vad_refused(folder: &Path) -> AudioError {
    VoiceActivityModel::open(folder).map(|_| ()).expect_err("it must be refused")
}

#[test]
fn damaged_weights() {
    for model in [corpus::tiny_model_folder(), corpus::project().join("models/silero-vad-8k")] {
        let (folder, weights) = copy(&model);
        let mut bytes = std::fs::read(&weights).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&weights, &bytes).unwrap();
        let error = if model.ends_with("silero-vad-8k") {
            vad_refused(folder.path())
        } else {
            let Some(error) = refused(folder.path()) else { return };
            error
        };
        assert!(matches!(&error, AudioError::CorruptModel { path, .. } if *path == weights), "{error}");
        assert!(error.to_string().contains("fetch it again"), "{error}");
    }
}

#[test]
fn missing_files() {
    let (folder, weights) = copy(&corpus::tiny_model_folder());
    std::fs::remove_file(&weights).unwrap();
    let Some(error) = refused(folder.path()) else { return };
    assert!(matches!(&error, AudioError::ModelFile { path, .. } if *path == weights), "{error}");
    let description = folder.path().join("model.toml");
    std::fs::remove_file(&description).unwrap();
    for error in [refused(folder.path()).unwrap(), vad_refused(folder.path())] {
        assert!(matches!(&error, AudioError::ModelFile { path, .. } if *path == description), "{error}");
    }
}

#[test]
fn a_description_with_an_unknown_key() {
    let (folder, _) = copy(&corpus::project().join("models/silero-vad-8k"));
    edit(folder.path(), "[input]", "threshold = 0.5\n[input]");
    let error = vad_refused(folder.path());
    assert!(matches!(&error, AudioError::ModelDescription { .. }), "{error}");
    assert!(error.to_string().contains("threshold"), "{error}");
    let (folder, _) = copy(&corpus::tiny_model_folder());
    edit(folder.path(), "[output]", "[output]\nscale = 2");
    let Some(error) = refused(folder.path()) else { return };
    assert!(error.to_string().contains("scale"), "{error}");
}

#[test]
fn a_description_of_another_network() {
    for (from, to, says) in [
        ("dimension = 24", "dimension = 25", "[any, 25]"),
        ("mels = 40", "mels = 41", "[any, any, 41]"),
        ("name = \"embedding\"", "name = \"xvector\"", "no output xvector, but embedding"),
        ("name = \"features\"", "name = \"fbank\"", "no input fbank, but features"),
    ] {
        let (folder, weights) = copy(&corpus::tiny_model_folder());
        edit(folder.path(), from, to);
        let Some(error) = refused(folder.path()) else { return };
        assert!(matches!(&error, AudioError::ModelGraph { path, .. } if *path == weights), "{to}: {error}");
        assert!(error.to_string().contains(says), "{to}: {error}");
    }
}

#[test]
fn weights_that_are_no_network_under_the_right_hash() {
    use std::fmt::Write;

    use sha2::{Digest, Sha256};
    let garbage = b"this is no ONNX file, but its hash is right";
    let mut hash = String::new();
    Sha256::digest(garbage).iter().for_each(|b| write!(hash, "{b:02x}").unwrap());
    for model in [corpus::tiny_model_folder(), corpus::project().join("models/silero-vad-8k")] {
        let (folder, weights) = copy(&model);
        let description = std::fs::read_to_string(folder.path().join("model.toml")).unwrap();
        let line = description.lines().find(|line| line.starts_with("sha256")).unwrap();
        edit(folder.path(), line, &format!("sha256 = \"{hash}\""));
        std::fs::write(&weights, garbage).unwrap();
        let error = if model.ends_with("silero-vad-8k") {
            vad_refused(folder.path())
        } else {
            let Some(error) = refused(folder.path()) else { return };
            error
        };
        assert!(matches!(error, AudioError::ModelGraph { .. }), "{error}");
    }
}

#[test]
fn a_model_of_the_other_kind() {
    let error = vad_refused(&corpus::tiny_model_folder());
    assert!(matches!(error, AudioError::ModelDescription { .. }), "{error}");
    let Some(error) = refused(&corpus::project().join("models/silero-vad-8k")) else { return };
    assert!(matches!(error, AudioError::ModelDescription { .. }), "{error}");
}

#[test]
fn another_library_beside_the_one_in_use() {
    let Some(runtime) = corpus::runtime() else { return };
    assert_eq!(OnnxRuntime::load(Some(runtime.path())).unwrap().path(), runtime.path());
    let other = tempfile::NamedTempFile::new().unwrap();
    let error = OnnxRuntime::load(Some(other.path())).unwrap_err();
    assert!(matches!(error, AudioError::RuntimeAlreadyLoaded { .. }), "{error}");
    let missing = OnnxRuntime::load(Some(Path::new("/nonexistent/libonnxruntime.so"))).unwrap_err();
    assert!(matches!(missing, AudioError::RuntimeMissing { .. }), "{missing}");
}
