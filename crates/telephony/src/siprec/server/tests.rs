use super::*;

mod any_order;

const SDP: &str = "v=0\r\no=SRC 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n\
    m=audio 12240 RTP/AVP 0 8\r\na=label:96\r\na=sendonly\r\nm=audio 12242 RTP/AVP 0 8\r\na=label:97\r\na=sendonly\r\n";

fn metadata(customer: &str) -> String {
    format!(
        "<recording xmlns='urn:ietf:params:xml:ns:recording:1'><datamode>complete</datamode>\
        <participant participant_id='a'><nameID aor='sip:7001@pbx'/></participant>\
        <participant participant_id='{customer}'><nameID aor='tel:{customer}'/></participant>\
        <stream stream_id='s1'><label>96</label></stream><stream stream_id='s2'><label>97</label></stream>\
        <participantstreamassoc participant_id='a'><send>s1</send></participantstreamassoc>\
        <participantstreamassoc participant_id='{customer}'><send>s2</send></participantstreamassoc></recording>"
    )
}

fn multipart(parts: &[(&str, &str)]) -> String {
    let parts: String =
        parts.iter().map(|(kind, body)| format!("--b\r\nContent-Type: {kind}\r\n\r\n{body}\r\n")).collect();
    parts + "--b--\r\n"
}

fn both(sdp: &str, metadata: &str) -> String {
    multipart(&[("application/sdp", sdp), ("application/rs-metadata+xml", metadata)])
}

