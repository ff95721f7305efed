use std::mem::take;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use earmark_audio::ChannelRole;
use earmark_engine::{CallInfo, check_call_line};
use earmark_voiceprint::{CallId, CustomerId};
use ezk_sip_types::Name;

use super::message::{Request, address_of, finish, line, tag_of};
use super::metadata::{Metadata, Participant};
use super::multipart::Part;
use super::offer::Offer;
use super::options::SiprecOptions;
use super::outside::{Peer, Transport};
use super::recording::{Description, LegDescription};
use super::repeat::Repeat;
use super::roles::Choice;

/// The port of SIP where none is written.
pub(super) const SIP_PORT: u16 = 5060;

/// A recording session (RFC 3261, section 12): what its requests and answers need.
#[derive(Debug)]
pub(super) struct Dialog {
    pub(super) recording: u64,
    pub(super) call_id: String,
    pub(super) local_tag: String,
    /// The far end's From, with its tag.
    pub(super) remote: String,
    pub(super) remote_tag: String,
    pub(super) remote_cseq: u32,
    /// Our To, with our tag.
    local: String,
    /// Where our requests go: the far end's Contact, as it said last.
    target: String,
    routes: Vec<String>,
    pub(super) peer: Peer,
    /// What the INVITE's headers say of the call; the rest comes with the choice.
    call: CallInfo,
    pub(super) offer: Offer,
    pub(super) ports: Vec<Option<u16>>,
    pub(super) metadata: Metadata,
    /// None until something says which stream is the customer's.
    pub(super) choice: Option<Choice>,
    /// Counts our session descriptions.
    version: u64,
    /// The answer to an INVITE that was not acknowledged yet, and its number.
    pub(super) unconfirmed: Option<(u32, Repeat)>,
}

impl Dialog {
    pub(super) fn new(
        request: &Request,
        peer: Peer,
        local_tag: String,
        recording: u64,
        call: CallInfo,
        offer: Offer,
        metadata: Metadata,
    ) -> Option<Self> {
        let contact = request.header("Contact")?;
        let routes = request.headers.get_raw(&Name::RECORD_ROUTE);
        Some(Self {
            recording,
            call_id: request.call_id.clone(),
            local: format!("{};tag={local_tag}", request.to),
            local_tag,
            remote: request.from.clone(),
            remote_tag: tag_of(&request.from)?.to_owned(),
            remote_cseq: request.cseq,
            target: address_of(&contact).to_owned(),
            routes: routes.map(|route| route.trim().to_owned()).collect(),
            peer,
            call,
            offer,
            ports: Vec::new(),
            metadata,
            choice: None,
            version: 0,
            unconfirmed: None,
        })
    }

    /// A request of the far end's was taken: where it is now (RFC 3261, section 12.2.2).
    pub(super) fn refresh(&mut self, request: &Request, peer: Peer) {
        self.remote_cseq = request.cseq;
        self.peer = peer;
        let contact = request.header("Contact").map(|contact| address_of(&contact).to_owned());
        self.target = contact.filter(|target| !target.is_empty()).unwrap_or_else(|| take(&mut self.target));
    }

    /// Our next session description.
    pub(super) fn answer(&mut self, options: &SiprecOptions) -> String {
        self.version += 1;
        self.offer.answer(options.public_address, &self.ports, self.recording, self.version)
    }

    pub(super) fn description(&self, options: &SiprecOptions) -> Description {
        let lines = self.offer.lines.iter().zip(&self.ports);
        let choice = self.choice.as_ref();
        let mut customer = None;
        let mut legs = Vec::new();
        for (index, (line, port)) in lines.enumerate() {
            let (Some(encoding), Some(port)) = (line.encoding, *port) else { continue };
            if choice.is_some_and(|choice| choice.line == index) {
                customer = Some(legs.len());
            }
            let known = line.remote.iter().chain([&self.peer.address]);
            let sources: Vec<IpAddr> = match options.any_rtp_source {
                true => Vec::new(),
                false => known.map(|address| address.ip().to_canonical()).collect(),
            };
            let (payloads, is_sent) = (line.payloads.clone(), line.is_sent);
            legs.push(LegDescription { port, payloads, encoding, is_sent, sources });
        }
        let speaker = choice.and_then(|choice| choice.customer.as_ref());
        let speaker = speaker.map(|customer| customer.aor.clone()).unwrap_or_default();
        let role = choice.map_or(ChannelRole::Customer, |choice| choice.role);
        Description { call: self.call(), legs, customer, role, speaker }
    }

    /// The call, as far as it is known.
    fn call(&self) -> CallInfo {
        let user = |participant: Option<&Participant>| participant.and_then(|p| user_of(&p.aor));
        let choice = self.choice.as_ref();
        let mut call = self.call.clone();
        call.caller_number = user(choice.and_then(|choice| choice.customer.as_ref()));
        call.agent = call.agent.or_else(|| user(choice.and_then(|choice| choice.agent.as_ref())));
        call
    }

    /// Where a new connection takes our requests once the peer's is gone: the next hop (RFC 3261, section
    /// 8.1.2) by its address. Only to the peer itself or another that may invite, or anybody who can send
    /// us an INVITE could have us connect to anywhere; else to the peer, at the port of the next hop.
    pub(super) fn next_hop(&self, options: &SiprecOptions) -> SocketAddr {
        let hop = self.routes.first().map_or(self.target.as_str(), |route| address_of(route));
        let (host, port) = host_and_port(hop);
        let own = self.peer.address.ip();
        let is_allowed =
            |host: &IpAddr| *host == own.to_canonical() || options.peers.contains(&host.to_canonical());
        SocketAddr::new(host.filter(is_allowed).unwrap_or(own), port)
    }

