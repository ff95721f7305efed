//! Fifty live calls at once over AudioSocket, in real time: whether any falls behind, what a call costs,
//! and how long the deciding audio takes to become an event at a page, on the wire and in a browser.
//!
//!     cargo bench --bench audiosocket_calls
//!
//! Which audio decides is known, not guessed: the same extractor is fed the same frames here beforehand,
//! and the frame that makes an update possible is noted. What the extraction alone costs is measured in
//! the same run.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints its table"
)]

#[path = "../src/commands/demo/browser.rs"]
#[allow(dead_code, reason = "a bench uses its part of it")]
mod browser;
#[path = "shared/events.rs"]
mod events;
#[path = "shared/server.rs"]
mod server;
#[path = "shared/speech.rs"]
mod speech;
#[path = "../src/commands/demo/telephone.rs"]
#[allow(dead_code, reason = "a bench uses its part of it")]
mod telephone;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use browser::Browser;
use earmark_audio::{Encoding, Extractor, StreamFormat};
use earmark_server::proto::v1;
use earmark_server::proto::v1::customers_service_client::CustomersServiceClient;
use earmark_server::proto::v1::proxy_library_service_client::ProxyLibraryServiceClient;
use earmark_server::proto::v1::screening_service_client::ScreeningServiceClient;
use speech::RATE_HZ;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tonic::transport::Channel;

/// 20 ms of 16-bit samples, as Asterisk sends them.
const FRAME: usize = RATE_HZ / 50 * 2;
const CALL_S: usize = 20;
const MANY: usize = 50;
/// Calls whose page a browser shows while all run.
const SHOWN: usize = 4;

const CUSTOMERS: [&str; 3] = ["carlo", "june", "paola"];
const PROXIES: [&str; 2] = ["allison", "armelle"];

/// What somebody says in a call, and the frames that make updates possible.
struct Speaker {
    audio: Vec<u8>,
    needed: Vec<usize>,
}

/// What one call measured; durations in milliseconds.
struct Times {
    /// From the needed frame's send to the event on the wire, each update.
    events: Vec<f64>,
    /// When the needed frames were sent, by the machine's clock.
    needed: Vec<SystemTime>,
    /// From the hang-up to the final event.
    last: f64,
    /// The most a frame was sent behind its time.
    send_delay: f64,
    /// Updates that came only after the audio of the next one.
    overtaken: usize,
}

