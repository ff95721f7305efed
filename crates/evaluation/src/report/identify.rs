use super::page::{Card, Cell, Page};
use super::tag_tables::{breakdowns, per_thousand_cell, share_cell};
use super::text::{Both, both, chosen, count, per_thousand, per_thousands, percent, percents};
use super::{glossary, notes, tpir_chart};
use crate::metrics::{IdentificationFigures, TpirFigures};
use crate::{IdentifyResult, SystemIdentification};

/// The identification report.
pub(crate) fn identify_page(result: &IdentifyResult) -> String {
    let mut page = Page::new(both("名单识别评估报告", "Finding listed voices: how good is it"));
    page.lead(&lead(result));
    page.cards(&cards(result));
    page.warnings(notes::identify(result).iter().map(|w| &w.text));
    shipped(&mut page, result);
    systems(&mut page, result.systems());
    page.heading("找到与误标的权衡", "Found against false tags");
    page.chart(
        &tpir_chart(result),
        &both(
            "门槛越严，误标越少、找到的也越少；曲线越靠左上越好。竖线是置信区间。",
            "A stricter threshold gives fewer false tags and finds fewer; the nearer the curve to the upper left corner the better. Vertical lines are confidence intervals.",
        ),
    );
    breakdowns(&mut page, result.breakdowns());
    let bootstrap = &result.input().options.bootstrap;
    page.heading("词语解释", "What the words mean");
    page.words(&glossary::identify(bootstrap.level));
    page.heading("本次运行", "This run");
    let mut facts = result.input().facts.clone();
    facts.push((
        "置信区间 Confidence".to_owned(),
        format!(
            "{} × bootstrap over speakers and Wilson, the wider, seed {}",
            bootstrap.resamples, bootstrap.seed
        ),
    ));
    page.facts(&facts);
    page.finish()
}

fn lead(result: &IdentifyResult) -> Both {
    let (tags, list) = (result.tags(), count(result.input().list_size));
    let (found, wrong) = (&tags.found, &tags.false_tags);
    let (mut zh, mut en) =
        (format!("名单上有 {list} 个声音。"), format!("There are {list} voices on the list."));
    if found.total > 0 {
        let (n, k) = (count(found.total as usize), count(found.count as usize));
        let (share, interval) = (percent(found.value), percents(found.interval));
        zh += &format!("名单内人员来电 {n} 通，正确标出 {k} 通（{share}，区间 {interval}）。");
        en += &format!(
            " Of {n} calls by listed voices {k} were tagged rightly ({share}, interval {interval})."
        );
    }
    if wrong.total > 0 {
        let (n, k) = (count(wrong.total as usize), count(wrong.count as usize));
        let (rate, interval) = (per_thousand(wrong.value), per_thousands(wrong.interval));
        zh += &format!("其他人来电 {n} 通，误标 {k} 通，即每千通 {rate} 通（区间 {interval}）。");
        en += &format!(
            " Of {n} calls by other people {k} were wrongly tagged, {rate} of 1,000 (interval {interval})."
        );
    }
    both(zh, en)
}

fn cards(result: &IdentifyResult) -> Vec<Card> {
    let tags = result.tags();
    let mut cards = Vec::new();
    if tags.found.total > 0 {
        let i = percents(tags.found.interval);
        cards.push(Card {
            name: both("找到的名单内来电", "Listed callers found"),
            value: percent(tags.found.value),
            details: vec![format!("置信区间 interval {i}"), "按出厂门槛 at the shipped threshold".to_owned()],
        });
    }
    if tags.false_tags.total > 0 {
        let i = per_thousands(tags.false_tags.interval);
        cards.push(Card {
            name: both("每千通误标", "False tags per 1,000 calls"),
            value: per_thousand(tags.false_tags.value),
            details: vec![format!("置信区间 interval {i}"), "按出厂门槛 at the shipped threshold".to_owned()],
        });
    }
    for figures in result.systems().iter().take(1).flat_map(|s| &s.figures.tpir) {
        if (figures.fpir - 0.01).abs() < 1e-9 || (figures.fpir - 0.003).abs() < 1e-9 {
            let (fpir, i) = (rate(figures), percents(figures.tpir.interval));
            cards.push(Card {
                name: both(format!("误标 {fpir} 时找到"), format!("Found at {fpir} false tags")),
                value: percent(figures.tpir.value),
                details: vec![format!("置信区间 interval {i}")],
            });
        }
    }
    cards
}

/// The rate, marked where too few errors stand behind it.
fn rate(figures: &TpirFigures) -> String {
    let mark = if figures.few { " †" } else { "" };
    chosen(figures.fpir) + mark
}

fn shipped(page: &mut Page, result: &IdentifyResult) {
    page.heading("按出厂门槛", "At the shipped threshold");
    let (tags, input) = (result.tags(), result.input());
    let head = [
        both("名单人数", "List size"),
        both("找到", "Found"),
        both("标错人", "Wrong entry"),
        both("每千通误标", "False tags per 1,000"),
        both("承诺每千通至多", "Promised at most"),
        both("门槛 LLR", "Threshold LLR"),
    ];
    let number =
        |v: Option<f64>, text: fn(f64) -> String| v.map_or_else(Cell::dash, |v| Cell::plain(text(v)));
    page.table(
        &head,
        &[vec![
            Cell::plain(count(input.list_size)),
            share_cell(&tags.found),
            share_cell(&tags.mistaken),
            per_thousand_cell(&tags.false_tags),
            number(input.promised_false_tag_rate, per_thousand),
            number(input.threshold, |t| format!("{t:.2}")),
        ]],
    );
}

fn systems(page: &mut Page, systems: &[SystemIdentification]) {
    page.heading("与其他系统并列", "Beside other systems");
    page.text(&both(
        "同一批来电、同一份名单；门槛定在名单外来电恰好被误标该比例之处，每格下方是置信区间和次数。",
        "The same calls and list; the threshold is where at most this share of other people's calls is tagged. Below each figure its confidence interval and counts.",
    ));
    let mut head = vec![both("系统", "System"), both("首位命中", "Rank 1")];
    for figures in systems.iter().take(1).flat_map(|s| &s.figures.tpir) {
        let rate = rate(figures);
        head.push(both(format!("误标 {rate}"), format!("found at FPIR {rate}")));
    }
    let row = |title: &str, f: &IdentificationFigures| -> Vec<Cell> {
        let first = [Cell::plain(title), share_cell(&f.rank1)];
        first.into_iter().chain(f.tpir.iter().map(|t| share_cell(&t.tpir))).collect()
    };
    let mut rows: Vec<_> = systems.iter().map(|s| row(&s.title, &s.figures)).collect();
    if let Some(shipped) = systems.first().filter(|s| !s.figures.tpir.is_empty()) {
        let mut thresholds = vec![Cell::plain("对应门槛 LLR · its threshold"), Cell::dash()];
        let cell = |t: &TpirFigures| t.threshold.map_or_else(Cell::dash, |t| Cell::plain(format!("{t:.2}")));
        thresholds.extend(shipped.figures.tpir.iter().map(cell));
        rows.insert(1, thresholds);
    }
    page.table(&head, &rows);
}
