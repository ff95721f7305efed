use super::text::{Both, escape};

/// A page being written: everything but charts is escaped here.
pub(super) struct Page {
    title: Both,
    body: String,
}

/// A figure that the page opens with.
pub(super) struct Card {
    pub(super) name: Both,
    pub(super) value: String,
    /// Interval and counts, a line each.
    pub(super) details: Vec<String>,
}

/// A cell: what it says, and smaller below.
pub(super) struct Cell(pub(super) String, pub(super) String);

impl Cell {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self(text.into(), String::new())
    }

    pub(super) fn dash() -> Self {
        Self::plain("–")
    }
}

impl Page {
    pub(super) fn new(title: Both) -> Self {
        let mut page = Self { title, body: String::new() };
        let (zh, en) = (escape(&page.title.zh), escape(&page.title.en));
        page.push(&format!("<header><h1>{zh}</h1><p class=\"en\" lang=\"en\">{en}</p></header>"));
        page
    }

    fn push(&mut self, html: &str) {
        self.body.push_str(html);
        self.body.push('\n');
    }

    pub(super) fn heading(&mut self, zh: &str, en: &str) {
        self.push(&format!("<h2>{} <span class=\"en\" lang=\"en\">{}</span></h2>", escape(zh), escape(en)));
    }

    pub(super) fn small_heading(&mut self, text: &Both) {
        let (zh, en) = (escape(&text.zh), escape(&text.en));
        self.push(&format!("<h3>{zh} <span class=\"en\" lang=\"en\">{en}</span></h3>"));
    }

    pub(super) fn text(&mut self, text: &Both) {
        self.push(&paragraphs(text));
    }

    /// The conclusion in plain words.
    pub(super) fn lead(&mut self, text: &Both) {
        let text = paragraphs(text);
        self.push(&format!("<div class=\"lead\">{text}</div>"));
    }

    pub(super) fn cards(&mut self, cards: &[Card]) {
        let card = |c: &Card| {
            format!(
                "<div class=\"card\"><p class=\"name\">{} <span class=\"en\" lang=\"en\">{}</span></p>\
                 <p class=\"value\">{}</p>{}</div>",
                escape(&c.name.zh),
                escape(&c.name.en),
                escape(&c.value),
                c.details.iter().map(|d| format!("<p>{}</p>", escape(d))).collect::<String>()
            )
        };
        let cards: String = cards.iter().map(card).collect();
        self.push(&format!("<div class=\"cards\">{cards}</div>"));
    }

    /// What to be careful about; nothing when there is nothing.
    pub(super) fn warnings<'a>(&mut self, warnings: impl Iterator<Item = &'a Both>) {
        let items: String = warnings.map(|w| format!("<li>{}</li>", paragraphs(w))).collect();
        if !items.is_empty() {
            self.push(&format!(
                "<section class=\"warnings\"><h2>使用前请注意 <span class=\"en\" lang=\"en\">Before you rely on this\
                 </span></h2><ul>{items}</ul></section>"
            ));
        }
    }

    /// A table whose first column names the row.
    pub(super) fn table(&mut self, head: &[Both], rows: &[Vec<Cell>]) {
        let head: String = head
            .iter()
            .map(|h| {
                format!("<th>{}<span class=\"en\" lang=\"en\">{}</span></th>", escape(&h.zh), escape(&h.en))
            })
            .collect();
        let rows: String = rows.iter().map(|row| table_row(row)).collect();
        self.push(&format!(
            "<div class=\"wide\" tabindex=\"0\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        ));
    }

    /// A chart of our own making, with what it shows.
    pub(super) fn chart(&mut self, svg: &str, caption: &Both) {
        let caption = paragraphs(caption);
        self.push(&format!("<figure>{svg}<figcaption>{caption}</figcaption></figure>"));
    }

    /// Charts side by side where there is room.
    pub(super) fn charts(&mut self, charts: &[(Both, String)]) {
        let chart = |(title, svg): &(Both, String)| {
            format!(
                "<figure><figcaption class=\"over\">{} <span class=\"en\" lang=\"en\">{}</span></figcaption>{svg}</figure>",
                escape(&title.zh),
                escape(&title.en)
            )
        };
        let charts: String = charts.iter().map(chart).collect();
        self.push(&format!("<div class=\"charts\">{charts}</div>"));
    }

    /// Words and what they mean.
    pub(super) fn words(&mut self, words: &[(Both, Both)]) {
        let word = |(word, meaning): &(Both, Both)| {
            format!(
                "<dt>{} <span class=\"en\" lang=\"en\">{}</span></dt><dd>{}</dd>",
                escape(&word.zh),
                escape(&word.en),
                paragraphs(meaning)
            )
        };
        let words: String = words.iter().map(word).collect();
        self.push(&format!("<dl>{words}</dl>"));
    }

    /// What was run, as it was given.
    pub(super) fn facts(&mut self, facts: &[(String, String)]) {
        let row = |(name, value): &(String, String)| {
            format!("<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value))
        };
        let rows: String = facts.iter().map(row).collect();
        self.push(&format!("<table class=\"facts\"><tbody>{rows}</tbody></table>"));
    }

    pub(super) fn finish(self) -> String {
        let title = format!("{} · {}", escape(&self.title.zh), escape(&self.title.en));
        format!(
            "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
            include_str!("style.css"),
            self.body
        )
    }
}

fn paragraphs(text: &Both) -> String {
    format!("<p>{}</p><p class=\"en\" lang=\"en\">{}</p>", escape(&text.zh), escape(&text.en))
}

fn table_row(cells: &[Cell]) -> String {
    let cell = |(i, Cell(main, small)): (usize, &Cell)| {
        let tag = if i == 0 { "th" } else { "td" };
        let small =
            if small.is_empty() { String::new() } else { format!("<small>{}</small>", escape(small)) };
        format!("<{tag}>{}{small}</{tag}>", escape(main))
    };
    let cells: String = cells.iter().enumerate().map(cell).collect();
    format!("<tr>{cells}</tr>")
}
