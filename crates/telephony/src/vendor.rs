//! What vendors' gRPC streams have in common: messages that keep their order, in which the parties
//! take turns. The messages themselves are generated with the server; these machines take what
//! matters of them.

mod ringcx;
mod webex;

pub use ringcx::{RingCx, RingCxCodec, RingCxEvent, RingCxParticipant};
pub use webex::{Webex, WebexAudio, WebexMessage, WebexRole};

use std::collections::BTreeMap;

use crate::{Metadata, ProtocolError};

/// The most names of a call's attributes that are looked at.
const MAX_ATTRIBUTES: usize = 256;

/// Reads a call's attributes, those that are ours.
fn attributes(all: &BTreeMap<String, String>) -> Result<Metadata, ProtocolError> {
    if all.len() > MAX_ATTRIBUTES {
        return Err(ProtocolError::LimitReached { what: "attributes", most: MAX_ATTRIBUTES });
    }
    let mut metadata = Metadata::default();
    for (name, value) in all {
        metadata.set(name, value)?;
    }
    Ok(metadata)
}
