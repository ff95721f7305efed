mod telephony;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use earmark_server::{
    AccessOptions, AccessToken, DeskOptions, Limits, Listeners, Permission, ServerOptions, SiprecListeners,
    TlsOptions,
};
use earmark_voiceprint::TenantId;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;

use crate::exit::Done;
use crate::setup::EngineArgs;
use crate::{output, stop};

use self::telephony::Telephony;

/// Files that are open beside connections: the database, the models, and sockets of telephony.
const OTHER_FILES: u64 = 512;

/// Serve gRPC, gRPC-Web, health and metrics on one port
#[derive(Args)]
#[command(after_help = "Example:
  earmark serve --data bank --listen 127.0.0.1:50051
  grpcurl -plaintext 127.0.0.1:50051 list

The line `listening on ADDR:PORT` on standard output says that all is ready; lines before it name
what else is listened for. SIGTERM or Ctrl-C drains:
new calls are refused, running ones may end, then the program ends with code 0.")]
pub(crate) struct Serve {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:50051", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// Certificate chain in PEM; with it the port speaks TLS
    #[arg(long, requires = "tls_key", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, requires = "tls_cert", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Only clients with a certificate of this authority (PEM) may connect
    #[arg(long, requires = "tls_cert", value_name = "FILE")]
    tls_client_ca: Option<PathBuf>,
    /// Serve without TLS to other machines too: only behind something that encrypts
    #[arg(long)]
    allow_remote_plaintext: bool,
    /// Tokens of the programs that may call (TOML, see docs/operations.md); without it anybody who
    /// reaches the port may
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// What the desk's pages show and who may frame them (TOML, see
    /// docs/integration/screen-pop.md)
    #[arg(long, value_name = "FILE")]
    desk: Option<PathBuf>,
    /// By which ways calls arrive beside gRPC: AudioSocket and more (TOML, see docs/integration.md)
    #[arg(long, value_name = "FILE")]
    telephony: Option<PathBuf>,
    /// Live calls at once; the next one is refused
    #[arg(long, default_value_t = 200, value_name = "N")]
    max_calls: usize,
    /// Desk pages and WatchCalls streams open at once; further ones are told so
    #[arg(long, default_value_t = Limits::default().max_watchers, value_name = "N")]
    max_pages: usize,
    /// Connections at once, pages' and telephone systems' together; further ones wait
    #[arg(long, default_value_t = Limits::default().max_connections, value_name = "N")]
    max_connections: usize,
    /// Seconds that running calls may go on after the stop signal
    #[arg(long, default_value_t = 30, value_name = "S")]
    drain_s: u64,
    /// Keep each call's voiceprint, sealed, to look for proxies listed later
    #[arg(long)]
    keep_call_voiceprints: bool,
    /// Compare callers who claim an opted-out customer with the proxy library all the same
    #[arg(long)]
    screen_opted_out: bool,
    /// Log as JSON, one event a line, on standard error; the level is RUST_LOG (default info)
    #[arg(long)]
    log_json: bool,
    #[command(flatten)]
    engine: EngineArgs,
}

/// The file of `--tokens`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    token: Vec<RawToken>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawToken {
    name: String,
    token: String,
    tenants: Option<Vec<String>>,
    /// What it is good for; without it, everything.
    allow: Option<Vec<String>>,
}

impl RawToken {
    fn resolve(&self) -> Result<AccessToken> {
        let tenants = self.tenants.as_ref().map(|ids| ids.iter().map(|id| TenantId::new(id)).collect());
        let token = AccessToken::new(&self.name, &self.token, tenants.transpose()?)?;
        let Some(allow) = &self.allow else { return Ok(token) };
        let what = || format!("token {:?}: allow names at least one of {}", self.name, permissions());
        anyhow::ensure!(!allow.is_empty(), what());
        let known = allow.iter().map(|name| Permission::from_name(name)).collect::<Option<_>>();
        Ok(token.allowing(known.with_context(what)?))
    }
}

fn permissions() -> String {
    Permission::ALL.map(Permission::name).join(", ")
}