/// A request of the recording client; what `more` says stands before the other headers.
fn request(method: &str, cseq: u32, branch: &str, to_tag: &str, more: &str, body: &str) -> Bytes {
    let to_tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let kind = if body.is_empty() { "" } else { "Content-Type: multipart/mixed;boundary=b\r\n" };
    format!(
        "{method} sip:srs@198.51.100.4 SIP/2.0\r\n{more}Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK{branch}\r\n\
        From: <sip:src@192.0.2.7>;tag=far\r\nTo: <sip:srs@198.51.100.4>{to_tag}\r\nCall-ID: call-1\r\n\
        CSeq: {cseq} {method}\r\nContact: <sip:src@192.0.2.7:5060>;+sip.src\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into()
}

fn invite(branch: &str) -> Bytes {
    request("INVITE", 1, branch, "", "Require: siprec\r\n", &both(SDP, &metadata("138")))
}

struct Around {
    ports: u16,
    tokens: u32,
}

impl Surroundings for Around {
    fn open_port(&mut self) -> Option<u16> {
        self.ports = self.ports.checked_sub(1)?;
        Some(40_000 + 2 * self.ports)
    }

    fn token(&mut self) -> String {
        self.tokens += 1;
        format!("t{}", self.tokens)
    }
}

fn options() -> SiprecOptions {
    let mut options =
        SiprecOptions { public_address: "198.51.100.4".parse().unwrap(), ..SiprecOptions::default() };
    options.roles.agent_aors = vec!["sip:7*".parse().unwrap()];
    options
}

struct Desk {
    server: RecordingServer,
    around: Around,
}

fn peer() -> Peer {
    Peer { address: "192.0.2.7:5062".parse().unwrap(), transport: Transport::Udp }
}

impl Desk {
    fn new(options: SiprecOptions) -> Self {
        Self { server: RecordingServer::new(options), around: Around { ports: 100, tokens: 0 } }
    }

    fn receive_at(&mut self, message: &Bytes, now: Duration) -> (Vec<String>, Vec<RecordingOutput>) {
        let outputs = self.server.receive(peer(), message, now, &mut self.around).unwrap();
        split(outputs)
    }

    fn receive(&mut self, message: &Bytes) -> (Vec<String>, Vec<RecordingOutput>) {
        self.receive_at(message, Duration::ZERO)
    }

    fn wait(&mut self, now: Duration) -> (Vec<String>, Vec<RecordingOutput>) {
        split(self.server.wait(now, &mut self.around))
    }

    /// A recording that began; our tag.
    fn begun(&mut self) -> String {
        let (sent, _) = self.receive(&invite("1"));
        let tag = tag_in(&sent);
        assert!(self.receive(&request("ACK", 1, "2", &tag, "", "")).0.is_empty());
        tag
    }
}

/// The messages to send, and the rest.
fn split(outputs: Vec<RecordingOutput>) -> (Vec<String>, Vec<RecordingOutput>) {
    let (mut sent, mut rest) = (Vec::new(), Vec::new());
    for output in outputs {
        match output {
            RecordingOutput::Send { message, .. } => sent.push(String::from_utf8(message.to_vec()).unwrap()),
            other => rest.push(other),
        }
    }
    (sent, rest)
}

/// Our tag in an answer.
fn tag_in(sent: &[String]) -> String {
    let to = sent[0].lines().find(|line| line.starts_with("To:")).unwrap();
    tag_of(to).unwrap().to_owned()
}

fn status(sent: &[String]) -> &str {
    &sent[0][8..11]
}

#[test]
fn an_invitation_is_answered_with_ports_and_begins_a_recording() {
    let mut desk = Desk::new(options());
    let outputs = desk.server.receive(peer(), &invite("1"), Duration::ZERO, &mut desk.around).unwrap();
    // No rport: the answer goes to the port that the Via names.
    assert!(matches!(&outputs[0], RecordingOutput::Send { peer, .. } if peer.address.port() == 5060));
    let (sent, rest) = split(outputs);
    assert!(sent[0].contains("branch=z9hG4bK1;received=192.0.2.7\r\n"), "{}", sent[0]);
    assert!(sent[0].contains("m=audio 40198 RTP/AVP 0 8\r\na=label:96\r\na=recvonly"), "{}", sent[0]);
    assert!(sent[0].contains("Contact: <sip:earmark@198.51.100.4:5060;transport=udp>;+sip.srs\r\n"));
    let [RecordingOutput::Begun { recording: 1, description }] = &rest[..] else { panic!("{rest:?}") };
    assert_eq!(
        (description.legs.len(), description.customer, description.legs[1].port),
        (2, Some(1), 40_196)
    );
    assert_eq!(description.speaker, "tel:138");
    let call = &description.call;
    assert_eq!((call.call_id.as_str(), call.caller_number.as_deref()), ("call-1", Some("138")));
    assert_eq!((call.agent.as_deref(), &call.claimed), (Some("7001"), &None));
}

#[test]
fn headers_may_say_whose_call_it_is() {
    let mut options = options();
    options.call_id_header = Some("X-Ucid".into());
    options.customer_id_header = Some("X-Customer".into());
    options.scene_header = Some("X-Scene".into());
    let more = "Require: siprec\r\nX-UCID: 0001\r\nx-customer: 62170001\r\nX-Scene: collections\r\n";
    let (_, rest) =
        Desk::new(options).receive(&request("INVITE", 1, "1", "", more, &both(SDP, &metadata("138"))));
    let [RecordingOutput::Begun { description, .. }] = &rest[..] else { panic!("{rest:?}") };
    let call = &description.call;
    assert_eq!((call.call_id.as_str(), call.claimed.as_ref().unwrap().as_str()), ("0001", "62170001"));
    assert_eq!(call.scene.as_deref(), Some("collections"));
}

#[test]
fn a_request_that_comes_again_gets_the_same_answer() {
    let mut desk = Desk::new(options());
    let (first, rest) = desk.receive(&invite("1"));
    let (again, nothing) = desk.receive_at(&invite("1"), Duration::from_secs(31));
    assert_eq!((first, rest.len(), nothing.len()), (again, 1, 0));
    assert_eq!(status(&desk.receive(&invite("other")).0), "482");
    assert_eq!(status(&desk.receive(&request("CANCEL", 1, "1", "", "", "")).0), "200");
    assert_eq!(status(&desk.receive(&request("CANCEL", 1, "9", "", "", "")).0), "481");
}

#[test]
fn an_answer_is_repeated_until_it_is_acknowledged_or_ends_the_call() {
    let mut desk = Desk::new(options());
    let (first, _) = desk.receive(&invite("1"));
    assert_eq!(desk.wait(Duration::from_millis(499)).0.len(), 0);
    assert_eq!(desk.wait(Duration::from_millis(500)).0, first);
    let (sent, rest) = desk.wait(Duration::from_secs(32));
    assert!(sent[0].starts_with("BYE sip:src@192.0.2.7:5060 SIP/2.0\r\n"), "{sent:?}");
    assert!(matches!(rest[..], [RecordingOutput::Ended { recording: 1, reason: EndReason::Lost }]));
    let mut desk = Desk::new(options());
    desk.begun();
    assert!(desk.wait(Duration::from_secs(40)).0.is_empty());
}

#[test]
fn holds_changes_and_the_end_are_told() {
    let mut desk = Desk::new(options());
    let tag = desk.begun();
    let held = SDP.replace("sendonly", "inactive");
    let (sent, rest) = desk.receive(&request("INVITE", 2, "3", &tag, "", &both(&held, &metadata("138"))));
    assert!(sent[0].contains("m=audio 40198 RTP/AVP 0 8\r\na=label:96\r\na=inactive"), "{}", sent[0]);
    assert!(sent[0].contains("IN IP4 198.51.100.4\r\ns="));
    let [RecordingOutput::Changed { recording: 1, description }] = &rest[..] else { panic!("{rest:?}") };
    assert!(description.legs.iter().all(|leg| !leg.is_sent));
    // Another customer, by an UPDATE of the metadata alone.
    let only = multipart(&[("application/rs-metadata+xml", &metadata("139"))]);
    let (sent, rest) = desk.receive(&request("UPDATE", 3, "4", &tag, "", &only));
    assert_eq!(status(&sent), "200");
    let [RecordingOutput::Changed { description, .. }] = &rest[..] else { panic!("{rest:?}") };
    assert_eq!((description.speaker.as_str(), description.customer), ("tel:139", Some(1)));
    assert!(
        sent[0].ends_with("Content-Length: 0\r\n\r\n") && !sent[0].contains("Content-Type"),
        "{}",
        sent[0]
    );
    // An INVITE without a body asks for our offer.
    let (sent, _) = desk.receive(&request("INVITE", 4, "5", &tag, "", ""));
    assert!(sent[0].contains("m=audio 40196"));
    assert_eq!(status(&desk.receive(&request("INVITE", 4, "6", &tag, "", "")).0), "500");
    let (sent, rest) = desk.receive(&request("BYE", 5, "7", &tag, "", ""));
    assert_eq!(status(&sent), "200");
    assert!(matches!(rest[..], [RecordingOutput::Ended { recording: 1, reason: EndReason::HungUp }]));
    assert_eq!(status(&desk.receive(&request("BYE", 6, "8", &tag, "", "")).0), "481");
}

#[test]
fn our_goodbye_is_repeated_until_it_is_answered() {
    let mut desk = Desk::new(options());
    desk.begun();
    let (sent, _) = split(desk.server.end(1, Duration::from_secs(1), &mut desk.around));
    assert!(
        sent[0].contains("\r\nFrom: <sip:srs@198.51.100.4>;tag=")
            && sent[0].contains("\r\nTo: <sip:src@192.0.2.7>;tag=far\r\n")
    );
    assert_eq!(desk.wait(Duration::from_millis(1_500)).0, sent);
    let branch = sent[0].split("branch=").nth(1).unwrap().split(';').next().unwrap();
    let answer = format!("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.4:5060;branch={branch}\r\n\r\n");
    assert!(desk.receive(&answer.into()).0.is_empty());
    assert!(desk.wait(Duration::from_secs(5)).0.is_empty());
    assert!(desk.server.end(1, Duration::ZERO, &mut desk.around).is_empty());
}

#[test]
fn what_can_not_be_done_is_refused_with_the_right_number() {
    let refused = |options: SiprecOptions, message: Bytes, wanted: &str| {
        let (sent, rest) = Desk::new(options).receive(&message);
        assert!(status(&sent) == wanted && rest.is_empty(), "wanted {wanted}: {}", sent[0]);
        sent[0].clone()
    };
    let siprec = "Require: siprec\r\n";
    let with = |more: &str, body: &str| request("INVITE", 1, "1", "", more, body);
    let full = both(SDP, &metadata("138"));
    let text = refused(options(), with("Require: siprec, 100rel\r\n", &full), "420");
    assert!(text.contains("Unsupported: 100rel\r\n"));
    let text = refused(options(), with("", &multipart(&[("application/sdp", SDP)])), "421");
    assert!(text.contains("Require: siprec\r\n"));
    let text = refused(options(), with(siprec, &full.replace("RTP/AVP 0 8", "RTP/SAVP 0 8")), "488");
    assert!(text.contains("no audio stream in G.711 over RTP/AVP is offered"));
    refused(options(), with(siprec, &full.replace("RTP/AVP 0 8", "RTP/AVP 18")), "488");
    refused(options(), with(siprec, ""), "488");
    refused(options(), with(siprec, &both("v=0\r\nx", &metadata("1"))), "400");
    refused(options(), with(siprec, &both(SDP, "<recording>")), "400");
    refused(options(), with(siprec, "--b\r\n"), "400");
    refused(SiprecOptions { max_recordings: 0, ..options() }, with(siprec, &full), "503");
    refused(SiprecOptions { peers: vec!["192.0.2.99".parse().unwrap()], ..options() }, invite("1"), "403");
    let text = refused(options(), request("SUBSCRIBE", 1, "1", "", "", ""), "405");
    assert!(text.contains("Allow: INVITE"));
    refused(options(), request("UPDATE", 1, "1", "", "", ""), "481");
    refused(options(), request("BYE", 1, "1", "nobody", "", ""), "481");
    let cut =
        String::from_utf8(invite("1").to_vec()).unwrap().replace("Content-Length: ", "Content-Length: 1");
    refused(options(), cut.into(), "400");
    let text = Desk::new(options()).receive(&request("OPTIONS", 1, "1", "", "", "")).0;
    assert!(status(&text) == "200" && text[0].contains("Supported: siprec\r\n"));
    let mut desk = Desk { around: Around { ports: 1, tokens: 0 }, ..Desk::new(options()) };
    assert_eq!(status(&desk.receive(&invite("1")).0), "503");
}

/// A description of the one line of the agent, as where a call is recorded before anybody answers it.
fn agents_line() -> String {
    SDP[..SDP.rfind("m=audio").unwrap()].to_owned()
}

/// What the metadata says then.
fn agent_alone() -> String {
    "<recording><datamode>complete</datamode><participant participant_id='a'><nameID aor='sip:7001@pbx'/></participant>\
     <stream stream_id='s1'><label>96</label></stream>\
     <participantstreamassoc participant_id='a'><send>s1</send></participantstreamassoc></recording>"
        .to_owned()
}

fn by_place() -> SiprecOptions {
    let mut options =
        SiprecOptions { public_address: "198.51.100.4".parse().unwrap(), ..SiprecOptions::default() };
    options.roles.customer_line = Some(2);
    options
}

#[test]
fn a_call_begins_before_the_customers_stream_is_there() {
    for (options, method) in [(options(), "INVITE"), (options(), "UPDATE"), (by_place(), "INVITE")] {
        let mut desk = Desk::new(options);
        let first = both(&agents_line(), &agent_alone());
        let (sent, rest) = desk.receive(&request("INVITE", 1, "1", "", "Require: siprec\r\n", &first));
        assert!(status(&sent) == "200" && sent[0].contains("m=audio 40198 RTP/AVP 0 8\r\n"), "{}", sent[0]);
        let [RecordingOutput::Begun { description, .. }] = &rest[..] else { panic!("{rest:?}") };
        assert_eq!((description.customer, description.legs.len()), (None, 1));
        let tag = tag_in(&sent);
        desk.receive(&request("ACK", 1, "2", &tag, "", ""));
        // Somebody answers.
        let (sent, rest) = desk.receive(&request(method, 2, "3", &tag, "", &both(SDP, &metadata("138"))));
        assert!(sent[0].contains("m=audio 40198 ") && sent[0].contains("m=audio 40196 "), "{}", sent[0]);
        let [RecordingOutput::Changed { description, .. }] = &rest[..] else { panic!("{rest:?}") };
        assert_eq!((description.customer, description.speaker.as_str()), (Some(1), "tel:138"));
        assert_eq!(description.call.caller_number.as_deref(), Some("138"));
    }
}

#[test]
fn metadata_that_comes_late_decides() {
    let mut desk = Desk::new(options());
    let alone = multipart(&[("application/sdp", SDP)]);
    let (sent, rest) = desk.receive(&request("INVITE", 1, "1", "", "Require: siprec\r\n", &alone));
    assert!(
        matches!(&rest[..], [RecordingOutput::Begun { description, .. }] if description.customer.is_none())
    );
    let tag = tag_in(&sent);
    let only = multipart(&[("application/rs-metadata+xml", &metadata("139"))]);
    let (sent, rest) = desk.receive(&request("UPDATE", 2, "2", &tag, "", &only));
    assert!(status(&sent) == "200" && !sent[0].contains("v=0"), "{}", sent[0]);
    let [RecordingOutput::Changed { description, .. }] = &rest[..] else { panic!("{rest:?}") };
    assert_eq!((description.customer, description.call.agent.as_deref()), (Some(1), Some("7001")));
    // An offer in an UPDATE is answered.
    let (sent, _) = desk.receive(&request("UPDATE", 3, "3", &tag, "", &both(SDP, &metadata("139"))));
    assert!(
        sent[0].contains("Content-Type: application/sdp\r\n") && sent[0].contains("\r\no=- 1 2 "),
        "{}",
        sent[0]
    );
}

#[test]
fn a_stream_that_goes_away_is_declined_and_comes_back() {
    let mut desk = Desk::new(options());
    let tag = desk.begun();
    let gone = SDP.replace("m=audio 12242", "m=audio 0");
    let (sent, rest) = desk.receive(&request("INVITE", 2, "3", &tag, "", &both(&gone, &metadata("138"))));
    assert!(sent[0].contains("m=audio 40198 ") && sent[0].contains("m=audio 0 "), "{}", sent[0]);
    let [RecordingOutput::Changed { description, .. }] = &rest[..] else { panic!("{rest:?}") };
    assert_eq!((description.customer, description.legs.len()), (None, 1));
    // In a codec that can't be heard nothing is taken, and all stays as it was.
    let other = SDP.replace("RTP/AVP 0 8", "RTP/AVP 18");
    let (sent, rest) = desk.receive(&request("INVITE", 3, "4", &tag, "", &both(&other, &metadata("138"))));
    assert!(status(&sent) == "488" && rest.is_empty());
    let (sent, rest) = desk.receive(&request("INVITE", 4, "5", &tag, "", &both(SDP, &metadata("138"))));
    assert!(sent[0].contains("m=audio 40196 "), "{}", sent[0]);
    let [RecordingOutput::Changed { description, .. }] = &rest[..] else { panic!("{rest:?}") };
    assert_eq!((description.customer, description.legs[1].port), (Some(1), 40_196));
}

#[test]
fn lines_that_come_and_go_open_no_ports_without_end() {
    let mut desk = Desk::new(options());
    let tag = desk.begun();
    for turn in 0..20 {
        let sdp = if turn % 2 == 0 { agents_line() } else { SDP.to_owned() };
        let again = request("UPDATE", 2 + turn, &format!("u{turn}"), &tag, "", &both(&sdp, &metadata("138")));
        assert_eq!(status(&desk.receive(&again).0), "200");
    }
    assert_eq!(desk.around.ports, 98);
}

#[test]
fn our_goodbye_goes_where_the_far_end_said_last() {
    let mut desk = Desk::new(options());
    let tag = desk.begun();
    let moved = request("UPDATE", 2, "3", &tag, "", "");
    let moved = String::from_utf8(moved.to_vec()).unwrap();
    let moved = moved.replace("Contact: <sip:src@192.0.2.7:5060>", "Contact: <sip:src@192.0.2.7:5099;x=y>");
    assert_eq!(status(&desk.receive(&moved.into()).0), "200");
    let (sent, _) = split(desk.server.end(1, Duration::ZERO, &mut desk.around));
    assert!(sent[0].starts_with("BYE sip:src@192.0.2.7:5099;x=y SIP/2.0\r\n"), "{}", sent[0]);
}

/// The fallback of the goodbye of a call over TCP with this Contact, by these options.
fn fallback(options: SiprecOptions, contact: &str) -> Option<SocketAddr> {
    let mut desk = Desk::new(options);
    let invite = String::from_utf8(invite("1").to_vec()).unwrap();
    let invite = invite.replace("sip:src@192.0.2.7:5060", contact);
    let peer = Peer { transport: Transport::Tcp(3), ..peer() };
    desk.server.receive(peer, &invite.into(), Duration::ZERO, &mut desk.around).unwrap();
    assert!(desk.server.uses(3) && !desk.server.uses(4));
    let outputs = desk.server.end(1, Duration::ZERO, &mut desk.around);
    let [RecordingOutput::Send { peer: Peer { transport: Transport::Tcp(3), .. }, fallback, .. }] =
        outputs[..]
    else {
        panic!("{outputs:?}")
    };
    fallback
}

#[test]
fn a_goodbye_over_tcp_may_take_a_new_connection_to_the_next_hop() {
    let address = |text: &str| Some(text.parse::<SocketAddr>().unwrap());
    assert_eq!(fallback(options(), "sip:src@192.0.2.7:5070"), address("192.0.2.7:5070"));
    assert_eq!(fallback(options(), "sip:src@sbc.example"), address("192.0.2.7:5060"));
    // Nobody has us connect to somebody else.
    assert_eq!(fallback(options(), "sip:src@10.0.0.1:22"), address("192.0.2.7:22"));
    let peers = ["192.0.2.7", "192.0.2.8"].map(|peer| peer.parse().unwrap()).to_vec();
    let known = SiprecOptions { peers, ..options() };
    assert_eq!(fallback(known, "sip:src@192.0.2.8:5070"), address("192.0.2.8:5070"));
}

#[test]
fn a_goodbye_is_sent_again_once_its_connection_is_gone() {
    let mut desk = Desk::new(options());
    let peer = Peer { transport: Transport::Tcp(3), ..peer() };
    desk.server.receive(peer, &invite("1"), Duration::ZERO, &mut desk.around).unwrap();
    let (sent, _) = split(desk.server.end(1, Duration::ZERO, &mut desk.around));
    assert!(desk.wait(Duration::from_secs(20)).0.is_empty(), "TCP repeats by itself");
    assert!(desk.server.disconnected(4).is_empty() && !desk.server.is_idle());
    assert_eq!(split(desk.server.disconnected(3)).0, sent);
    let branch = sent[0].split("branch=").nth(1).unwrap().split(';').next().unwrap();
    let answer = format!("SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP 198.51.100.4:5060;branch={branch}\r\n\r\n");
    desk.receive(&answer.into());
    assert!(desk.server.disconnected(3).is_empty() && desk.server.is_idle());
}

#[test]
fn a_peer_is_known_on_a_socket_of_both_families() {
    let options = SiprecOptions { peers: vec!["192.0.2.7".parse().unwrap()], ..options() };
    let mut desk = Desk::new(options);
    let mapped = Peer { address: "[::ffff:192.0.2.7]:5062".parse().unwrap(), ..peer() };
    let outputs = desk.server.receive(mapped, &invite("1"), Duration::ZERO, &mut desk.around).unwrap();
    assert_eq!(status(&split(outputs).0), "200");
}
