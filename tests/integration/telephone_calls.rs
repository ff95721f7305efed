//! Calls from telephones to the page on the agent's desk, over software nobody here wrote: sipp places
//! them with real RTP, Asterisk forks the caller's leg to AudioSocket, Chromium shows the page.
//!
//! The project's scripts bring the three; where they can't, the tests say why and are skipped.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use earmark_audio::{Limits, RecordingReader};

use earmark_server::proto::v1::{CallInfo, RegisterCallRequest};

use crate::harness::browser::Browser;
use crate::harness::calls::info;
use crate::harness::clients::Clients;
use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::telephone::{Caller, Extension, Network};
use crate::harness::voices;
use crate::harness::world::{CUSTOMERS, PROXIES, populate};

/// The samples of a frame that Asterisk sends: 20 ms.
const FRAME: usize = 160;

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Whether there is a telephone network; a missing one is said, and skips the test.
fn network_is_there(project: &Path) -> bool {
    Network::set_up(project).inspect_err(|e| eprintln!("skipped: {e:#}")).is_ok()
}

fn ulaw(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|&s| earmark_simulation::ulaw(s)).collect()
}

/// What the program reads from a mu-law file with this audio.
fn as_a_file(audio: &[u8]) -> Vec<i16> {
    let mut reader = RecordingReader::from_bytes(mu_law_wav(audio), &Limits::default()).unwrap();
    let mut samples = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        samples.extend(block.channels()[0].iter().map(|s| (s * 32768.0) as i16));
    }
    samples
}

/// A WAV file (RIFF, WAVE_FORMAT_MULAW is 7) at 8 kHz.
fn mu_law_wav(audio: &[u8]) -> Vec<u8> {
    let length = u32::try_from(audio.len()).unwrap();
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x07\0\x01\0");
    file.extend(8000u32.to_le_bytes());
    file.extend(8000u32.to_le_bytes());
    file.extend(b"\x01\0\x08\0data");
    file.extend(length.to_le_bytes());
    file.extend(audio);
    file
}

/// What came over one AudioSocket connection.
struct Recorded {
    uuid: Vec<u8>,
    samples: Vec<i16>,
}

/// Takes so many AudioSocket connections to their ends.
fn recorder(connections: usize) -> (SocketAddr, JoinHandle<Vec<Recorded>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let record = move || {
        let running: Vec<_> = (0..connections)
            .map(|_| listener.accept().unwrap().0)
            .map(|stream| std::thread::spawn(move || record(stream)))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    };
    (address, std::thread::spawn(record))
}

/// A message is its type (01 is the UUID, 10 is 16-bit audio), its length in two bytes, and its payload.
fn record(mut stream: TcpStream) -> Recorded {
    let mut recorded = Recorded { uuid: Vec::new(), samples: Vec::new() };
    let mut head = [0; 3];
    while stream.read_exact(&mut head).is_ok() {
        let mut payload = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
        stream.read_exact(&mut payload).unwrap();
        match head[0] {
            0x00 => break,
            0x01 => recorded.uuid = payload,
            0x10 => recorded
                .samples
                .extend(payload.as_chunks().0.iter().map(|&sample| i16::from_le_bytes(sample))),
            other => panic!("an unknown message of type {other:#x}"),
        }
    }
    recorded
}

fn bytes(uuid: &str) -> Vec<u8> {
    let digits = uuid.replace('-', "");
    (0..16).map(|n| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap()).collect()
}

/// How a recording follows a file, in frames.
#[derive(Debug, Default)]
struct Following {
    /// Of the file before the recording begins: the call is set up.
    before: usize,
    /// The same to the sample, one after the other.
    same: usize,
    /// Silence that is not in the file: a late packet on a busy machine.
    silent: usize,
    /// Of the file, passed over.
    lost: usize,
}

/// Follows a recording through the file; none where it holds a frame that the file has not from there on.
fn follow(recorded: &[i16], file: &[i16]) -> Option<Following> {
    let (file, _) = file.as_chunks::<FRAME>();
    let (recorded, _) = recorded.as_chunks::<FRAME>();
    let mut following = Following::default();
    let mut at = 0;
    for frame in recorded {
        match file[at..].iter().position(|other| other == frame) {
            Some(passed) if following.same == 0 => following.before = passed,
            Some(passed) => following.lost += passed,
            None if frame.iter().all(|sample| sample.abs() <= 8) => {
                following.silent += 1;
                continue;
            }
            None => return None,
        }
        following.same += 1;
        at = following.before + following.lost + following.same;
    }
    Some(following)
}

