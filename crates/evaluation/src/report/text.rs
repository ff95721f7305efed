/// A text in both languages, not yet escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Both {
    pub(crate) zh: String,
    pub(crate) en: String,
}

pub(crate) fn both(zh: impl Into<String>, en: impl Into<String>) -> Both {
    Both { zh: zh.into(), en: en.into() }
}

/// Text as it stands in HTML, SVG or an attribute; control characters are shown as such.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out
}

/// The first characters of a text.
pub(super) fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// A share as per cent: two places below 10 %, else one.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value < 9.995 { format!("{value:.2} %") } else { format!("{value:.1} %") }
}

/// An interval of shares in per cent, or a dash.
pub(crate) fn percents(interval: Option<[f64; 2]>) -> String {
    interval.map_or_else(
        || "–".to_owned(),
        |[low, high]| format!("{}–{}", percent(low).trim_end_matches(" %"), percent(high)),
    )
}

/// A rate somebody chose, without needless zeros.
pub(crate) fn chosen(share: f64) -> String {
    format!("{} %", (share * 1e6).round() / 1e4)
}

/// A share per 1,000: one place, two below 1, none from 100.
pub(crate) fn per_thousand(share: f64) -> String {
    let value = share * 1000.0;
    if value >= 99.95 {
        return format!("{value:.0}");
    }
    if value > 0.0 && value < 0.995 { format!("{value:.2}") } else { format!("{value:.1}") }
}

pub(crate) fn per_thousands(interval: Option<[f64; 2]>) -> String {
    interval
        .map_or_else(|| "–".to_owned(), |[low, high]| format!("{}–{}", per_thousand(low), per_thousand(high)))
}

/// Three places, as costs and bits have.
pub(crate) fn decimal(value: f64) -> String {
    format!("{value:.3}")
}

pub(crate) fn decimals(interval: Option<[f64; 2]>) -> String {
    interval.map_or_else(|| "–".to_owned(), |[low, high]| format!("{low:.3}–{high:.3}"))
}

/// A count with its thousands apart.
pub(crate) fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// What a column of a list is called.
pub(super) fn column(name: &str) -> Both {
    match name {
        "net_speech_s" => both("净语音时长", "Net speech"),
        "codec" => both("编码", "Codec"),
        "snr_db" => both("信噪比", "Signal-to-noise ratio"),
        "gender" => both("性别", "Gender"),
        "language" => both("语言", "Language"),
        "set" => both("数据集", "Data set"),
        other => both(other, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        assert_eq!(escape("<script>\"'&\u{1}\u{202e}"), "&lt;script&gt;&quot;&#39;&amp;\u{fffd}\u{fffd}");
        assert_eq!(short("声纹系统甲", 4), "声纹系…");
    }

    #[test]
    fn numbers_look_the_same_everywhere() {
        assert_eq!(percent(0.0075), "0.75 %");
        assert_eq!(percent(0.0999), "9.99 %");
        assert_eq!(percent(0.885), "88.5 %");
        assert_eq!(percents(Some([0.005, 0.125])), "0.50–12.5 %");
        assert_eq!(percents(None), "–");
        assert_eq!(
            (chosen(0.003), chosen(0.01), per_thousand(0.8333)),
            ("0.3 %".into(), "1 %".into(), "833".into())
        );
        assert_eq!(
            (per_thousand(0.0005), per_thousand(0.01), per_thousand(0.0)),
            ("0.50".into(), "10.0".into(), "0.0".into())
        );
        assert_eq!((count(7), count(1234), count(400_000)), ("7".into(), "1,234".into(), "400,000".into()));
    }
}
