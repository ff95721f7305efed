use serde_json::{Map, Value};

use super::PROTOCOL;
use crate::ProtocolError;
use crate::websocket::{Fields, Metadata, parse_object};

/// Channel variables with this prefix are metadata: `EARMARK_CUSTOMER_ID` is `customer_id`.
const PREFIX: &str = "EARMARK_";

/// A control message from Asterisk.
pub(super) enum Control {
    MediaStart(MediaStart),
    /// About the media that we might send, or a digit: nothing to us.
    Other,
}

/// What is used of the first message.
pub(super) struct MediaStart {
    pub(super) format: String,
    /// The channel's unique id; the first releases did not send it.
    channel_id: Option<String>,
    variables: Map<String, Value>,
}

impl MediaStart {
    /// The channel's variables, and its unique id where no variable names the call.
    pub(super) fn metadata(&self) -> Result<Metadata, ProtocolError> {
        let mut metadata = Metadata::default();
        if let Some(id) = &self.channel_id {
            metadata.set("call_id", id)?;
        }
        for (name, value) in &self.variables {
            if let (Some(name), Value::String(value)) = (name.strip_prefix(PREFIX), value) {
                metadata.set(&name.to_ascii_lowercase(), value)?;
            }
        }
        Ok(metadata)
    }
}

/// Reads either format: a JSON object, or words of which the first is the event's name.
pub(super) fn parse(text: &str) -> Result<Control, ProtocolError> {
    if text.trim_start().starts_with('{') { json(text) } else { plain(text) }
}

fn json(text: &str) -> Result<Control, ProtocolError> {
    let object = parse_object(PROTOCOL, text)?;
    let fields = Fields(&object);
    if !is_start(fields.needed_text("event")?)? {
        return Ok(Control::Other);
    }
    let variables = fields.object("channel_variables")?.map(|variables| variables.0.clone());
    Ok(Control::MediaStart(MediaStart {
        format: fields.needed_text("format")?.to_owned(),
        channel_id: fields.text("channel_id")?.map(str::to_owned),
        variables: variables.unwrap_or_default(),
    }))
}

fn plain(text: &str) -> Result<Control, ProtocolError> {
    let mut words = text.split_ascii_whitespace();
    if !is_start(words.next().unwrap_or_default())? {
        return Ok(Control::Other);
    }
    let (mut format, mut channel_id) = (None, None);
    for word in words {
        // A channel's name holds colons itself.
        match word.split_once(':') {
            Some(("format", value)) => format = Some(value.to_owned()),
            Some(("channel_id", value)) => channel_id = Some(value.to_owned()),
            _ => {}
        }
    }
    let missing = || ProtocolError::BadField { field: "format", problem: "it is missing".into() };
    let format = format.ok_or_else(missing)?;
    Ok(Control::MediaStart(MediaStart { format, channel_id, variables: Map::new() }))
}

/// Whether this event begins the media. Names that are none are refused; names that a newer Asterisk
/// may have are not.
fn is_start(event: &str) -> Result<bool, ProtocolError> {
    let named = !event.is_empty() && event.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    if !named {
        let problem = "the text frame is no control message".into();
        return Err(ProtocolError::Malformed { protocol: PROTOCOL, problem });
    }
    Ok(event == "MEDIA_START")
}
