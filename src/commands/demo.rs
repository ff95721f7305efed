//! The whole path on real voices: the real server as its own process, a real gRPC client, calls in
//! real time.

#[allow(dead_code, reason = "the tests share it, and use another part of it")]
pub(super) mod browser;
mod call;
pub(super) mod cast;
mod report;
pub(super) mod server;
pub(super) mod telephone;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use earmark_server::proto::v1::customers_service_client::CustomersServiceClient;
use earmark_server::proto::v1::proxy_library_service_client::ProxyLibraryServiceClient;
use earmark_server::proto::v1::{AddProxyRequest, EnrollRecordingsRequest, Recording};
use tonic::transport::Channel;

use crate::exit::Done;
use crate::models::ModelArgs;
use crate::output;
use cast::Cast;
use server::Server;

/// Start the real server on loopback, enroll customers and list proxies from human recordings, and
/// screen calls in real time
#[derive(Args)]
#[command(after_help = "Example:
  earmark demo")]
pub(crate) struct Demo {
    /// Folder with the demo's voices
    #[arg(long, default_value = "tests/data", value_name = "DIR")]
    voices: PathBuf,
    #[command(flatten)]
    models: ModelArgs,
}

impl Demo {
    pub(crate) fn run(self) -> Result<Done> {
        let cast = Cast::load(&self.voices)
            .with_context(|| format!("can't read the demo's voices in {}", self.voices.display()))?;
        let data = tempfile::Builder::new().prefix("earmark-demo-").tempdir()?;
        let server = Server::start(&self.models, data.path())?;
        output::note(&format!("the server listens on {} with an empty data folder", server.address()));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let results = runtime.block_on(async {
            let channel = Channel::from_shared(format!("http://{}", server.address()))?.connect().await?;
            enroll(&channel, &cast).await?;
            call::place_all(&channel, cast.calls()?).await
        })?;
        output::line(&report::table(&results));
        server.stop()?;
        Ok(Done::All)
    }
}

/// Enrolls the customers and lists the proxies.
pub(super) async fn enroll(channel: &Channel, cast: &Cast) -> Result<()> {
    let mut customers = CustomersServiceClient::new(channel.clone());
    for (id, person) in cast.customers() {
        let recordings = recordings(cast, person)?;
        let request = EnrollRecordingsRequest { customer_id: id.clone(), recordings, ..Default::default() };
        let reply = customers.enroll_recordings(request).await.with_context(|| format!("enrolling {id}"))?;
        let speech: f32 = reply.get_ref().speech.iter().map(|s| s.net_speech_s).sum();
        output::note(&format!("enrolled customer {id} ({person}) from {speech:.0} s of speech"));
    }
    let mut library = ProxyLibraryServiceClient::new(channel.clone());
    for (id, person) in cast.proxies() {
        let request = AddProxyRequest {
            proxy_id: id.clone(),
            label: id.clone(),
            legal_basis: "demonstration with prompts under a free licence".to_owned(),
            recordings: recordings(cast, person)?,
            ..Default::default()
        };
        let reply = library.add_proxy(request).await.with_context(|| format!("listing {id}"))?;
        let speech = reply.get_ref().proxy.as_ref().map_or(0.0, |p| p.net_speech_s);
        output::note(&format!("listed proxy {id} ({person}) from {speech:.0} s of speech"));
    }
    Ok(())
}

/// A person's enrollment clips, joined into two recordings as two calls would be.
fn recordings(cast: &Cast, person: &str) -> Result<Vec<Recording>> {
    let clips = cast.clips(person, "enroll")?;
    let halves = clips.split_at(clips.len().div_ceil(2));
    let joined = [halves.0, halves.1].into_iter().filter(|half| !half.is_empty());
    joined
        .enumerate()
        .map(|(n, half)| {
            let content = cast::wav(&cast::joined(half))?;
            Ok(Recording { content, name: format!("{person}-{}.wav", n + 1), ..Default::default() })
        })
        .collect()
}
