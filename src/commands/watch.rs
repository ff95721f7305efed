use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use earmark_engine::Cancellation;

use crate::exit::Done;
use crate::folder::{
    Completeness, Ended, MixedPolicy, MonoRole, NameTemplate, Roles, Screening, Shelf, Source, Watcher,
};
use crate::setup::{EngineArgs, ListenArgs};
use crate::{output, stop};

/// Screen the recordings that a recorder drops into a folder, as they come
#[derive(Args)]
#[command(after_help = "Example:
  earmark watch calls/ --data bank --channel 0
  earmark watch calls/ --data bank --once --mono customer --name '{call_id}_{customer_id}_{agent_id}.wav'

A recording x.wav needs x.json beside it, such as {\"call_id\": \"c-17\", \"customer_id\": \"62170001\"}, or a
name that says it all (--name). Its result is written to done/x.wav.result.json and it is moved to done/; one that
can't be screened goes to failed/ with x.wav.reason.txt.")]
pub(crate) struct Watch {
    /// Folder that the recorder writes to
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Screen what is there and end
    #[arg(long)]
    once: bool,
    /// File names say whose call it is: {call_id}, {customer_id}, {caller_number}, {agent_id}, {scene},
    /// {*} for anything, with separators between them
    #[arg(long, value_name = "TEMPLATE")]
    name: Option<NameTemplate>,
    /// Seconds for which a recording must not have changed to be complete
    #[arg(long, default_value_t = 5, value_name = "S", value_parser = seconds())]
    settle_s: u64,
    /// A recording is complete when an empty file x.done stands beside it, and not before
    #[arg(long)]
    marker: bool,
    /// Seconds that a complete recording waits for its sidecar
    #[arg(long, default_value_t = 60, value_name = "S", value_parser = seconds())]
    sidecar_wait_s: u64,
    /// Milliseconds from one look at the folder to the next
    #[arg(long, default_value_t = 1000, value_name = "MS", value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    poll_ms: u64,
    /// Leave screened recordings where they are, their results beside them
    #[arg(long)]
    leave: bool,
    /// Whose voice recordings of one channel carry, where the sidecar does not say; refused if nobody says
    #[arg(long, value_enum)]
    mono: Option<MonoRole>,
    /// What becomes of recordings with both parties in one channel
    #[arg(long, value_enum, default_value = "refuse")]
    mixed: MixedPolicy,
    /// Print one JSON object a recording instead of a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

fn seconds() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(0..=86_400)
}

impl Watch {
    pub(crate) fn run(self) -> Result<Done> {
        let shelf = Shelf::open(&self.folder, self.leave)?;
        let cancel = Cancellation::new();
        let screening = self.screening(cancel.clone())?;
        let stopped = stop_on_signal(cancel)?;
        let settled = Completeness::Settled(Duration::from_secs(self.settle_s));
        let watcher = Watcher {
            shelf: &shelf,
            screening: &screening,
            completeness: if self.marker { Completeness::Marker } else { settled },
            sidecar_wait: self.name.is_none().then_some(Duration::from_secs(self.sidecar_wait_s)),
            poll: Duration::from_millis(self.poll_ms),
            threads: self.engine.threads(),
            once: self.once,
        };
        if !self.once {
            output::note(&format!("watching {}", self.folder.display()));
        }
        let tally = watcher.run(&stopped, &mut |recording, ended| self.tell(recording, ended))?;
        if tally.left > 0 {
            output::note(&format!("left in the folder for the next time: {}", tally.left));
        }
        Ok(if self.once && tally.failed + tally.left > 0 { Done::Part } else { Done::All })
    }

    fn screening(&self, cancel: Cancellation) -> Result<Screening> {
        Ok(Screening {
            engine: self.engine.open()?,
            tenant: self.engine.tenant()?,
            source: self.name.clone().map_or(Source::Sidecar, Source::Name),
            roles: Roles { channel: self.listen.channel, mono: self.mono, mixed: self.mixed },
            cancel,
            calls: Mutex::new(HashSet::new()),
        })
    }

    fn tell(&self, recording: &OsStr, ended: &Ended) {
        // A name may hold anything, line ends too.
        let name = recording.to_string_lossy().escape_debug().to_string();
        match ended {
            Ended::Finished(screened) if self.json => {
                let mut result = screened.as_json(recording);
                result["screened_before"] = screened.before.into();
                output::json(&result);
            }
            Ended::Finished(screened) => {
                let text = screened.update.verdict.text();
                let before = if screened.before { " (screened before)" } else { "" };
                output::line(&format!("{name}: {} {}{before}", text.zh, text.en));
            }
            Ended::Failed(refused) if self.json => {
                output::json(&serde_json::json!({
                    "recording": recording.to_string_lossy(),
                    "reason": refused.code(),
                    "error": refused.to_string(),
                }));
            }
            Ended::Failed(refused) => output::error(&format!("{name}: {refused}")),
            Ended::Later(why) => output::note(&format!("{name}: {why}; it is tried again")),
            Ended::Busy | Ended::Nothing | Ended::Stop(_) => {}
        }
    }
}

/// A flag that is set when the process is asked to stop; what is being screened is then let go, and is
/// screened at the next start.
fn stop_on_signal(cancel: Cancellation) -> Result<Arc<AtomicBool>> {
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signal = runtime.block_on(async { stop::signal() })?;
    std::thread::spawn(move || {
        runtime.block_on(signal);
        cancel.cancel();
        flag.store(true, Ordering::Relaxed);
    });
    Ok(stopped)
}
