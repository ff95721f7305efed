use super::bars::{Bar, bars};
use super::page::{Card, Cell, Page};
use super::svg::COLORS;
use super::text::{Both, both, chosen, column, count, decimal, decimals, percent, percents};
use super::{calibration_chart, det_chart, glossary, notes};
use crate::metrics::{CostFigures, Estimate, VerificationFigures};
use crate::{VerifyBreakdown, VerifyResult};

/// The verification report.
pub(crate) fn verify_page(result: &VerifyResult) -> String {
    let mut page = Page::new(both("声纹核验评估报告", "Voice verification: how good is it"));
    if let Some(shipped) = result.systems().first() {
        page.lead(&lead(&shipped.figures));
        page.cards(&cards(&shipped.figures));
    }
    page.warnings(notes::verify(result).iter().map(|w| &w.text));
    systems(&mut page, result);
    charts(&mut page, result);
    breakdowns(&mut page, result.breakdowns());
    page.heading("词语解释", "What the words mean");
    page.words(&glossary::verify(result.input().options.bootstrap.level));
    page.heading("本次运行", "This run");
    page.facts(&facts(result));
    page.finish()
}

fn charts(page: &mut Page, result: &VerifyResult) {
    page.heading("错误权衡与分数的含义", "The tradeoff, and what the scores mean");
    page.charts(&[
        (both("错误权衡曲线", "Detection error tradeoff"), det_chart(result)),
        (both("分数是否名副其实", "Do the scores mean what they say"), calibration_chart(result)),
    ]);
    page.text(&both(
        "图一：门槛越严，误认越少、漏认越多；曲线越靠左下越好，阴影是置信带。图二上：两类比对的分数，分得越开越好；图二下：实线越贴近虚线，分数越可信。",
        "First chart: a stricter threshold gives fewer false matches and more misses; the nearer the curve to the lower left corner the better, the shade is its confidence band. Second chart, above: the scores of both kinds of trials, the further apart the better; below: the nearer the line to the dashed one, the more the scores can be taken at their word.",
    ));
}

/// The first operating point with an actual threshold, in plain words.
fn lead(figures: &VerificationFigures) -> Both {
    let (targets, nontargets) = (count(figures.targets), count(figures.nontargets));
    let zh = format!(
        "共比对 {targets} 对同一人的录音和 {nontargets} 对不同人的录音，背后有 {} 位说话人。",
        count(figures.speakers)
    );
    let en = format!(
        "{targets} pairs of recordings of one person and {nontargets} pairs of two people were compared, of {} speakers.",
        count(figures.speakers)
    );
    let Some((cost, rates)) = figures.costs.iter().find_map(|c| c.actual_rates.map(|r| (c, r))) else {
        return both(zh, en);
    };
    let prior = chosen(cost.point.prior());
    let missed = (rates.miss * figures.targets as f64).round() as usize;
    let matched = (rates.false_match * figures.nontargets as f64).round() as usize;
    let (miss, false_match) = (percent(rates.miss), percent(rates.false_match));
    both(
        format!(
            "{zh}按“本人占 {prior}”设定的严格门槛：同一人漏认 {} 次（{miss}），不同人误认 {} 次（{false_match}）。",
            count(missed),
            count(matched)
        ),
        format!(
            "{en} At the strict threshold for claims that are true {prior} of the time, {} pairs of one person were missed ({miss}) and {} pairs of two people wrongly matched ({false_match}).",
            count(missed),
            count(matched)
        ),
    )
}

fn cards(figures: &VerificationFigures) -> Vec<Card> {
    let mut cards = vec![Card {
        name: both("等错误率（凸包）", "Equal error rate, convex hull"),
        value: percent(figures.eer_rocch.value),
        details: vec![format!("置信区间 interval {}", percents(figures.eer_rocch.interval))],
    }];
    for cost in &figures.costs {
        let prior = chosen(cost.point.prior());
        let shown = cost.actual.as_ref().unwrap_or(&cost.min);
        let kind = if cost.actual.is_some() { both("实际", "Actual") } else { both("最低", "Minimum") };
        let i = decimals(shown.interval);
        cards.push(Card {
            name: both(
                format!("{}检测代价（先验 {prior}）", kind.zh),
                format!("{} detection cost, prior {prior}", kind.en),
            ),
            value: decimal(shown.value),
            details: vec![
                format!("置信区间 interval {i}"),
                format!("最低 minimum {}", decimal(cost.min.value)),
            ],
        });
    }
    if let Some(cllr) = &figures.cllr {
        let loss = decimal(cllr.value - figures.min_cllr.value);
        cards.push(Card {
            name: both("信息损失 Cllr", "Information lost, bits"),
            value: decimal(cllr.value),
            details: vec![format!("其中校准损失 of which by calibration {loss}")],
        });
    }
    cards
}

