//! Calls over SIPREC: sipp, which nobody here wrote, invites the real server to recordings over UDP and
//! TCP and plays the customer's stream; the other party's stream and hostile bytes come from here.

use std::fs::File;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use earmark_audio::{Encoding as AudioEncoding, StreamDecoder, StreamFormat as AudioFormat};
use earmark_server::proto::v1::{
    Call, CallUpdate, Encoding, ScreenCallConfig, ScreenCallRequest, StreamFormat, Verdict,
    screen_call_request,
};
use tempfile::TempDir;

use crate::harness::calls::{audio, customer_llr, info, timeless, verdict};
use crate::harness::clients::Clients;
use crate::harness::server::{Launch, TestServer, folder};
use crate::harness::voices;
use crate::harness::web;
use crate::harness::world::{CUSTOMERS, PROXIES, populate};

mod connections;

/// Longer than any answer takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A packet of 20 ms of G.711.
const FRAME: usize = 160;

/// A server with SIPREC on a free port, and RTP on `ports`.
async fn server(data: &Path, ports: [u16; 2]) -> (TestServer, Clients) {
    started(data, ports, ["--drain-s", "30"]).await
}

async fn started(data: &Path, ports: [u16; 2], argument: [&str; 2]) -> (TestServer, Clients) {
    let options = data.join("telephony.toml");
    let text = format!(
        "[siprec]\nlisten = \"127.0.0.1:0\"\nrtp_ports = {ports:?}\nagent_aors = [\"sip:7???@*\"]\n\
         call_id_header = \"X-Call\"\ncustomer_id_header = \"X-Customer\"\n"
    );
    std::fs::write(&options, text).unwrap();
    let launch = Launch::new().argument("--telephony", options.to_str().unwrap());
    let server = launch.argument(argument[0], argument[1]).start(&data.join("data"));
    let mut clients = Clients::connect(server.address()).await;
    populate(&mut clients).await;
    (server, clients)
}

/// sipp, or none, which is said and skips the test.
fn has_sipp() -> bool {
    let found = Command::new("sipp").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("skipped: sipp is not there; scripts/setup-sipp.sh installs it");
    }
    found
}

/// What a sample is in mu-law: the code that decodes nearest to it.
fn mu_law(samples: &[i16]) -> Vec<u8> {
    let mut decoder = StreamDecoder::new(AudioFormat::mono(AudioEncoding::MuLaw, 8_000)).unwrap();
    let (codes, mut values) = ((0..=255).collect::<Vec<u8>>(), Vec::new());
    decoder.accept(&codes, &mut values).unwrap();
    let mut table: Vec<(i32, u8)> = values.iter().map(|v| (v * 32_768.0) as i32).zip(codes).collect();
    table.sort_unstable();
    let nearest = |sample: i16| {
        let above = table.partition_point(|(value, _)| *value < i32::from(sample)).min(255);
        let candidates = [above.saturating_sub(1), above].map(|index| table[index]);
        let by_distance = candidates.into_iter().min_by_key(|(value, _)| (value - i32::from(sample)).abs());
        by_distance.expect("two candidates").1
    };
    samples.iter().map(|sample| nearest(*sample)).collect()
}

/// Whole frames of a person's call, so many seconds at most.
fn speech(person: &str, seconds: usize) -> Vec<u8> {
    let mut samples = voices::call(person);
    samples.truncate(seconds * voices::RATE_HZ as usize / FRAME * FRAME);
    samples.truncate(samples.len() / FRAME * FRAME);
    mu_law(&samples)
}

/// The metadata of a call in which `customer` is heard in the first stream.
fn metadata(customer: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">\n\
         <datamode>complete</datamode>\n<session session_id=\"c2Vzc2lvbg==\"/>\n\
         <participant participant_id=\"agent\"><nameID aor=\"sip:7001@pbx.example\"/></participant>\n\
         <participant participant_id=\"{customer}\"><nameID aor=\"tel:{customer}\"/></participant>\n\
         <stream stream_id=\"s1\" session_id=\"c2Vzc2lvbg==\"><label>1</label></stream>\n\
         <stream stream_id=\"s2\" session_id=\"c2Vzc2lvbg==\"><label>2</label></stream>\n\
         <participantstreamassoc participant_id=\"{customer}\"><send>s1</send><recv>s2</recv></participantstreamassoc>\n\
         <participantstreamassoc participant_id=\"agent\"><send>s2</send><recv>s1</recv></participantstreamassoc>\n\
         </recording>"
    )
}

fn sdp(direction: &str) -> String {
    format!(
        "v=0\no=SRC 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n\
         m=audio [media_port] RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\na=label:1\na={direction}\n\
         m=audio [media_port+2] RTP/AVP 0 8\na=label:2\na={direction}"
    )
}