fn main() {
    let extractor = speech::extractor();
    let before = server::own_cpu_seconds();
    let speakers: Vec<_> = speech::people(CALL_S).iter().map(|s| speaker(&extractor, s)).collect();
    let seconds = speakers.iter().map(|s| s.audio.len()).sum::<usize>() as f64 / (2 * RATE_HZ) as f64;
    let alone = (server::own_cpu_seconds() - before) / seconds * 1e3;
    let speakers = Arc::new(speakers);

    let data = tempfile::tempdir().expect("a folder");
    let options = data.path().with_extension("toml");
    std::fs::write(&options, "[audiosocket]\nlisten = \"127.0.0.1:0\"\n").expect("a file");
    let server = server::Server::start_with(data.path(), &["--telephony", options.to_str().expect("text")]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(enroll(&server.address));
    println!("the extraction alone, in this run: {alone:.1} ms of processor time a second of call");
    println!(
        "| calls at once | updates | to the event, median | 99th percentile | final, median | final, worst | worst send delay | updates overtaken | CPU a second of call | times the extraction alone |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (round, at_once) in [1, MANY].into_iter().enumerate() {
        let before = server.cpu_seconds();
        let times = runtime.block_on(place(&server, &speakers, at_once, round));
        let cpu = (server.cpu_seconds() - before) / (at_once * CALL_S) as f64 * 1e3;
        report(at_once, &times, cpu, alone);
    }
    in_a_browser(&server, &speakers, &runtime);
}

/// The same calls, some of them with their page open in Chromium.
fn in_a_browser(server: &server::Server, speakers: &Arc<Vec<Speaker>>, runtime: &tokio::runtime::Runtime) {
    let mut browser = match Browser::start(&server::root(), false) {
        Ok(browser) => browser,
        Err(error) => return println!("no browser: {error:#}"),
    };
    for (round, at_once) in [SHOWN, MANY].into_iter().enumerate() {
        let round = round + 10;
        let shown: Vec<String> = (0..SHOWN).map(|n| uuid(round, n)).collect();
        for id in &shown {
            let url = format!("http://{}/pop?call_id={id}", server.address);
            browser.open(id, &url).expect("a page");
            browser.eval(id, &WATCH.replace("CALL", id)).expect("a script");
        }
        let times = runtime.block_on(place(server, speakers, at_once, round));
        let (mut events, mut drawn) = (Vec::new(), Vec::new());
        for (id, times) in shown.iter().zip(&times) {
            let seen = browser.eval(id, "window.seen").expect("what the page saw");
            assert_eq!(browser.troubles(id).expect("a list"), serde_json::json!([]), "the page's troubles");
            let (event, draw) = in_page(&seen, &times.needed);
            events.extend(event);
            drawn.extend(draw);
        }
        println!(
            "{at_once} calls at once with {SHOWN} pages in Chromium on the same cores, from the deciding audio: event in the browser {}; drawn {}; on the wire {}",
            summary(&mut events),
            summary(&mut drawn),
            summary(&mut times.iter().flat_map(|t| t.events.iter().copied()).collect::<Vec<_>>()),
        );
    }
}

/// Notes when each update's event arrives in the page, and when the page has drawn it.
const WATCH: &str = r"
  window.seen = [];
  const now = () => performance.timeOrigin + performance.now();
  const source = new EventSource('/events?call_id=CALL');
  source.addEventListener('update', (event) => {
    const one = { sequence: Number(event.lastEventId), at: now(), drawn: null };
    window.seen.push(one);
    requestAnimationFrame(() => setTimeout(() => { one.drawn = now(); }, 0));
  });
  source.addEventListener('end', () => source.close());
";

fn speaker(extractor: &Extractor, samples: &[i16]) -> Speaker {
    let audio: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    let format = StreamFormat::mono(Encoding::Pcm16Le, RATE_HZ as u32);
    let needed = speech::needed_frames(extractor, format, &audio, FRAME);
    Speaker { audio, needed }
}

/// Enrolls three people and lists two, so that each update compares with both.
async fn enroll(address: &str) {
    let channel = connect(address).await;
    let mut customers = CustomersServiceClient::new(channel.clone());
    for person in CUSTOMERS {
        let recordings = speech::recordings(person);
        let request =
            v1::EnrollRecordingsRequest { customer_id: person.into(), recordings, ..Default::default() };
        customers.enroll_recordings(request).await.expect("an enrollment");
    }
    let mut library = ProxyLibraryServiceClient::new(channel);
    for person in PROXIES {
        let request = v1::AddProxyRequest {
            proxy_id: person.into(),
            label: person.into(),
            legal_basis: "measurement".into(),
            recordings: speech::recordings(person),
            ..Default::default()
        };
        library.add_proxy(request).await.expect("a listing");
    }
}

async fn connect(address: &str) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{address}")).expect("an address");
    endpoint.connect().await.expect("a connection")
}

fn uuid(round: usize, n: usize) -> String {
    format!("0191e0a0-0000-4000-8000-{round:04x}{n:08x}")
}

async fn place(
    server: &server::Server,
    speakers: &Arc<Vec<Speaker>>,
    at_once: usize,
    round: usize,
) -> Vec<Times> {
    let running: Vec<_> = (0..at_once)
        .map(|n| {
            let (address, socket) = (server.address.clone(), server.audiosocket.clone());
            let speakers = speakers.clone();
            tokio::spawn(async move {
                // As over a second of a busy hour, not all in one instant.
                tokio::time::sleep(Duration::from_millis(1000 * n as u64 / at_once as u64)).await;
                call(&address, &socket, uuid(round, n), &speakers[n % speakers.len()], n).await
            })
        })
        .collect();
    let mut times = Vec::new();
    for one in running {
        times.push(one.await.expect("the call runs"));
    }
    times
}

