//! The real Asterisk with its real chan_websocket: a caller's voice in a file becomes a verdict.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use earmark_server::proto::v1::{Verdict, WatchCallsRequest};

use super::{ended, launch, nameless};
use crate::harness::calls::{info, verdict};
use crate::harness::clients::Clients;
use crate::harness::server::folder;
use crate::harness::voices;
use crate::harness::world::{CUSTOMERS, populate};

/// The program that scripts/setup-asterisk.sh unpacks; `None` is said, and skips the test.
fn program() -> Option<PathBuf> {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    let found = cache.join("earmark/asterisk/asterisk");
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: {} is not there; scripts/setup-asterisk.sh puts it there", found.display());
    None
}

/// A running Asterisk, stopped by its pid.
struct Asterisk {
    process: Child,
    program: PathBuf,
    folder: PathBuf,
}

impl Asterisk {
    fn start(program: PathBuf, folder: &Path, earmark: &str) -> Self {
        let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/telephony/asterisk-websocket/run.sh");
        let mut command = Command::new(run);
        command.arg(folder).args([earmark, "no-token-is-asked-for"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("asterisk starts");
        let mut asterisk = Self { process, program, folder: folder.to_path_buf() };
        while !asterisk.log().contains("Asterisk Ready.") {
            let ended = asterisk.process.try_wait().expect("it can be asked for");
            assert!(ended.is_none(), "asterisk ended: {}", asterisk.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        asterisk
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log/messages")).unwrap_or_default()
    }

    /// A command of its console.
    fn console(&self, command: &str) {
        let configuration = self.folder.join("etc/asterisk.conf");
        let output = Command::new(&self.program).arg("-C").arg(configuration).args(["-rx", command]).output();
        let output = output.expect("the console answers");
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Asterisk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asterisk_itself_brings_a_call_sample_by_sample() {
    let Some(program) = program() else { return };
    let data = folder();
    let server = launch(data.path(), "[websocket.asterisk]\n").start(&data.path().join("data"));
    let mut clients = Clients::connect(server.address()).await;
    populate(&mut clients).await;
    let samples = &voices::call(CUSTOMERS[1])[..8 * 8000];
    let run = data.path().join("asterisk");
    std::fs::create_dir(&run).unwrap();
    std::fs::write(run.join("voice.sln"), voices::pcm(samples)).unwrap();
    let asterisk = Asterisk::start(program, &run, server.address());
    let watch = WatchCallsRequest { agent_id: "1001".to_owned() };
    // The voice straight into the channel, and by way of a Local channel as ChanSpy's audio goes.
    let customer = CUSTOMERS[1];
    asterisk.console(&format!(
        "channel originate WebSocket/earmark/c(slin)v(call_id=ast-1,customer_id={customer}) extension voice@caller"
    ));
    asterisk.console(&format!(
        "channel originate Local/voice@caller/n application Dial \
         WebSocket/earmark/c(ulaw)f(json)v(call_id=ast-2,customer_id={customer},agent_id=1002)"
    ));
    // And the dialplan of docs/integration/asterisk-websocket.md: a call that an agent answers.
    let mut watched = clients.screening.watch_calls(watch).await.unwrap().into_inner();
    asterisk
        .console(&format!("channel originate Local/voice@caller/n extension customer-{customer}@from-trunk"));
    let direct = ended(&mut clients, "ast-1").await;
    let by_grpc = clients.screen(info("ast-1-grpc", customer), samples).await.unwrap();
    assert_eq!(direct.updates.len(), by_grpc.len());
    for (update, same) in direct.updates.iter().zip(&by_grpc) {
        assert_eq!(nameless(update), nameless(same));
    }
    let local = ended(&mut clients, "ast-2").await;
    assert_eq!(local.call.unwrap().agent_id, "1002");
    assert_eq!(verdict(local.updates.last().unwrap()), Verdict::Match);
    assert_eq!(local.updates.last().unwrap().speech.as_ref().unwrap().audio_s, 8.0);
    let last = loop {
        let update = watched.message().await.unwrap().expect("the call goes on").update.unwrap();
        if update.r#final {
            break update;
        }
    };
    let call = last.call.as_ref().unwrap();
    assert_eq!((call.claimed_customer_id.as_str(), call.scene.as_str()), (customer, "hotline"));
    assert_eq!(verdict(&last), Verdict::Match);
}
