use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::ProtocolError;

/// The most participants, and the most streams, of a call.
const MAX_EACH: usize = 64;
/// The deepest that elements stand in one another.
const MAX_DEPTH: usize = 32;
/// The most bytes of a text or an attribute that is kept.
const MAX_TEXT_BYTES: usize = 512;

/// Somebody in the recorded call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Participant {
    pub(super) id: String,
    /// The address of record: `sip:` or `tel:` and so on; empty if none is told.
    pub(super) aor: String,
}

/// What is told of a recorded call (RFC 7865): who takes part, and who is heard in which stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) participants: Vec<Participant>,
    /// Stream id and the label of its line in the session description.
    streams: Vec<(String, String)>,
    /// Participant id and the id of a stream that they are heard in.
    sends: Vec<(String, String)>,
    /// Who left the call, in what is to be put together with what is known.
    gone: Vec<String>,
    /// Only what changed is told.
    partial: bool,
}

impl Metadata {
    /// Reads a document. Elements are known by their local names: drafts of the format, which switches
    /// still write, have other namespaces and attribute names (`id` for `participant_id`), and put `send`
    /// and `aor` into the participant.
    ///
    /// # Errors
    /// [`ProtocolError`] for what is no XML or too much of it.
    pub(super) fn parse(document: &[u8]) -> Result<Self, ProtocolError> {
        let text = std::str::from_utf8(document).map_err(|_| malformed("not UTF-8"))?;
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let mut reader = Reader::from_str(text);
        let mut reading = Reading::default();
        loop {
            match reader.read_event().map_err(|error| malformed(error.to_string()))? {
                Event::Start(start) => reading.enter(&start)?,
                Event::Empty(start) => {
                    reading.enter(&start)?;
                    reading.leave()?;
                }
                Event::End(_) => reading.leave()?,
                Event::Text(text) => reading.text(&text),
                Event::CData(data) => reading.text(&data),
                Event::GeneralRef(reference) => {
                    let letter = reference.resolve_char_ref().ok().flatten().or(predefined(&reference));
                    let letter = letter.ok_or_else(|| malformed("an entity that is not defined"))?;
                    reading.text(letter.encode_utf8(&mut [0; 4]));
                }
                // Entities of its own could grow without end.
                Event::DocType(_) => return Err(malformed("a document type, which SIPREC has none of")),
                Event::Eof if reading.path.is_empty() => break,
                Event::Eof => return Err(malformed("it ends inside an element")),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
        if reading.seen_root { Ok(reading.finish()) } else { Err(malformed("no element recording")) }
    }

    /// Takes over what a later document says: all, or only what changed.
    pub(super) fn update(&mut self, later: Self) {
        if !later.partial {
            *self = later;
            return;
        }
        let Self { participants, streams, sends, gone, .. } = later;
        self.leave(&gone);
        for new in participants {
            match self.participants.iter().position(|known| known.id == new.id) {
                Some(at) if !new.aor.is_empty() => self.participants[at] = new,
                None if self.participants.len() < MAX_EACH => self.participants.push(new),
                _ => {}
            }
        }
        for (id, label) in streams {
            self.streams.retain(|(known, _)| *known != id);
            // One without a label was ended.
            if !label.is_empty() && self.streams.len() < MAX_EACH {
                self.streams.push((id, label));
            }
        }
        // Who is told of anew is heard in what is told now, and nowhere else.
        let told: Vec<String> = sends.iter().map(|(participant, _)| participant.clone()).collect();
        self.sends.retain(|(participant, _)| !told.contains(participant));
        self.sends.extend(sends.into_iter().filter(|(_, stream)| !stream.is_empty()));
        self.sends.truncate(MAX_EACH);
    }

    /// Forgets who left the call.
    fn leave(&mut self, gone: &[String]) {
        self.participants.retain(|participant| !gone.contains(&participant.id));
        self.sends.retain(|(participant, _)| !gone.contains(participant));
    }

    /// How much of it is kept.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.participants.len() + self.streams.len() + self.sends.len()
    }

    /// Who is heard in the stream of this label.
    pub(super) fn senders(&self, label: &str) -> Vec<&Participant> {
        let streams = self.streams.iter().filter(|(_, own)| own == label).map(|(id, _)| id);
        let mut senders: Vec<&Participant> = Vec::new();
        for stream in streams {
            let sends =
                self.sends.iter().filter(|(_, sent)| sent == stream).map(|(participant, _)| participant);
            for id in sends {
                let known = self.participants.iter().find(|participant| participant.id == *id);
                senders.extend(known.filter(|known| !senders.contains(known)));
            }
        }
        senders
    }
}

/// Where the reading of a document stands.
#[derive(Default)]
struct Reading {
    metadata: Metadata,
    seen_root: bool,
    /// The elements that are open.
    path: Vec<String>,
    /// The participant that what comes is about, and the stream.
    participant: String,
    stream: String,
    /// The participant, the association or the stream that is open was ended.
    ended: bool,
    /// How many sends were told before the association that is open.
    sends_before: usize,
    /// Who left a session of the call, and who is in one: drafts end the participant, the standard their
    /// association with a session, of which a transfer has two.
    left: Vec<String>,
    stayed: Vec<String>,
    text: String,
}

impl Reading {
    fn enter(&mut self, start: &BytesStart<'_>) -> Result<(), ProtocolError> {
        if self.path.len() >= MAX_DEPTH {
            return Err(ProtocolError::LimitReached { what: "depth of sip metadata", most: MAX_DEPTH });
        }
        let name = start.local_name().as_ref().to_ascii_lowercase();
        if self.path.is_empty() {
            self.seen_root = name == "recording";
        }
        match name.as_str() {
            "participant" => {
                self.participant = attribute(start, &["participant_id", "id"])?;
                let aor = attribute(start, &["aor"])?;
                self.keep_participant(aor)?;
                self.ended = false;
            }
            "participantstreamassoc" | "participantsessionassoc" => {
                self.participant = attribute(start, &["participant_id", "participant", "id"])?;
                (self.ended, self.sends_before) = (false, self.metadata.sends.len());
            }
            "nameid" => {
                let aor = attribute(start, &["aor"])?;
                self.set_aor(aor);
            }
            "stream" => {
                self.stream = attribute(start, &["stream_id", "id"])?;
                self.ended = false;
            }
            _ => {}
        }
        self.text.clear();
        self.path.push(name);
        Ok(())
    }

