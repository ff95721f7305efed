//! The wire types, generated from `proto/` by the build script. Clients in this project (the demo,
//! the benches, the tests) use them too; nothing below the server knows them.

mod hidden;

/// Package `earmark.v1`: messages, clients and servers, documented in the proto files.
#[allow(missing_docs, reason = "generated; the words are in the proto files")]
#[allow(clippy::all, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("earmark.v1");
}

/// RingCentral's package `ringcentral.ringcx.streaming.v1beta2`, of which RingCX is the client.
#[allow(missing_docs, reason = "generated; the words are in the proto files")]
#[allow(clippy::all, reason = "generated")]
pub mod ringcx {
    tonic::include_proto!("ringcentral.ringcx.streaming.v1beta2");
}

/// Cisco's package `com.cisco.wcc.ccai.media.v1`, of which Webex Contact Center is the client.
#[allow(missing_docs, reason = "generated; the words are in the proto files")]
#[allow(clippy::all, reason = "generated")]
pub mod webex {
    tonic::include_proto!("com.cisco.wcc.ccai.media.v1");
}

/// The compiled proto files, as reflection serves them.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/earmark_descriptor.bin"));
