use ezk_sip_types::Name;

use super::dialog::Body;
use super::message::Request;
use super::multipart;
use crate::ProtocolError;

/// What bodies may be of.
pub(super) const ACCEPT: &str = "application/sdp, application/rs-metadata+xml, multipart/mixed";

/// Why a request is not done.
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) reason: &'static str,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Refused {
    pub(super) fn new(status: u16, reason: &'static str) -> Self {
        Self { status, reason, headers: Vec::new() }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Says it in words (RFC 3261, section 20.43).
    pub(super) fn because(self, problem: &str) -> Self {
        let text: String = problem.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\')).collect();
        self.with("Warning", &format!("399 earmark \"{text}\""))
    }
}

/// An offer that can never do.
pub(super) const NO_AUDIO: &str = "no audio stream in G.711 over RTP/AVP is offered";

pub(super) fn no_dialog() -> Refused {
    Refused::new(481, "Call/Transaction Does Not Exist")
}

pub(super) fn not_acceptable(problem: &'static str) -> Refused {
    Refused::new(488, "Not Acceptable Here").because(problem)
}

pub(super) fn check_required(request: &Request) -> Result<(), Refused> {
    let unknown: Vec<_> = request.tokens(Name::REQUIRE).into_iter().filter(|t| t != "siprec").collect();
    match unknown.is_empty() {
        true => Ok(()),
        false => Err(Refused::new(420, "Bad Extension").with("Unsupported", &unknown.join(", "))),
    }
}

pub(super) fn read_body(request: &Request) -> Result<Body, Refused> {
    if request.body.is_empty() {
        return Ok(Body::default());
    }
    let kind = request.headers.get_raw(&Name::CONTENT_TYPE).next().map(|kind| kind.to_string());
    let kind = kind.ok_or_else(|| Refused::new(415, "Unsupported Media Type").with("Accept", ACCEPT))?;
    let bad = |error: ProtocolError| Refused::new(400, "Bad Request").because(&error.to_string());
    let parts = multipart::parts(&kind, &request.body).map_err(bad)?;
    Body::read(&parts).map_err(bad)
}
