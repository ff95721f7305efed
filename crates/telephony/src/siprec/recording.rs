use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use earmark_audio::{ChannelRole, Encoding, StreamFormat};
use earmark_engine::CallInfo;

use crate::rtp::{G711_CLOCK_HZ, PayloadMap, RtpCounts, RtpStream, is_rtcp};
use crate::{CallBegun, CallEvent, EndReason, MediaFormat, ProtocolError};

/// A call that sends nothing at all for so long is not known to go on: its silence is not told any more,
/// and the server's idle limit ends it.
const ALIVE: Duration = Duration::from_secs(10);

/// A call of which nobody says for so long which stream is the customer's is ended: longer than a callee
/// may let it ring (RFC 3261, section 16.6: timer C is over three minutes).
pub const UNDECIDED_PATIENCE: Duration = Duration::from_secs(200);

/// What is known of a recorded call.
#[derive(Clone, Debug)]
pub struct Description {
    /// The call.
    pub call: CallInfo,
    /// Its streams.
    pub legs: Vec<LegDescription>,
    /// Which of them is scored; none while it is not there, or nothing says yet which it is.
    pub customer: Option<usize>,
    /// Whose voice that one carries.
    pub role: ChannelRole,
    /// Who is heard in it, by their address; empty if that is not told.
    pub speaker: String,
}

/// One stream of a recorded call.
#[derive(Clone, Debug)]
pub struct LegDescription {
    /// The port that it comes to.
    pub port: u16,
    /// What its payload types stand for.
    pub payloads: PayloadMap,
    /// The encoding named first.
    pub encoding: Encoding,
    /// Whether it is sent now.
    pub is_sent: bool,
    /// Where it may come from; empty for anywhere.
    pub sources: Vec<IpAddr>,
}

impl Description {
    fn customers_leg(&self) -> Option<&LegDescription> {
        self.legs.get(self.customer?)
    }

    fn format(&self) -> MediaFormat {
        let encoding = self.customers_leg().map_or(Encoding::MuLaw, |leg| leg.encoding);
        MediaFormat { stream: StreamFormat::mono(encoding, G711_CLOCK_HZ), role: self.role }
    }
}

/// One recorded call: its media in, its events out. Reads no clock.
pub struct RecordedCall {
    description: Description,
    stream: RtpStream,
    /// Where the customer was heard last; none until it is known which stream is theirs.
    port: Option<u16>,
    began_at: Duration,
    /// When anybody was heard last.
    alive_at: Duration,
}

impl RecordedCall {
    /// The call begins, on hold where nothing is sent yet; where nothing says yet which stream is the
    /// customer's, it begins with the description that does.
    #[must_use]
    pub fn begin(description: Description, now: Duration) -> (Self, Vec<CallEvent>) {
        let stream = stream_of(&description, now);
        let mut own = Self { description, stream, port: None, began_at: now, alive_at: now };
        let events = own.begin_if_decided(now);
        (own, events)
    }

    fn begin_if_decided(&mut self, now: Duration) -> Vec<CallEvent> {
        let Some(leg) = self.description.customers_leg() else { return Vec::new() };
        let (port, is_sent) = (leg.port, leg.is_sent);
        (self.port, self.alive_at) = (Some(port), now);
        self.stream = stream_of(&self.description, now);
        let (call, format) = (self.description.call.clone(), self.description.format());
        let mut events = vec![CallEvent::Begun(Box::new(CallBegun::new(call, format)))];
        if !is_sent {
            events.push(CallEvent::Held);
        }
        events
    }

