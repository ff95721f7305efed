use std::path::PathBuf;

use earmark_audio::AudioError;

/// Why calls could not be simulated. Every variant says what is wrong and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulationError {
    /// The list of recordings can't be opened or read. Check its path.
    #[error("can't read the list {}", path.display())]
    ListFile {
        /// The list.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A line of the list of recordings can't be used. Correct it.
    #[error("{} line {line}: {what}", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it and what it must be.
        what: String,
    },
    /// A plan's file can't be read. Check its path.
    #[error("can't read the plan {}", path.display())]
    PlanFile {
        /// The plan.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A plan has an unknown, missing or impossible setting. `earmark simulate --print-plan harsh`
    /// prints one with every key explained.
    #[error("the plan can't be used: {what}; `earmark simulate --print-plan harsh` explains every key")]
    Plan {
        /// Which setting, and what it may be.
        what: String,
    },
    /// A folder of noises, rooms, prompts or music can't be read, or has no recording in it.
    #[error("can't use the folder {}: {what}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        what: String,
    },
    /// A recording can't be used. Correct or leave it out.
    #[error("can't use the recording {}", path.display())]
    Recording {
        /// The recording.
        path: PathBuf,
        /// Why not.
        source: AudioError,
    },
    /// Nobody speaks in a speaker's recordings. Leave the speaker out.
    #[error("there is no speech in the recordings of {speaker} that call {call} is to be made from")]
    NoSpeech {
        /// Whose recordings.
        speaker: String,
        /// Which call.
        call: String,
    },
    /// The plan's calls need speakers, and there are none. Give a list of recordings.
    #[error("the plan makes calls of speakers; give a list of their recordings")]
    NoSpeakers,
    /// A codec's library is not installed. Install the package, or leave the codec out of the plan.
    #[error(
        "can't load {library} ({cause}); install the Debian package {package}, or leave amr out of the plan's codecs"
    )]
    CodecLibrary {
        /// The file looked for.
        library: &'static str,
        /// The Debian package that has it.
        package: &'static str,
        /// What the loader said.
        cause: String,
    },
    /// A codec failed on samples that it should take. Report the plan and seed that do this.
    #[error("the {codec} codec failed; report the plan and the seed that do this")]
    Codec {
        /// Which one.
        codec: &'static str,
    },
    /// More than this program makes in one go. Make less of it.
    #[error("{what}: {found}, and {allowed} are allowed; make fewer")]
    Limit {
        /// Of what there are too many.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        allowed: usize,
    },
    /// Something could not be written. Check the folder and its space.
    #[error("can't write {}", path.display())]
    Output {
        /// What was to be written.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}
