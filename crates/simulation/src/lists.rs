//! The lists that `earmark evaluate` reads.

use std::collections::BTreeSet;
use std::io::Write;

use crate::SimulationError;
use crate::call::Facts;
use crate::design::{CallDesign, Role, What, is_tested};
use crate::draw::{Draw, key};
use crate::material::{Materials, Speaker};
use crate::output::Writer;
use crate::plan::Settings;

/// Columns that say more about a probe.
const ABOUT: [&str; 6] = ["codec", "snr_db", "gender", "language", "net_speech_s", "set"];

/// Everything the lists are made from.
struct Lists<'a> {
    writer: &'a Writer,
    plan: &'a Settings,
    speakers: &'a [Speaker],
    seed: u64,
    calls: Vec<(&'a CallDesign, &'a Facts)>,
    /// For each speaker and half, the enrollment calls in order.
    enrollments: Vec<[Vec<&'a str>; 2]>,
}

/// A probe of a speaker.
struct Probe<'a> {
    speaker: usize,
    half: usize,
    length: usize,
    recording: &'a str,
    about: [String; 6],
}

/// A model: a speaker, a half, from how many calls.
struct Model<'a> {
    speaker: usize,
    half: usize,
    name: String,
    recordings: Vec<&'a str>,
}

pub(crate) fn write(
    writer: &Writer,
    plan: &Settings,
    materials: &Materials,
    seed: u64,
    calls: &[CallDesign],
    facts: &[Facts],
) -> Result<(), SimulationError> {
    let speakers = materials.speakers();
    let enrollments = enrollments(speakers.len(), calls);
    let calls = calls.iter().zip(facts).collect();
    let lists = Lists { writer, plan, speakers, seed, calls, enrollments };
    let (models, probes) = (lists.models(), lists.probes());
    lists.write_enrollment(&models)?;
    lists.write_trials(&models, &probes)?;
    let (listed, swapped) = lists.listed();
    lists.write_identification(&listed, &probes, "")?;
    lists.write_identification(&swapped, &probes, "-swapped")?;
    lists.write_calls(&listed, &probes)
}

fn enrollments(speakers: usize, calls: &[CallDesign]) -> Vec<[Vec<&str>; 2]> {
    let mut enrollments = vec![[Vec::new(), Vec::new()]; speakers];
    for call in calls {
        if let What::Spoken { speaker, half, role: Role::Enroll(_), .. } = *call.what() {
            enrollments[speaker][half].push(call.recording());
        }
    }
    enrollments
}

