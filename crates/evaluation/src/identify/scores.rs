use super::IdentifyProbe;
use crate::EvaluationError;
use crate::files::{Folder, field};

/// Entries written a probe.
const TOP: usize = 5;

/// scores.csv: a row an entry, best first. `tagged` is 1 on the entry the call was tagged with. A
/// probe without a voiceprint has one row with neither rank nor entry.
pub(super) fn write(probes: &[IdentifyProbe], folder: &Folder) -> Result<(), EvaluationError> {
    let header = ["recording", "speaker", "listed", "rank", "entry", "llr", "tagged"];
    let rows = probes.iter().flat_map(|probe| {
        let row = |rank: String, entry: &str, llr: Option<f64>, tagged: bool| {
            let (recording, speaker) = (probe.recording.clone(), probe.speaker.clone());
            [recording, speaker, bit(probe.listed), rank, entry.to_owned(), field(llr, 6), bit(tagged)]
        };
        let none = probe.candidates.is_empty().then(|| row(String::new(), "", None, probe.tagged));
        let ranked = probe.candidates.iter().take(TOP).enumerate();
        let ranked =
            ranked.map(move |(i, c)| row((i + 1).to_string(), &c.entry, Some(c.llr), probe.tagged && i == 0));
        none.into_iter().chain(ranked)
    });
    folder.csv("scores.csv", header, rows)
}

fn bit(value: bool) -> String {
    u8::from(value).to_string()
}
