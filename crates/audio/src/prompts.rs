//! Known prompts: announcements and hold music that the call center itself plays.
//!
//! A caller's line can carry them (echo, a transfer, a recorder that mixes), and a recorded human
//! voice is speech to every detector. Who registers the recordings of the prompts has them
//! recognized, not by the voice but sample for sample, and kept out of every voiceprint. The method
//! is the audio fingerprint of Haitsma and Kalker (ISMIR 2002): 32 bits every 16 ms, each the sign of
//! an energy difference between neighboring bands and frames, which codecs and equalizers hardly
//! change.

mod fingerprint;
mod guard;
mod library;

pub(crate) use guard::PromptGuard;
pub use library::PromptLibrary;
