use earmark_audio::ChannelRole;

use super::metadata::{Metadata, Participant};
use super::offer::Line;
use super::options::RoleRules;

/// The stream to score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// Its place in the session description.
    pub(super) line: usize,
    /// Whose voice it carries.
    pub(super) role: ChannelRole,
    /// Who is heard in it, as far as the metadata says: of several the first that is no agent.
    pub(super) customer: Option<Participant>,
    /// Who answers.
    pub(super) agent: Option<Participant>,
}

/// Why no stream is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unchosen {
    /// None is of a kind that can be heard, and nothing that is told later mends that.
    NoAudio,
    /// Nothing says which is the customer's, yet: the callee may not have answered.
    Undecided,
}

/// The customer's stream, by the first rule that decides.
pub(super) fn choose(rules: &RoleRules, lines: &[Line], metadata: &Metadata) -> Result<Choice, Unchosen> {
    let streams: Vec<Stream<'_>> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.encoding.is_some())
        .map(|(index, line)| Stream::new(index, line, rules, metadata))
        .collect();
    if streams.is_empty() {
        return Err(Unchosen::NoAudio);
    }
    let chosen = by_label(rules, &streams).or_else(|| by_address(rules, &streams));
    let chosen = chosen.or_else(|| by_place(rules, &streams));
    let chosen = chosen.ok_or(Unchosen::Undecided)?;
    let agent = metadata.participants.iter().find(|participant| is_agent(rules, participant));
    // One stream for a call of two is both parties', unless the metadata says who alone is heard.
    let is_mixed =
        chosen.senders.len() > 1 || (streams.len() == 1 && chosen.senders.is_empty() && !chosen.is_labelled);
    Ok(Choice {
        line: chosen.index,
        role: if is_mixed { ChannelRole::Mixed } else { ChannelRole::Customer },
        customer: chosen.customers().next().cloned(),
        agent: agent.cloned(),
    })
}

struct Stream<'a> {
    index: usize,
    is_labelled: bool,
    senders: Vec<&'a Participant>,
    rules: &'a RoleRules,
}

impl<'a> Stream<'a> {
    fn new(index: usize, line: &Line, rules: &'a RoleRules, metadata: &'a Metadata) -> Self {
        let is_labelled = rules.customer_labels.contains(&line.label);
        Self { index, is_labelled, senders: metadata.senders(&line.label), rules }
    }

    fn customers(&self) -> impl Iterator<Item = &'a Participant> {
        self.senders.iter().copied().filter(|sender| !is_agent(self.rules, sender))
    }

    fn has_agents(&self) -> bool {
        self.customers().count() < self.senders.len()
    }
}

fn is_agent(rules: &RoleRules, participant: &Participant) -> bool {
    !participant.aor.is_empty() && rules.agent_aors.iter().any(|pattern| pattern.fits(&participant.aor))
}

fn by_label<'s, 'a>(_: &RoleRules, streams: &'s [Stream<'a>]) -> Option<&'s Stream<'a>> {
    only(streams.iter().filter(|stream| stream.is_labelled))
}

/// The one stream with a customer in it; of several the one without an agent, as where a mix of all is
/// sent beside the parties' own streams.
fn by_address<'s, 'a>(rules: &RoleRules, streams: &'s [Stream<'a>]) -> Option<&'s Stream<'a>> {
    if rules.agent_aors.is_empty() {
        return None;
    }
    let with_customer = || streams.iter().filter(|stream| stream.customers().next().is_some());
    only(with_customer().filter(|stream| !stream.has_agents())).or_else(|| only(with_customer()))
}

fn by_place<'s, 'a>(rules: &RoleRules, streams: &'s [Stream<'a>]) -> Option<&'s Stream<'a>> {
    let at_place = streams.get(rules.customer_line?.checked_sub(1)?);
    // On a call that an agent places, theirs may be the only stream until somebody answers.
    at_place.filter(|stream| stream.senders.is_empty() || stream.customers().next().is_some())
}

