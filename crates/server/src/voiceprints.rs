//! `earmark.v1.VoiceprintsService`.

mod convert;
mod service;

pub(crate) use self::service::Voiceprints;
