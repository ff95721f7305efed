use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use earmark_audio::{ChannelChoice, ChannelPicker, Encoding, RecordingReader, StreamFormat};
use earmark_engine::{
    CallInfo, CallSession, CallUpdate, Cancellation, ChannelRole, Engine, Enrollment, Limits, Policy, Priors,
    ProxyListing, RecordingInput, Verdict,
};
use earmark_evaluation::lists::{EnrollmentRow, ProbeRow, read_enrollments, read_probes};
use earmark_evaluation::{CallRow, CallsInput, CallsResult};
use earmark_scoring::{BackEndBundle, Decider};
use earmark_voiceprint::{CallId, CustomerId, ProxyId, TenantId};

use super::{by_model, command_line, percent, tell};
use crate::exit::Done;
use crate::models::ModelArgs;
use crate::{output, parallel, setup};

/// Packets of a telephone line, in milliseconds.
const PACKET_MS: usize = 20;

/// The business view: whole calls through the live path, as the server takes them
#[derive(Args)]
#[command(after_help = "Example:
  earmark evaluate calls --customers customers.csv --watchlist watchlist.csv --calls calls.csv --out result

customers.csv and watchlist.csv: model,recording; calls.csv: recording,speaker,claimed,listed
(claimed is a model of customers.csv). Every call is fed in packets of 20 ms to a real engine with
these customers and proxies, and every update is looked at. Enrollments that the product would
refuse are told of and left out. Written are scores.csv, metrics.json, report.html.")]
pub(crate) struct Calls {
    /// Enrolled customers: CSV `model,recording`
    #[arg(long, value_name = "CSV")]
    customers: Option<PathBuf>,
    /// Listed proxies: CSV `model,recording`
    #[arg(long, value_name = "CSV")]
    watchlist: PathBuf,
    /// Calls: CSV `recording,speaker,claimed,listed`
    #[arg(long, value_name = "CSV")]
    calls: PathBuf,
    /// Folder to write to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder that relative paths in the lists start from; by default each list's own
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Calls at a time; by default one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Folder of recordings that the call center itself plays
    #[arg(long, env = "EARMARK_PROMPTS", value_name = "DIR")]
    prompts: Option<PathBuf>,
    #[command(flatten)]
    models: ModelArgs,
}

impl Calls {
    pub(crate) fn run(self) -> Result<Done> {
        let root = self.root.as_deref();
        let customers =
            self.customers.as_deref().map(|p| read_enrollments(p, root)).transpose()?.unwrap_or_default();
        let watchlist = read_enrollments(&self.watchlist, root)?;
        let calls = read_probes(&self.calls, root)?;
        let data = tempfile::tempdir().context("can't make a folder for the records")?;
        let tenant = TenantId::new("evaluation")?;
        let prompts = self.prompts.as_deref();
        let place = data.path().to_path_buf();
        let options =
            setup::engine_options(place, &self.models, vec![tenant.clone()], self.threads(), prompts)?;
        let engine = Engine::open(options)?;
        let refused = self.fill(&engine, &tenant, &customers, &watchlist)?;
        let statistics = engine.statistics();
        let bundle = BackEndBundle::open(&self.models.speaker()?.join("backend"))?;
        let decider = Decider::new(Policy::default(), Priors::default(), bundle.calibration());
        let threshold = decider.live_tag_threshold(statistics.proxies);
        let rows =
            parallel::map(&calls, self.threads(), |at, call| replay(&engine, &tenant, at, call, threshold));
        let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let result = CallsResult::new(CallsInput {
            title: "Earmark".to_owned(),
            calls: rows,
            list_size: statistics.proxies,
            customers: statistics.customers,
            facts: vec![
                fact("command", &command_line()),
                fact("earmark", env!("CARGO_PKG_VERSION")),
                fact("model", engine.model().as_str()),
                fact("back end", bundle.name()),
                fact("calibration", bundle.calibration().id()),
                fact("enrollments refused", &refused.to_string()),
            ],
            ..CallsInput::default()
        })?;
        result.write(&self.out)?;
        tell(table(&result), &self.out);
        Ok(if refused > 0 { Done::Part } else { Done::All })
    }

    fn threads(&self) -> usize {
        self.threads.unwrap_or_else(setup::cores).max(1)
    }

    /// Enrolls the customers and lists the proxies; gives the number of those that were refused.
    fn fill(
        &self,
        engine: &Engine,
        tenant: &TenantId,
        customers: &[EnrollmentRow],
        watchlist: &[EnrollmentRow],
    ) -> Result<usize> {
        let (customers, proxies) = (by_model(customers), by_model(watchlist));
        let people: Vec<(bool, &str, Vec<&Path>)> = customers
            .into_iter()
            .map(|(model, paths)| (false, model, paths))
            .chain(proxies.into_iter().map(|(model, paths)| (true, model, paths)))
            .collect();
        let refused = parallel::map(&people, self.threads(), |_, (listed, model, paths)| -> Result<usize> {
            let recordings = paths.iter().map(|p| RecordingInput::file(p.to_path_buf())).collect();
            let result = if *listed {
                let listing = ProxyListing {
                    proxy: ProxyId::new(model)?,
                    label: String::new(),
                    legal_basis: "evaluation on recordings".to_owned(),
                    note: None,
                    expires_at: None,
                    request_id: None,
                    actor: None,
                };
                engine.list_proxy(tenant, listing, recordings, &Cancellation::new()).map(|_| ())
            } else {
                let enrollment = Enrollment {
                    customer: CustomerId::new(model)?,
                    request_id: None,
                    force: false,
                    actor: None,
                };
                engine.enroll_recordings(tenant, enrollment, recordings, &Cancellation::new()).map(|_| ())
            };
            if let Err(error) = &result {
                output::note(&format!("{model} is left out: {error}"));
            }
            Ok(usize::from(result.is_err()))
        });
        refused.into_iter().sum()
    }
}