impl<'a> Lists<'a> {
    fn models(&self) -> Vec<Model<'a>> {
        let mut models = Vec::new();
        for (speaker, person) in self.speakers.iter().enumerate() {
            for half in 0..2 {
                let recordings = &self.enrollments[speaker][half];
                for &calls in self.plan.enrollment.models.iter().filter(|n| **n <= recordings.len()) {
                    let name = format!("{}-{half}-{calls}", person.name());
                    models.push(Model { speaker, half, name, recordings: recordings[..calls].to_vec() });
                }
            }
        }
        models
    }

    fn probes(&self) -> Vec<Probe<'a>> {
        let probe = |(call, facts): &(&'a CallDesign, &'a Facts)| match *call.what() {
            What::Spoken { speaker, half, role: Role::Probe(length, _), seconds } => {
                let person = &self.speakers[speaker];
                let about = about(facts, person.gender(), person.language(), &format!("{seconds}s"));
                Some(Probe { speaker, half, length, recording: call.recording(), about })
            }
            _ => None,
        };
        self.calls.iter().filter_map(probe).collect()
    }

    fn write_enrollment(&self, models: &[Model<'_>]) -> Result<(), SimulationError> {
        let rows = models.iter().flat_map(|model| {
            model.recordings.iter().map(|recording| vec![model.name.clone(), (*recording).to_owned()])
        });
        self.csv("enroll.csv", &["model", "recording"], rows)
    }

    /// Every probe against the other half's models of its speaker, and against drawn ones of others;
    /// all in one list, and one list for each length.
    fn write_trials(&self, models: &[Model<'_>], probes: &[Probe<'_>]) -> Result<(), SimulationError> {
        let header = with_about(&["model", "recording", "label"]);
        // Drawn anew for each list: together they may be larger than memory.
        let rows = |length: Option<usize>| {
            let of_length = move |probe: &&Probe<'_>| length.is_none_or(|length| probe.length == length);
            probes.iter().filter(of_length).flat_map(|probe| self.trials_of(probe, models))
        };
        self.csv("trials.csv", &header, rows(None))?;
        self.each_length(|length, name| self.csv(&format!("trials-{name}.csv"), &header, rows(Some(length))))
    }

    fn trials_of(&self, probe: &Probe<'_>, models: &[Model<'_>]) -> Vec<Vec<String>> {
        let row = |model: &Model<'_>, label: &str| {
            let mut row = vec![model.name.clone(), probe.recording.to_owned(), label.to_owned()];
            row.extend(probe.about.iter().cloned());
            row
        };
        let own = models.iter().filter(|m| m.speaker == probe.speaker && m.half != probe.half);
        let mut others: Vec<&Model<'_>> = models.iter().filter(|m| m.speaker != probe.speaker).collect();
        let wanted = self.plan.trials.nontargets_per_probe;
        if wanted > 0 && wanted < others.len() {
            Draw::of(self.seed, &["trials", probe.recording]).shuffle(&mut others);
            others.truncate(wanted);
        }
        own.map(|model| row(model, "target")).chain(others.into_iter().map(|m| row(m, "nontarget"))).collect()
    }

    /// Who is listed, and who is when those with probes change places.
    fn listed(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let (mut tested, fill): (Vec<usize>, Vec<usize>) =
            (0..self.speakers.len()).partition(|speaker| is_tested(&self.speakers[*speaker]));
        tested.sort_by_key(|speaker| key(self.seed, &["listed", self.speakers[*speaker].name()]));
        let count = (self.plan.watchlist.listed_share * tested.len() as f64).round() as usize;
        let (first, second) = tested.split_at(count.min(tested.len()));
        let most = if self.plan.watchlist.size == 0 { usize::MAX } else { self.plan.watchlist.size };
        let list = |tested: &[usize]| tested.iter().chain(&fill).take(most).copied().collect();
        (list(first), list(second))
    }

    /// Models of the listed from their first half; probes of theirs from the second, and all of the
    /// others', and the calls without speech.
    fn write_identification(
        &self,
        listed: &BTreeSet<usize>,
        probes: &[Probe<'_>],
        suffix: &str,
    ) -> Result<(), SimulationError> {
        let entries = listed.iter().flat_map(|speaker| self.entry(*speaker));
        self.csv(&format!("watchlist{suffix}.csv"), &["model", "recording"], entries)?;
        let header = with_about(&["recording", "speaker", "claimed", "listed", "kind"]);
        let usable = |probe: &&Probe<'_>| probe.half == 1 || !listed.contains(&probe.speaker);
        let row = |probe: &Probe<'_>| (probe.length, self.probe_row(probe, listed));
        let rows: Vec<(usize, Vec<String>)> = probes.iter().filter(usable).map(row).collect();
        let all = rows.iter().map(|(_, row)| row.clone()).chain(self.not_speech());
        self.csv(&format!("probes{suffix}.csv"), &header, all)?;
        self.each_length(|length, name| {
            let rows = rows.iter().filter(|(of, _)| *of == length).map(|(_, row)| row.clone());
            self.csv(&format!("probes{suffix}-{name}.csv"), &header, rows)
        })
    }

    fn entry(&self, speaker: usize) -> Vec<Vec<String>> {
        let name = self.speakers[speaker].name();
        self.enrollments[speaker][0].iter().map(|r| vec![name.to_owned(), (*r).to_owned()]).collect()
    }

    fn probe_row(&self, probe: &Probe<'_>, listed: &BTreeSet<usize>) -> Vec<String> {
        let is_listed = listed.contains(&probe.speaker);
        let claimed = self.claimed(probe, listed);
        let claimed = claimed.map_or("", |speaker| self.speakers[speaker].name());
        let speaker = self.speakers[probe.speaker].name();
        let mut row: Vec<String> =
            [probe.recording, speaker, claimed, if is_listed { "1" } else { "0" }, "speech"]
                .map(str::to_owned)
                .into();
        row.extend(probe.about.iter().cloned());
        row
    }

    /// Whom a caller says to be: themselves, or, when listed, a drawn customer. Nobody where the
    /// customer's enrollment is from the same recordings as the call.
    fn claimed(&self, probe: &Probe<'_>, listed: &BTreeSet<usize>) -> Option<usize> {
        if probe.half == 0 {
            return None;
        }
        if !listed.contains(&probe.speaker) {
            return Some(probe.speaker);
        }
        let customers: Vec<usize> = self.customers(listed).collect();
        Draw::of(self.seed, &["claimed", probe.recording]).pick(&customers).copied()
    }

    fn customers(&self, listed: &BTreeSet<usize>) -> impl Iterator<Item = usize> {
        let tested = (0..self.speakers.len()).filter(|speaker| is_tested(&self.speakers[*speaker]));
        tested.filter(move |speaker| !listed.contains(speaker))
    }

    /// Whole calls against enrolled customers.
    fn write_calls(&self, listed: &BTreeSet<usize>, probes: &[Probe<'_>]) -> Result<(), SimulationError> {
        let customers = self.customers(listed).flat_map(|speaker| self.entry(speaker));
        self.csv("customers.csv", &["model", "recording"], customers)?;
        let header = with_about(&["recording", "speaker", "claimed", "listed", "kind"]);
        let rows = probes.iter().filter(|probe| probe.half == 1).map(|probe| self.probe_row(probe, listed));
        self.csv("calls.csv", &header, rows)
    }

    fn not_speech(&self) -> impl Iterator<Item = Vec<String>> {
        self.calls.iter().filter(|(call, _)| matches!(call.what(), What::NotSpeech)).map(|(call, facts)| {
            let mut row: Vec<String> = [call.recording(), "-", "", "0", facts.kind].map(str::to_owned).into();
            row.extend(about(facts, "", "", "not-speech"));
            row
        })
    }

    /// Where probes have several lengths, for each of them.
    fn each_length(
        &self,
        mut write: impl FnMut(usize, &str) -> Result<(), SimulationError>,
    ) -> Result<(), SimulationError> {
        let lengths = &self.plan.probes.net_speech_s;
        if lengths.len() < 2 || self.plan.probes.each == 0 {
            return Ok(());
        }
        lengths.iter().enumerate().try_for_each(|(length, seconds)| write(length, &format!("{seconds}s")))
    }

    fn csv(
        &self,
        name: &str,
        header: &[&str],
        rows: impl Iterator<Item = Vec<String>>,
    ) -> Result<(), SimulationError> {
        self.writer.file(name, |file: &mut dyn Write| {
            let mut csv = csv::Writer::from_writer(file);
            csv.write_record(header)?;
            for row in rows {
                csv.write_record(row)?;
            }
            csv.flush()
        })
    }
}

fn with_about<'a>(first: &[&'a str]) -> Vec<&'a str> {
    first.iter().copied().chain(ABOUT).collect()
}

fn about(facts: &Facts, gender: &str, language: &str, set: &str) -> [String; 6] {
    let snr = facts.snr_db.map(|snr| format!("{snr:.1}")).unwrap_or_default();
    let net = format!("{:.2}", facts.net_speech_s);
    [facts.codec.clone(), snr, gender.to_owned(), language.to_owned(), net, set.to_owned()]
}
