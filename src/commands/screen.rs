use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;
use earmark_engine::{CallInfo, CallUpdate, Cancellation, CustomerComparison, Engine};
use earmark_voiceprint::{CallId, CustomerId, TenantId};
use serde_json::{Value, json};

use crate::exit::Done;
use crate::setup::{EngineArgs, ListenArgs};
use crate::{output, progress};

/// Screen recorded calls: a file, or every file of a folder
#[derive(Args)]
#[command(after_help = "Example:
  earmark screen --data bank --customer 62170001 call.wav
  earmark screen --data bank --json calls/ > verdicts.jsonl")]
pub(crate) struct Screen {
    /// Recording, or a folder of recordings
    #[arg(value_name = "FILE|DIR")]
    path: PathBuf,
    /// Whom the caller claims to be; without it only the proxy library is searched
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Print one JSON object a call instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

impl Screen {
    pub(crate) fn run(self) -> Result<Done> {
        let files = recordings(&self.path)?;
        let engine = self.engine.open()?;
        let tenant = self.engine.tenant()?;
        let claimed = self.customer.as_deref().map(CustomerId::new).transpose()?;
        let bar = progress::bar(files.len());
        let mut rows = vec![head()];
        let mut failed = false;
        for file in &files {
            let result = self.screen(&engine, &tenant, claimed.as_ref(), file);
            failed |= result.is_err();
            bar.inc(1);
            bar.suspend(|| match &result {
                Ok(update) if self.json => output::json(&as_json(file, update)),
                Err(error) if self.json => {
                    output::json(&json!({"recording": file, "error": format!("{error:#}")}))
                }
                Ok(update) => rows.push(row(file, update)),
                Err(error) => output::error(&format!("{}: {error:#}", file.display())),
            });
        }
        bar.finish_and_clear();
        if !self.json && rows.len() > 1 {
            output::line(&output::table(&rows));
        }
        Ok(if failed { Done::Part } else { Done::All })
    }

    fn screen(
        &self,
        engine: &Engine,
        tenant: &TenantId,
        claimed: Option<&CustomerId>,
        file: &Path,
    ) -> Result<CallUpdate> {
        let call = CallInfo { claimed: claimed.cloned(), ..CallInfo::unknown(call_id(file)?) };
        let recording = self.listen.recording(file.to_path_buf());
        Ok(engine.screen_recording(tenant, call, &recording, &Cancellation::new())?)
    }
}

/// The file's name and the moment: the same recording may be screened again.
fn call_id(file: &Path) -> Result<CallId> {
    let name: String =
        file.file_stem().map(|n| n.to_string_lossy().chars().take(24).collect()).unwrap_or_default();
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    Ok(CallId::new(&format!("{}-{nanos}", name.trim()))?)
}

fn recordings(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("can't read folder {}", path.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|e| e.path()).filter(|p| p.is_file()).collect();
    files.sort();
    Ok(files)
}

fn head() -> Vec<String> {
    ["recording", "speech", "LLR customer", "best proxy", "LLR proxy", "verdict", "risk", "reasons"]
        .map(str::to_owned)
        .to_vec()
}

fn row(file: &Path, update: &CallUpdate) -> Vec<String> {
    let proxy = update.proxies.first();
    vec![
        file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        update.speech.net_speech.to_string(),
        customer(update.customer),
        proxy.map_or_else(|| "-".to_owned(), |p| p.label.to_string()),
        proxy.map_or_else(|| "-".to_owned(), |p| format!("{:+.1}", p.llr)),
        format!("{} {}", update.verdict.text().zh, update.verdict.text().en),
        update.risk.text().en.to_owned(),
        update.reasons.iter().map(|r| r.code()).collect::<Vec<_>>().join(","),
    ]
}

fn customer(comparison: CustomerComparison) -> String {
    match comparison {
        CustomerComparison::Llr(llr) => format!("{llr:+.1}"),
        CustomerComparison::NotEnrolled => "not enrolled".to_owned(),
        CustomerComparison::OptedOut => "opted out".to_owned(),
        CustomerComparison::NotClaimed => "not claimed".to_owned(),
        CustomerComparison::TooShort => "-".to_owned(),
    }
}

fn as_json(file: &Path, update: &CallUpdate) -> Value {
    let llr = match update.customer {
        CustomerComparison::Llr(llr) => Some(llr),
        _ => None,
    };
    json!({
        "recording": file,
        "call": update.call.call_id.as_str(),
        "customer": update.call.claimed.as_ref().map(CustomerId::as_str),
        "net_speech_s": update.speech.net_speech.seconds(),
        "audio_s": update.speech.audio_s,
        "customer_llr": llr,
        "customer_state": customer_state(update.customer),
        "proxies": update.proxies.iter().map(|p| json!({
            "proxy": p.proxy.as_str(), "label": &*p.label, "llr": p.llr, "posterior": p.posterior,
        })).collect::<Vec<_>>(),
        "posterior": update.posterior.map(|p| json!({
            "customer": p.customer, "listed_proxy": p.listed_proxy, "somebody_else": p.somebody_else,
        })),
        "verdict": update.verdict.code(),
        "verdict_zh": update.verdict.text().zh,
        "risk": update.risk.code(),
        "reasons": update.reasons.iter().map(|r| r.code()).collect::<Vec<_>>(),
        "warnings": update.speech.warnings.iter().map(|w| w.as_str()).collect::<Vec<_>>(),
        "model": update.model.as_str(),
        "calibration": &*update.calibration,
        "compute_ms": update.compute.as_secs_f64() * 1e3,
    })
}

fn customer_state(comparison: CustomerComparison) -> &'static str {
    match comparison {
        CustomerComparison::Llr(_) => "SCORED",
        CustomerComparison::NotEnrolled => "NOT_ENROLLED",
        CustomerComparison::OptedOut => "OPTED_OUT",
        CustomerComparison::NotClaimed => "NOT_CLAIMED",
        CustomerComparison::TooShort => "TOO_SHORT",
    }
}