/// A request of sipp's in a dialog or before it, with a body of two parts.
fn request(method: &str, cseq: u32, more: &str, sdp: &str, metadata: &str) -> String {
    let to_tag = if cseq == 1 { "" } else { "[peer_tag_param]" };
    format!(
        "<send retrans=\"500\"><![CDATA[\n\n{method} sip:earmark@[remote_ip]:[remote_port] SIP/2.0\n\
         Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\n\
         From: <sip:sbc@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]\n\
         To: <sip:earmark@[remote_ip]:[remote_port]>{to_tag}\nCall-ID: [call_id]\nCSeq: {cseq} {method}\n\
         Contact: <sip:sbc@[local_ip]:[local_port];transport=[transport]>;+sip.src\nMax-Forwards: 70\n{more}\
         Content-Type: multipart/mixed;boundary=unique\nContent-Length: [len]\n\n\
         --unique\nContent-Type: application/sdp\n\n{sdp}\n\n--unique\n\
         Content-Type: application/rs-metadata+xml\nContent-Disposition: recording-session\n\n{metadata}\n\
         --unique--\n\n]]></send>\n<recv response=\"200\" rtd=\"true\"/>\n"
    )
}

fn bare(method: &str, cseq: u32) -> String {
    format!(
        "<send><![CDATA[\n\n{method} sip:earmark@[remote_ip]:[remote_port] SIP/2.0\n\
         Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport\n\
         From: <sip:sbc@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]\n\
         To: <sip:earmark@[remote_ip]:[remote_port]>[peer_tag_param]\nCall-ID: [call_id]\nCSeq: {cseq} {method}\n\
         Max-Forwards: 70\nContent-Length: 0\n\n]]></send>\n"
    )
}

fn invite(call: &str, customer: &str) -> String {
    let more = format!("Require: siprec\nX-Call: {call}\nX-Customer: {customer}\n");
    request("INVITE", 1, &more, &sdp("sendonly"), &metadata("13800138000")) + &bare("ACK", 1)
}

/// Plays a file in mu-law, and waits for its length.
fn play(file: &str, audio: &[u8]) -> String {
    let millis = audio.len() / 8 + 300;
    format!(
        "<nop><action><exec rtp_stream=\"{file},1,0,PCMU/8000\"/></action></nop><pause milliseconds=\"{millis}\"/>\n"
    )
}

fn bye(cseq: u32) -> String {
    bare("BYE", cseq) + "<recv response=\"200\"/>\n"
}

/// The server says goodbye, and is answered.
const FAREWELL: &str = "<recv request=\"BYE\"/>\n<send><![CDATA[\n\nSIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n\
    [last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0\n\n]]></send>\n";

/// sipp at a scenario, once.
struct Sipp {
    process: Child,
    files: TempDir,
}