#[test]
fn what_asterisk_sends_is_the_callers_leg_to_the_sample() {
    const IVR: &str = "7d9f1c52-0d5f-4c38-9a53-0e6b1f0a0001";
    const AGENT: &str = "7d9f1c52-0d5f-4c38-9a53-0e6b1f0a0002";
    const QUEUE: &str = "7d9f1c52-0d5f-4c38-9a53-0e6b1f0a0003";
    let project = project();
    if !network_is_there(&project) {
        return;
    }
    let (address, recorded) = recorder(3);
    let network = Network::start(&project, address, &ulaw(&voices::samples("carlo/01"))).unwrap();
    let mut audio = ulaw(&voices::samples("june/01"));
    // Whole packets: sipp fills up the last one.
    audio.truncate(audio.len() / FRAME * FRAME);
    let place = |uuid, extension| {
        network.call(&Caller { uuid, number: "13800138000", extension, audio: &audio }).unwrap()
    };
    let ways = [(IVR, Extension::Ivr), (AGENT, Extension::Agent), (QUEUE, Extension::Queue)];
    for placed in ways.map(|(uuid, extension)| place(uuid, extension)) {
        placed.ended().unwrap_or_else(|e| panic!("{e:#}\nAsterisk says:\n{}", network.log()));
    }
    let file = as_a_file(&audio);
    let mut seen = Vec::new();
    for Recorded { uuid, samples } in recorded.join().unwrap() {
        let following = follow(&samples, &file).expect("the file's frames, silence, and no others");
        println!("{following:?}");
        seen.push(uuid);
        let whole = file.len() / FRAME;
        assert!(following.before < whole / 2, "{following:?} of {whole}");
        // A packet late on a busy machine may miss its turn; more would be a fault.
        assert!(following.same * 10 >= (whole - following.before) * 9, "{following:?} of {whole}");
    }
    seen.sort();
    assert_eq!(seen, [bytes(IVR), bytes(AGENT), bytes(QUEUE)]);
}

/// A call, and what the agent's page has to show of it.
struct Scene {
    name: &'static str,
    uuid: &'static str,
    number: &'static str,
    extension: Extension,
    /// Nobody registered the call if there is none.
    registered: Option<CallInfo>,
    samples: Vec<i16>,
    verdict: &'static str,
}

/// The seconds of a call here: enough for every verdict, and no longer.
const CALL_S: usize = 12;

fn said_by(person: &str) -> Vec<i16> {
    let mut samples = voices::call(person);
    samples.truncate(CALL_S * voices::RATE_HZ as usize);
    samples
}

/// Two seconds of a customer, then a quiet line.
fn little_said_by(person: &str) -> Vec<i16> {
    let mut samples = voices::short_call(person);
    samples.truncate(2 * voices::RATE_HZ as usize);
    samples.extend(voices::noise().iter().take(4 * voices::RATE_HZ as usize).map(|s| s / 40));
    samples
}

fn scenes() -> Vec<Scene> {
    let claims = |customer: &str| Some(CallInfo { scene: "hotline".into(), ..info("", customer) });
    let scene = |name, uuid, number, registered, samples, verdict| {
        let extension = Extension::Agent;
        Scene { name, uuid, number, extension, registered, samples, verdict }
    };
    vec![
        scene(
            "suspected-proxy",
            "a3c1f2d0-6f0e-4f6c-8f58-3b1d2c4e0001",
            "13912345671",
            claims(CUSTOMERS[0]),
            said_by(PROXIES[0]),
            "疑似代理",
        ),
        scene(
            "match",
            "a3c1f2d0-6f0e-4f6c-8f58-3b1d2c4e0002",
            "13912345672",
            claims(CUSTOMERS[1]),
            said_by(CUSTOMERS[1]),
            "一致",
        ),
        scene(
            "mismatch",
            "a3c1f2d0-6f0e-4f6c-8f58-3b1d2c4e0003",
            "13912345673",
            claims(CUSTOMERS[0]),
            said_by("paola"),
            "不一致",
        ),
        scene(
            "insufficient-speech",
            "a3c1f2d0-6f0e-4f6c-8f58-3b1d2c4e0004",
            "13912345674",
            claims(CUSTOMERS[1]),
            little_said_by(CUSTOMERS[1]),
            "语音不足",
        ),
        scene(
            "not-enrolled",
            "a3c1f2d0-6f0e-4f6c-8f58-3b1d2c4e0005",
            "13912345675",
            claims("62170005"),
            said_by("paola"),
            "客户未登记声纹",
        ),
        Scene {
            extension: Extension::Ivr,
            ..scene(
                "unregistered",
                "a3c1f2d0-6f0e-4f6c-8f58-3b1d2c4e0006",
                "13912345676",
                None,
                said_by("ivrvoice"),
                "未声明客户",
            )
        },
    ]
}

