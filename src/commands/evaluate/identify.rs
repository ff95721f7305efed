use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use earmark_evaluation::lists::{EnrollmentRow, ProbeRow, read_enrollments, read_probes};
use earmark_evaluation::{Best, Candidate, IdentifyInput, IdentifyProbe, IdentifyResult, IdentifySystem};
use earmark_scoring::{CustomerEvidence, Evidence, Llr, Prepared, Verdict};

use super::systems::{Baseline, Earmark, Peer, Plain};
use super::{Common, Recordings, Shipped, by_model, command_line, percent, tell};
use crate::exit::Done;
use crate::output;
use crate::prints::Prints;

/// Entries that a probe's decision looks at and that scores.csv shows.
const SHOWN: usize = 5;
/// The baseline compares every probe with every entry; beyond so many it is left out.
const MAX_BASELINE_COMPARISONS: usize = 3_000_000;

/// Identification (1:N): who of the watch-list calls, if anybody?
#[derive(Args)]
#[command(after_help = "Example:
  earmark evaluate identify --watchlist watchlist.csv --probes probes.csv --out result

watchlist.csv: model,recording (several rows a model); probes.csv: recording,speaker,claimed,listed
(speaker is the true voice, named as its watch-list model if listed is 1; claimed may be empty).
Paths are relative to the list. Written are scores.csv, metrics.json, report.html.")]
pub(crate) struct Identify {
    /// Listed voices: CSV `model,recording`
    #[arg(long, value_name = "CSV")]
    watchlist: PathBuf,
    /// Calls: CSV `recording,speaker,claimed,listed`
    #[arg(long, value_name = "CSV")]
    probes: PathBuf,
    #[command(flatten)]
    common: Common,
}

impl Identify {
    pub(crate) fn run(self) -> Result<Done> {
        let common = &self.common;
        let watchlist = read_enrollments(&self.watchlist, common.root.as_deref())?;
        let probes = read_probes(&self.probes, common.root.as_deref())?;
        let truth = Truth::new(&watchlist, &probes);
        let prints = Prints::open(&common.models, &common.prints)?;
        let shipped = Shipped::open(&common.models, &prints)?;
        let paths = || {
            let listed = watchlist.iter().map(|e| e.recording.path());
            listed.chain(probes.iter().map(|p| p.recording.path()))
        };
        let recordings = Recordings::hear(&prints, paths())?;
        let some_failed = recordings.tell_failures();
        let mut others = Vec::new();
        if common.peer {
            let peer = Peer::hear(&common.models, &common.prints, paths())?;
            others.push(plain(&peer, &watchlist, &probes, &truth));
        }
        let comparisons = probes.len().saturating_mul(by_model(&watchlist).len());
        if !common.no_baseline && comparisons <= MAX_BASELINE_COMPARISONS {
            let baseline = Baseline::hear(paths(), common.prints.threads());
            others.push(plain(&baseline, &watchlist, &probes, &truth));
        }
        let (probes, list_size) = search(&shipped, &recordings, &watchlist, &probes, &truth)?;
        let input = IdentifyInput {
            title: "Earmark".to_owned(),
            probes,
            list_size,
            threshold: Some(shipped.decider.tag_threshold(list_size)),
            promised_false_tag_rate: Some(shipped.decider.policy().options().false_tag_budget),
            others,
            facts: shipped.facts(&prints, &command_line()),
            ..IdentifyInput::default()
        };
        let result = IdentifyResult::new(input)?;
        result.write(&common.out)?;
        tell(table(&result), &common.out);
        Ok(if some_failed { Done::Part } else { Done::All })
    }
}

/// Which entries are right for a probe.
struct Truth {
    /// Whether listed speakers are called as their entries are; else any entry counts as right.
    named: bool,
}

impl Truth {
    fn new(watchlist: &[EnrollmentRow], probes: &[ProbeRow]) -> Self {
        let entries: BTreeSet<&str> = watchlist.iter().map(|e| &*e.model).collect();
        let known = |p: &&ProbeRow| entries.contains(&*p.speaker);
        let listed = probes.iter().filter(|p| p.listed).count();
        let named = probes.iter().filter(|p| p.listed).filter(known).count();
        let contrary = probes.iter().filter(|p| !p.listed).filter(known).count();
        if named == 0 && listed > 0 {
            output::note(
                "warning: no listed speaker is called as a model of the watch-list; any entry counts as right",
            );
        } else if named < listed {
            output::note(&format!(
                "warning: {} listed calls are by speakers who are no model of the watch-list",
                listed - named
            ));
        }
        if contrary > 0 {
            output::note(&format!(
                "warning: {contrary} calls are marked as not listed, but their speakers are models of the watch-list"
            ));
        }
        Self { named: named > 0 || listed == 0 }
    }

