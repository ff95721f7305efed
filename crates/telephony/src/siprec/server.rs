use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use ezk_sip_types::Name;

use super::change::{change, open_ports};
use super::dialog::{Dialog, SIP_PORT, call_info, contact};
use super::message::{Message, Request, finish, line, tag_of};
use super::options::SiprecOptions;
use super::outside::{Peer, RecordingOutput, Surroundings, Transport};
use super::refused::{ACCEPT, NO_AUDIO, Refused, check_required, no_dialog, not_acceptable, read_body};
use super::repeat::{Due, GIVE_UP, Repeat};
use super::roles::{self, Unchosen};
use crate::{EndReason, ProtocolError};

const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, UPDATE, OPTIONS";

/// Answers that are kept for requests that come again.
const MAX_ANSWERED: usize = 10_000;

/// The most bytes of these answers together: each repeats the request's Vias.
const MAX_ANSWERED_BYTES: usize = 16 << 20;

/// Goodbyes that wait for their answers; further ones are sent once.
const MAX_FAREWELLS: usize = 1_024;

/// The recording server of one SIP address: messages in, messages and recordings out. Reads no clock:
/// `now` is the time since some fixed moment.
pub struct RecordingServer {
    options: SiprecOptions,
    /// By our tag.
    dialogs: HashMap<String, Dialog>,
    answered: HashMap<RequestKey, Bytes>,
    /// When each of the answers is forgotten.
    forgotten: VecDeque<(Duration, RequestKey)>,
    answered_bytes: usize,
    /// Our goodbyes that were not answered yet, by branch.
    farewells: HashMap<String, Repeat>,
    next_recording: u64,
}

/// What a request that comes again has in common with the first (RFC 3261, section 17.2.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct RequestKey {
    branch: String,
    method: String,
    address: IpAddr,
    /// The same number over another way is another request.
    is_datagram: bool,
}

impl RequestKey {
    fn new(branch: &str, method: &str, peer: Peer) -> Self {
        let is_datagram = peer.transport == Transport::Udp;
        Self { branch: branch.to_owned(), method: method.to_owned(), address: peer.address.ip(), is_datagram }
    }
}

impl RecordingServer {
    /// A server of no recordings.
    #[must_use]
    pub fn new(options: SiprecOptions) -> Self {
        Self {
            options,
            dialogs: HashMap::new(),
            answered: HashMap::new(),
            forgotten: VecDeque::new(),
            answered_bytes: 0,
            farewells: HashMap::new(),
            next_recording: 1,
        }
    }

    /// Takes a whole message.
    ///
    /// # Errors
    /// [`ProtocolError`] for what can't even be answered: drop the datagram, or close the connection.
    pub fn receive(
        &mut self,
        peer: Peer,
        message: &Bytes,
        now: Duration,
        around: &mut dyn Surroundings,
    ) -> Result<Vec<RecordingOutput>, ProtocolError> {
        let mut request = match Message::parse(message)? {
            Message::Request(request) => request,
            Message::Response { branch, is_final } => {
                if let Some(branch) = branch.filter(|_| is_final) {
                    self.farewells.remove(&branch);
                }
                return Ok(Vec::new());
            }
        };
        let reply_to = note_source(&mut request, peer);
        let key = request.branch().map(|branch| RequestKey::new(branch, &request.method, peer));
        if let Some(answer) = key.as_ref().and_then(|key| self.answered.get(key)) {
            return Ok(vec![reply(reply_to, answer.clone())]);
        }
        let mut outputs = Vec::new();
        let answer = self.answer(&request, reply_to, now, around, &mut outputs);
        if let Some(message) = answer {
            if let Some(key) = key {
                self.remember(key, message.clone(), now);
            }
            outputs.insert(0, reply(reply_to, message));
        }
        Ok(outputs)
    }

    /// Takes no further recordings.
    pub fn turn_away(&mut self) {
        self.options.max_recordings = 0;
    }

    /// Whether a recording's requests came over this connection last.
    #[must_use]
    pub fn uses(&self, connection: u64) -> bool {
        let transport = Transport::Tcp(connection);
        self.dialogs.values().any(|dialog| dialog.peer.transport == transport)
    }

