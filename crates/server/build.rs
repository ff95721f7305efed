//! Generates the gRPC code from `proto/` without `protoc`, and the descriptor set that reflection serves.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message;

const FILES: [&str; 7] = [
    "earmark/v1/customers_service.proto",
    "earmark/v1/desk_service.proto",
    "earmark/v1/proxy_library_service.proto",
    "earmark/v1/screening_service.proto",
    "earmark/v1/voiceprints_service.proto",
    "com/cisco/wcc/ccai/media/v1/conversation_audio.proto",
    "ringcentral/ringcx/streaming/v1beta2/streaming.proto",
];

/// Messages that hold a voice: their `Debug` is written by hand and hides it.
const BIOMETRIC: [&str; 6] = [
    "earmark.v1.Recording",
    "earmark.v1.Voiceprint",
    "earmark.v1.EnrollRequest",
    "earmark.v1.ScreenCallRequest",
    "com.cisco.wcc.ccai.media.v1.AudioStream",
    "ringcentral.ringcx.streaming.v1beta2.AudioContent",
];

fn main() -> Result<(), Box<dyn Error>> {
    let proto = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", proto.display());
    let descriptors = protox::compile(FILES, [&proto])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("earmark_descriptor.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        // Chunks of a live call are handed on without a copy.
        .bytes(".earmark.v1.ScreenCallRequest")
        .bytes(".earmark.v1.EnrollRequest")
        .bytes(".com.cisco.wcc.ccai.media.v1.AudioStream")
        .bytes(".ringcentral.ringcx.streaming.v1beta2.AudioContent")
        .skip_debug(BIOMETRIC)
        .compile_fds(descriptors)?;
    Ok(())
}
