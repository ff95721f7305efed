use super::VerifyTrial;
use crate::EvaluationError;
use crate::files::{Folder, field};

/// scores.csv; what there is not is empty.
pub(super) fn write(trials: &[VerifyTrial], folder: &Folder) -> Result<(), EvaluationError> {
    let header = ["model", "recording", "label", "cosine", "llr", "net_speech_s"];
    let row = |t: &VerifyTrial| {
        [
            t.model.clone(),
            t.recording.clone(),
            if t.target { "target" } else { "nontarget" }.to_owned(),
            field(t.cosine, 6),
            field(t.llr, 6),
            field(t.net_speech_s, 2),
        ]
    };
    folder.csv("scores.csv", header, trials.iter().map(row))
}
