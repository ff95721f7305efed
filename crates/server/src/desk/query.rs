use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What RFC 3986 calls unreserved stays readable.
const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The first value of a parameter in a URL's query; none if it is not there, empty, or no text.
pub(super) fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
    decoded(&value.replace('+', " ")).filter(|value| !value.is_empty())
}

/// A part of a URL as the text it stands for; none if that is no text.
pub(super) fn decoded(part: &str) -> Option<String> {
    percent_decode_str(part).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A text as a part of a URL, whatever is in it.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, &KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_the_parameter_and_nothing_else() {
        let query = Some("a=1&call_id=%E9%80%9A%E8%AF%9D+1&call_id=2&b=%FF&empty=&x");
        assert_eq!(parameter(query, "call_id").as_deref(), Some("通话 1"));
        for missing in ["b", "empty", "x", "id", "all_id"] {
            assert_eq!(parameter(query, missing), None, "{missing}");
        }
        assert_eq!(parameter(None, "a"), None);
    }

    proptest! {
        #[test]
        fn any_text_survives_a_url(text in "\\PC{1,40}", noise in "\\PC{0,60}") {
            let value = encoded(&text);
            prop_assert!(value.bytes().all(|b| b.is_ascii_graphic() && !b"&=;,/?#".contains(&b)));
            prop_assert_eq!(parameter(Some(&format!("q={value}")), "q"), Some(text));
            let _ = parameter(Some(&noise), "q");
        }
    }
}
