//! What the server says where it can't start: the message tells what to do, the exit code what kind
//! of fault it is, and nothing on the disk is harmed.

use std::fs::{Permissions, copy, create_dir_all, read, read_dir, remove_file, set_permissions, write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::harness::clients::Clients;
use crate::harness::server::{Launch, folder, models};
use crate::harness::voices;

/// The data folder, the key or a model is missing, damaged or in use.
const STORAGE: Option<i32> = Some(5);

/// A data folder in which one customer is enrolled.
async fn used() -> TempDir {
    let data = folder();
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    clients.enroll("customer", vec![voices::clip("carlo/01")]).await.unwrap();
    data
}

fn key(data: &TempDir) -> PathBuf {
    data.path().join("voiceprints.key")
}

/// The customer is there again once the fault is mended.
async fn nothing_was_lost(data: &TempDir) {
    let server = Launch::new().start(data.path());
    let mut clients = Clients::connect(server.address()).await;
    assert_eq!(clients.customer("customer").await.unwrap().enrollments.len(), 1);
}

#[tokio::test]
async fn a_missing_key_file_is_asked_for_and_no_new_one_is_made() {
    let data = used().await;
    let kept = read(key(&data)).unwrap();
    remove_file(key(&data)).unwrap();
    let failure = Launch::new().fail(data.path());
    assert_eq!(failure.code, STORAGE, "{failure:?}");
    assert!(failure.said.contains("bring the key file back"), "{failure:?}");
    assert!(!key(&data).exists(), "a new key would hide the fault");
    write(key(&data), kept).unwrap();
    set_permissions(key(&data), Permissions::from_mode(0o600)).unwrap();
    nothing_was_lost(&data).await;
}

#[tokio::test]
async fn another_key_is_refused_by_the_id_of_the_one_that_is_needed() {
    let data = used().await;
    let other = folder();
    drop(Launch::new().start(other.path()));
    let (own, foreign) = (read(key(&data)).unwrap(), read(key(&other)).unwrap());
    assert_ne!(own, foreign);
    write(key(&data), foreign).unwrap();
    let failure = Launch::new().fail(data.path());
    assert_eq!(failure.code, STORAGE, "{failure:?}");
    assert!(failure.said.contains("bring the key file that has it"), "{failure:?}");
    write(key(&data), own).unwrap();
    nothing_was_lost(&data).await;
}

#[tokio::test]
async fn a_key_that_others_may_read_is_refused_with_the_mode_it_must_have() {
    let data = used().await;
    set_permissions(key(&data), Permissions::from_mode(0o644)).unwrap();
    let failure = Launch::new().fail(data.path());
    assert_eq!(failure.code, STORAGE, "{failure:?}");
    assert!(failure.said.contains("mode 644") && failure.said.contains("chmod 600"), "{failure:?}");
    set_permissions(key(&data), Permissions::from_mode(0o600)).unwrap();
    nothing_was_lost(&data).await;
}

#[tokio::test]
async fn a_cut_key_file_is_refused_by_its_line() {
    let data = used().await;
    let whole = read(key(&data)).unwrap();
    write(key(&data), &whole[..whole.len() - 9]).unwrap();
    let failure = Launch::new().fail(data.path());
    assert_eq!(failure.code, STORAGE, "{failure:?}");
    assert!(failure.said.contains("malformed at line 2"), "{failure:?}");
    assert!(!failure.said.contains(std::str::from_utf8(&whole[whole.len() - 40..whole.len() - 9]).unwrap()));
    write(key(&data), whole).unwrap();
    nothing_was_lost(&data).await;
}

#[tokio::test]
async fn a_data_folder_in_use_is_refused_and_its_server_goes_on() {
    let data = folder();
    let server = Launch::new().start(data.path());
    let failure = Launch::new().fail(data.path());
    assert_eq!(failure.code, STORAGE, "{failure:?}");
    assert!(failure.said.contains("in use by another process"), "{failure:?}");
    let mut clients = Clients::connect(server.address()).await;
    clients.enroll("customer", vec![voices::clip("carlo/01")]).await.unwrap();
}

#[tokio::test]
async fn a_port_that_is_taken_is_refused_with_the_option_to_change() {
    let (data, other) = (folder(), folder());
    let server = Launch::new().start(data.path());
    let failure = Launch::new().listen(server.address()).fail(other.path());
    assert_eq!(failure.code, Some(1), "{failure:?}");
    assert!(failure.said.contains(server.address()) && failure.said.contains("--listen"), "{failure:?}");
}

#[test]
fn an_address_of_other_machines_needs_a_certificate() {
    let data = folder();
    let failure = Launch::new().listen("0.0.0.0:0").refused_late(data.path());
    assert_eq!(failure.code, Some(1), "{failure:?}");
    assert!(failure.said.contains("certificate"), "{failure:?}");
}

/// A copy of the models' folder.
fn copied(from: &Path, to: &Path) {
    create_dir_all(to).unwrap();
    for entry in read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target);
        } else {
            copy(entry.path(), target).unwrap();
        }
    }
}