    /// Whether it was told which stream is the customer's.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.port.is_some()
    }

    /// What came of the customer's packets.
    #[must_use]
    pub fn counts(&self) -> RtpCounts {
        self.stream.counts()
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.stream.held()
    }

    /// Takes a datagram that came to one of the call's ports. What is no RTP, or from elsewhere, is
    /// passed over: anybody can send to a port.
    pub fn receive(
        &mut self,
        port: u16,
        from: SocketAddr,
        datagram: &Bytes,
        now: Duration,
    ) -> Vec<CallEvent> {
        let Some(index) = self.description.legs.iter().position(|leg| leg.port == port) else {
            return Vec::new();
        };
        let leg = &self.description.legs[index];
        let is_known = leg.sources.is_empty() || leg.sources.contains(&from.ip().to_canonical());
        if !is_known || is_rtcp(datagram) {
            return Vec::new();
        }
        self.alive_at = now;
        if Some(index) != self.description.customer || !leg.is_sent {
            return Vec::new();
        }
        self.stream.receive(datagram, now).unwrap_or_default()
    }

    /// Lets time pass: call it some times a second.
    ///
    /// # Errors
    /// [`ProtocolError::CustomerUndecided`] once that was waited for in vain for [`UNDECIDED_PATIENCE`].
    pub fn wait(&mut self, now: Duration) -> Result<Vec<CallEvent>, ProtocolError> {
        if !self.is_decided() && now.saturating_sub(self.began_at) >= UNDECIDED_PATIENCE {
            return Err(ProtocolError::CustomerUndecided);
        }
        let mut events = self.stream.wait(now);
        let is_sent = self.description.customers_leg().is_some_and(|leg| leg.is_sent);
        if is_sent && now.saturating_sub(self.alive_at) < ALIVE {
            events.extend(self.stream.tell_silence(now));
        }
        Ok(events)
    }

    /// The session was described anew: holds, other codecs, somebody else on the customer's stream.
    pub fn describe(&mut self, description: Description, now: Duration) -> Vec<CallEvent> {
        let was = std::mem::replace(&mut self.description, description);
        let Some(heard_at_port) = self.port else { return self.begin_if_decided(now) };
        let is = &self.description;
        // Where the customer's stream is not there, as in a hold, it comes back where it was.
        let port = is.customers_leg().map_or(heard_at_port, |leg| leg.port);
        let has_moved = port != heard_at_port;
        let sent = [was.customers_leg(), is.customers_leg()].map(|leg| leg.is_some_and(|leg| leg.is_sent));
        let mut events = Vec::new();
        if has_moved || (sent[0] && !sent[1]) {
            events.extend(self.stream.pause());
        }
        if has_moved || was.role != is.role {
            events.push(CallEvent::Format(is.format()));
            self.stream = stream_of(is, now);
        } else if let Some(leg) = is.customers_leg() {
            self.stream.agree(leg.payloads.clone());
        }
        if is_other_speaker(&was, is, has_moved) {
            events.push(CallEvent::SpeakerChanged);
        }
        match sent {
            [true, false] => events.push(CallEvent::Held),
            [false, true] => {
                self.stream.expect(now);
                events.push(CallEvent::Resumed);
            }
            _ => {}
        }
        (self.port, self.alive_at) = (Some(port), now);
        events
    }

    /// The session ended.
    pub fn end(&mut self, reason: EndReason) -> Vec<CallEvent> {
        let mut events = self.stream.pause();
        events.push(CallEvent::Ended(reason));
        events
    }
}

fn stream_of(description: &Description, now: Duration) -> RtpStream {
    let leg = description.customers_leg();
    let payloads = leg.map(|leg| leg.payloads.clone()).unwrap_or_default();
    let encoding = leg.map_or(Encoding::MuLaw, |leg| leg.encoding);
    let mut stream = RtpStream::new(payloads, encoding, description.role);
    stream.expect(now);
    stream
}

/// Whether somebody else may speak from here on: another address, or another stream of whom nobody says.
fn is_other_speaker(was: &Description, is: &Description, other_port: bool) -> bool {
    match (was.speaker.as_str(), is.speaker.as_str()) {
        ("", "") => other_port,
        // Who it was is told late.
        ("", _) => other_port,
        (_, "") => other_port,
        (was, is) => was != is,
    }
}

#[cfg(test)]
mod tests {
    use earmark_voiceprint::CallId;

    use super::*;

    fn description(is_sent: bool, speaker: &str, customer: impl Into<Option<usize>>) -> Description {
        let leg = |port| LegDescription {
            port,
            payloads: PayloadMap::default(),
            encoding: Encoding::MuLaw,
            is_sent,
            sources: vec!["192.0.2.7".parse().unwrap()],
        };
        Description {
            call: CallInfo::unknown(CallId::new("c-1").unwrap()),
            legs: vec![leg(4000), leg(4002)],
            customer: customer.into(),
            role: ChannelRole::Customer,
            speaker: speaker.to_owned(),
        }
    }