    /// A connection is gone: goodbyes that it did not bring an answer to go another way.
    pub fn disconnected(&mut self, connection: u64) -> Vec<RecordingOutput> {
        let transport = Transport::Tcp(connection);
        let unanswered = self.farewells.values().filter(|farewell| farewell.peer.transport == transport);
        unanswered.map(Repeat::output).collect()
    }

    /// Whether nothing runs and nothing waits for an answer.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.dialogs.is_empty() && self.farewells.is_empty()
    }

    /// Lets time pass: call it some times a second.
    pub fn wait(&mut self, now: Duration, around: &mut dyn Surroundings) -> Vec<RecordingOutput> {
        let mut outputs = Vec::new();
        while self.forgotten.front().is_some_and(|(at, _)| *at <= now) {
            self.forget_oldest();
        }
        self.farewells.retain(|_, farewell| repeat(farewell, now, &mut outputs) != Due::GiveUp);
        let mut unheard = Vec::new();
        for dialog in self.dialogs.values_mut() {
            if let Some((_, answer)) = &mut dialog.unconfirmed
                && repeat(answer, now, &mut outputs) == Due::GiveUp
            {
                unheard.push(dialog.recording);
            }
        }
        // RFC 3261, section 13.3.1.4: an answer that is never acknowledged ends the session.
        for recording in unheard {
            outputs.extend(self.end(recording, now, around));
            outputs.push(RecordingOutput::Ended { recording, reason: EndReason::Lost });
        }
        outputs
    }

    /// Ends a recording from our side; nothing more is told of it.
    pub fn end(
        &mut self,
        recording: u64,
        now: Duration,
        around: &mut dyn Surroundings,
    ) -> Vec<RecordingOutput> {
        let tag = self.dialogs.iter().find(|(_, d)| d.recording == recording).map(|(tag, _)| tag.clone());
        let Some(dialog) = tag.and_then(|tag| self.dialogs.remove(&tag)) else { return Vec::new() };
        let (branch, message) = dialog.bye(&self.options, &around.token());
        let peer = dialog.peer;
        let fallback = match peer.transport {
            Transport::Udp => None,
            Transport::Tcp(_) => Some(dialog.next_hop(&self.options)),
        };
        let farewell = Repeat::request(message, peer, fallback, now);
        let output = farewell.output();
        if self.farewells.len() < MAX_FAREWELLS {
            self.farewells.insert(branch, farewell);
        }
        vec![output]
    }

    fn remember(&mut self, key: RequestKey, answer: Bytes, now: Duration) {
        self.answered_bytes += answer.len();
        self.forgotten.push_back((now + GIVE_UP, key.clone()));
        self.answered.insert(key, answer);
        while self.forgotten.len() > MAX_ANSWERED || self.answered_bytes > MAX_ANSWERED_BYTES {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let oldest = self.forgotten.pop_front().and_then(|(_, key)| self.answered.remove(&key));
        self.answered_bytes -= oldest.map_or(0, |answer| answer.len());
    }

    fn answer(
        &mut self,
        request: &Request,
        peer: Peer,
        now: Duration,
        around: &mut dyn Surroundings,
        outputs: &mut Vec<RecordingOutput>,
    ) -> Option<Bytes> {
        if request.method == "ACK" {
            self.confirm(request);
            return None;
        }
        let refused = match self.dispatch(request, peer, now, around, outputs) {
            Ok(answer) => return Some(answer),
            Err(refused) => refused,
        };
        let mut answer = request.answer(refused.status, refused.reason, Some(&around.token()));
        for (name, value) in &refused.headers {
            line(&mut answer, name, value);
        }
        Some(finish(answer, None))
    }

    fn dispatch(
        &mut self,
        request: &Request,
        peer: Peer,
        now: Duration,
        around: &mut dyn Surroundings,
        outputs: &mut Vec<RecordingOutput>,
    ) -> Result<Bytes, Refused> {
        if request.cut {
            return Err(Refused::new(400, "Bad Request").because("the body is shorter than its length"));
        }
        if !self.options.may_invite(peer.address.ip()) {
            return Err(Refused::new(403, "Forbidden").because("this address may not invite"));
        }
        match (request.method.as_str(), tag_of(&request.to)) {
            ("OPTIONS", _) => Ok(self.capabilities(request, peer, around)),
            ("INVITE", None) => self.invite(request, peer, now, around, outputs),
            ("INVITE" | "UPDATE", Some(_)) => self.modify(request, peer, now, around, outputs),
            ("BYE", Some(_)) => self.bye(request, outputs),
            // An INVITE is answered at once: what would be cancelled is over.
            ("CANCEL", _) => self.cancel(request, peer, around),
            ("UPDATE" | "BYE", None) => Err(no_dialog()),
            _ => Err(Refused::new(405, "Method Not Allowed").with("Allow", ALLOW)),
        }
    }

    fn capabilities(&self, request: &Request, peer: Peer, around: &mut dyn Surroundings) -> Bytes {
        let mut answer = request.answer(200, "OK", Some(&around.token()));
        self.add_capabilities(&mut answer, peer);
        line(&mut answer, "Accept", ACCEPT);
        finish(answer, None)
    }

    fn add_capabilities(&self, answer: &mut String, peer: Peer) {
        line(answer, "Contact", &contact(&self.options, peer));
        line(answer, "Allow", ALLOW);
        line(answer, "Supported", "siprec");
    }

    fn cancel(&self, request: &Request, peer: Peer, around: &mut dyn Surroundings) -> Result<Bytes, Refused> {
        let branch = request.branch().ok_or_else(no_dialog)?;
        let invite = RequestKey::new(branch, "INVITE", peer);
        match self.answered.contains_key(&invite) {
            true => Ok(finish(request.answer(200, "OK", Some(&around.token())), None)),
            false => Err(no_dialog()),
        }
    }

    fn invite(
        &mut self,
        request: &Request,
        peer: Peer,
        now: Duration,
        around: &mut dyn Surroundings,
        outputs: &mut Vec<RecordingOutput>,
    ) -> Result<Bytes, Refused> {
        check_required(request)?;
        let remote_tag = tag_of(&request.from).unwrap_or_default();
        let again = |d: &Dialog| d.call_id == request.call_id && d.remote_tag == remote_tag;
        if self.dialogs.values().any(again) {
            return Err(Refused::new(482, "Loop Detected"));
        }
        let body = read_body(request)?;
        if body.metadata.is_none() && !request.tokens(Name::REQUIRE).iter().any(|token| token == "siprec") {
            return Err(Refused::new(421, "Extension Required").with("Require", "siprec"));
        }
        if self.dialogs.len() >= self.options.max_recordings {
            return Err(Refused::new(503, "Service Unavailable").with("Retry-After", "5"));
        }
        let offer = body.offer.ok_or_else(|| not_acceptable("no session description is offered"))?;
        let metadata = body.metadata.unwrap_or_default();
        let choice = match roles::choose(&self.options.roles, &offer.lines, &metadata) {
            Ok(choice) => Some(choice),
            // The customer's stream may come with a later offer.
            Err(Unchosen::Undecided) => None,
            Err(Unchosen::NoAudio) => return Err(not_acceptable(NO_AUDIO)),
        };
        let call = call_info(request, &self.options)
            .map_err(|problem| Refused::new(400, "Bad Request").because(&problem))?;
        let (tag, recording) = (around.token(), self.next_recording);
        let dialog = Dialog::new(request, peer, tag.clone(), recording, call, offer, metadata);
        let incomplete =
            || Refused::new(400, "Bad Request").because("a Contact and a tag in From are needed");
        let mut dialog = dialog.ok_or_else(incomplete)?;
        dialog.choice = choice;
        open_ports(&mut dialog, around)?;
        self.next_recording += 1;
        let answer = self.accept(request, &mut dialog, true, now);
        let description = Box::new(dialog.description(&self.options));
        self.dialogs.insert(tag, dialog);
        outputs.push(RecordingOutput::Begun { recording, description });
        Ok(answer)
    }

    fn modify(
        &mut self,
        request: &Request,
        peer: Peer,
        now: Duration,
        around: &mut dyn Surroundings,
        outputs: &mut Vec<RecordingOutput>,
    ) -> Result<Bytes, Refused> {
        check_required(request)?;
        let body = read_body(request)?;
        // In a 200 to an UPDATE a session description is an answer (RFC 3311, section 5.2); in one to an
        // INVITE without an offer it is ours.
        let is_described = body.offer.is_some() || request.method == "INVITE";
        let tag = self.find(request)?;
        let mut dialog = self.dialogs.remove(&tag).ok_or_else(no_dialog)?;
        let changed = change(&mut dialog, body, &self.options, around);
        if changed.is_ok() {
            dialog.refresh(request, peer);
        }
        let answer = changed.map(|()| self.accept(request, &mut dialog, is_described, now));
        let (recording, description) = (dialog.recording, Box::new(dialog.description(&self.options)));
        self.dialogs.insert(tag, dialog);
        let answer = answer?;
        outputs.push(RecordingOutput::Changed { recording, description });
        Ok(answer)
    }

    /// The answer that takes a request; that to an INVITE is repeated until it is acknowledged.
    fn accept(&self, request: &Request, dialog: &mut Dialog, is_described: bool, now: Duration) -> Bytes {
        let mut answer = request.answer(200, "OK", Some(&dialog.local_tag));
        for route in request.headers.get_raw(&Name::RECORD_ROUTE) {
            line(&mut answer, "Record-Route", route.trim());
        }
        self.add_capabilities(&mut answer, dialog.peer);
        let description = is_described.then(|| dialog.answer(&self.options));
        let answer = finish(answer, description.as_deref().map(|text| ("application/sdp", text)));
        if request.method == "INVITE" {
            let repeat = Repeat::new(answer.clone(), dialog.peer, now);
            dialog.unconfirmed = Some((request.cseq, repeat));
        }
        answer
    }

    fn bye(&mut self, request: &Request, outputs: &mut Vec<RecordingOutput>) -> Result<Bytes, Refused> {
        let tag = self.find(request)?;
        if let Some(dialog) = self.dialogs.remove(&tag) {
            let (recording, reason) = (dialog.recording, EndReason::HungUp);
            outputs.push(RecordingOutput::Ended { recording, reason });
        }
        Ok(finish(request.answer(200, "OK", None), None))
    }

    fn confirm(&mut self, request: &Request) {
        let Ok(tag) = self.dialog_of(request) else { return };
        if let Some(dialog) = self.dialogs.get_mut(&tag)
            && dialog.unconfirmed.as_ref().is_some_and(|(cseq, _)| *cseq == request.cseq)
        {
            dialog.unconfirmed = None;
        }
    }

    /// The dialog of a request that comes in order.
    fn find(&self, request: &Request) -> Result<String, Refused> {
        let tag = self.dialog_of(request)?;
        match self.dialogs.get(&tag) {
            Some(dialog) if request.cseq <= dialog.remote_cseq => {
                Err(Refused::new(500, "Server Internal Error").because("its CSeq is not above the last"))
            }
            _ => Ok(tag),
        }
    }

    fn dialog_of(&self, request: &Request) -> Result<String, Refused> {
        let tag = tag_of(&request.to).ok_or_else(no_dialog)?;
        let dialog = self.dialogs.get(tag).ok_or_else(no_dialog)?;
        let is_same =
            dialog.call_id == request.call_id && Some(dialog.remote_tag.as_str()) == tag_of(&request.from);
        if is_same { Ok(tag.to_owned()) } else { Err(no_dialog()) }
    }
}

/// Says in the topmost Via where the request came from (RFC 3261, section 18.2.1; RFC 3581), and where an
/// answer goes.
fn note_source(request: &mut Request, peer: Peer) -> Peer {
    let Some(via) = request.vias.first_mut() else { return peer };
    let address = peer.address;
    let asks_for_port = via.params.get("rport").is_some();
    via.params.push_or_edit("received", address.ip().to_string());
    if asks_for_port {
        via.params.push_or_edit("rport", address.port().to_string());
    }
    match peer.transport {
        Transport::Udp if !asks_for_port => {
            let port = via.sent_by.port.unwrap_or(SIP_PORT);
            Peer { address: SocketAddr::new(address.ip(), port), ..peer }
        }
        _ => peer,
    }
}

/// An answer goes back the way that its request came.
fn reply(peer: Peer, message: Bytes) -> RecordingOutput {
    RecordingOutput::Send { peer, message, fallback: None }
}

fn repeat(repeat: &mut Repeat, now: Duration, outputs: &mut Vec<RecordingOutput>) -> Due {
    let due = repeat.due(now);
    if due == Due::Send {
        outputs.push(repeat.output());
    }
    due
}

#[cfg(test)]
mod tests;
