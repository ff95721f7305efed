use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use earmark_engine::{Cancellation, ListingReport, ProxyListing};
use earmark_voiceprint::ProxyId;
use serde_json::json;

use crate::exit::Done;
use crate::output;
use crate::setup::{EngineArgs, ListenArgs};

/// Put a known complaint agent's voice on the list, from recordings of it, all or none
#[derive(Args)]
#[command(after_help = "Example:
  earmark list-proxy --data bank --proxy P-17 --label '王某 (3 机构)' \\
      --legal-basis 'case 2026-118, fraud prevention' calls/p17-1.wav calls/p17-2.wav")]
pub(crate) struct ListProxy {
    /// Listing's id
    #[arg(long, value_name = "ID")]
    proxy: String,
    /// What an agent's desktop may show; the id if not given
    #[arg(long, default_value = "", value_name = "TEXT")]
    label: String,
    /// Why this voice may be held without its owner's consent
    #[arg(long, value_name = "TEXT")]
    legal_basis: String,
    /// Free text for the risk team
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Makes the command safe to run again
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Recordings of this voice alone: WAV, FLAC, MP3, OGG
    #[arg(required = true, value_name = "FILE")]
    recordings: Vec<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    engine: EngineArgs,
}

impl ListProxy {
    pub(crate) fn run(self) -> Result<Done> {
        let engine = self.engine.open()?;
        let listing = ProxyListing {
            proxy: ProxyId::new(&self.proxy)?,
            label: self.label,
            legal_basis: self.legal_basis,
            note: self.note,
            expires_at: None,
            request_id: self.request_id,
            actor: Some("earmark list-proxy".to_owned()),
        };
        let recordings = self.recordings.iter().map(|path| self.listen.recording(path.clone())).collect();
        let tenant = self.engine.tenant()?;
        let report = engine.list_proxy(&tenant, listing, recordings, &Cancellation::new())?;
        if self.json {
            output::json(&as_json(&report))
        } else {
            tell(&report)
        }
        Ok(Done::All)
    }
}

fn tell(report: &ListingReport) {
    let (id, count) = (&report.proxy.proxy, report.proxy.voiceprints.len());
    output::line(&format!("proxy {id} is listed from {count} recordings"));
    for other in &report.similar {
        output::note(&format!("warning: proxy {other}, listed before, is probably the same voice"));
    }
}

fn as_json(report: &ListingReport) -> serde_json::Value {
    json!({
        "proxy": report.proxy.proxy.as_str(),
        "recordings": report.proxy.voiceprints.len(),
        "similar": report.similar.iter().map(ProxyId::as_str).collect::<Vec<_>>(),
        "replayed": report.replayed,
    })
}
