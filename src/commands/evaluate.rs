//! `earmark evaluate`: how accurate is it, on anybody's recordings. Lists in, reports out; the
//! voiceprints, LLRs and decisions are made by the code that screens calls.

mod calls;
mod identify;
mod systems;
mod verify;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use earmark_engine::EngineError;
use earmark_evaluation::lists::EnrollmentRow;
use earmark_scoring::{BackEndBundle, Decider, Matcher, Policy, Priors};

use crate::exit::Done;
use crate::models::ModelArgs;
use crate::prints::{Heard, Prints, PrintsArgs};

/// Measure accuracy on recordings: error rates with intervals, charts, a report page
#[derive(Args)]
pub(crate) struct Evaluate {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Verify(verify::Verify),
    Identify(identify::Identify),
    Calls(calls::Calls),
}

impl Evaluate {
    pub(crate) fn run(self) -> Result<Done> {
        match self.what {
            What::Verify(command) => command.run(),
            What::Identify(command) => command.run(),
            What::Calls(command) => command.run(),
        }
    }
}

/// What `verify` and `identify` have in common.
#[derive(Args, Clone, Debug)]
struct Common {
    /// Folder to write to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder that relative paths in the lists start from; by default each list's own
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Also measure the network as its authors publish it: the whole call, plain cosine. As much
    /// work again
    #[arg(long)]
    peer: bool,
    /// Leave out the trivial baseline, a Gaussian of MFCCs a recording
    #[arg(long)]
    no_baseline: bool,
    #[command(flatten)]
    prints: PrintsArgs,
    #[command(flatten)]
    models: ModelArgs,
}

/// The shipped way from voiceprints to decisions, without galleries.
struct Shipped {
    matcher: Matcher,
    decider: Decider,
}

impl Shipped {
    fn open(models: &ModelArgs, prints: &Prints) -> Result<Self> {
        let folder = models.speaker()?.join("backend");
        let open = || -> Result<Self, EngineError> {
            let bundle = BackEndBundle::open(&folder)?;
            bundle.require_model(prints.model())?;
            let decider = Decider::new(Policy::default(), Priors::default(), bundle.calibration());
            Ok(Self { matcher: Matcher::new(bundle)?, decider })
        };
        Ok(open()?)
    }

    /// What was run, for the report.
    fn facts(&self, prints: &Prints, command: &str) -> Vec<(String, String)> {
        let bundle = self.matcher.bundle();
        let fact = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            fact("command", command),
            fact("earmark", env!("CARGO_PKG_VERSION")),
            fact("model", prints.model().as_str()),
            fact("back end", bundle.name()),
            fact("calibration", bundle.calibration().id()),
        ]
    }
}

/// What was heard in each recording of the lists.
struct Recordings(HashMap<PathBuf, Heard>);

impl Recordings {
    fn hear<'a>(prints: &Prints, paths: impl Iterator<Item = &'a Path>) -> Result<Self> {
        let mut paths: Vec<PathBuf> = paths.map(Path::to_path_buf).collect();
        paths.sort();
        paths.dedup();
        let heard = prints.of(&paths)?;
        Ok(Self(paths.into_iter().zip(heard).collect()))
    }

    fn get(&self, path: &Path) -> Option<&Heard> {
        self.0.get(path)
    }

    /// Tells of recordings without a voiceprint; whether there are any.
    fn tell_failures(&self) -> bool {
        let failed: BTreeMap<&PathBuf, &Heard> =
            self.0.iter().filter(|(_, h)| h.voiceprint.is_none()).collect();
        for (path, heard) in failed.iter().take(10) {
            let why = heard.error.as_deref().unwrap_or("no voiceprint");
            crate::output::note(&format!("{}: {why}", path.display()));
        }
        if failed.len() > 10 {
            crate::output::note(&format!("and {} more recordings without a voiceprint", failed.len() - 10));
        }
        !failed.is_empty()
    }
}

/// The recordings of each model, in the list's order.
fn by_model(rows: &[EnrollmentRow]) -> BTreeMap<&str, Vec<&Path>> {
    let mut models: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
    for row in rows {
        models.entry(&row.model).or_default().push(row.recording.path());
    }
    models
}

/// The command line, for the report.
fn command_line() -> String {
    let quoted = |a: String| if a.contains(' ') { format!("'{a}'") } else { a };
    let words: Vec<String> = std::env::args().skip(1).map(quoted).collect();
    format!("earmark {}", words.join(" "))
}

/// The best part of a result on the terminal.
fn tell(rows: Vec<Vec<String>>, out: &Path) {
    crate::output::line(&crate::output::table(&rows));
    crate::output::note(&format!("wrote {}", out.join("report.html").display()));
}

fn percent(x: f64) -> String {
    format!("{:.2} %", 100.0 * x)
}