    /// Our goodbye, and the branch that its answer will name.
    pub(super) fn bye(&self, options: &SiprecOptions, token: &str) -> (String, Bytes) {
        let branch = format!("z9hG4bK{token}");
        let mut bye = format!("BYE {} SIP/2.0\r\n", self.target);
        let (transport, us) = (transport_name(self.peer), us(options));
        line(&mut bye, "Via", &format!("SIP/2.0/{transport} {us};branch={branch};rport"));
        line(&mut bye, "Max-Forwards", "70");
        line(&mut bye, "From", &self.local);
        line(&mut bye, "To", &self.remote);
        line(&mut bye, "Call-ID", &self.call_id);
        line(&mut bye, "CSeq", "1 BYE");
        for route in &self.routes {
            line(&mut bye, "Route", route);
        }
        (branch, finish(bye, None))
    }
}

/// Where we are, as it is told.
pub(super) fn us(options: &SiprecOptions) -> SocketAddr {
    SocketAddr::new(options.public_address, options.sip_port)
}

fn transport_name(peer: Peer) -> &'static str {
    match peer.transport {
        Transport::Udp => "UDP",
        Transport::Tcp(_) => "TCP",
    }
}

/// Our address with what says that a recording server is there (RFC 7866, section 6.2).
pub(super) fn contact(options: &SiprecOptions, peer: Peer) -> String {
    let transport = transport_name(peer).to_ascii_lowercase();
    format!("<sip:earmark@{};transport={transport}>;+sip.srs", us(options))
}

/// What the parts of a body hold.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) offer: Option<Offer>,
    pub(super) metadata: Option<Metadata>,
}

impl Body {
    pub(super) fn read(parts: &[Part]) -> Result<Self, crate::ProtocolError> {
        let mut body = Self::default();
        for part in parts {
            match part.kind.as_str() {
                "application/sdp" => body.offer = Some(Offer::parse(&part.content)?),
                // The second is of the drafts.
                "application/rs-metadata+xml" | "application/rs-metadata" => {
                    body.metadata = Some(Metadata::parse(&part.content)?);
                }
                _ => {}
            }
        }
        Ok(body)
    }
}

/// What the INVITE's headers say of its call.
pub(super) fn call_info(request: &Request, options: &SiprecOptions) -> Result<CallInfo, String> {
    let header = |name: &Option<String>| name.as_ref().and_then(|name| request.header(name));
    let call_id = header(&options.call_id_header).unwrap_or_else(|| request.call_id.clone());
    let call_id = CallId::new(&call_id).map_err(|error| error.to_string())?;
    let claimed = header(&options.customer_id_header).filter(|id| !id.is_empty());
    let claimed = claimed.map(|id| CustomerId::new(&id)).transpose().map_err(|error| error.to_string())?;
    Ok(CallInfo {
        call_id,
        claimed,
        caller_number: None,
        agent: header(&options.agent_id_header).and_then(kept),
        scene: header(&options.scene_header).and_then(kept),
    })
}

/// The host of a URI, where it is written as an address, and its port.
fn host_and_port(uri: &str) -> (Option<IpAddr>, u16) {
    let rest = uri.split_once(':').map_or("", |(_, rest)| rest).split([';', '?']).next().unwrap_or_default();
    let host = rest.rsplit('@').next().unwrap_or_default();
    let (name, port) = match host.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((name, port)) if !port.contains(']') => (name, port.parse().unwrap_or(SIP_PORT)),
        _ => (host, SIP_PORT),
    };
    (name.trim_start_matches('[').trim_end_matches(']').parse().ok(), port)
}

/// The user of an address of record: the number in `sip:13800138000@pbx;user=phone` or `tel:+86-138`.
fn user_of(aor: &str) -> Option<String> {
    let (_, rest) = aor.split_once(':').unwrap_or(("", aor));
    let user = rest.split(['@', ';', '?']).next().unwrap_or_default();
    kept(user.to_owned())
}

/// A text that the records can keep.
fn kept(text: String) -> Option<String> {
    check_call_line("text", &text).is_ok().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_hop_is_an_address_with_a_port() {
        let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert_eq!(host_and_port("sip:src@192.0.2.7:5070;transport=tcp"), (address("192.0.2.7"), 5070));
        assert_eq!(host_and_port("sip:192.0.2.7;lr"), (address("192.0.2.7"), 5060));
        assert_eq!(host_and_port("sip:a@[2001:db8::1]"), (address("2001:db8::1"), 5060));
        assert_eq!(host_and_port("sip:a@[2001:db8::1]:5080?x=y"), (address("2001:db8::1"), 5080));
        assert_eq!(
            (host_and_port("sip:a@sbc.example:5080"), host_and_port("")),
            ((None, 5080), (None, 5060))
        );
        assert_eq!(host_and_port("sip:a@192.0.2.7:99999"), (address("192.0.2.7"), 5060));
    }

    #[test]
    fn the_number_is_the_user_of_an_address() {
        assert_eq!(user_of("sip:+8613800138000@pbx.example;user=phone").as_deref(), Some("+8613800138000"));
        assert_eq!(user_of("tel:+86-138;ext=2").as_deref(), Some("+86-138"));
        assert_eq!((user_of("sip:@x"), user_of("")), (None, None));
    }
}
