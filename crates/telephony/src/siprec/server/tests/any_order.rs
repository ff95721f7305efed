//! SIP messages and RTP datagrams in any order and of any damage end in answers and events, in order, and
//! what is kept of them stays within the named limits.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::*;
use super::{
    Desk, SDP, agent_alone, agents_line, both, invite, metadata, multipart, options, peer, request, split,
};
use crate::CallEvent;
use crate::siprec::RecordedCall;

const MAX_RECORDINGS: usize = 2;
/// The lines of a session description, and the packets of a jitter buffer, that are kept at most.
const MAX_PORTS: usize = 16;
const MAX_HELD: usize = 17;
/// The participants, streams and associations of a call that are kept at most.
const MAX_TOLD: usize = 64;

/// To whom a request says it goes.
#[derive(Clone, Debug)]
enum To {
    Nobody,
    /// The dialog that began last.
    Newest,
    /// Tags are counted.
    Tag(u8),
}

#[derive(Clone, Debug)]
enum Step {
    /// A request; without a number it has the next one. `fork` has it come from another caller.
    Sip {
        method: &'static str,
        cseq: Option<u32>,
        branch: Option<u8>,
        to: To,
        fork: u8,
        body: String,
    },
    /// The last message once more, with this cut out and put in.
    Again {
        at: usize,
        length: usize,
        by: Vec<u8>,
    },
    /// To the port of this place among all that were opened.
    Rtp {
        port: usize,
        from: u8,
        datagram: Vec<u8>,
    },
    Pass {
        millis: u64,
    },
    Gone {
        connection: u64,
    },
}

fn bodies() -> Vec<String> {
    let of_metadata = |text: &str| multipart(&[("application/rs-metadata+xml", text)]);
    let left = "<recording><datamode>partial</datamode><participant id='138'>\
        <disassociate-time>2026-11-28T00:00:00Z</disassociate-time></participant></recording>";
    vec![
        both(SDP, &metadata("138")),
        both(SDP, &metadata("139")),
        both(&SDP.replace("sendonly", "inactive"), &metadata("139")),
        both(&agents_line(), &agent_alone()),
        both(&SDP.replace("m=audio 12242 RTP/AVP 0 8", "m=audio 0 RTP/AVP 0"), &metadata("1")),
        both(&SDP.replace("RTP/AVP 0 8", "RTP/AVP 18"), &metadata("1")),
        multipart(&[("application/sdp", SDP)]),
        of_metadata(&metadata("7")),
        of_metadata(left),
        String::new(),
        "--b".into(),
    ]
}

fn sip() -> impl Strategy<Value = Step> {
    let method = prop::sample::select(vec![
        "INVITE", "INVITE", "ACK", "UPDATE", "UPDATE", "BYE", "CANCEL", "OPTIONS", "INFO",
    ]);
    let to = prop_oneof![2 => Just(To::Nobody), 5 => Just(To::Newest), 1 => (1u8..9).prop_map(To::Tag)];
    let cseq = prop::option::weighted(0.2, 0u32..6);
    let branch = prop::option::weighted(0.2, 0u8..8);
    let body = prop::sample::select(bodies());
    (method, cseq, branch, to, 0u8..3, body).prop_map(|(method, cseq, branch, to, fork, body)| Step::Sip {
        method,
        cseq,
        branch,
        to,
        fork,
        body,
    })
}

fn rtp() -> impl Strategy<Value = Step> {
    let kind = prop::sample::select(vec![0u8, 0, 0, 8, 13, 101, 99, 200]);
    let fields = (kind, prop_oneof![0u16..40, any::<u16>()], any::<bool>(), 0u8..3, 0usize..200);
    let datagram = fields.prop_map(|(kind, sequence, is_regular, ssrc, length)| {
        let time = u32::from(sequence) * if is_regular { 160 } else { 60_013 };
        let mut bytes = vec![0x80, kind];
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(time.to_be_bytes());
        bytes.extend([0, 0, 0, ssrc]);
        bytes.extend(vec![ssrc; length]);
        bytes
    });
    let datagram = prop_oneof![8 => datagram, 1 => prop::collection::vec(any::<u8>(), 0..40)];
    (0usize..6, 7u8..9, datagram).prop_map(|(port, from, datagram)| Step::Rtp { port, from, datagram })
}