/// One call as it would have come over the line.
fn replay(engine: &Engine, tenant: &TenantId, at: usize, call: &ProbeRow, threshold: f64) -> Result<CallRow> {
    let path = call.recording.path();
    let what = || format!("can't replay {}", path.display());
    let updates = updates(engine, tenant, at, call).with_context(what)?;
    let listed = |u: &&CallUpdate| u.verdict == Verdict::SuspectedProxy;
    let tag = updates.iter().find(listed);
    let best = updates.iter().filter_map(|u| u.proxies.first()).max_by(|a, b| a.llr.total_cmp(&b.llr));
    let end = updates.last();
    let own = |proxy: &ProxyId| call.listed && proxy.as_str() == call.speaker;
    Ok(CallRow {
        recording: call.recording.name().to_owned(),
        speaker: call.speaker.clone(),
        claimed: call.claimed.clone(),
        listed: call.listed,
        tagged: tag.is_some(),
        tagged_right: tag.and_then(|u| u.proxies.first()).is_some_and(|p| own(&p.proxy)),
        verdict: end.map_or("INSUFFICIENT_SPEECH", |u| u.verdict.code()).to_owned(),
        seconds_to_decision: decision(&updates).map(|u| f64::from(u.speech.net_speech.seconds())),
        net_speech_s: end.map(|u| f64::from(u.speech.net_speech.seconds())),
        best_llr: best.map(|p| p.llr),
        best_right: best.is_some_and(|p| own(&p.proxy)),
        threshold: Some(threshold),
        columns: call.columns.clone(),
    })
}

/// The update from which on the call's firm verdict stood; none where it ended without one.
fn decision(updates: &[CallUpdate]) -> Option<&CallUpdate> {
    let last = updates.last()?.verdict;
    let firm = matches!(last, Verdict::Match | Verdict::Mismatch | Verdict::SuspectedProxy);
    if !firm {
        return None;
    }
    let changed = updates.iter().rposition(|u| u.verdict != last).map_or(0, |at| at + 1);
    updates.get(changed)
}

fn updates(engine: &Engine, tenant: &TenantId, at: usize, call: &ProbeRow) -> Result<Vec<CallUpdate>> {
    let mut reader = RecordingReader::open(call.recording.path(), &Limits::default())?;
    let picker = ChannelPicker::new(ChannelChoice::Mono, reader.info().channels)?;
    let rate_hz = reader.info().sample_rate_hz;
    let info = CallInfo {
        claimed: call.claimed.as_deref().map(CustomerId::new).transpose()?,
        ..CallInfo::unknown(CallId::new(&format!("evaluation-{at}"))?)
    };
    let format = StreamFormat::mono(Encoding::Float32Le, rate_hz);
    let mut session = engine.begin_call(tenant, info, format, ChannelRole::Customer)?;
    let (mut samples, mut updates) = (Vec::new(), Vec::new());
    while let Some(block) = reader.next_block()? {
        samples.clear();
        picker.pick_planar(block.channels(), &mut samples);
        for packet in samples.chunks((rate_hz as usize * PACKET_MS / 1000).max(1)) {
            feed(&mut session, packet, &mut updates)?;
        }
    }
    let end = session.finish()?;
    updates.extend(end.waited);
    updates.push(end.last);
    Ok(updates)
}

fn feed(session: &mut CallSession, packet: &[f32], updates: &mut Vec<CallUpdate>) -> Result<()> {
    let bytes: Vec<u8> = packet.iter().flat_map(|s| s.to_le_bytes()).collect();
    session.accept(&bytes)?;
    while let Some(update) = session.next_update()? {
        updates.push(update);
    }
    Ok(())
}

fn table(result: &CallsResult) -> Vec<Vec<String>> {
    let figures = result.figures();
    let share = |name: &str, s: &earmark_evaluation::metrics::Share| {
        let interval = s.interval.map_or(String::new(), |[l, h]| format!("{} to {}", percent(l), percent(h)));
        vec![name.to_owned(), format!("{} of {}", s.count, s.total), percent(s.value), interval]
    };
    let mut rows = vec![["", "calls", "share", "95 %"].map(str::to_owned).to_vec()];
    rows.push(share("listed proxies found", &figures.tags.found));
    rows.push(share("tagged as another proxy", &figures.tags.mistaken));
    rows.push(share("others wrongly tagged", &figures.tags.false_tags));
    for seconds in &figures.seconds {
        let text = seconds
            .quantiles
            .map_or(String::new(), |q| format!("median {:.0} s, 90 % within {:.0} s", q[1], q[2]));
        rows.push(vec![
            format!("decided, {:?}", seconds.kind),
            format!("{} of {}", seconds.decided, seconds.calls),
            text,
            String::new(),
        ]);
    }
    rows
}
