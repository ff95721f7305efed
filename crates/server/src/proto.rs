//! The wire types, generated from `proto/` by the build script. Clients in this project (the demo,
//! the benches, the tests) use them too; nothing below the server knows them.

mod hidden;

/// Package `earmark.v1`: messages, clients and servers, documented in the proto files.
#[allow(missing_docs, reason = "generated; the words are in the proto files")]
#[allow(clippy::all, reason = "generated")]
pub mod v1 {
    tonic::include_proto!("earmark.v1");
}

/// The compiled proto files, as reflection serves them.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/earmark_descriptor.bin"));
