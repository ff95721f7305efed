use std::fmt;
use std::str::FromStr;

use super::details::CallDetails;
use super::refused::Refused;

/// The most fields of a template; a name of 255 bytes has no use for more.
const MAX_FIELDS: usize = 16;

/// What a part of a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    CallId,
    CustomerId,
    CallerNumber,
    AgentId,
    Scene,
    /// Anything, of no interest: a date, a counter.
    Ignored,
}

impl Field {
    const ALL: [(&'static str, Self); 6] = [
        ("call_id", Self::CallId),
        ("customer_id", Self::CustomerId),
        ("caller_number", Self::CallerNumber),
        ("agent_id", Self::AgentId),
        ("scene", Self::Scene),
        ("*", Self::Ignored),
    ];
}

/// Why a template can't be one. Each says how to mend it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("{{{0}}} is no field; use {fields}", fields = known_fields())]
    UnknownField(String),
    #[error("a brace is left open or closed twice; write fields as {{call_id}}")]
    Braces,
    #[error("two fields stand side by side; put a separator such as _ between them")]
    SideBySide,
    #[error("{{{0}}} stands twice; every field may stand once")]
    Twice(&'static str),
    #[error("{{call_id}} is missing; without it a recording can't be told from another")]
    NoCallId,
    #[error("a name holds no slash; the template is of the file's name alone")]
    Slash,
    #[error("more than {MAX_FIELDS} fields; leave out what is of no interest")]
    TooManyFields,
}

fn known_fields() -> String {
    Field::ALL.map(|(name, _)| format!("{{{name}}}")).join(", ")
}

/// How a recorder builds its file names, such as `{call_id}_{customer_id}_{agent_id}.wav`.
///
/// A name is taken only if it can be read in one single way: with `_` between fields, a field that
/// holds a `_` itself makes the name ambiguous, and it is refused rather than guessed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NameTemplate {
    text: String,
    /// What every name begins with.
    prefix: String,
    /// Each field, and what stands between it and the next, or after it.
    fields: Vec<(Field, String)>,
}

impl FromStr for NameTemplate {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        if text.contains('/') {
            return Err(TemplateError::Slash);
        }
        let mut pieces = text.split('{');
        let prefix = literal(pieces.next().unwrap_or_default())?;
        let mut fields: Vec<(Field, String)> = Vec::new();
        for piece in pieces {
            let (name, after) = piece.split_once('}').ok_or(TemplateError::Braces)?;
            let (name, field) = *Field::ALL
                .iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| TemplateError::UnknownField(name.to_owned()))?;
            if fields.last().is_some_and(|(_, separator)| separator.is_empty()) {
                return Err(TemplateError::SideBySide);
            }
            if field != Field::Ignored && fields.iter().any(|(other, _)| *other == field) {
                return Err(TemplateError::Twice(name));
            }
            fields.push((field, literal(after)?));
        }
        if fields.len() > MAX_FIELDS {
            return Err(TemplateError::TooManyFields);
        }
        if !fields.iter().any(|(field, _)| *field == Field::CallId) {
            return Err(TemplateError::NoCallId);
        }
        Ok(Self { text: text.to_owned(), prefix, fields })
    }
}

fn literal(text: &str) -> Result<String, TemplateError> {
    if text.contains('}') { Err(TemplateError::Braces) } else { Ok(text.to_owned()) }
}

impl NameTemplate {
    /// What a file's name says of its call. A template whose end has no dot is of the name without its
    /// extension.
    pub(super) fn read(&self, name: &str) -> Result<CallDetails, Refused> {
        let suffix = self.fields.last().map_or("", |(_, after)| after.as_str());
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let text = if suffix.contains('.') { name } else { stem };
        let middle = text.strip_prefix(self.prefix.as_str()).and_then(|t| t.strip_suffix(suffix));
        let misfit = || Refused::NameDoesNotFit { template: self.text.clone() };
        let values = self.only_reading(middle.ok_or_else(misfit)?)?;
        let mut details = CallDetails::default();
        for ((field, _), value) in self.fields.iter().zip(values) {
            let value = (!value.is_empty()).then(|| value.to_owned());
            match field {
                Field::CallId => details.call_id = value,
                Field::CustomerId => details.customer_id = value,
                Field::CallerNumber => details.caller_number = value,
                Field::AgentId => details.agent_id = value,
                Field::Scene => details.scene = value,
                Field::Ignored => {}
            }
        }
        Ok(details)
    }

    /// The fields' values, if there is exactly one way to cut the text at the separators.
    fn only_reading<'a>(&self, text: &'a str) -> Result<Vec<&'a str>, Refused> {
        let separators: Vec<&str> = self
            .fields
            .split_last()
            .map_or(Vec::new(), |(_, before)| before.iter().map(|(_, s)| s.as_str()).collect());
        let ways = count_ways(text, &separators);
        match ways.first().and_then(|first| first.first()) {
            Some(1) => {}
            Some(2) => return Err(Refused::NameAmbiguous { template: self.text.clone() }),
            _ => return Err(Refused::NameDoesNotFit { template: self.text.clone() }),
        }
        let (mut values, mut start) = (Vec::with_capacity(self.fields.len()), 0);
        for (index, separator) in separators.iter().enumerate() {
            let next = |end: &usize| ways[index + 1][end + separator.len()] == 1;
            let Some(end) = places(text, start, separator).find(next) else { break };
            values.push(&text[start..end]);
            start = end + separator.len();
        }
        values.push(&text[start..]);
        Ok(values)
    }
}

/// In how many ways (0, 1, or 2 for more) the text from each place on can be cut at the separators
/// from each one on: `ways[separator][place]`.
fn count_ways(text: &str, separators: &[&str]) -> Vec<Vec<u8>> {
    let mut ways = vec![vec![1; text.len() + 1]];
    for separator in separators.iter().rev() {
        let after = &ways[ways.len() - 1];
        let mut row = vec![0u8; text.len() + 1];
        // From the end on: what can be cut further on, and here as well.
        for place in (0..text.len()).rev() {
            let here = if text.as_bytes()[place..].starts_with(separator.as_bytes()) {
                after[place + separator.len()]
            } else {
                0
            };
            row[place] = (row[place + 1] + here).min(2);
        }
        ways.push(row);
    }
    ways.reverse();
    ways
}

/// Where the separator stands, from a place on.
fn places<'a>(text: &'a str, from: usize, separator: &'a str) -> impl Iterator<Item = usize> + 'a {
    (from..text.len()).filter(move |at| text.as_bytes()[*at..].starts_with(separator.as_bytes()))
}

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