fn step() -> impl Strategy<Value = Step> {
    let again = (0usize..1_500, 0usize..60, prop::collection::vec(any::<u8>(), 0..8));
    let again = again.prop_map(|(at, length, by)| Step::Again { at, length, by });
    let repeated = Just(Step::Again { at: 0, length: 0, by: Vec::new() });
    let pass = prop_oneof![20u64..400, 400u64..40_000].prop_map(|millis| Step::Pass { millis });
    let gone = (0u64..3).prop_map(|connection| Step::Gone { connection });
    prop_oneof![6 => sip(), 8 => rtp(), 1 => again, 1 => repeated, 3 => pass, 1 => gone]
}

/// A recording and what was told of it.
struct Recording {
    call: RecordedCall,
    ports: Vec<u16>,
    has_begun: bool,
}

/// A server, its recordings, and what a recording client knows of them.
struct World {
    desk: Desk,
    recordings: HashMap<u64, Recording>,
    cseq: u32,
    newest: String,
    last: Bytes,
    now: Duration,
}

impl World {
    fn new() -> Self {
        let desk = Desk::new(SiprecOptions { max_recordings: MAX_RECORDINGS, ..options() });
        let recordings = HashMap::new();
        Self { desk, recordings, cseq: 0, newest: String::new(), last: invite("first"), now: Duration::ZERO }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Sip { method, cseq, branch, to, fork, body } => {
                self.cseq += 1;
                let tag = match to {
                    To::Nobody => String::new(),
                    To::Newest => self.newest.clone(),
                    To::Tag(tag) => format!("t{tag}"),
                };
                let branch = branch.map_or(format!("s{}", self.cseq), |branch| branch.to_string());
                let cseq = cseq.unwrap_or(self.cseq);
                let text = request(method, cseq, &branch, &tag, "Require: siprec\r\n", &body);
                let text = String::from_utf8(text.to_vec()).unwrap();
                self.last = text.replace("Call-ID: call-1", &format!("Call-ID: call-{fork}")).into();
                self.receive();
            }
            Step::Again { at, length, by } => {
                let mut bytes = self.last.to_vec();
                let at = at.min(bytes.len());
                let end = (at + length).min(bytes.len());
                bytes.splice(at..end, by);
                self.last = bytes.into();
                self.receive();
            }
            Step::Rtp { port, from, datagram } => self.hear(port, from, &datagram.into()),
            Step::Pass { millis } => self.pass(Duration::from_millis(millis)),
            Step::Gone { connection } => {
                let outputs = self.desk.server.disconnected(connection);
                assert!(outputs.iter().all(|output| matches!(output, RecordingOutput::Send { .. })));
            }
        }
        self.check();
    }

    fn receive(&mut self) {
        // One caller comes over connections, each message over another.
        let transport = if self.cseq.is_multiple_of(3) {
            Transport::Tcp(u64::from(self.cseq % 2))
        } else {
            Transport::Udp
        };
        let peer = Peer { transport, ..peer() };
        match self.desk.server.receive(peer, &self.last.clone(), self.now, &mut self.desk.around) {
            Ok(outputs) => {
                let (sent, rest) = split(outputs);
                assert!(sent.len() <= 1 && sent.iter().all(|sent| sent.starts_with("SIP/2.0 ")));
                if matches!(rest[..], [RecordingOutput::Begun { .. }]) {
                    self.newest = super::tag_in(&sent);
                }
                self.obey(rest);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }

    fn hear(&mut self, port: usize, from: u8, datagram: &Bytes) {
        let mut ports: Vec<u16> = self.recordings.values().flat_map(|known| known.ports.clone()).collect();
        ports.sort_unstable();
        let Some(port) = ports.get(port) else { return };
        let from = SocketAddr::from(([192, 0, 2, from], 9_000));
        for recording in self.recordings.values_mut() {
            let events = recording.call.receive(*port, from, datagram, self.now);
            watch(recording, &events);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        let outputs = self.desk.server.wait(self.now, &mut self.desk.around);
        self.obey(split(outputs).1);
        let mut undecided = Vec::new();
        for (number, recording) in &mut self.recordings {
            match recording.call.wait(self.now) {
                Ok(events) => watch(recording, &events),
                Err(error) => {
                    assert_eq!(error, ProtocolError::CustomerUndecided);
                    assert!(!recording.has_begun);
                    undecided.push(*number);
                }
            }
        }
        for number in undecided {
            self.recordings.remove(&number);
            assert_eq!(self.desk.server.end(number, self.now, &mut self.desk.around).len(), 1);
        }
    }

    fn obey(&mut self, outputs: Vec<RecordingOutput>) {
        for output in outputs {
            match output {
                RecordingOutput::Begun { recording, description } => {
                    let ports = description.legs.iter().map(|leg| leg.port).collect();
                    let (call, events) = RecordedCall::begin(*description, self.now);
                    let mut begun = Recording { call, ports, has_begun: false };
                    watch(&mut begun, &events);
                    assert!(self.recordings.insert(recording, begun).is_none());
                }
                RecordingOutput::Changed { recording, description } => {
                    let known = self.recordings.get_mut(&recording).expect("it began");
                    known.ports = description.legs.iter().map(|leg| leg.port).collect();
                    let events = known.call.describe(*description, self.now);
                    watch(known, &events);
                }
                RecordingOutput::Ended { recording, reason } => {
                    let mut known = self.recordings.remove(&recording).expect("it began");
                    let events = known.call.end(reason);
                    assert_eq!(events.last(), Some(&CallEvent::Ended(reason)));
                    watch(&mut known, &events[..events.len() - 1]);
                }
                RecordingOutput::Send { .. } => unreachable!("split away"),
            }
        }
    }

    fn check(&self) {
        let server = &self.desk.server;
        assert!(server.dialogs.len() <= MAX_RECORDINGS && server.farewells.len() <= MAX_FAREWELLS);
        assert_eq!(server.dialogs.len(), self.recordings.len());
        assert_eq!(server.forgotten.len(), server.answered.len());
        assert_eq!(server.answered_bytes, server.answered.values().map(Bytes::len).sum::<usize>());
        for dialog in server.dialogs.values() {
            assert!(dialog.ports.len() <= MAX_PORTS && dialog.metadata.size() <= 3 * MAX_TOLD);
        }
        assert!(self.recordings.values().all(|recording| recording.call.held() <= MAX_HELD));
    }
}

/// A call begins once and first.
fn watch(recording: &mut Recording, events: &[CallEvent]) {
    for event in events {
        match event {
            CallEvent::Begun(begun) => {
                assert!(!std::mem::replace(&mut recording.has_begun, true), "begun twice");
                begun.format.stream.check().unwrap();
            }
            CallEvent::Ended(_) => panic!("it ends only at its end"),
            CallEvent::Gap(gap) => {
                assert!(recording.has_begun && *gap <= Duration::from_secs(61) && !gap.is_zero())
            }
            CallEvent::Audio(bytes) => assert!(recording.has_begun && !bytes.is_empty()),
            _ => assert!(recording.has_begun, "{event:?} before the call began"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_order_of_messages_and_packets_is_kept_in_order(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        // In the end all is given back.
        for _ in 0..20 {
            world.pass(Duration::from_secs(20));
        }
        let living: Vec<u64> = world.recordings.keys().copied().collect();
        for recording in living {
            prop_assert_eq!(world.desk.server.end(recording, world.now, &mut world.desk.around).len(), 1);
        }
        world.recordings.clear();
        world.pass(GIVE_UP);
        prop_assert!(world.desk.server.is_idle() && world.desk.server.answered.is_empty());
    }

    #[test]
    fn any_damage_ends_in_an_error_or_an_answer(at in 0usize..1_500, length in 0usize..60, by in prop::collection::vec(any::<u8>(), 0..8)) {
        let mut world = World::new();
        world.take(Step::Again { at, length, by });
    }
}

#[test]
fn answers_and_goodbyes_that_are_kept_are_few() {
    let mut world = World::new();
    let via = format!("Via: SIP/2.0/UDP 192.0.2.7;x={}\r\n", "v".repeat(12_000));
    for number in 0..3_000 {
        let branch = format!("f{number}");
        let text = String::from_utf8(request("OPTIONS", 1, &branch, "", "", "").to_vec()).unwrap();
        world.last = text.replacen("From:", &format!("{via}From:"), 1).into();
        world.receive();
    }
    let server = &world.desk.server;
    assert!(server.answered_bytes <= MAX_ANSWERED_BYTES && server.answered.len() > 1_000);
    world.check();
    // Calls that begin and are ended from our side at once.
    let mut desk = Desk::new(options());
    desk.around.ports = 5_000;
    for number in 0..2_000u64 {
        let text = String::from_utf8(invite(&format!("g{number}")).to_vec()).unwrap();
        desk.receive(&text.replace("call-1", &format!("call-{number}")).into());
        assert_eq!(desk.server.end(number + 1, Duration::ZERO, &mut desk.around).len(), 1);
    }
    assert_eq!(desk.server.farewells.len(), MAX_FAREWELLS);
}
