//! The only place that writes to the terminal. Results go to standard output, everything else to
//! standard error, so that a script can take the one without the other.

use std::io::Write;

/// Writes one line of the result. A reader that went away (`| head`) is no failure.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Writes one JSON value as a line of the result.
pub(crate) fn json(value: &serde_json::Value) {
    line(&value.to_string());
}

/// Tells what is going on.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Tells what went wrong.
pub(crate) fn error(text: &str) {
    note(&format!("error: {text}"));
}

/// The width a text takes on a terminal: Chinese characters take two columns.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if ('\u{1100}'..'\u{ffe7}').contains(&c) && c > '\u{2fff}' { 2 } else { 1 }).sum()
}

/// A table with its columns aligned, the first line as its head.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| rows.iter().filter_map(|r| r.get(c)).map(|t| width(t)).max().unwrap_or(0))
        .collect();
    let render = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(text, w)| format!("{text}{}", " ".repeat(w - width(text))));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rule = widths.iter().map(|w| "-".repeat(*w)).collect::<Vec<_>>().join("  ");
    let mut lines: Vec<String> = rows.iter().map(render).collect();
    if !lines.is_empty() {
        lines.insert(1, rule);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_takes_two_columns() {
        assert_eq!(width("疑似代理"), 8);
        assert_eq!(width("a一b"), 4);
        let rows =
            [vec!["tag".into(), "n".into()], vec!["一致".into(), "1".into()], vec!["x".into(), "2".into()]];
        assert_eq!(table(&rows), "tag   n\n----  -\n一致  1\nx     2");
    }
}
