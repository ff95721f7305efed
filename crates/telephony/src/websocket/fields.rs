use serde_json::{Map, Value};

use crate::ProtocolError;

/// A JSON object in a text frame.
pub(crate) fn parse_object(protocol: &'static str, text: &str) -> Result<Map<String, Value>, ProtocolError> {
    match serde_json::from_str(text) {
        Ok(value) => object(protocol, value),
        Err(error) => Err(no_json(protocol, &error)),
    }
}

/// The JSON objects in a text frame, one behind the other. Behind what is no JSON there is nothing.
pub(crate) fn parse_objects(
    protocol: &'static str,
    text: &str,
) -> impl Iterator<Item = Result<Map<String, Value>, ProtocolError>> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    values.map(move |value| object(protocol, value.map_err(|error| no_json(protocol, &error))?))
}

fn object(protocol: &'static str, value: Value) -> Result<Map<String, Value>, ProtocolError> {
    match value {
        Value::Object(object) => Ok(object),
        _ => {
            let problem = "the text frame is json, but no object".into();
            Err(ProtocolError::Malformed { protocol, problem })
        }
    }
}

/// Tells the place only: the text itself may hold audio.
fn no_json(protocol: &'static str, error: &serde_json::Error) -> ProtocolError {
    let problem = format!("the text frame is no json (line {}, column {})", error.line(), error.column());
    ProtocolError::Malformed { protocol, problem: problem.into() }
}

/// The fields of a JSON object, read with their types checked. `null` is as good as absent, as many
/// senders write it.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn read<T>(
        self,
        field: &'static str,
        must: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ProtocolError> {
        let wrong = || ProtocolError::BadField { field, problem: must.into() };
        self.value(field).map(|value| read(value).ok_or_else(wrong)).transpose()
    }

    pub(crate) fn text(self, name: &'static str) -> Result<Option<&'a str>, ProtocolError> {
        self.read(name, "it must be text", Value::as_str)
    }

    /// A whole number, not negative; also written as text, as Twilio does.
    pub(crate) fn count(self, name: &'static str) -> Result<Option<u64>, ProtocolError> {
        let count = |value: &Value| match value {
            Value::String(text) => digits(text),
            other => other.as_u64(),
        };
        self.read(name, "it must be a whole number, not negative", count)
    }

    pub(crate) fn object(self, name: &'static str) -> Result<Option<Fields<'a>>, ProtocolError> {
        self.read(name, "it must be an object", |value| value.as_object().map(Fields))
    }

    pub(crate) fn list(self, name: &'static str) -> Result<Option<&'a [Value]>, ProtocolError> {
        self.read(name, "it must be a list", |value| value.as_array().map(Vec::as_slice))
    }

    pub(crate) fn needed_text(self, name: &'static str) -> Result<&'a str, ProtocolError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn needed_count(self, name: &'static str) -> Result<u64, ProtocolError> {
        self.count(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn needed_object(self, name: &'static str) -> Result<Fields<'a>, ProtocolError> {
        self.object(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn needed_list(self, name: &'static str) -> Result<&'a [Value], ProtocolError> {
        self.list(name)?.ok_or_else(|| missing(name))
    }
}

fn missing(field: &'static str) -> ProtocolError {
    ProtocolError::BadField { field, problem: "it is missing".into() }
}

/// Digits only: Rust's own reading takes a plus sign as well.
fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Map<String, Value> {
        parse_object("test", text).unwrap()
    }

    #[test]
    fn only_objects_are_taken_and_no_text_is_shown() {
        for bad in ["", "1", "[]", "null", "{", "{\"payload\":\"c2VjcmV0\"", &"[".repeat(60_000)] {
            let error = parse_object("test", bad).unwrap_err();
            assert!(matches!(error, ProtocolError::Malformed { protocol: "test", .. }), "{error}");
            assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
        }
    }

    #[test]
    fn several_objects_may_stand_in_one_frame() {
        let read = |text| parse_objects("test", text).collect::<Result<Vec<_>, _>>();
        let objects = read("{\"a\":1}{\"b\":2} {}").unwrap();
        assert_eq!(objects.iter().map(Map::len).collect::<Vec<_>>(), [1, 1, 0]);
        assert!(read("").unwrap().is_empty() && read("  ").unwrap().is_empty());
        for bad in ["{}1", "{}{", "[{}]", "words", "{}{}}{}"] {
            assert!(matches!(read(bad), Err(ProtocolError::Malformed { .. })), "{bad}");
            assert!(parse_objects("test", bad).count() < 4, "it ends");
        }
    }

    #[test]
    fn types_are_checked_and_null_is_absent() {
        let map =
            object(r#"{"t":"x","n":7,"s":"42","b":true,"o":{"i":1},"l":[1],"z":null,"f":1.5,"p":"+1"}"#);
        let fields = Fields(&map);
        assert_eq!(fields.text("t").unwrap(), Some("x"));
        assert_eq!((fields.count("n").unwrap(), fields.count("s").unwrap()), (Some(7), Some(42)));
        assert_eq!(fields.object("o").unwrap().unwrap().needed_count("i").unwrap(), 1);
        assert_eq!(fields.needed_list("l").unwrap().len(), 1);
        assert_eq!((fields.text("z").unwrap(), fields.text("absent").unwrap()), (None, None));
        let bad = |error: ProtocolError| matches!(error, ProtocolError::BadField { .. });
        assert!(bad(fields.text("n").unwrap_err()) && bad(fields.text("b").unwrap_err()));
        assert!(bad(fields.count("f").unwrap_err()) && bad(fields.count("p").unwrap_err()));
        assert!(bad(fields.list("o").unwrap_err()) && bad(fields.object("l").map(|_| ()).unwrap_err()));
        assert!(bad(fields.needed_text("z").unwrap_err()) && bad(fields.needed_count("absent").unwrap_err()));
    }
}