    fn datagram(sequence: u8) -> Bytes {
        let mut bytes = vec![0x80, 0, 0, sequence, 0, 0, 0, 0, 0, 0, 0, 7];
        bytes[6..8].copy_from_slice(&(u16::from(sequence) * 160).to_be_bytes());
        bytes.extend([sequence; 160]);
        bytes.into()
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_the_customers_stream_from_its_own_place_is_heard() {
        let (mut call, events) = RecordedCall::begin(description(true, "", 1), s(0));
        assert!(matches!(&events[..], [CallEvent::Begun(_)]));
        let known: SocketAddr = "192.0.2.7:9".parse().unwrap();
        assert!(call.receive(4000, known, &datagram(1), s(0)).is_empty());
        assert!(call.receive(4002, "192.0.2.8:9".parse().unwrap(), &datagram(1), s(0)).is_empty());
        assert!(call.receive(4004, known, &datagram(1), s(0)).is_empty());
        assert!(call.receive(4002, known, &Bytes::from_static(b"x"), s(0)).is_empty());
        assert_eq!(call.receive(4002, known, &datagram(1), s(0)).len(), 1);
    }

    #[test]
    fn a_hold_and_another_speaker_are_told() {
        let (mut call, _) = RecordedCall::begin(description(true, "sip:a", 0), s(0));
        let known = "192.0.2.7:9".parse().unwrap();
        call.receive(4000, known, &datagram(1), s(0));
        assert_eq!(call.describe(description(false, "sip:a", 0), s(1)), [CallEvent::Held]);
        assert!(
            call.receive(4000, known, &datagram(2), s(2)).is_empty() && call.wait(s(5)) == Ok(Vec::new())
        );
        let back = call.describe(description(true, "sip:b", 0), s(9));
        assert_eq!(back, [CallEvent::SpeakerChanged, CallEvent::Resumed]);
        assert!(call.describe(description(true, "sip:b", 0), s(9)).is_empty());
        assert!(call.describe(description(true, "", 0), s(9)).is_empty());
        let moved = call.describe(description(true, "", 1), s(9));
        assert!(matches!(moved[..], [CallEvent::Format(_), CallEvent::SpeakerChanged]));
        assert_eq!(call.end(EndReason::HungUp), [CallEvent::Ended(EndReason::HungUp)]);
    }

    #[test]
    fn a_silent_customer_is_told_of_while_somebody_speaks() {
        let (mut call, _) = RecordedCall::begin(description(true, "", 0), s(0));
        let known = "192.0.2.7:9".parse().unwrap();
        for second in 1..20 {
            call.receive(4002, known, &datagram(1), s(second));
            assert_eq!(call.wait(s(second)), Ok(vec![CallEvent::Gap(s(1))]));
        }
        assert_eq!(call.wait(s(25)).unwrap().len(), 6);
        assert!(call.wait(s(40)).unwrap().is_empty());
    }

    #[test]
    fn a_call_begins_with_what_decides_it() {
        let (mut call, events) = RecordedCall::begin(description(true, "", None), s(0));
        let known = "192.0.2.7:9".parse().unwrap();
        assert!(events.is_empty() && call.receive(4000, known, &datagram(1), s(1)).is_empty());
        assert!(call.describe(description(true, "", None), s(2)).is_empty() && !call.is_decided());
        assert_eq!(call.wait(s(60)), Ok(Vec::new()));
        let events = call.describe(description(true, "sip:a", 1), s(61));
        assert!(matches!(&events[..], [CallEvent::Begun(_)]), "{events:?}");
        assert_eq!(call.receive(4002, known, &datagram(2), s(61)).len(), 1);
        assert!(call.wait(s(300)).is_ok());
    }

    #[test]
    fn a_call_that_nothing_decides_ends() {
        let (mut call, _) = RecordedCall::begin(description(true, "", None), s(5));
        let known = "192.0.2.7:9".parse().unwrap();
        call.receive(4000, known, &datagram(1), s(150));
        assert_eq!(call.wait(s(204)), Ok(Vec::new()));
        assert_eq!(call.wait(s(205)), Err(ProtocolError::CustomerUndecided));
        assert_eq!(call.end(EndReason::HungUp), [CallEvent::Ended(EndReason::HungUp)]);
    }

    #[test]
    fn a_hold_that_takes_the_stream_away_changes_nobody() {
        let (mut call, _) = RecordedCall::begin(description(true, "", 1), s(0));
        assert_eq!(call.describe(description(true, "", None), s(1)), [CallEvent::Held]);
        assert_eq!(call.describe(description(true, "", 1), s(2)), [CallEvent::Resumed]);
    }
}
