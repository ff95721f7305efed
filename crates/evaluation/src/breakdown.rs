use std::collections::BTreeMap;

use crate::lists::Columns;

/// The most values of a column that get their own row; the rest is one.
const MAX_VALUES: usize = 20;
/// The most bytes of a value that a report shows.
const MAX_VALUE_CHARS: usize = 40;

/// The columns that break a result down, in the order they are shown.
pub(crate) const COLUMNS: [&str; 6] = ["net_speech_s", "codec", "snr_db", "gender", "language", "set"];

/// The rows that share a value, or a band, of a column.
#[derive(Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) column: &'static str,
    pub(crate) value: String,
    pub(crate) rows: Vec<usize>,
}

/// Groups rows by each column that says anything. `row` gives a row's columns and its measured net
/// speech in seconds, which goes before what the list says.
pub(crate) fn groups<'a>(rows: impl Iterator<Item = (&'a Columns, Option<f64>)>) -> Vec<Group> {
    let mut by_column: [BTreeMap<(usize, String), Vec<usize>>; COLUMNS.len()] = Default::default();
    for (index, (columns, net_speech_s)) in rows.enumerate() {
        for (column, groups) in COLUMNS.iter().zip(&mut by_column) {
            let told = columns.get(*column).map(String::as_str);
            let value = match *column {
                "net_speech_s" => net_speech_s.or_else(|| told?.parse().ok()).map(net_speech_band),
                "snr_db" => told.and_then(|t| t.parse().ok()).and_then(snr_band),
                _ => told.map(|t| (0, t.chars().take(MAX_VALUE_CHARS).collect())),
            };
            if let Some(value) = value {
                groups.entry(value).or_default().push(index);
            }
        }
    }
    let columns = COLUMNS.into_iter().zip(by_column);
    columns.flat_map(|(column, groups)| named(column, groups)).collect()
}

fn named(column: &'static str, groups: BTreeMap<(usize, String), Vec<usize>>) -> Vec<Group> {
    let mut named = Vec::new();
    let mut rest = Vec::new();
    for ((_, value), rows) in groups {
        if named.len() < MAX_VALUES {
            named.push(Group { column, value, rows });
        } else {
            rest.extend(rows);
        }
    }
    if !rest.is_empty() {
        named.push(Group { column, value: "…".to_owned(), rows: rest });
    }
    named
}

fn net_speech_band(seconds: f64) -> (usize, String) {
    banded(seconds, &[3.0, 5.0, 10.0, 20.0], "s")
}

fn snr_band(decibels: f64) -> Option<(usize, String)> {
    decibels.is_finite().then(|| banded(decibels, &[5.0, 10.0, 15.0, 20.0], "dB"))
}

/// The band a value lies in, and its place; a band holds its lower edge.
fn banded(value: f64, edges: &[f64], unit: &str) -> (usize, String) {
    let place = edges.iter().filter(|e| value >= **e).count();
    let text = match (place.checked_sub(1).and_then(|i| edges.get(i)), edges.get(place)) {
        (None, Some(high)) => format!("< {high} {unit}"),
        (Some(low), Some(high)) => format!("{low}–{high} {unit}"),
        (Some(low), None) => format!("≥ {low} {unit}"),
        (None, None) => String::new(),
    };
    (place, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(pairs: &[(&str, &str)]) -> Columns {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn bands_in_their_order_and_values_by_name() {
        let rows = [
            columns(&[("codec", "g711"), ("snr_db", "20")]),
            columns(&[("codec", "amr"), ("snr_db", "4.9"), ("net_speech_s", "3")]),
            columns(&[("snr_db", "nan"), ("net_speech_s", "12")]),
        ];
        let groups = groups(rows.iter().zip([None, None, Some(2.0)]));
        let found: Vec<_> = groups.iter().map(|g| (g.column, g.value.as_str(), &g.rows[..])).collect();
        assert_eq!(
            found,
            [
                ("net_speech_s", "< 3 s", &[2][..]),
                ("net_speech_s", "3–5 s", &[1]),
                ("codec", "amr", &[1]),
                ("codec", "g711", &[0]),
                ("snr_db", "< 5 dB", &[1]),
                ("snr_db", "≥ 20 dB", &[0]),
            ]
        );
    }

    #[test]
    fn a_column_of_a_thousand_values_is_cut() {
        let rows: Vec<_> = (0..1000).map(|i| columns(&[("set", &format!("{i:04}"))])).collect();
        let groups = groups(rows.iter().map(|c| (c, None)));
        assert_eq!(groups.len(), MAX_VALUES + 1);
        assert_eq!(groups.last().map(|g| g.rows.len()), Some(1000 - MAX_VALUES));
    }
}
