use super::bars::{Bar, bars};
use super::page::{Cell, Page};
use super::svg::COLORS;
use super::text::{Both, both, column, per_thousand, per_thousands, percent, percents};
use crate::TagBreakdown;
use crate::metrics::Share;

/// A share in per cent, with its interval and counts; a dash of nothing.
pub(super) fn share_cell(share: &Share) -> Cell {
    if share.total == 0 {
        return Cell::dash();
    }
    Cell(percent(share.value), format!("{} · {}/{}", percents(share.interval), share.count, share.total))
}

/// A share per 1,000 calls.
pub(super) fn per_thousand_cell(share: &Share) -> Cell {
    if share.total == 0 {
        return Cell::dash();
    }
    let small = format!("{} · {}/{}", per_thousands(share.interval), share.count, share.total);
    Cell(per_thousand(share.value), small)
}

/// Bars of the found share and of false tags per 1,000 calls, for each column of the list.
pub(super) fn breakdowns(page: &mut Page, breakdowns: &[TagBreakdown]) {
    if breakdowns.is_empty() {
        return;
    }
    page.heading("分组结果", "By condition");
    page.text(&both(
        "蓝色越长越好（找到的比例），橙色越短越好（每千通误标）；细线是置信区间，分数是次数。",
        "Blue, the longer the better: share found. Orange, the shorter the better: false tags per 1,000 calls. Thin lines are confidence intervals, fractions are counts.",
    ));
    for rows in breakdowns.chunk_by(|a, b| a.column == b.column) {
        let Some(first) = rows.first() else { continue };
        page.small_heading(&column(first.column));
        page.charts(&[found(rows), false_tags(rows)]);
    }
}

fn found(rows: &[TagBreakdown]) -> (Both, String) {
    let bar = |row: &TagBreakdown| bar(&row.value, &row.figures.found, percent, percents);
    let rows: Vec<Bar> = rows.iter().map(bar).collect();
    (both("找到", "Found"), bars("找到 Found", &rows, 1.0, COLORS[0]))
}

fn false_tags(rows: &[TagBreakdown]) -> (Both, String) {
    let bar = |row: &TagBreakdown| bar(&row.value, &row.figures.false_tags, per_thousand, per_thousands);
    let rows: Vec<Bar> = rows.iter().map(bar).collect();
    (
        both("每千通误标", "False tags per 1,000"),
        bars("每千通误标 False tags per 1,000", &rows, 0.2, COLORS[1]),
    )
}

fn bar(label: &str, share: &Share, one: fn(f64) -> String, both_ends: fn(Option<[f64; 2]>) -> String) -> Bar {
    let there = share.total > 0;
    Bar {
        label: label.to_owned(),
        value: there.then_some(share.value),
        interval: share.interval,
        text: if there { one(share.value) } else { "–".to_owned() },
        note: if there {
            format!("{} · {}/{}", both_ends(share.interval), share.count, share.total)
        } else {
            String::new()
        },
    }
}
