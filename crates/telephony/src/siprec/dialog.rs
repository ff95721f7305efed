use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use earmark_engine::CallInfo;
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
use super::roles::{self, Choice};

/// The longest text of a call that is no id, as the records keep it.
const MAX_TEXT_BYTES: usize = 128;

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
    target: String,
    routes: Vec<String>,
    pub(super) peer: Peer,
    pub(super) call: CallInfo,
    pub(super) offer: Offer,
    pub(super) ports: Vec<Option<u16>>,
    pub(super) metadata: Metadata,
    pub(super) choice: Choice,
    /// Counts our answers.
    pub(super) version: u64,
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
        body: Body,
        choice: Choice,
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
            offer: body.offer?,
            ports: Vec::new(),
            metadata: body.metadata.unwrap_or_default(),
            choice,
            version: 1,
            unconfirmed: None,
        })
    }

    pub(super) fn answer(&self, options: &SiprecOptions) -> String {
        self.offer.answer(options.public_address, &self.ports, self.recording, self.version)
    }

    pub(super) fn description(&self, options: &SiprecOptions) -> Description {
        let lines = self.offer.lines.iter().zip(&self.ports);
        let mut customer = 0;
        let mut legs = Vec::new();
        for (index, (line, port)) in lines.enumerate() {
            let (Some(encoding), Some(port)) = (line.encoding, *port) else { continue };
            if index == self.choice.line {
                customer = legs.len();
            }
            let sources: Vec<IpAddr> = match options.any_rtp_source {
                true => Vec::new(),
                false => line.remote.map(|r| r.ip()).into_iter().chain([self.peer.address.ip()]).collect(),
            };
            let (payloads, is_sent) = (line.payloads.clone(), line.is_sent);
            legs.push(LegDescription { port, payloads, encoding, is_sent, sources });
        }
        let speaker = self.choice.customer.as_ref().map(|customer| customer.aor.clone()).unwrap_or_default();
        Description { call: self.call.clone(), legs, customer, role: self.choice.role, speaker }
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

    pub(super) fn choice(&self, options: &SiprecOptions) -> Result<Choice, &'static str> {
        let offer = self.offer.as_ref().ok_or("no session description is offered")?;
        let none = Metadata::default();
        roles::choose(&options.roles, &offer.lines, self.metadata.as_ref().unwrap_or(&none))
    }
}

/// What the INVITE says of its call.
pub(super) fn call_info(
    request: &Request,
    options: &SiprecOptions,
    choice: &Choice,
) -> Result<CallInfo, String> {
    let header = |name: &Option<String>| name.as_ref().and_then(|name| request.header(name));
    let call_id = header(&options.call_id_header).unwrap_or_else(|| request.call_id.clone());
    let call_id = CallId::new(&call_id).map_err(|error| error.to_string())?;
    let claimed = header(&options.customer_id_header).filter(|id| !id.is_empty());
    let claimed = claimed.map(|id| CustomerId::new(&id)).transpose().map_err(|error| error.to_string())?;
    let user = |participant: &Option<Participant>| participant.as_ref().and_then(|p| user_of(&p.aor));
    Ok(CallInfo {
        call_id,
        claimed,
        caller_number: user(&choice.customer),
        agent: header(&options.agent_id_header).and_then(kept).or_else(|| user(&choice.agent)),
        scene: header(&options.scene_header).and_then(kept),
    })
}

/// The user of an address of record: the number in `sip:13800138000@pbx;user=phone` or `tel:+86-138`.
fn user_of(aor: &str) -> Option<String> {
    let (_, rest) = aor.split_once(':').unwrap_or(("", aor));
    let user = rest.split(['@', ';', '?']).next().unwrap_or_default();
    kept(user.to_owned())
}

/// A text that the records can keep.
fn kept(text: String) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= MAX_TEXT_BYTES && !text.chars().any(char::is_control);
    (fits && text.trim() == text).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_the_user_of_an_address() {
        assert_eq!(user_of("sip:+8613800138000@pbx.example;user=phone").as_deref(), Some("+8613800138000"));
        assert_eq!(user_of("tel:+86-138;ext=2").as_deref(), Some("+86-138"));
        assert_eq!((user_of("sip:@x"), user_of("")), (None, None));
    }
}
