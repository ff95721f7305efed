/// Splits one line of comma-separated values (RFC 4180, but a record never spans lines, so that
/// an open quote cannot swallow the file). `None` when a quote is not closed or misplaced.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => match rest.split_once(',') {
                Some((field, after)) => (field.trim().to_owned(), Some(after)),
                None => (rest.trim().to_owned(), None),
            },
        };
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Some(fields),
        }
    }
}

/// A field after its opening quote, and what follows the comma after it.
fn quoted_field(text: &str) -> Option<(String, Option<&str>)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        field.push_str(part);
        if let Some(after) = after.strip_prefix('"') {
            field.push('"');
            rest = after;
            continue;
        }
        let after = after.trim_start();
        return match after.strip_prefix(',') {
            Some(next) => Some((field, Some(next))),
            None if after.is_empty() => Some((field, None)),
            None => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_quotes_and_empty_ones() {
        let check = |line: &str, expect: Option<&[&str]>| {
            assert_eq!(
                split(line),
                expect.map(|e| e.iter().map(ToString::to_string).collect::<Vec<_>>()),
                "{line}"
            );
        };
        check("a,b,c", Some(&["a", "b", "c"]));
        check(" a , b,", Some(&["a", "b", ""]));
        check(r#""a,b","say ""hi""",c"#, Some(&["a,b", "say \"hi\"", "c"]));
        check(r#""a" ,b"#, Some(&["a", "b"]));
        check(r#""a,b"#, None);
        check(r#""a"b,c"#, None);
        check("", Some(&[""]));
    }

    proptest::proptest! {
        #[test]
        fn reads_what_a_csv_writer_writes(fields in proptest::collection::vec("[^\r\n\0]{0,12}", 1..6)) {
            let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(vec![]);
            writer.write_record(&fields).unwrap();
            let line = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            proptest::prop_assert_eq!(split(line.trim_end_matches('\n')), Some(fields));
        }

        #[test]
        fn never_panics(line in ".{0,80}") {
            let _ = split(&line);
        }
    }
}
