use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use earmark_simulation::{Folder, Materials, OutputFormat, Plan, Preset, Simulation, Speakers};

use crate::exit::Done;
use crate::{output, progress, setup};

/// Make telephone calls with simulated channels from clean recordings, and the lists to evaluate on
#[derive(Args)]
#[command(after_help = "Example:
  earmark simulate --recordings speakers.csv --noises noises/ --preset harsh --out calls/
  earmark evaluate verify --enroll calls/enroll.csv --trials calls/trials-10s.csv --out report/

speakers.csv has the columns speaker,recording and, if known, session,gender,language; paths are
relative to it. Written are calls/ with the audio, manifest.jsonl with everything drawn for each call,
and the lists enroll.csv, trials.csv, watchlist.csv, probes.csv, customers.csv and calls.csv.
docs/simulation.md says what is modeled.")]
pub(crate) struct Simulate {
    /// List of clean recordings: CSV with the columns speaker,recording
    #[arg(long, value_name = "CSV")]
    recordings: Option<PathBuf>,
    /// Folder of noise recordings
    #[arg(long, value_name = "DIR")]
    noises: Option<PathBuf>,
    /// Folder of room impulse responses
    #[arg(long, value_name = "DIR")]
    rooms: Option<PathBuf>,
    /// Folder of prompts of voice menus
    #[arg(long, value_name = "DIR")]
    prompts: Option<PathBuf>,
    /// Folder of hold music; without it music is made
    #[arg(long, value_name = "DIR")]
    music: Option<PathBuf>,
    /// A plan of your own: TOML, as --print-plan explains it
    #[arg(long, value_name = "TOML", conflicts_with = "preset")]
    plan: Option<PathBuf>,
    /// A plan that comes with the program
    #[arg(long, value_name = "NAME", default_value = "harsh")]
    preset: PlanName,
    /// Where to write; made if it is not there
    #[arg(long, value_name = "DIR", required_unless_present = "print_plan")]
    out: Option<PathBuf>,
    /// What all draws come from: the same seed gives the same calls
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Threads; by default one a core
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// How to write the calls
    #[arg(long, value_enum, default_value = "pcm16", value_name = "FORMAT")]
    format: Format,
    /// Print a plan that comes with the program, with every key explained, and end
    #[arg(long, value_name = "NAME")]
    print_plan: Option<PlanName>,
}

#[derive(Clone, Copy, ValueEnum)]
enum PlanName {
    Harsh,
    Typical,
    Clean,
    NotSpeech,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Pcm16,
    Alaw,
}

impl PlanName {
    fn preset(self) -> Preset {
        match self {
            Self::Harsh => Preset::Harsh,
            Self::Typical => Preset::Typical,
            Self::Clean => Preset::Clean,
            Self::NotSpeech => Preset::NotSpeech,
        }
    }
}

impl Format {
    fn output(self) -> OutputFormat {
        match self {
            Self::Pcm16 => OutputFormat::Pcm16,
            Self::Alaw => OutputFormat::Alaw,
        }
    }
}

impl Simulate {
    pub(crate) fn run(self) -> Result<Done> {
        if let Some(plan) = self.print_plan {
            output::line(plan.preset().text().trim_end());
            return Ok(Done::All);
        }
        let Some(out) = &self.out else { bail!("say with --out where to write the calls") };
        let plan = match &self.plan {
            Some(path) => Plan::read(path)?,
            None => Plan::preset(self.preset.preset())?,
        };
        let simulation = Simulation::new(plan, self.materials()?, self.seed, self.format.output())?;
        let bar = progress::bar(simulation.len());
        let threads = self.threads.unwrap_or_else(setup::cores).max(1);
        let made = simulation.write(out, threads, |_| bar.inc(1));
        bar.finish_and_clear();
        let summary = made.with_context(|| format!("can't simulate into {}", out.display()))?;
        output::note(&format!(
            "made {} calls with {:.0} s of speech in {}",
            summary.calls,
            summary.net_speech_s,
            out.display()
        ));
        if summary.short_calls > 0 {
            output::note(&format!(
                "{} of them have less speech than the plan asks for: the speakers' recordings have no more",
                summary.short_calls
            ));
        }
        Ok(Done::All)
    }

    fn materials(&self) -> Result<Materials> {
        let speakers = self.recordings.as_deref().map(Speakers::read).transpose()?.unwrap_or_default();
        let folder = |path: &Option<PathBuf>| path.as_deref().map(Folder::open).transpose();
        Ok(Materials::new(speakers)
            .with_noises(folder(&self.noises)?.unwrap_or_default())
            .with_rooms(folder(&self.rooms)?.unwrap_or_default())
            .with_prompts(folder(&self.prompts)?.unwrap_or_default())
            .with_music(folder(&self.music)?.unwrap_or_default()))
    }
}
