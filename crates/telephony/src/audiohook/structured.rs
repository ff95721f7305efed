//! What message signatures need of structured fields (RFC 8941): dictionaries of inner lists of
//! strings with parameters, and of byte sequences.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The covered components of a signature and its parameters, each in order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Covered {
    pub(super) components: Vec<String>,
    pub(super) parameters: Vec<(String, Parameter)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Parameter {
    Text(String),
    Number(i64),
}

impl Covered {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.parameter(name)? {
            Parameter::Text(text) => Some(text),
            Parameter::Number(_) => None,
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        match self.parameter(name)? {
            Parameter::Number(number) => Some(*number),
            Parameter::Text(_) => None,
        }
    }

    fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// As it is signed: written anew, so that only what was understood counts.
    pub(super) fn serialize(&self) -> String {
        let components: Vec<String> = self.components.iter().map(|c| quote(c)).collect();
        let mut text = format!("({})", components.join(" "));
        for (name, value) in &self.parameters {
            let value = match value {
                Parameter::Text(text) => quote(text),
                Parameter::Number(number) => number.to_string(),
            };
            text.push_str(&format!(";{name}={value}"));
        }
        text
    }
}

pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Reads `label=("a" "b");p="x";q=1`: exactly one signature, as AudioHook sends it.
pub(super) fn covered(field: &str) -> Option<(String, Covered)> {
    let mut cursor = Cursor::new(field);
    let label = cursor.key()?;
    cursor.expect('=')?;
    cursor.expect('(')?;
    let mut covered = Covered::default();
    loop {
        cursor.spaces();
        if cursor.take(')') {
            break;
        }
        covered.components.push(cursor.string()?);
        // A component's own parameters (sf, bs, req, ...) are none of AudioHook's.
        if !cursor.next_is([' ', ')']) {
            return None;
        }
    }
    while cursor.take(';') {
        cursor.spaces();
        let name = cursor.key()?;
        cursor.expect('=')?;
        let value = cursor.parameter()?;
        // A second value for one name would be the one that counts (RFC 8941, section 3.1.2).
        if covered.parameters.iter().any(|(n, _)| *n == name) {
            return None;
        }
        covered.parameters.push((name, value));
    }
    cursor.done().then_some((label, covered))
}

/// Reads `label=:base64:`.
pub(super) fn signature(field: &str) -> Option<(String, Vec<u8>)> {
    let mut cursor = Cursor::new(field);
    let label = cursor.key()?;
    cursor.expect('=')?;
    let encoded = cursor.rest.strip_prefix(':')?.strip_suffix(':')?;
    Some((label, STANDARD.decode(encoded).ok()?))
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn new(field: &'a str) -> Self {
        Self { rest: field.trim_matches([' ', '\t']) }
    }

    fn done(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        self.take(wanted).then_some(())
    }

    fn next_is(&self, any: [char; 2]) -> bool {
        self.rest.starts_with(any)
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
    }

    /// Takes the longest start of such characters.
    fn run(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (run, rest) = self.rest.split_at(end);
        self.rest = rest;
        run
    }

    fn key(&mut self) -> Option<String> {
        if !self.rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '*') {
            return None;
        }
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c);
        Some(self.run(fits).to_owned())
    }

    fn string(&mut self) -> Option<String> {
        self.expect('"')?;
        let mut text = String::new();
        loop {
            let c = self.rest.chars().next()?;
            self.rest = &self.rest[c.len_utf8()..];
            match c {
                '"' => return Some(text),
                '\\' => {
                    let escaped = self.rest.chars().next().filter(|c| matches!(c, '"' | '\\'))?;
                    self.rest = &self.rest[1..];
                    text.push(escaped);
                }
                ' '..='~' => text.push(c),
                _ => return None,
            }
        }
    }

    fn parameter(&mut self) -> Option<Parameter> {
        if self.rest.starts_with('"') {
            return self.string().map(Parameter::Text);
        }
        let negative = self.take('-');
        let digits = self.run(|c| c.is_ascii_digit());
        // Integers have at most 15 digits (RFC 8941, section 3.3.1).
        if digits.is_empty() || digits.len() > 15 {
            return None;
        }
        let number: i64 = digits.parse().ok()?;
        Some(Parameter::Number(if negative { -number } else { number }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_the_same() {
        let field = r#"sig1=("@request-target" "x-api-key");keyid="a\"b\\c";created=1641013200;n=-5"#;
        let (label, covered) = covered(field).unwrap();
        assert_eq!(label, "sig1");
        assert_eq!(covered.components, ["@request-target", "x-api-key"]);
        assert_eq!(
            (covered.text("keyid"), covered.number("created")),
            (Some("a\"b\\c"), Some(1_641_013_200))
        );
        assert_eq!(format!("sig1={}", covered.serialize()), field);
        assert_eq!(super::covered("a=( \"x\"  \"y\" ); b=1").unwrap().1.serialize(), "(\"x\" \"y\");b=1");
    }

    #[test]
    fn everything_else_is_refused() {
        for bad in [
            "",
            "sig1",
            "sig1=",
            "sig1=(",
            "sig1=(\"a\"",
            "sig1=(a)",
            "sig1=(\"a\"\"b\")",
            "sig1=(\"a\";sf)",
            "Sig1=(\"a\")",
            "sig1=(\"a\");",
            "sig1=(\"a\");x",
            "sig1=(\"a\");x=",
            "sig1=(\"a\");x=1.5",
            "sig1=(\"a\");x=1;x=2",
            "sig1=(\"a\"), sig2=(\"b\")",
            "sig1=(\"\u{7f}\")",
            "sig1=(\"a\\x\")",
            "sig1=(\"坏\")",
            "sig1=(\"a\");x=1234567890123456",
        ] {
            assert_eq!(covered(bad), None, "{bad}");
        }
        assert_eq!(signature("sig1=:AAAA:"), Some(("sig1".to_owned(), vec![0, 0, 0])));
        for bad in ["", "sig1=AAAA", "sig1=:AAAA", "sig1=:", "sig1=:AAA:", "sig1=:AAAA:;x=1", "=:AAAA:"] {
            assert_eq!(signature(bad), None, "{bad}");
        }
    }
}