/// A server with AudioSocket, two customers and two proxies.
fn server(data: &Path) -> TestServer {
    let options = data.join("telephony.toml");
    std::fs::write(&options, "[audiosocket]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    Launch::new().argument("--telephony", options.to_str().unwrap()).start(&data.join("data"))
}

/// Registers what is known of the calls, as a CTI system does before the audio comes.
async fn register(server: &TestServer, scenes: &[Scene]) {
    let mut clients = Clients::connect(server.address()).await;
    populate(&mut clients).await;
    for Scene { uuid, number, registered, .. } in scenes {
        let Some(known) = registered else { continue };
        let call = CallInfo {
            call_id: (*uuid).to_owned(),
            caller_number: (*number).to_owned(),
            agent_id: "agent-1".to_owned(),
            ..known.clone()
        };
        let request = RegisterCallRequest { call: Some(call), ..Default::default() };
        clients.screening.register_call(request).await.unwrap();
    }
}

/// Where the pictures are kept: EARMARK_SCREENSHOTS (docs/images when the documents are made anew), or
/// beside what was built.
fn pictures() -> PathBuf {
    let beside = || Path::new(env!("CARGO_TARGET_TMPDIR")).join("telephone-calls");
    let folder = std::env::var_os("EARMARK_SCREENSHOTS").map_or_else(beside, PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    std::path::absolute(folder).unwrap()
}

#[test]
fn a_telephone_call_ends_as_a_verdict_on_the_agents_page() {
    let project = project();
    if !network_is_there(&project) {
        return;
    }
    let mut browser = match Browser::start(&project, false) {
        Ok(browser) => browser,
        Err(e) => return eprintln!("skipped: {e:#}"),
    };
    let data = folder();
    let server = server(data.path());
    let scenes = scenes();
    tokio::runtime::Runtime::new().unwrap().block_on(register(&server, &scenes));
    // The agent's voice is a listed proxy's: were their leg heard, every call would be tagged.
    let agent = ulaw(&said_by(PROXIES[1]));
    let audiosocket = server.address_for("audiosocket").parse().unwrap();
    let network = Network::start(&project, audiosocket, &agent).unwrap();

    let pictures = pictures();
    let picture = |name: &str| pictures.join(format!("{name}.png"));
    for Scene { name, uuid, .. } in &scenes {
        browser.open(name, &format!("http://{}/pop?call_id={uuid}", server.address())).unwrap();
        until_heading(&mut browser, name, "等待通话开始");
    }
    browser.shot(scenes[0].name, &picture("waiting")).unwrap();
    let placed: Vec<_> = scenes
        .iter()
        .map(|Scene { uuid, number, extension, samples, .. }| {
            let audio = ulaw(samples);
            network.call(&Caller { uuid, number, extension: *extension, audio: &audio }).unwrap()
        })
        .collect();
    for Scene { name, verdict, .. } in &scenes {
        until_heading(&mut browser, name, verdict);
    }
    for placed in placed {
        placed.ended().unwrap_or_else(|e| panic!("{e:#}\nAsterisk says:\n{}", network.log()));
    }
    for Scene { name, verdict, number, .. } in &scenes {
        browser.until(name, "document.body.innerText.includes('通话已结束')").unwrap();
        until_heading(&mut browser, name, verdict);
        let text = browser.text(name).unwrap();
        assert!(!text.contains(number), "the whole number is on the page:\n{text}");
        assert_eq!(browser.troubles(name).unwrap(), serde_json::json!([]), "{name}");
        browser.shot(name, &picture(name)).unwrap();
    }
}

/// Waits until the page's first words are these.
fn until_heading(browser: &mut Browser, page: &str, words: &str) {
    browser.until(page, &format!("document.querySelector('h1')?.innerText.trim() === '{words}'")).unwrap();
}

#[test]
fn a_telephone_call_goes_on_without_earmark() {
    let project = project();
    if !network_is_there(&project) {
        return;
    }
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let audio = ulaw(&said_by(CUSTOMERS[0])[..2 * voices::RATE_HZ as usize]);
    let network = Network::start(&project, gone, &audio).unwrap();
    let uuid = "a3c1f2d0-6f0e-4f6c-8f58-3b1d2c4e0101";
    let call = Caller { uuid, number: "13912345678", extension: Extension::Agent, audio: &audio };
    let ended = network.call(&call).unwrap().ended();
    ended.unwrap_or_else(|e| panic!("{e:#}\nAsterisk says:\n{}", network.log()));
}