impl Serve {
    pub(crate) fn run(self) -> Result<Done> {
        self.start_log()?;
        self.make_room()?;
        let telephony = Telephony::read(self.telephony.as_deref())?;
        let mut options = self.engine.options()?;
        options.keep_call_voiceprints = self.keep_call_voiceprints;
        options.screen_opted_out = self.screen_opted_out;
        let what = || format!("can't start with data folder {}", self.engine.data.display());
        let engine = earmark_engine::Engine::open(options).with_context(what)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            // Before the address is told: who reads it may stop the server at once.
            let stopped = stop::signal()?;
            let what = || format!("can't listen on {}; choose a free port with --listen", self.listen);
            let main = TcpListener::bind(self.listen).await.with_context(what)?;
            let audiosocket = match telephony.audiosocket {
                Some(address) => {
                    let what = || format!("can't listen on {address}; choose a free port for audiosocket");
                    Some(TcpListener::bind(address).await.with_context(what)?)
                }
                None => None,
            };
            if let Some(listener) = &audiosocket {
                output::line(&format!("listening for audiosocket on {}", listener.local_addr()?));
            }
            let siprec = match telephony.siprec {
                Some(address) => {
                    let what = || format!("can't listen on {address}; choose a free port for siprec");
                    Some(SiprecListeners::bind(address).await.with_context(what)?)
                }
                None => None,
            };
            if let Some(listeners) = &siprec {
                output::line(&format!("listening for siprec on {}", listeners.tcp().local_addr()?));
            }
            output::line(&format!("listening on {}", main.local_addr()?));
            let options = ServerOptions { telephony: telephony.options, ..self.server_options()? };
            earmark_server::serve(Listeners { main, audiosocket, siprec }, engine, options, stopped).await?;
            Ok(Done::All)
        })
    }

    fn server_options(&self) -> Result<ServerOptions> {
        let mut options = ServerOptions {
            tls: self.tls()?,
            access: self.access()?,
            desk: self.desk()?,
            allow_remote_plaintext: self.allow_remote_plaintext,
            threads: NonZeroUsize::new(self.engine.threads()),
            drain_timeout: Duration::from_secs(self.drain_s),
            ..ServerOptions::default()
        };
        options.limits.max_live_calls = self.max_calls;
        options.limits.max_watchers = self.max_pages;
        options.limits.max_connections = self.max_connections;
        Ok(options)
    }

    fn access(&self) -> Result<AccessOptions> {
        let Some(path) = &self.tokens else { return Ok(AccessOptions::default()) };
        let what = || format!("can't take tokens from {}", path.display());
        let file: TokenFile =
            toml::from_str(&std::fs::read_to_string(path).with_context(what)?).with_context(what)?;
        let tokens = file.token.iter().map(RawToken::resolve).collect::<Result<_>>().with_context(what)?;
        Ok(AccessOptions { tokens, ..AccessOptions::default() })
    }

    fn desk(&self) -> Result<DeskOptions> {
        let Some(path) = &self.desk else { return Ok(DeskOptions::default()) };
        let what = || format!("can't take the desk's texts from {}", path.display());
        DeskOptions::from_toml(&std::fs::read_to_string(path).with_context(what)?).with_context(what)
    }

    fn tls(&self) -> Result<Option<TlsOptions>> {
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else { return Ok(None) };
        let read =
            |path: &PathBuf| std::fs::read(path).with_context(|| format!("can't read {}", path.display()));
        Ok(Some(TlsOptions {
            certificates_pem: read(cert)?,
            private_key_pem: read(key)?,
            client_authorities_pem: self.tls_client_ca.as_ref().map(read).transpose()?,
        }))
    }

    /// Every connection is an open file, of which systems allow a program 1,024 unless it asks.
    fn make_room(&self) -> Result<()> {
        let wanted = (self.max_connections as u64).saturating_add(OTHER_FILES);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current.is_none_or(|current| current >= wanted) {
            return Ok(());
        }
        let allowed = maximum.map_or(wanted, |most| most.min(wanted));
        setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum })?;
        if allowed < wanted {
            let hint =
                "raise the limit of open files (LimitNOFILE in a unit file), or lower --max-connections";
            tracing::warn!(allowed, wanted, hint, "the system allows fewer connections than are configured");
        }
        Ok(())
    }

    fn start_log(&self) -> Result<()> {
        let level = tracing_subscriber::EnvFilter::try_from_default_env()
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
        // At its finer levels the WebSocket library writes whole messages: audio, which no log may hold.
        let level = level.add_directive("tungstenite=info".parse()?);
        let log = tracing_subscriber::fmt().with_env_filter(level).with_writer(std::io::stderr);
        let started = if self.log_json { log.json().try_init() } else { log.try_init() };
        started.map_err(|e| anyhow::anyhow!("can't start the log: {e}"))
    }
}
