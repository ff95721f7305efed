//! What the exit code says to a script.

use std::process::ExitCode;

use earmark_engine::{EngineError, ErrorKind};

/// Shown at the end of `--help`.
pub(crate) const HELP: &str = "Exit codes:
  0  done
  1  failed: the message says why and what to do
  2  the command line is wrong
  3  some of the recordings failed; the others are done
  4  refused: the audio or the request can't be used (too short, not audio, an outlier, a listed voice)
  5  the data folder, its key, or a model is missing, damaged or in use";

/// How a command ended that did not fail.
pub(crate) enum Done {
    /// All of it is done.
    All,
    /// Some recordings failed.
    Part,
}

/// Prints an error with all its causes and gives the exit code.
pub(crate) fn report(result: anyhow::Result<Done>) -> ExitCode {
    match result {
        Ok(Done::All) => ExitCode::SUCCESS,
        Ok(Done::Part) => ExitCode::from(3),
        Err(error) => {
            crate::output::error(&format!("{error:#}"));
            ExitCode::from(code(&error))
        }
    }
}

fn code(error: &anyhow::Error) -> u8 {
    let Some(error) = error.chain().find_map(|cause| cause.downcast_ref::<EngineError>()) else { return 1 };
    if is_of_this_machine(error) {
        return 5;
    }
    match error.kind() {
        ErrorKind::InvalidArgument
        | ErrorKind::FailedPrecondition
        | ErrorKind::AlreadyExists
        | ErrorKind::NotFound => 4,
        _ => 1,
    }
}

/// Whether an error lies with this machine's files rather than with the request.
pub(crate) fn is_of_this_machine(error: &EngineError) -> bool {
    matches!(error.kind(), ErrorKind::DataLoss | ErrorKind::Unavailable) || STORAGE.contains(&error.reason())
}

/// Reasons that lie with this machine's files rather than with the request.
const STORAGE: [&str; 6] = [
    "RUNTIME_MISSING",
    "UNUSABLE_MODEL",
    "UNUSABLE_PROMPT",
    "KEY_MISSING",
    "KEY_TOO_OPEN",
    "DATA_FOLDER_UNUSABLE",
];
