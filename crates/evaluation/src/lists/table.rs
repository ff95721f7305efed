use std::collections::HashMap;
use std::path::Path;

use super::line::{Lines, shown};
use super::{Columns, KNOWN_COLUMNS, csv_line};
use crate::EvaluationError;

/// The most columns a table may have.
pub const MAX_COLUMNS: usize = 256;

/// A CSV with a header: the columns it needs, in any order, and the optional ones that are known.
pub(super) struct Table<const N: usize> {
    lines: Lines,
    needed: [(&'static str, usize); N],
    optional: Vec<(&'static str, usize)>,
    width: usize,
    /// Columns seen already, by their values: a recording stands in many rows.
    seen: HashMap<Vec<String>, Columns>,
}

/// One row: the needed fields in the order they were asked for.
pub(super) struct Row<const N: usize> {
    pub(super) line: u64,
    pub(super) fields: [String; N],
    pub(super) columns: Columns,
}

impl<const N: usize> Table<N> {
    /// # Errors
    /// When it cannot be read or its header lacks one of `needed`.
    pub(super) fn open(path: &Path, needed: [&'static str; N]) -> Result<Self, EvaluationError> {
        let mut lines = Lines::open(path)?;
        let Some((number, header)) = lines.next()? else {
            return Err(EvaluationError::EmptyList { path: path.to_owned() });
        };
        let names = split(&lines, number, &header)?;
        if names.len() > MAX_COLUMNS {
            return Err(lines.too_large("columns", MAX_COLUMNS as u64));
        }
        let places = needed.map(|column| (column, names.iter().position(|n| n == column)));
        if let Some((column, _)) = places.iter().find(|(_, place)| place.is_none()) {
            let needed = needed.join(",");
            return Err(EvaluationError::MissingColumn { path: path.to_owned(), column, needed });
        }
        for column in needed.iter().chain(&KNOWN_COLUMNS) {
            if names.iter().filter(|n| n == column).count() > 1 {
                return Err(lines.malformed(number, format!("column {column} stands twice")));
            }
        }
        let optional = KNOWN_COLUMNS.iter().filter(|c| !needed.contains(c));
        let optional = optional.filter_map(|c| names.iter().position(|n| n == c).map(|i| (*c, i))).collect();
        let needed = places.map(|(column, place)| (column, place.unwrap_or_default()));
        Ok(Self { lines, needed, optional, width: names.len(), seen: HashMap::new() })
    }

    /// The next row, or none at the end.
    ///
    /// # Errors
    /// When a line cannot be read or has another number of fields than the header.
    pub(super) fn next(&mut self) -> Result<Option<Row<N>>, EvaluationError> {
        let Some((line, text)) = self.lines.next()? else { return Ok(None) };
        let mut values = split(&self.lines, line, &text)?;
        if values.len() != self.width {
            let (found, expected) = (values.len(), self.width);
            return Err(self.malformed(line, format!("{found} fields where the header has {expected}")));
        }
        let columns = self.columns(&values);
        let fields = self.needed.map(|(_, i)| std::mem::take(&mut values[i]));
        Ok(Some(Row { line, fields, columns }))
    }

    fn columns(&mut self, values: &[String]) -> Columns {
        let told: Vec<String> = self.optional.iter().map(|(_, i)| values[*i].clone()).collect();
        if let Some(columns) = self.seen.get(&told) {
            return columns.clone();
        }
        let named = self.optional.iter().zip(&told).filter(|(_, value)| !value.is_empty());
        let columns: Columns = named.map(|((name, _), value)| ((*name).to_owned(), value.clone())).collect();
        self.seen.insert(told, columns.clone());
        columns
    }

    pub(super) fn malformed(&self, line: u64, problem: String) -> EvaluationError {
        self.lines.malformed(line, problem)
    }

    /// Refuses a needed field that is empty.
    pub(super) fn filled(&self, row: &Row<N>, places: &[usize]) -> Result<(), EvaluationError> {
        for &place in places {
            if row.fields[place].is_empty() {
                return Err(self.malformed(row.line, format!("{} is empty", self.needed[place].0)));
            }
        }
        Ok(())
    }

    /// The error for a field that holds something else than `expected`.
    pub(super) fn unexpected(&self, row: &Row<N>, place: usize, expected: &str) -> EvaluationError {
        let (column, found) = (self.needed[place].0, shown(&row.fields[place]));
        self.malformed(row.line, format!("{column} is {found}, expected {expected}"))
    }
}

fn split(lines: &Lines, number: u64, text: &str) -> Result<Vec<String>, EvaluationError> {
    csv_line::split(text)
        .ok_or_else(|| lines.malformed(number, "a quote is not closed or not followed by a comma".to_owned()))
}
