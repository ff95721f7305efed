use super::CallRow;
use crate::EvaluationError;
use crate::files::{Folder, field};

/// decisions.csv: what was decided on each call; what there is not is empty.
pub(super) fn write(calls: &[CallRow], folder: &Folder) -> Result<(), EvaluationError> {
    let header = [
        "recording",
        "speaker",
        "claimed",
        "listed",
        "verdict",
        "tagged",
        "tagged_right",
        "best_llr",
        "threshold",
        "seconds_to_decision",
        "net_speech_s",
    ];
    let bit = |value: bool| u8::from(value).to_string();
    let row = |c: &CallRow| {
        [
            c.recording.clone(),
            c.speaker.clone(),
            c.claimed.clone().unwrap_or_default(),
            bit(c.listed),
            c.verdict.clone(),
            bit(c.tagged),
            bit(c.tagged_right),
            field(c.best_llr, 6),
            field(c.threshold, 6),
            field(c.seconds_to_decision, 2),
            field(c.net_speech_s, 2),
        ]
    };
    folder.csv("decisions.csv", header, calls.iter().map(row))
}