    fn leave(&mut self) -> Result<(), ProtocolError> {
        let text = std::mem::take(&mut self.text).trim().to_owned();
        let Some(name) = self.path.pop() else { return Ok(()) };
        match name.as_str() {
            "datamode" => self.metadata.partial = text.eq_ignore_ascii_case("partial"),
            "aor" => self.set_aor(text),
            "label" if !text.is_empty() && self.path.last().is_some_and(|parent| parent == "stream") => {
                limited(self.metadata.streams.len())?;
                self.metadata.streams.push((self.stream.clone(), text));
            }
            "send" => {
                limited(self.metadata.sends.len())?;
                self.metadata.sends.push((self.participant.clone(), text));
            }
            "disassociate-time" | "disassociatetime" => self.ended = !text.is_empty(),
            "participantstreamassoc" if self.ended => self.end_association()?,
            "participantsessionassoc" if !self.ended => note(&mut self.stayed, &self.participant)?,
            "participant" | "participantsessionassoc" if self.ended => {
                note(&mut self.left, &self.participant)?;
            }
            "stream" if self.ended => self.end_stream()?,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let room = MAX_TEXT_BYTES.saturating_sub(self.text.len());
        let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        self.text.push_str(&text[..end]);
    }

    fn keep_participant(&mut self, aor: String) -> Result<(), ProtocolError> {
        limited(self.metadata.participants.len())?;
        let id = self.participant.clone();
        if !self.metadata.participants.iter().any(|known| known.id == id) {
            self.metadata.participants.push(Participant { id, aor: String::new() });
        }
        self.set_aor(aor);
        Ok(())
    }

    /// The first address counts; a participant may have several names.
    fn set_aor(&mut self, aor: String) {
        let participants = &mut self.metadata.participants;
        if let Some(known) = participants.iter_mut().find(|p| p.id == self.participant && p.aor.is_empty()) {
            known.aor = aor;
        }
    }

    /// What it says is not heard any more: an empty stream stands for that until documents are put
    /// together.
    fn end_association(&mut self) -> Result<(), ProtocolError> {
        self.metadata.sends.truncate(self.sends_before);
        limited(self.metadata.sends.len())?;
        self.metadata.sends.push((self.participant.clone(), String::new()));
        Ok(())
    }

    /// Nothing comes over it any more: an empty label stands for that.
    fn end_stream(&mut self) -> Result<(), ProtocolError> {
        self.metadata.streams.retain(|(id, _)| *id != self.stream);
        limited(self.metadata.streams.len())?;
        self.metadata.streams.push((self.stream.clone(), String::new()));
        Ok(())
    }

    /// All that was told, with what ended taken out.
    fn finish(self) -> Metadata {
        let Self { mut metadata, mut left, stayed, .. } = self;
        left.retain(|participant| !stayed.contains(participant));
        metadata.leave(&left);
        if metadata.partial {
            metadata.gone = left;
        } else {
            metadata.sends.retain(|(_, stream)| !stream.is_empty());
            metadata.streams.retain(|(_, label)| !label.is_empty());
        }
        metadata
    }
}

fn note(participants: &mut Vec<String>, participant: &str) -> Result<(), ProtocolError> {
    if !participants.iter().any(|known| known == participant) {
        limited(participants.len())?;
        participants.push(participant.to_owned());
    }
    Ok(())
}

/// XML's own entities.
fn predefined(name: &str) -> Option<char> {
    [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')]
        .into_iter()
        .find_map(|(known, letter)| (known == name).then_some(letter))
}

fn limited(count: usize) -> Result<(), ProtocolError> {
    match count < MAX_EACH {
        true => Ok(()),
        false => Err(ProtocolError::LimitReached {
            what: "participants or streams of sip metadata",
            most: MAX_EACH,
        }),
    }
}

/// The first of these attributes that is there.
fn attribute(start: &BytesStart<'_>, names: &[&str]) -> Result<String, ProtocolError> {
    let mut found = String::new();
    let mut rank = names.len();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| malformed(error.to_string()))?;
        let own = names[..rank].iter().position(|name| *name == attribute.key.local_name().as_ref());
        if let Some(own) = own {
            let value = attribute
                .normalized_value(XmlVersion::default())
                .map_err(|error| malformed(error.to_string()))?;
            rank = own;
            found = value.chars().take(MAX_TEXT_BYTES / 4).collect();
        }
    }
    Ok(found)
}

fn malformed(problem: impl Into<std::borrow::Cow<'static, str>>) -> ProtocolError {
    ProtocolError::Malformed { protocol: "sip metadata", problem: problem.into() }
}

#[cfg(test)]
mod tests;
