//! A telephone network on loopback: a real Asterisk, an agent's telephone and callers with real RTP (sipp).
//! The scripts and files are in `scripts/` and `tests/telephony/`; what is started is stopped by its pid.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// How long a program may take to start; they take a second.
const START: Duration = Duration::from_secs(60);

/// How often is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);

/// Ports that a network uses for its audio: 200 of Asterisk's, then the telephones'.
const MEDIA_PORTS: u16 = 1000;

/// What each telephone may take of them.
const TELEPHONE_PORTS: u16 = 10;

/// Asterisk and the agent's telephone.
pub(crate) struct Network {
    _asterisk: Watched,
    _agent: Watched,
    folder: TempDir,
    project: PathBuf,
    sip: u16,
    next_media: AtomicU16,
}

/// Whom a caller reaches, as the dialplan has it.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "the demo calls the agent, the tests all of them")]
pub(crate) enum Extension {
    /// The agent; the caller's leg is forked by ChanSpy.
    Agent,
    /// The agent, through a queue.
    Queue,
    /// Nobody yet; the AudioSocket application carries the caller's audio.
    Ivr,
}

/// Who calls, and what they say.
pub(crate) struct Caller<'a> {
    /// The call's id, as it was registered.
    pub(crate) uuid: &'a str,
    pub(crate) number: &'a str,
    pub(crate) extension: Extension,
    /// G.711 mu-law.
    pub(crate) audio: &'a [u8],
}

impl Network {
    /// Brings Asterisk and sipp by the project's scripts; the error says why that can't be.
    pub(crate) fn set_up(project: &Path) -> Result<()> {
        ["setup-asterisk.sh", "setup-sipp.sh"].iter().try_for_each(|s| run_script(project, s).map(drop))
    }

