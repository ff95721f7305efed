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

/// A caller's number without its middle: `138****5678`. Of a short one only the end is left.
pub(super) fn number(number: &str) -> String {
    let length = number.chars().count();
    let (head, tail) = match length {
        0..=4 => (0, 1),
        5..=7 => (0, 2),
        8..=9 => (2, 3),
        _ => (length - 8, 4),
    };
    let middle = length.saturating_sub(head + tail);
    let shown = |c: (usize, char)| if (head..head + middle).contains(&c.0) { '*' } else { c.1 };
    number.chars().enumerate().map(shown).collect()
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
            ("+8613812345678", "+86138****5678"),
            ("01012345678", "010****5678"),
            ("62345678", "62***678"),
            ("95588", "***88"),
            ("110", "**0"),
            ("", ""),
        ] {
            assert_eq!(number(given), shown);
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
