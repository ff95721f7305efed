//! From audio to voiceprints, over the public interface: real recordings, real models, independent
//! references.

mod bad_models;
mod corpus;
mod fake_speaker;
mod fbank;
mod hostile;
mod python;
mod shipped_models;
mod splits;
mod tiny_model;
mod voice_activity;
mod voiceprints;
mod windows;