    fn right(&self, probe: &ProbeRow, entry: &str) -> bool {
        probe.listed && (!self.named || entry == probe.speaker)
    }
}

/// The watch-list searched for each probe, and the decision at the shipped threshold.
fn search(
    shipped: &Shipped,
    recordings: &Recordings,
    watchlist: &[EnrollmentRow],
    probes: &[ProbeRow],
    truth: &Truth,
) -> Result<(Vec<IdentifyProbe>, usize)> {
    let system = Earmark { matcher: &shipped.matcher, recordings };
    let mut entries = Vec::new();
    for (model, paths) in by_model(watchlist) {
        if let Some(side) = system.enroll(&paths)? {
            entries.push((model, side));
        }
    }
    let found = probes.iter().map(|probe| {
        let heard = recordings.get(probe.recording.path());
        let hits = match system.probe(probe.recording.path())? {
            Some(side) => best(&system, &entries, &side)?,
            None => Vec::new(),
        };
        let evidence = Evidence {
            customer: CustomerEvidence::NotClaimed,
            listed: &hits,
            list_size: entries.len(),
            net_speech: heard.map(|h| h.net_speech).unwrap_or_default(),
            quality: heard.and_then(|h| h.quality),
            several_voices: false,
        };
        let tagged = shipped.decider.decide(&evidence).verdict == Verdict::SuspectedProxy;
        // The report knows a listed voice by its entry's name.
        let right =
            hits.first().filter(|(entry, _)| truth.right(probe, entry)).map(|(entry, _)| (*entry).to_owned());
        Ok(IdentifyProbe {
            recording: probe.recording.name().to_owned(),
            speaker: if truth.named {
                probe.speaker.clone()
            } else {
                right.unwrap_or_else(|| probe.speaker.clone())
            },
            claimed: probe.claimed.clone(),
            listed: probe.listed,
            candidates: hits
                .iter()
                .map(|(entry, llr)| Candidate { entry: (*entry).to_owned(), llr: llr.nats() })
                .collect(),
            tagged,
            net_speech_s: heard.map(|h| f64::from(h.net_speech.seconds())),
            columns: probe.columns.clone(),
        })
    });
    Ok((found.collect::<Result<_>>()?, entries.len()))
}

fn best<'a>(
    system: &Earmark<'_>,
    entries: &[(&'a str, Prepared)],
    probe: &Prepared,
) -> Result<Vec<(&'a str, Llr)>> {
    let score = |(entry, side): &(&'a str, Prepared)| Ok((*entry, system.score(side, probe)?.llr));
    let mut hits = entries.iter().map(score).collect::<Result<Vec<_>>>()?;
    hits.sort_by(|a, b| b.1.nats().total_cmp(&a.1.nats()));
    hits.truncate(SHOWN);
    Ok(hits)
}

/// Another system's best entries.
fn plain<S: Plain>(
    system: &S,
    watchlist: &[EnrollmentRow],
    probes: &[ProbeRow],
    truth: &Truth,
) -> IdentifySystem {
    let sides: BTreeMap<_, _> =
        by_model(watchlist).into_iter().filter_map(|(m, paths)| Some((m, system.side(&paths)?))).collect();
    let mut known: HashMap<&Path, Option<(f64, &str)>> = HashMap::new();
    let best = probes.iter().map(|probe| {
        let path = probe.recording.path();
        let (score, entry) = (*known.entry(path).or_insert_with(|| {
            let call = system.side(&[path])?;
            let scores = sides.iter().filter_map(|(entry, side)| Some((system.score(side, &call)?, *entry)));
            scores.max_by(|a, b| a.0.total_cmp(&b.0))
        }))?;
        Some(Best { score, right: truth.right(probe, entry) })
    });
    let best = best.collect();
    IdentifySystem { name: S::NAME.to_owned(), title: S::TITLE.to_owned(), best }
}

fn table(result: &IdentifyResult) -> Vec<Vec<String>> {
    let rates = &result.input().options.fpirs;
    let head = ["system", "rank 1"].map(str::to_owned).into_iter();
    let head = head.chain(rates.iter().map(|r| format!("found at {} %", 100.0 * r))).collect();
    let rows = result.systems().iter().map(|system| {
        let f = &system.figures;
        let tpir = f.tpir.iter().map(|t| percent(t.tpir.value) + if t.few { " (few)" } else { "" });
        [system.name.clone(), percent(f.rank1.value)].into_iter().chain(tpir).collect()
    });
    std::iter::once(head).chain(rows).collect()
}
