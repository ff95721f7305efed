//! The whole way from a telephone to the agent's page, over software nobody here wrote: sipp calls
//! Asterisk, Asterisk forks the caller's leg to AudioSocket, Chromium shows the page.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use earmark_server::proto::v1::screening_service_client::ScreeningServiceClient;
use earmark_server::proto::v1::{CallInfo, RegisterCallRequest};
use tokio::runtime::Runtime;
use tonic::transport::Channel;

use super::demo::browser::Browser;
use super::demo::cast::{self, Cast};
use super::demo::server::Server;
use super::demo::telephone::{Caller, Extension, Network};
use crate::exit::Done;
use crate::models::ModelArgs;
use crate::output;

/// How often the page is looked at.
const LOOK: Duration = Duration::from_millis(250);

const AGENT: &str = "agent-1";

/// Place telephone calls into a real Asterisk and show the agent's page, in real time
#[derive(Args)]
#[command(after_help = "Example, in the project's folder:
  earmark demo-call

Brings Asterisk, sipp and Chromium by the scripts in scripts/ where they are missing. On a machine
with a display the browser is shown.")]
pub(crate) struct DemoCall {
    /// The project's folder, with scripts/ and tests/
    #[arg(long, default_value = ".", value_name = "DIR")]
    project: PathBuf,
    /// Keep a picture of each page in this folder
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    #[command(flatten)]
    models: ModelArgs,
}

/// A call to place.
struct Scene {
    uuid: &'static str,
    number: &'static str,
    /// What is true of it, for who watches.
    truth: String,
    claimed: String,
    audio: Vec<u8>,
}

/// What all calls go through.
struct Stage<'a> {
    channel: Channel,
    network: Network,
    browser: Option<Browser>,
    runtime: &'a Runtime,
    address: String,
    pictures: Option<PathBuf>,
}

impl DemoCall {
    pub(crate) fn run(self) -> Result<Done> {
        let project = std::fs::canonicalize(&self.project)?;
        let cast = Cast::load(&project.join("tests/data")).context("can't read the demo's voices")?;
        output::note("bringing Asterisk, sipp and Chromium where they are missing ...");
        Network::set_up(&project).context("there can be no telephone calls here")?;
        let browser = browser(&project);
        let data = tempfile::Builder::new().prefix("earmark-demo-").tempdir()?;
        let server = Server::with_audiosocket(&self.models, data.path())?;
        let audiosocket = server.audiosocket()?;
        output::note(&format!(
            "the server listens on {}, for AudioSocket on {audiosocket}",
            server.address()
        ));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let channel = runtime.block_on(async {
            let channel = Channel::from_shared(format!("http://{}", server.address()))?.connect().await?;
            super::demo::enroll(&channel, &cast).await?;
            anyhow::Ok(channel)
        })?;
        let network = Network::start(&project, audiosocket, &agent(&cast)?)?;
        let address = server.address().to_owned();
        let mut stage =
            Stage { channel, network, browser, runtime: &runtime, address, pictures: self.pictures };
        for scene in scenes(&cast)? {
            stage.play(&scene)?;
        }
        wait_for_enter();
        drop(stage);
        server.stop()?;
        Ok(Done::All)
    }
}

/// A browser to show or to read the page; without one, who watches opens the address.
fn browser(project: &Path) -> Option<Browser> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    let told =
        |error: &anyhow::Error| output::note(&format!("no browser ({error:#}): open the address yourself"));
    Browser::start(project, display).inspect_err(told).ok()
}

/// A listed proxy who poses as a customer, and a customer.
fn scenes(cast: &Cast) -> Result<[Scene; 2]> {
    let (first, second) = (&cast.customers()[0], &cast.customers()[1]);
    let proxy = &cast.proxies()[0];
    Ok([
        Scene {
            uuid: "5f0c9a10-58d2-4c4b-9d6e-2f9f4c0d0001",
            number: "13912345678",
            truth: format!("{} posing as {}", proxy.0, second.0),
            claimed: second.0.clone(),
            audio: speech(cast, &proxy.1)?,
        },
        Scene {
            uuid: "5f0c9a10-58d2-4c4b-9d6e-2f9f4c0d0002",
            number: "13800138000",
            truth: format!("{} themself", first.0),
            claimed: first.0.clone(),
            audio: speech(cast, &first.1)?,
        },
    ])
}

/// What a person says in a call, in G.711.
fn speech(cast: &Cast, person: &str) -> Result<Vec<u8>> {
    const MOST: usize = 16 * cast::RATE_HZ as usize;
    let samples = cast::joined(&cast.clips(person, "call")?);
    Ok(samples.iter().take(MOST).map(|&s| earmark_simulation::ulaw(s)).collect())
}

/// The agent talks all the time with the voice of a listed proxy: were their leg heard, every call would
/// be tagged.
fn agent(cast: &Cast) -> Result<Vec<u8>> {
    speech(cast, &cast.proxies()[1].1)
}

impl Stage<'_> {
    fn play(&mut self, scene: &Scene) -> Result<()> {
        let url = format!("http://{}/pop?call_id={}", self.address, scene.uuid);
        output::line(&format!("\n{} rings: {}\nthe agent's page: {url}", scene.number, scene.truth));
        let register = RegisterCallRequest { call: Some(scene.info()), ..Default::default() };
        let mut screening = ScreeningServiceClient::new(self.channel.clone());
        self.runtime.block_on(screening.register_call(register))?;
        if let Some(browser) = &mut self.browser {
            browser.open(scene.uuid, &url)?;
        }
        let caller = Caller {
            uuid: scene.uuid,
            number: scene.number,
            extension: Extension::Agent,
            audio: &scene.audio,
        };
        let mut placed = self.network.call(&caller)?;
        let mut shown = String::new();
        while !placed.has_ended()? {
            std::thread::sleep(LOOK);
            self.tell_change(scene, &mut shown)?;
        }
        placed.ended().with_context(|| format!("Asterisk says:\n{}", self.network.log()))?;
        self.tell_page(scene)
    }

    /// Prints the page's verdict when it has become another.
    fn tell_change(&mut self, scene: &Scene, shown: &mut String) -> Result<()> {
        const HEADLINE: &str = "document.querySelector('.verdict')?.innerText ?? ''";
        let Some(browser) = &mut self.browser else { return Ok(()) };
        let now = browser.eval(scene.uuid, HEADLINE)?.as_str().unwrap_or_default().replace('\n', "  ");
        if now != *shown {
            output::line(&format!("  the page shows: {now}"));
            *shown = now;
        }
        Ok(())
    }

    /// Prints all that the page shows at the call's end.
    fn tell_page(&mut self, scene: &Scene) -> Result<()> {
        let Some(browser) = &mut self.browser else { return Ok(()) };
        let text = browser.text(scene.uuid)?;
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            output::line(&format!("  | {line}"));
        }
        let Some(folder) = &self.pictures else { return Ok(()) };
        std::fs::create_dir_all(folder)?;
        browser.shot(scene.uuid, &std::path::absolute(folder)?.join(format!("{}.png", scene.uuid)))
    }
}

impl Scene {
    fn info(&self) -> CallInfo {
        CallInfo {
            call_id: self.uuid.to_owned(),
            claimed_customer_id: self.claimed.clone(),
            caller_number: self.number.to_owned(),
            agent_id: AGENT.to_owned(),
            scene: "hotline".to_owned(),
        }
    }
}

/// The pages can be looked at and used until then; a script does not wait.
fn wait_for_enter() {
    if std::io::stdin().is_terminal() {
        output::note("\npress Enter to stop");
        let _ = std::io::stdin().lock().read(&mut [0]);
    }
}