/// A server on spoiled models fails like this, and makes no data folder's content.
fn spoiled(spoil: impl FnOnce(&Path), words: &str) {
    let (data, own) = (folder(), folder());
    copied(&models().join("campplus-phone-192"), &own.path().join("campplus-phone-192"));
    copied(&models().join("silero-vad-8k"), &own.path().join("silero-vad-8k"));
    spoil(own.path());
    let failure = Launch::new().models(own.path()).fail(data.path());
    assert_eq!(failure.code, STORAGE, "{failure:?}");
    assert!(failure.said.contains(words), "{failure:?}");
    assert_eq!(read_dir(data.path()).unwrap().count(), 0, "the data folder is left alone");
}

fn flip(file: &Path) {
    let mut bytes = read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    write(file, bytes).unwrap();
}

#[test]
fn one_flipped_bit_of_the_speaker_network_is_refused() {
    spoiled(|models| flip(&models.join("campplus-phone-192/campplus.onnx")), "fetch it again");
}

#[test]
fn one_flipped_bit_of_the_voice_activity_network_is_refused() {
    spoiled(|models| flip(&models.join("silero-vad-8k/silero_vad_8k.onnx")), "fetch it again");
}

#[test]
fn one_flipped_bit_of_the_back_end_is_refused() {
    spoiled(|models| flip(&models.join("campplus-phone-192/backend/mean.f32")), "mean.f32");
}

#[test]
fn a_description_that_is_not_one_is_refused_by_its_path() {
    let cut = |models: &Path| {
        let file = models.join("campplus-phone-192/model.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        write(&file, &text[..text.len() / 2]).unwrap();
    };
    spoiled(cut, "model.toml");
}

#[test]
fn a_model_without_its_back_end_is_refused() {
    spoiled(|models| std::fs::remove_dir_all(models.join("campplus-phone-192/backend")).unwrap(), "backend");
}

#[test]
fn missing_models_are_named() {
    let (data, nothing) = (folder(), folder());
    let failure = Launch::new().models(nothing.path()).fail(data.path());
    assert_eq!(failure.code, STORAGE, "{failure:?}");
    assert!(failure.said.contains("campplus-phone-192"), "{failure:?}");
}

#[test]
fn a_missing_onnx_runtime_is_named_with_the_script_that_brings_it() {
    let data = folder();
    let failure = Launch::new().argument("--onnx-runtime", "/nowhere/libonnxruntime.so").fail(data.path());
    assert_eq!(failure.code, STORAGE, "{failure:?}");
    assert!(failure.said.contains("/nowhere/libonnxruntime.so"), "{failure:?}");
    assert!(failure.said.contains("setup-onnxruntime.sh"), "{failure:?}");
}
