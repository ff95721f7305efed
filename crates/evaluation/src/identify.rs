mod scores;
mod values;

use std::path::Path;

use crate::breakdown::groups;
use crate::files::Folder;
use crate::lists::Columns;
use crate::metrics::{IdentificationFigures, ProbeOutcome, identification_figures};
use crate::tags::{TagBreakdown, TagEvent, TagFigures, numbered, tag_breakdown, tag_figures};
use crate::{EvaluationError, EvaluationOptions, report};

/// An entry of the watch-list and how much the probe is like it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The entry: a model of the watch-list.
    pub entry: String,
    /// Natural-log likelihood ratio.
    pub llr: f64,
}

/// One probe with what the shipped system said.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentifyProbe {
    /// The recording, as the list names it.
    pub recording: String,
    /// The true voice; a listed one has its entry's name.
    pub speaker: String,
    /// The customer the caller claims to be, if any.
    pub claimed: Option<String>,
    /// The true voice is on the watch-list.
    pub listed: bool,
    /// The entries most like it, in any order; five are written. Empty without a voiceprint.
    pub candidates: Vec<Candidate>,
    /// Tagged with the best entry at the shipped threshold.
    pub tagged: bool,
    /// Net speech in seconds, where it was measured.
    pub net_speech_s: Option<f64>,
    /// What the list says of the recording.
    pub columns: Columns,
}

impl IdentifyProbe {
    /// The best entry and whether it is the true voice; none without a voiceprint.
    #[must_use]
    pub fn best(&self) -> Option<Best> {
        let best = self.candidates.first()?;
        Some(Best { score: best.llr, right: self.listed && best.entry == self.speaker })
    }
}

/// A probe's best entry by some system.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// The score.
    pub score: f64,
    /// It is the true voice.
    pub right: bool,
}

/// Another system's best entries on the same probes and list.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentifySystem {
    /// Short and stable: its key in metrics.json (`peer`, `mfcc`).
    pub name: String,
    /// For people.
    pub title: String,
    /// One a probe, in their order; none where it has none.
    pub best: Vec<Option<Best>>,
}

/// All that an identification result is made of.
#[derive(Clone, Debug, Default)]
pub struct IdentifyInput {
    /// The shipped system's title, for people.
    pub title: String,
    /// The probes with what it said.
    pub probes: Vec<IdentifyProbe>,
    /// Voices on the watch-list.
    pub list_size: usize,
    /// The shipped threshold of the best entry's LLR for this list, where it is one number.
    pub threshold: Option<f64>,
    /// The share of other people's calls that the shipped threshold promises to tag at most.
    pub promised_false_tag_rate: Option<f64>,
    /// Other systems on the same probes.
    pub others: Vec<IdentifySystem>,
    /// What was run, `(name, value)`: model, back end, command. Shown as it is.
    pub facts: Vec<(String, String)>,
    /// How it is counted.
    pub options: EvaluationOptions,
}

/// A system and its figures.
#[derive(Clone, Debug)]
pub struct SystemIdentification {
    /// Its key in metrics.json; the shipped one's is `earmark`.
    pub name: String,
    /// For people.
    pub title: String,
    /// How good it is.
    pub figures: IdentificationFigures,
}

/// What an identification test came to.
#[derive(Clone, Debug)]
pub struct IdentifyResult {
    input: IdentifyInput,
    systems: Vec<SystemIdentification>,
    tags: TagFigures,
    breakdowns: Vec<TagBreakdown>,
}

impl IdentifyResult {
    /// Counts the probes; their candidates are sorted, best first.
    ///
    /// # Errors
    /// When there is no probe, a score is not finite, a system has another number of bests than
    /// there are probes, or an option is out of range.
    pub fn new(mut input: IdentifyInput) -> Result<Self, EvaluationError> {
        for (index, probe) in input.probes.iter_mut().enumerate() {
            if probe.candidates.iter().any(|c| !c.llr.is_finite()) {
                return Err(EvaluationError::NotFinite { system: "earmark".to_owned(), index });
            }
            probe.candidates.sort_by(|a, b| b.llr.total_cmp(&a.llr));
        }
        let speakers = numbered(input.probes.iter().map(|p| &*p.speaker));
        let shipped: Vec<_> = input.probes.iter().map(IdentifyProbe::best).collect();
        let mut systems = vec![system("earmark", &input.title, &shipped, &speakers, &input)?];
        for other in &input.others {
            systems.push(system(&other.name, &other.title, &other.best, &speakers, &input)?);
        }
        let event = |(probe, speaker): (&IdentifyProbe, &u32)| {
            let right = probe.best().is_some_and(|b| b.right);
            TagEvent { speaker: *speaker, listed: probe.listed, tagged: probe.tagged, right }
        };
        let events: Vec<TagEvent> = input.probes.iter().zip(&speakers).map(event).collect();
        let groups = groups(input.probes.iter().map(|p| (&p.columns, p.net_speech_s)));
        let tags = tag_figures(&events, &input.options.bootstrap);
        let breakdowns = tag_breakdown(&events, &groups, &input.options.bootstrap);
        Ok(Self { input, systems, tags, breakdowns })
    }

    /// What it was made of.
    #[must_use]
    pub fn input(&self) -> &IdentifyInput {
        &self.input
    }

    /// The figures of all systems, the shipped one first.
    #[must_use]
    pub fn systems(&self) -> &[SystemIdentification] {
        &self.systems
    }

    /// What the shipped system tagged at its threshold.
    #[must_use]
    pub fn tags(&self) -> &TagFigures {
        &self.tags
    }

    /// The same by each column's values.
    #[must_use]
    pub fn breakdowns(&self) -> &[TagBreakdown] {
        &self.breakdowns
    }

    /// Writes scores.csv, metrics.json, tpir.svg and report.html into `folder`, which is made when
    /// it is not there.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), EvaluationError> {
        let folder = Folder::create(folder)?;
        scores::write(&self.input.probes, &folder)?;
        folder.json("metrics.json", &values::metrics(self))?;
        folder.text("tpir.svg", &report::tpir_chart(self))?;
        folder.text("report.html", &report::identify_page(self))
    }
}

fn system(
    name: &str,
    title: &str,
    best: &[Option<Best>],
    speakers: &[u32],
    input: &IdentifyInput,
) -> Result<SystemIdentification, EvaluationError> {
    let (found, expected) = (best.len(), input.probes.len());
    if found != expected {
        return Err(EvaluationError::Length { system: name.to_owned(), found, expected });
    }
    if let Some(index) = best.iter().position(|b| b.is_some_and(|b| !b.score.is_finite())) {
        return Err(EvaluationError::NotFinite { system: name.to_owned(), index });
    }
    let outcome = |((probe, best), speaker): ((&IdentifyProbe, &Option<Best>), &u32)| ProbeOutcome {
        listed: probe.listed,
        best: best.map(|b| b.score),
        right: probe.listed && best.is_some_and(|b| b.right),
        speaker: *speaker,
    };
    let outcomes: Vec<_> = input.probes.iter().zip(best).zip(speakers).map(outcome).collect();
    let figures = identification_figures(&outcomes, &input.options.identification())?;
    Ok(SystemIdentification { name: name.to_owned(), title: title.to_owned(), figures })
}