fn systems(page: &mut Page, result: &VerifyResult) {
    page.heading("与其他系统并列", "Beside other systems");
    page.text(&both(
        "同一批录音、同一批比对；每格下方是置信区间。",
        "The same recordings and trials; below each figure its confidence interval.",
    ));
    let mut head = vec![
        both("系统", "System"),
        both("等错误率（凸包）", "EER, convex hull"),
        both("等错误率（普通）", "EER, plain"),
    ];
    for cost in result.systems().iter().take(1).flat_map(|s| &s.figures.costs) {
        let prior = chosen(cost.point.prior());
        head.push(both(format!("最低代价 {prior}"), format!("min DCF, prior {prior}")));
        head.push(both(format!("实际代价 {prior}"), format!("actual DCF, prior {prior}")));
    }
    head.extend([both("Cllr", "bits lost"), both("最低 Cllr", "minimum")]);
    let rows: Vec<_> = result.systems().iter().map(|s| system_row(&s.title, &s.figures)).collect();
    page.table(&head, &rows);
    let rows: Vec<_> = result.systems().iter().filter_map(|s| unscored_row(&s.title, &s.figures)).collect();
    if !rows.is_empty() {
        page.small_heading(&both(
            "把没有结果的比对算作错误",
            "With trials that gave no score counted as errors",
        ));
        page.table(head.get(..head.len() - 2).unwrap_or_default(), &rows);
    }
}

fn system_row(title: &str, figures: &VerificationFigures) -> Vec<Cell> {
    let rate = |e: &Estimate| Cell(percent(e.value), percents(e.interval));
    let bits = |e: &Estimate| Cell(decimal(e.value), decimals(e.interval));
    let mut row = vec![Cell::plain(title), rate(&figures.eer_rocch), rate(&figures.eer)];
    for CostFigures { min, actual, .. } in &figures.costs {
        row.push(bits(min));
        row.push(actual.as_ref().map_or_else(Cell::dash, bits));
    }
    row.push(figures.cllr.as_ref().map_or_else(Cell::dash, bits));
    row.push(bits(&figures.min_cllr));
    row
}

fn unscored_row(title: &str, figures: &VerificationFigures) -> Option<Vec<Cell>> {
    let errors = figures.counted_as_errors.as_ref()?;
    let unscored = count(figures.unscored_targets + figures.unscored_nontargets);
    let small = format!("{unscored} 次无结果 without a score");
    let mut row = vec![
        Cell(title.to_owned(), small),
        Cell::plain(percent(errors.eer_rocch)),
        Cell::plain(percent(errors.eer)),
    ];
    for (_, min, actual) in &errors.costs {
        row.push(Cell::plain(decimal(*min)));
        row.push(actual.map_or_else(Cell::dash, |a| Cell::plain(decimal(a))));
    }
    Some(row)
}

fn breakdowns(page: &mut Page, breakdowns: &[VerifyBreakdown]) {
    if breakdowns.is_empty() {
        return;
    }
    page.heading("分组结果", "By condition");
    page.text(&both(
        "等错误率（凸包），越短越好；细线是置信区间，分数是同一人与不同人的比对次数；† 表示错误不到 30 次，只能当作参考。",
        "Equal error rate on the convex hull, the shorter the better; thin lines are confidence intervals, fractions are trials of one person and of two; † marks fewer than 30 errors: take it as a hint.",
    ));
    let charts = breakdowns.chunk_by(|a, b| a.column == b.column).filter_map(|rows| {
        let title = column(rows.first()?.column);
        let bars_of: Vec<Bar> = rows.iter().map(bar).collect();
        let svg = bars(&format!("{} {}", title.zh, title.en), &bars_of, 0.5, COLORS[0]);
        Some((title, svg))
    });
    page.charts(&charts.collect::<Vec<_>>());
}

fn bar(row: &VerifyBreakdown) -> Bar {
    let eer = row.figures.as_ref().map(|f| f.eer_rocch);
    let mark = if row.figures.as_ref().is_some_and(notes::few_errors) { " †" } else { "" };
    Bar {
        label: row.value.clone(),
        value: eer.map(|e| e.value),
        interval: eer.and_then(|e| e.interval),
        text: eer.map_or_else(|| "–".to_owned(), |e| percent(e.value) + mark),
        note: format!("{} · {}/{}", percents(eer.and_then(|e| e.interval)), row.targets, row.nontargets),
    }
}

fn facts(result: &VerifyResult) -> Vec<(String, String)> {
    let input = result.input();
    let bootstrap = &input.options.bootstrap;
    let mut facts = input.facts.clone();
    facts.push((
        "置信区间 Confidence".to_owned(),
        format!(
            "{} × bootstrap, {} speakers, seed {}",
            bootstrap.resamples,
            result.speakers(),
            bootstrap.seed
        ),
    ));
    facts
}
