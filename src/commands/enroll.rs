use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use earmark_engine::{Cancellation, Enrollment, EnrollmentReport};
use earmark_voiceprint::CustomerId;
use serde_json::json;

use crate::exit::Done;
use crate::output;
use crate::setup::{EngineArgs, ListenArgs};

/// Enroll a customer from recordings of their voice, all or none
#[derive(Args)]
#[command(after_help = "Example:
  earmark enroll --data bank --customer 62170001 calls/a.wav calls/b.wav")]
pub(crate) struct Enroll {
    /// Customer's id, as the institution writes it
    #[arg(long, value_name = "ID")]
    customer: String,
    /// Recordings of this customer alone: WAV, FLAC, MP3, OGG
    #[arg(required = true, value_name = "FILE")]
    recordings: Vec<PathBuf>,
    /// Enroll although the voice is listed, or unlike the customer's history
    #[arg(long)]
    force: bool,
    /// Makes the command safe to run again
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

impl Enroll {
    pub(crate) fn run(self) -> Result<Done> {
        let engine = self.engine.open()?;
        let enrollment = Enrollment {
            customer: CustomerId::new(&self.customer)?,
            request_id: self.request_id.clone(),
            force: self.force,
            actor: Some("earmark enroll".to_owned()),
        };
        let recordings = self.recordings.iter().map(|path| self.listen.recording(path.clone())).collect();
        let tenant = self.engine.tenant()?;
        let report = engine.enroll_recordings(&tenant, enrollment, recordings, &Cancellation::new())?;
        if self.json {
            output::json(&as_json(&report))
        } else {
            self.tell(&report)
        }
        Ok(Done::All)
    }

    fn tell(&self, report: &EnrollmentReport) {
        if report.replayed {
            output::line(&format!("customer {} was enrolled by this request before", self.customer));
        }
        for (path, speech) in self.recordings.iter().zip(&report.speech) {
            output::line(&format!("{}: {} of speech", path.display(), speech.net_speech));
        }
        for finding in &report.overridden {
            output::note(&format!("warning: enrolled by force in spite of {}", finding.code()));
        }
        let (id, count) = (&report.customer.customer, report.customer.voiceprints.len());
        output::line(&format!("customer {id} has {count} enrolled recordings"));
    }
}

fn as_json(report: &EnrollmentReport) -> serde_json::Value {
    json!({
        "customer": report.customer.customer.as_str(),
        "enrollments": report.customer.voiceprints.len(),
        "net_speech_s": report.speech.iter().map(|s| s.net_speech.seconds()).collect::<Vec<_>>(),
        "overridden": report.overridden.iter().map(earmark_engine::EnrollmentWarning::code).collect::<Vec<_>>(),
        "replayed": report.replayed,
    })
}
