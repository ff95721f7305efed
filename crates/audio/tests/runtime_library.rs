//! Finding and loading ONNX Runtime. A process can load it once, so this is one test in a process of
//! its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it skips"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use earmark_audio::{AudioError, OnnxRuntime};

/// A library that says it is ONNX Runtime of this version; none without a C compiler.
fn pretender(folder: &Path, version: &str) -> Option<PathBuf> {
    let (source, library) = (folder.join("pretender.c"), folder.join(format!("libpretender-{version}.so")));
    let code = format!(
        r#"
        static const char *version(void) {{ return "{version}"; }}
        static const void *api(unsigned v) {{ return 0; }}
        static const struct {{ const void *(*a)(unsigned); const char *(*v)(void); }} base = {{ api, version }};
        const void *OrtGetApiBase(void) {{ return &base; }}
        "#
    );
    std::fs::write(&source, code).unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-w", "-o"]).arg(&library).arg(&source).status();
    match built {
        Ok(status) if status.success() => Some(library),
        _ => {
            println!("skipped in part: no C compiler");
            None
        }
    }
}

/// A real library that is no ONNX Runtime.
fn without_the_entry(folder: &Path) -> Option<PathBuf> {
    let (source, library) = (folder.join("empty.c"), folder.join("libempty.so"));
    std::fs::write(&source, "int nothing;").unwrap();
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    built.is_ok_and(|status| status.success()).then_some(library)
}

#[test]
fn wrong_libraries_are_refused_and_the_right_one_still_loads() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("libonnxruntime.so");
    std::fs::write(&text, "not a library").unwrap();
    let wrong = [
        (Some(text), "can't use"),
        (Some(folder.path().to_owned()), "can't use"),
        (without_the_entry(folder.path()), "does not export `OrtGetApiBase`"),
        (pretender(folder.path(), "1.10.0"), "but got '1.10.0'"),
        (pretender(folder.path(), "nonsense"), "but got 'nonsense'"),
    ];
    for (path, says) in wrong {
        let Some(path) = path else { continue };
        let error = OnnxRuntime::load(Some(&path)).unwrap_err();
        assert!(matches!(&error, AudioError::RuntimeUnusable { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(says) && text.contains("setup-onnxruntime.sh"), "{text}");
    }
    let missing = OnnxRuntime::load(Some(&folder.path().join("gone.so"))).unwrap_err();
    assert!(matches!(missing, AudioError::RuntimeMissing { .. }), "{missing}");

    match OnnxRuntime::load(None) {
        Ok(runtime) => assert_eq!(OnnxRuntime::load(None).unwrap().path(), runtime.path()),
        Err(error) => println!("skipped in part: {error}"),
    }
}
