//! The house rules of docs/architecture.md that a machine can check.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Who may use whom among the workspace's own crates. Anything else fails.
const MAY_USE: &[(&str, &[&str])] = &[
    ("voiceprint", &[]),
    ("audio", &["voiceprint"]),
    ("index", &["voiceprint"]),
    ("scoring", &["voiceprint"]),
    ("records", &["voiceprint"]),
    ("adaptation", &["voiceprint", "scoring"]),
    ("evaluation", &["voiceprint", "audio", "scoring"]),
    ("simulation", &["voiceprint", "audio"]),
    ("engine", &["voiceprint", "audio", "index", "scoring", "records"]),
    ("cluster", &["voiceprint", "index", "records"]),
    ("telephony", &["voiceprint", "audio", "engine"]),
    ("server", &["engine", "telephony", "cluster", "voiceprint"]),
];

/// What needs a socket or an async runtime, and so stays out of the engine and all below it.
const NETWORKED: &[&str] =
    &["tokio", "tonic", "axum", "hyper", "mio", "futures-core", "reqwest", "async-std"];

const BELOW_THE_SERVER: &[&str] =
    &["voiceprint", "audio", "index", "scoring", "records", "adaptation", "engine", "telephony"];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// Each crate of the workspace (without the prefix `earmark-`) with its normal dependencies.
fn crates() -> Vec<(String, BTreeSet<String>)> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .filter_map(|package| {
            let name = package["name"].as_str()?.strip_prefix("earmark-")?.to_owned();
            let uses = package["dependencies"]
                .as_array()?
                .iter()
                .filter(|d| d["kind"].is_null())
                .filter_map(|d| d["name"].as_str().map(str::to_owned))
                .collect();
            Some((name, uses))
        })
        .collect()
}

#[test]
fn crates_use_only_those_they_may() {
    let crates = crates();
    assert!(crates.len() >= 7, "the workspace's crates were not found");
    for (name, uses) in crates {
        let (_, allowed) = MAY_USE.iter().find(|(n, _)| *n == name).unwrap_or_else(|| {
            panic!("crate {name} has no line in the table of docs/architecture.md and of this test")
        });
        for used in uses.iter().filter_map(|u| u.strip_prefix("earmark-")) {
            assert!(allowed.contains(&used), "crate {name} uses {used}, which the house does not allow");
        }
    }
}

#[test]
fn the_engine_and_all_below_it_have_no_network_and_no_async() {
    for (name, uses) in crates() {
        if BELOW_THE_SERVER.contains(&name.as_str()) {
            for used in uses {
                assert!(!NETWORKED.contains(&used.as_str()), "crate {name} depends on {used}");
            }
        }
    }
}

#[test]
fn only_the_server_knows_tonic_and_axum() {
    for (name, uses) in crates() {
        for wire in ["tonic", "axum", "prost"] {
            // The audio crate reads the weights of a network from its ONNX file, which is protobuf.
            let no_wire = name == "audio" && wire == "prost";
            assert!(name == "server" || no_wire || !uses.contains(wire), "crate {name} depends on {wire}");
        }
    }
}

fn rust_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder opens").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn domain_types_are_not_serialisable_and_not_async() {
    for name in BELOW_THE_SERVER {
        let mut files = Vec::new();
        rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crates").join(name).join("src"), &mut files);
        assert!(!files.is_empty());
        for file in files {
            let text = std::fs::read_to_string(&file).expect("source reads");
            for (number, line) in text.lines().enumerate() {
                let at = format!("{}:{}", file.display(), number + 1);
                assert!(!line.contains("async fn"), "{at}: async below the server");
                assert!(
                    !line.contains("derive") || !line.contains("Serialize"),
                    "{at}: a type below the server is serialisable"
                );
            }
        }
    }
}

#[test]
fn no_file_has_grown_past_its_seam() {
    let mut files = Vec::new();
    for folder in ["crates", "src", "tests/integration"] {
        rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files);
    }
    for file in files {
        let lines = std::fs::read_to_string(&file).expect("source reads").lines().count();
        assert!(lines <= 500, "{} has {lines} lines: find the seam", file.display());
    }
}