fn only<T>(mut some: impl Iterator<Item = T>) -> Option<T> {
    some.next().filter(|_| some.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::super::offer::Offer;
    use super::*;

    const SDP: &str = "v=0\r\nc=IN IP4 192.0.2.7\r\nm=audio 2 RTP/AVP 0\r\na=label:a\r\nm=audio 4 RTP/AVP 8\r\na=label:b\r\n";

    fn metadata(sends: &[(&str, &str)]) -> Metadata {
        let mut text =
            "<recording><stream id='sa'><label>a</label></stream><stream id='sb'><label>b</label></stream>\
            <stream id='sc'><label>c</label></stream>"
                .to_owned();
        for (aor, streams) in sends {
            text += &format!("<participant id='{aor}'><aor>{aor}</aor>");
            for stream in streams.chars() {
                text += &format!("<send>s{stream}</send>");
            }
            text += "</participant>";
        }
        Metadata::parse((text + "</recording>").as_bytes()).unwrap()
    }

    fn chosen(rules: &RoleRules, sdp: &str, metadata: &Metadata) -> Option<(usize, ChannelRole)> {
        let lines = Offer::parse(sdp.as_bytes()).unwrap().lines;
        choose(rules, &lines, metadata).ok().map(|choice| (choice.line, choice.role))
    }

    fn agents() -> RoleRules {
        RoleRules { agent_aors: vec!["sip:7*".parse().unwrap()], ..RoleRules::default() }
    }

    #[test]
    fn nothing_is_guessed() {
        assert_eq!(chosen(&RoleRules::default(), SDP, &metadata(&[("sip:1", "a"), ("sip:7", "b")])), None);
        assert_eq!(chosen(&agents(), SDP, &Metadata::default()), None);
        assert_eq!(chosen(&agents(), SDP, &metadata(&[("sip:1", "a"), ("sip:2", "b")])), None);
        let g729 = Offer::parse(b"v=0\r\nm=audio 2 RTP/AVP 18\r\n").unwrap();
        assert_eq!(choose(&agents(), &g729.lines, &Metadata::default()), Err(Unchosen::NoAudio));
    }

    #[test]
    fn a_stream_of_agents_alone_is_not_the_customers_by_its_place() {
        let rules = RoleRules { customer_line: Some(1), ..agents() };
        let one = "v=0\r\nm=audio 2 RTP/AVP 0\r\na=label:a\r\n";
        assert_eq!(chosen(&rules, one, &metadata(&[("sip:701@x", "a")])), None);
        let both = metadata(&[("sip:701@x", "a"), ("tel:+86138", "b")]);
        assert_eq!(chosen(&rules, SDP, &both), Some((1, ChannelRole::Customer)));
    }

    #[test]
    fn the_customer_is_who_is_no_agent() {
        let two = metadata(&[("sip:701@x", "a"), ("tel:+86138", "b")]);
        let lines = Offer::parse(SDP.as_bytes()).unwrap().lines;
        let choice = choose(&agents(), &lines, &two).unwrap();
        assert_eq!((choice.line, choice.role), (1, ChannelRole::Customer));
        assert_eq!(choice.customer.unwrap().aor, "tel:+86138");
        assert_eq!(choice.agent.unwrap().aor, "sip:701@x");
        let both = metadata(&[("sip:701@x", "a"), ("tel:+86138", "a")]);
        assert_eq!(chosen(&agents(), SDP, &both), Some((0, ChannelRole::Mixed)));
        let three = SDP.to_owned() + "m=audio 6 RTP/AVP 0\r\na=label:c\r\n";
        let with_mix = metadata(&[("sip:701@x", "ac"), ("tel:+86138", "bc")]);
        assert_eq!(chosen(&agents(), &three, &with_mix), Some((1, ChannelRole::Customer)));
    }

    #[test]
    fn a_label_comes_first_and_a_place_last() {
        let two = metadata(&[("sip:701@x", "a"), ("tel:+86138", "b")]);
        let rules = RoleRules { customer_labels: vec!["a".into()], customer_line: Some(2), ..agents() };
        assert_eq!(chosen(&rules, SDP, &two), Some((0, ChannelRole::Customer)));
        let place = RoleRules { customer_line: Some(2), ..RoleRules::default() };
        assert_eq!(chosen(&place, SDP, &Metadata::default()), Some((1, ChannelRole::Customer)));
    }

    #[test]
    fn one_stream_of_whom_nobody_says_is_both_parties() {
        let one = "v=0\r\nm=audio 2 RTP/AVP 0\r\na=label:a\r\n";
        let place = RoleRules { customer_line: Some(1), ..RoleRules::default() };
        assert_eq!(chosen(&place, one, &Metadata::default()), Some((0, ChannelRole::Mixed)));
        assert_eq!(chosen(&place, one, &metadata(&[("sip:1", "a")])), Some((0, ChannelRole::Customer)));
        let label = RoleRules { customer_labels: vec!["a".into()], ..RoleRules::default() };
        assert_eq!(chosen(&label, one, &Metadata::default()), Some((0, ChannelRole::Customer)));
    }
}