impl Sipp {
    fn start(
        server: &TestServer,
        transport: &str,
        media_port: u16,
        steps: &str,
        media: &[(&str, &[u8])],
    ) -> Self {
        let files = folder();
        let scenario = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<scenario name=\"siprec\">\n{steps}</scenario>\n"
        );
        std::fs::write(files.path().join("scenario.xml"), scenario).unwrap();
        for (name, audio) in media {
            std::fs::write(files.path().join(name), audio).unwrap();
        }
        let mut command = Command::new("sipp");
        command.args([
            "-sf",
            "scenario.xml",
            "-m",
            "1",
            "-t",
            transport,
            "-i",
            "127.0.0.1",
            "-mi",
            "127.0.0.1",
        ]);
        command.args(["-mp", &media_port.to_string(), "-nostdin", "-timeout", "120s", "-trace_err"]);
        command.arg(server.address_for("siprec")).current_dir(files.path()).stdin(Stdio::null());
        let out = File::create(files.path().join("out")).unwrap();
        command.stdout(out.try_clone().unwrap()).stderr(out);
        Self { process: command.spawn().expect("sipp starts"), files }
    }

    /// Waits for its end, which must be a good one.
    fn finish(mut self) {
        let status = self.process.wait().unwrap();
        let said = || {
            let files = std::fs::read_dir(self.files.path()).unwrap().flatten();
            let texts = files
                .filter(|f| f.file_name() != "scenario.xml")
                .filter_map(|f| std::fs::read_to_string(f.path()).ok());
            texts.collect::<Vec<_>>().join("\n")
        };
        assert!(status.success(), "sipp: {status}: {}", said());
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Sends audio to a port in packets of 20 ms, in time, until it is dropped.
struct Party(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl Party {
    fn speaks(audio: Vec<u8>, port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            for (number, frame) in audio.chunks(FRAME).cycle().enumerate() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let mut packet = vec![0x80, 0];
                packet.extend((number as u16).to_be_bytes());
                packet.extend((number as u32 * FRAME as u32).to_be_bytes());
                packet.extend(7u32.to_be_bytes());
                packet.extend(frame);
                // Nobody listens before and after the call.
                let _ = socket.send_to(&packet, ("127.0.0.1", port));
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self(stop, Some(thread))
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        let _ = self.1.take().expect("its thread").join();
    }
}

/// The call once it has ended.
async fn ended(clients: &mut Clients, call: &str) -> Call {
    let began = Instant::now();
    loop {
        match clients.call(call).await {
            Ok(call) if call.end_time.is_some() => return call,
            _ => assert!(began.elapsed() < Duration::from_secs(60), "{call} has not ended"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn by_grpc(clients: &mut Clients, call: &str, customer: &str, mu_law: &[u8]) -> Vec<CallUpdate> {
    let format =
        StreamFormat { encoding: Encoding::Mulaw.into(), sample_rate_hz: 8_000, ..Default::default() };
    let config = ScreenCallConfig { call: Some(info(call, customer)), format: Some(format) };
    let config = ScreenCallRequest { request: Some(screen_call_request::Request::Config(config)) };
    let messages = std::iter::once(config).chain(mu_law.chunks(FRAME).map(audio)).collect();
    clients.screen_messages(messages).await.unwrap()
}

async fn a_call_is_screened_over(transport: &str, ports: [u16; 2], media_port: u16) {
    if !has_sipp() {
        return;
    }
    let data = folder();
    let (server, mut clients) = server(data.path(), ports).await;
    let (customer, agent) = (speech(PROXIES[0], 14), speech(CUSTOMERS[1], 6));
    let _agent = Party::speaks(agent, ports[0] + 2);
    let steps = invite("call-1", CUSTOMERS[0]) + &play("customer.ulaw", &customer) + &bye(2);
    Sipp::start(&server, transport, media_port, &steps, &[("customer.ulaw", &customer)]).finish();

    let call = ended(&mut clients, "call-1").await;
    let about = call.call.clone().unwrap();
    assert_eq!(
        (about.claimed_customer_id.as_str(), about.caller_number.as_str()),
        (CUSTOMERS[0], "13800138000")
    );
    assert_eq!(about.agent_id, "7001");
    let last = call.updates.last().unwrap();
    assert_eq!(verdict(last), Verdict::SuspectedProxy, "{last:?}\n{}", server.log());
    assert!(call.updates.len() > 3, "evidence grew while the call ran");
    // The customer's stream alone, every packet of it: the same numbers to the bit as through gRPC.
    let same = by_grpc(&mut clients, "grpc-1", CUSTOMERS[0], &customer).await;
    let nameless = |u: &CallUpdate| CallUpdate { call: None, ..timeless(u) };
    assert_eq!(
        call.updates.iter().map(nameless).collect::<Vec<_>>(),
        same.iter().map(nameless).collect::<Vec<_>>()
    );
    let metrics = web::get(server.address(), "/metrics").text();
    assert!(metrics.contains("protocol=\"siprec\",end=\"HUNG_UP\"} 1"), "{metrics}");
}

#[tokio::test]
async fn sipp_over_udp_brings_a_call_to_its_verdict() {
    a_call_is_screened_over("u1", [42_000, 42_009], 21_000).await;
}

#[tokio::test]
async fn sipp_over_tcp_brings_a_call_to_its_verdict() {
    a_call_is_screened_over("t1", [42_100, 42_109], 21_100).await;
}

#[tokio::test]
async fn a_hold_and_a_transfer_are_kept() {
    if !has_sipp() {
        return;
    }
    let data = folder();
    let (server, mut clients) = server(data.path(), [42_200, 42_209]).await;
    let (proxy, customer) = (speech(PROXIES[0], 8), speech(CUSTOMERS[0], 10));
    let held = request("INVITE", 2, "", &sdp("inactive"), &metadata("13800138000")) + &bare("ACK", 2);
    let back = request("INVITE", 3, "", &sdp("sendonly"), &metadata("13900139000")) + &bare("ACK", 3);
    // What is played on hold is not heard.
    let steps = [
        invite("call-2", CUSTOMERS[0]),
        play("proxy.ulaw", &proxy),
        held,
        play("proxy.ulaw", &proxy),
        back,
        play("customer.ulaw", &customer),
        bye(4),
    ]
    .concat();
    let media: [(&str, &[u8]); 2] = [("proxy.ulaw", &proxy), ("customer.ulaw", &customer)];
    Sipp::start(&server, "u1", 21_200, &steps, &media).finish();
    let call = ended(&mut clients, "call-2").await;
    let first: Vec<_> = call.updates.iter().filter(|update| update.speaker == 1).collect();
    let speech = |update: &CallUpdate| update.speech.as_ref().unwrap().clone();
    assert_eq!(verdict(first.last().unwrap()), Verdict::SuspectedProxy);
    assert!(speech(first.last().unwrap()).net_speech_s < 8.0, "speech on hold was heard");
    let last = call.updates.last().unwrap();
    assert_eq!(last.speaker, 2, "{}", server.log());
    assert!(customer_llr(last).is_some_and(|llr| llr > 0.0), "{last:?}");
    let reasons: Vec<_> = last.decision.as_ref().unwrap().reasons.iter().map(|r| r.code.clone()).collect();
    assert!(reasons.iter().any(|r| r == "EARLIER_SPEAKER_TAGGED"), "{reasons:?}");
}

#[tokio::test]
async fn a_call_that_can_not_be_screened_is_said_goodbye_to() {
    if !has_sipp() {
        return;
    }
    let data = folder();
    let (server, _clients) = server(data.path(), [42_300, 42_309]).await;
    // Both parties are heard in the one stream that is the customer's: refused, as `mixed` says.
    let mixed = metadata("13800138000").replace("<send>s2</send>", "<send>s1</send>");
    let more = "Require: siprec\nX-Call: call-3\n";
    let steps = request("INVITE", 1, more, &sdp("sendonly"), &mixed) + &bare("ACK", 1) + FAREWELL;
    Sipp::start(&server, "u1", 21_300, &steps, &[]).finish();
    let metrics = web::get(server.address(), "/metrics").text();
    assert!(metrics.contains("protocol=\"siprec\",end=\"MIXED_AUDIO\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_server_that_stops_says_goodbye() {
    if !has_sipp() {
        return;
    }
    let data = folder();
    let options = ["--drain-s", "0"];
    let (server, mut clients) = started(data.path(), [42_500, 42_509], options).await;
    let customer = speech(CUSTOMERS[0], 14);
    let _customer = Party::speaks(customer, 42_500);
    let steps = invite("call-5", CUSTOMERS[0]) + FAREWELL;
    let sipp = Sipp::start(&server, "u1", 21_500, &steps, &[]);
    let mut updates = 0;
    while updates == 0 {
        updates = clients.call("call-5").await.map_or(0, |call| call.updates.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.terminate();
    sipp.finish();
    let (status, log) = server.ended();
    assert!(status.success(), "{log}");
}

#[tokio::test]
async fn a_customer_who_answers_late_is_heard_once_they_do() {
    if !has_sipp() {
        return;
    }
    let data = folder();
    let (server, mut clients) = server(data.path(), [42_600, 42_609]).await;
    // An agent places the call: theirs is the only stream until somebody answers, and stays the first.
    let _agent = Party::speaks(speech(CUSTOMERS[1], 6), 42_600);
    let _proxy = Party::speaks(speech(PROXIES[0], 10), 42_602);
    let agents = "v=0\no=SRC 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\n\
        m=audio [media_port] RTP/AVP 0 8\na=label:2\na=sendonly";
    let both = format!("{agents}\nm=audio [media_port+2] RTP/AVP 0 8\na=label:1\na=sendonly");
    let alone = "<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\"><datamode>complete</datamode>\n\
        <participant participant_id=\"agent\"><nameID aor=\"sip:7001@pbx.example\"/></participant>\n\
        <stream stream_id=\"s2\"><label>2</label></stream>\n\
        <participantstreamassoc participant_id=\"agent\"><send>s2</send></participantstreamassoc></recording>";
    let more = format!("Require: siprec\nX-Call: call-6\nX-Customer: {}\n", CUSTOMERS[0]);
    let steps = [
        request("INVITE", 1, &more, agents, alone),
        bare("ACK", 1),
        "<pause milliseconds=\"1500\"/>\n".to_owned(),
        request("INVITE", 2, "", &both, &metadata("13800138000")),
        bare("ACK", 2),
        "<pause milliseconds=\"10000\"/>\n".to_owned(),
        bye(3),
    ];
    Sipp::start(&server, "u1", 21_600, &steps.concat(), &[]).finish();
    let call = ended(&mut clients, "call-6").await;
    let about = call.call.clone().unwrap();
    assert_eq!((about.caller_number.as_str(), about.agent_id.as_str()), ("13800138000", "7001"));
    let last = call.updates.last().unwrap();
    assert_eq!((verdict(last), last.speaker), (Verdict::SuspectedProxy, 1), "{last:?}\n{}", server.log());
    assert!(server.log().contains("nothing says yet which stream is the customer's"), "{}", server.log());
}