    /// Starts both. Forked audio goes to `audiosocket`; the agent says `agent` (mu-law) over and over.
    pub(crate) fn start(project: &Path, audiosocket: SocketAddr, agent: &[u8]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("earmark-telephone-").tempdir()?;
        let (sip, phone) = (free_port()?, free_port()?);
        let media = free_media()?;
        let run = folder.path().join("asterisk");
        fs::create_dir(&run)?;
        let said = fs::File::create(folder.path().join("asterisk.out"))?;
        let mut command = Command::new(project.join("tests/telephony/asterisk/run.sh"));
        command.arg(&run).args([sip, media, phone].map(|p| p.to_string())).arg(audiosocket.to_string());
        let mut asterisk = Watched::spawn(command.stdout(said.try_clone()?).stderr(said))?;
        let log = run.join("log/messages");
        let ready = || fs::read_to_string(&log).is_ok_and(|text| text.contains("Asterisk Ready."));
        asterisk.until(ready).with_context(|| format!("Asterisk says:\n{}", tail(&log)))?;

        let audio = folder.path().join("agent.ulaw");
        fs::write(&audio, agent)?;
        let mut command = Command::new(project.join("tests/telephony/sipp/run.sh"));
        command.arg("agent").arg(folder.path().join("agent")).arg(&audio);
        command.args([phone, media + 200].map(|p| p.to_string()));
        let mut agent = Watched::spawn(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        agent.until(|| is_bound(phone)).context("the agent's telephone (sipp) did not start")?;
        let next_media = AtomicU16::new(media + 200 + TELEPHONE_PORTS);
        let project = project.to_path_buf();
        Ok(Self { _asterisk: asterisk, _agent: agent, folder, project, sip, next_media })
    }

    /// Places a call in real time.
    pub(crate) fn call(&self, caller: &Caller<'_>) -> Result<Placed> {
        let folder = self.folder.path().join(caller.uuid);
        fs::create_dir(&folder)?;
        let audio = folder.join("caller.ulaw");
        fs::write(&audio, caller.audio)?;
        let rtp = self.next_media.fetch_add(TELEPHONE_PORTS, Ordering::Relaxed);
        // A little longer than the audio, so that its last packet is on its way.
        let ms = caller.audio.len() / 8 + 100;
        let extension = match caller.extension {
            Extension::Agent => "agent",
            Extension::Queue => "queue",
            Extension::Ivr => "ivr",
        };
        let mut command = Command::new(self.project.join("tests/telephony/sipp/run.sh"));
        command.arg("caller").arg(&folder).arg(&audio).arg(ms.to_string());
        command.args([free_port()?, rtp].map(|p| p.to_string()));
        command.args([caller.uuid, caller.number, extension, &self.sip.to_string()]);
        let process = Watched::spawn(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        Ok(Placed { process, folder })
    }

    /// The last lines of Asterisk's log.
    pub(crate) fn log(&self) -> String {
        tail(&self.folder.path().join("asterisk/log/messages"))
    }
}

/// A call that goes on.
pub(crate) struct Placed {
    process: Watched,
    folder: PathBuf,
}

impl Placed {
    /// Whether the caller has hung up.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.process.child.try_wait()?.is_some())
    }

    /// Waits until the caller has hung up.
    pub(crate) fn ended(mut self) -> Result<()> {
        let status = self.process.child.wait()?;
        if status.success() {
            return Ok(());
        }
        let files = fs::read_dir(&self.folder)?.flatten().map(|entry| entry.path());
        let errors = files.filter(|f| f.extension().is_some_and(|e| e == "log")).map(|f| tail(&f));
        bail!("the call failed, sipp ended with {status}:\n{}", errors.collect::<String>())
    }
}

/// Runs a set-up script and gives what it prints.
pub(crate) fn run_script(project: &Path, script: &str) -> Result<String> {
    let path = project.join("scripts").join(script);
    let output = Command::new(&path).output().with_context(|| format!("can't run {}", path.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{script} ended with {}: {}", output.status, said.lines().last().unwrap_or_default());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A process that ends with this one, however this one ends.
struct Watched {
    child: Child,
    watchdog: Child,
}

impl Watched {
    fn spawn(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn().context("can't start a telephone program")?;
        // The pipe closes when this process is gone, and then the shell ends the other.
        let mut watchdog = Command::new("sh");
        watchdog.args(["-c", "read _; kill -KILL \"$1\"", "sh", &child.id().to_string()]);
        watchdog.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { child, watchdog: watchdog.spawn()? })
    }

    fn until(&mut self, ready: impl Fn() -> bool) -> Result<()> {
        let began = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}");
            }
            if began.elapsed() > START {
                bail!("it did not start within {} s", START.as_secs());
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // The watchdog first: it must not outlive the pid that it would end.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A UDP port that nobody holds now.
fn free_port() -> Result<u16> {
    Ok(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The first of a block of free ports, below those that the system gives out by itself.
fn free_media() -> Result<u16> {
    const FIRST: u16 = 12_000;
    const BLOCKS: u16 = 20;
    let taken = bound_ports();
    // Networks begin in different blocks, since a port shows only once a call uses it.
    static NETWORKS: AtomicU16 = AtomicU16::new(0);
    let nth = NETWORKS.fetch_add(1, Ordering::Relaxed) % BLOCKS;
    let from = (std::process::id() % u32::from(BLOCKS)) as u16 + nth;
    let mut blocks = (0..BLOCKS).map(|n| FIRST + (from + n) % BLOCKS * MEDIA_PORTS);
    let free = |first: &u16| !taken.iter().any(|port| (*first..*first + MEDIA_PORTS).contains(port));
    blocks.find(free).context("no free block of UDP ports for the calls' audio")
}

fn is_bound(port: u16) -> bool {
    bound_ports().contains(&port)
}

/// The UDP ports in use, as the kernel lists them (proc(5), /proc/net/udp): `sl: address:port ...` in hex.
fn bound_ports() -> Vec<u16> {
    let table = fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let port = |line: &str| u16::from_str_radix(line.split_whitespace().nth(1)?.split_once(':')?.1, 16).ok();
    table.lines().skip(1).filter_map(port).collect()
}

fn tail(file: &Path) -> String {
    let text = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
