//! What of a person a desktop may show.

/// So many last characters of an id tell two listings apart without naming either.
const TAIL: usize = 4;

/// A listed proxy's name: the first character and stars. A label that the risk team has masked
/// itself is left as it is.
pub(super) fn name(label: &str) -> String {
    match label.chars().next() {
        Some(first) if !label.contains(['*', '＊', '●', '某']) => format!("{first}**"),
        _ => label.to_owned(),
    }
}

/// The end of an id; the whole of one that is no longer than that is hidden but for its last
/// character.
pub(super) fn id_tail(id: &str) -> String {
    let length = id.chars().count();
    let shown = if length > TAIL { TAIL } else { 1 };
    id.chars().skip(length.saturating_sub(shown)).collect()
}

/// A caller's number without its middle: `138****5678`. At most the first three and the last four
/// characters stay, fewer of a short one. Of an address (`sip:+8613812345678@10.0.0.1`) it is the
/// user's part, since the rest says nothing of the caller.
pub(super) fn number(number: &str) -> String {
    let user = user_part(number);
    let length = user.chars().count();
    let (head, tail) = match length {
        0..=1 => (0, 0),
        2..=4 => (0, 1),
        5..=7 => (0, 2),
        8..=10 => (2, 3),
        _ => (3, 4),
    };
    let hidden = head..length - tail;
    let shown = |c: (usize, char)| if hidden.contains(&c.0) { '*' } else { c.1 };
    user.chars().enumerate().map(shown).collect()
}

/// What stands before the host (RFC 3261, 19.1.1) or the parameters (RFC 3966, 3) of an address.
fn user_part(number: &str) -> &str {
    let bare = match number.split_once(':') {
        Some((scheme, rest)) if ["sip", "sips", "tel"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) => rest,
        _ => number,
    };
    let user = bare.rsplit_once('@').map_or(bare, |(user, _)| user);
    user.split(';').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_first_character() {
        for (label, shown) in
            [("王小明", "王**"), ("Wang", "W**"), ("王**", "王**"), ("王某", "王某"), ("", "")]
        {
            assert_eq!(name(label), shown);
        }
    }

    #[test]
    fn ids_keep_their_end() {
        for (id, shown) in
            [("proxy-20260118", "0118"), ("p-1", "1"), ("abcd", "d"), ("代理人一二三", "人一二三"), ("", "")]
        {
            assert_eq!(id_tail(id), shown);
        }
    }

    #[test]
    fn numbers_lose_their_middle() {
        for (given, shown) in [
            ("13812345678", "138****5678"),
            ("+8613812345678", "+86*******5678"),
            ("01012345678", "010****5678"),
            ("62345678", "62***678"),
            ("1234567890", "12*****890"),
            ("95588", "***88"),
            ("110", "**0"),
            ("", ""),
        ] {
            assert_eq!(number(given), shown);
        }
    }

    #[test]
    fn an_address_loses_the_middle_of_its_user() {
        for (given, shown) in [
            ("+8613812345678@10.0.0.1", "+86*******5678"),
            ("sip:13812345678@pbx.example:5060;transport=tcp", "138****5678"),
            ("SIPS:1001@branch-a.example", "***1"),
            ("tel:+8613812345678;phone-context=example.com", "+86*******5678"),
            ("a@13812345678@10.0.0.1", "a@1******5678"),
            ("@10.0.0.1", ""),
            ("7", "*"),
        ] {
            assert_eq!(number(given), shown);
        }
    }

    #[test]
    fn no_more_than_seven_characters_of_any_number_are_shown() {
        for text in
            ["1".repeat(200), format!("{}@10.0.0.1", "1".repeat(64)), "电话一二三四五六七八九十百".into()]
        {
            let shown = number(&text).chars().filter(|c| *c != '*').count();
            assert!(shown <= 7, "{text}");
        }
    }

    #[test]
    fn at_least_half_of_a_short_number_is_hidden() {
        for length in 2..10 {
            let shown = number(&"1".repeat(length)).chars().filter(|c| *c != '*').count();
            assert!(shown * 2 <= length + 2, "{length} digits, {shown} shown");
        }
    }
}