async fn call(address: &str, socket: &str, id: String, speaker: &Speaker, n: usize) -> Times {
    let events = events::follow(address, &format!("/events?call_id={id}")).await;
    let info = v1::CallInfo {
        call_id: id.clone(),
        claimed_customer_id: CUSTOMERS[n % CUSTOMERS.len()].into(),
        ..Default::default()
    };
    let mut screening = ScreeningServiceClient::new(connect(address).await);
    let request = v1::RegisterCallRequest { call: Some(info), ..Default::default() };
    screening.register_call(request).await.expect("it is registered");

    let mut stream = TcpStream::connect(socket).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let hex = id.replace('-', "");
    let bytes = (0..16).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).expect("hexadecimal"));
    stream.write_all(&message(0x01, &bytes.collect::<Vec<_>>())).await.expect("open");
    let began = Instant::now();
    let (mut sent, mut send_delay) = (Vec::new(), 0f64);
    for (n, frame) in speaker.audio.chunks(FRAME).enumerate() {
        let due = began + Duration::from_millis(20 * (n as u64 + 1));
        sleep_until(due).await;
        stream.write_all(&message(0x10, frame)).await.expect("open");
        sent.push((Instant::now(), SystemTime::now()));
        send_delay = send_delay.max(due.elapsed().as_secs_f64() * 1e3);
    }
    stream.write_all(&message(0x00, &[])).await.expect("open");
    let hung_up = Instant::now();
    let arrived = events.await.expect("the events end");
    times(speaker, &sent, hung_up, &arrived, send_delay)
}

/// AudioSocket: a type, the payload's length in two bytes, the payload.
fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a short payload").to_be_bytes();
    [&[kind], &length[..], payload].concat()
}

fn times(
    speaker: &Speaker,
    sent: &[(Instant, SystemTime)],
    hung_up: Instant,
    arrived: &[Instant],
    send_delay: f64,
) -> Times {
    let needed = &speaker.needed;
    assert_eq!(arrived.len(), needed.len() + 1, "an update for each needed frame, and a final one");
    let since = |from: Instant, to: Instant| to.saturating_duration_since(from).as_secs_f64() * 1e3;
    let next = needed.iter().skip(1).map(|&frame| sent[frame].0).chain([hung_up + Duration::from_secs(1)]);
    Times {
        events: needed.iter().zip(arrived).map(|(&frame, &at)| since(sent[frame].0, at)).collect(),
        last: since(hung_up, *arrived.last().expect("a final update")),
        overtaken: arrived.iter().zip(next).filter(|(at, next)| *at > next).count(),
        needed: needed.iter().map(|&frame| sent[frame].1).collect(),
        send_delay,
    }
}

fn report(at_once: usize, times: &[Times], cpu_ms: f64, alone_ms: f64) {
    let mut events: Vec<f64> = times.iter().flat_map(|t| t.events.iter().copied()).collect();
    let mut last: Vec<f64> = times.iter().map(|t| t.last).collect();
    let delay = times.iter().map(|t| t.send_delay).fold(0.0, f64::max);
    let overtaken: usize = times.iter().map(|t| t.overtaken).sum();
    println!(
        "| {at_once} | {} | {:.0} ms | {:.0} ms | {:.0} ms | {:.0} ms | {delay:.0} ms | {overtaken} | {cpu_ms:.1} ms | {:.2} |",
        events.len(),
        at(&mut events, 0.5),
        at(&mut events, 0.99),
        at(&mut last, 0.5),
        at(&mut last, 1.0),
        cpu_ms / alone_ms,
    );
}

/// What lies at this part of the values in their order.
fn at(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() as f64 * part) as usize).min(values.len() - 1)]
}

fn summary(values: &mut [f64]) -> String {
    format!(
        "median {:.0} ms, 99th percentile {:.0} ms of {}",
        at(values, 0.5),
        at(values, 0.99),
        values.len()
    )
}

/// From each needed frame's send to what the page noted, by its own clock, which is the machine's.
fn in_page(seen: &serde_json::Value, needed: &[SystemTime]) -> (Vec<f64>, Vec<f64>) {
    let since = |note: &serde_json::Value, from: &SystemTime| {
        let from = from.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs_f64() * 1e3;
        note.as_f64().expect("a time") - from
    };
    let noted = needed.iter().enumerate().map(|(n, from)| {
        let one = &seen[n];
        assert_eq!(one["sequence"], n + 1, "each update once and in order");
        (since(&one["at"], from), since(&one["drawn"], from))
    });
    noted.unzip()
}
