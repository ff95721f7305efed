use std::collections::BTreeMap;

use super::page::{Card, Cell, Page};
use super::tag_tables::{breakdowns, per_thousand_cell, share_cell};
use super::text::{Both, both, chosen, count, per_thousand, per_thousands, percent, percents};
use super::{glossary, notes};
use crate::{CallKind, CallsFigures, CallsResult};

/// The business view.
pub(crate) fn calls_page(result: &CallsResult) -> String {
    let (input, figures) = (result.input(), result.figures());
    let mut page = Page::new(both("来电筛查评估报告", "Screening calls: the business view"));
    page.lead(&lead(result));
    page.cards(&cards(figures));
    page.warnings(notes::calls(result).iter().map(|w| &w.text));
    verdicts(&mut page, result);
    seconds(&mut page, figures);
    thresholds(&mut page, figures);
    priors(&mut page, figures);
    breakdowns(&mut page, &figures.breakdowns);
    let bootstrap = &input.options.bootstrap;
    page.heading("词语解释", "What the words mean");
    page.words(&glossary::calls(bootstrap.level));
    page.heading("本次运行", "This run");
    let mut facts = input.facts.clone();
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

fn lead(result: &CallsResult) -> Both {
    let (input, tags) = (result.input(), &result.figures().tags);
    let (list, customers) = (count(input.list_size), count(input.customers));
    let mut zh = format!(
        "重放 {} 通完整来电：代理名单 {list} 人，已登记客户 {customers} 人。",
        count(input.calls.len())
    );
    let mut en = format!(
        "{} whole calls were replayed, with {list} listed proxies and {customers} enrolled customers.",
        count(input.calls.len())
    );
    if tags.found.total > 0 {
        let (rate, i) = (per_thousand(tags.found.value), per_thousands(tags.found.interval));
        zh += &format!("每 1,000 通代理来电抓到 {rate} 通（区间 {i}）；");
        en += &format!(" Of 1,000 calls by listed proxies {rate} are caught (interval {i});");
    }
    if tags.false_tags.total > 0 {
        let (rate, i) = (per_thousand(tags.false_tags.value), per_thousands(tags.false_tags.interval));
        zh += &format!("每 1,000 通其他人来电误标 {rate} 通（区间 {i}）。");
        en += &format!(" of 1,000 calls by anybody else {rate} are wrongly tagged (interval {i}).");
    }
    both(zh, en)
}

fn cards(figures: &CallsFigures) -> Vec<Card> {
    let tags = &figures.tags;
    let mut cards = Vec::new();
    if tags.found.total > 0 {
        let i = percents(tags.found.interval);
        cards.push(Card {
            name: both("抓到的代理来电", "Proxies' calls caught"),
            value: percent(tags.found.value),
            details: vec![
                format!("置信区间 interval {i}"),
                format!("{}/{} 通 calls", tags.found.count, tags.found.total),
            ],
        });
    }
    if tags.false_tags.total > 0 {
        let i = per_thousands(tags.false_tags.interval);
        cards.push(Card {
            name: both("每千通其他人来电误标", "Others tagged per 1,000"),
            value: per_thousand(tags.false_tags.value),
            details: vec![
                format!("置信区间 interval {i}"),
                format!("{}/{} 通 calls", tags.false_tags.count, tags.false_tags.total),
            ],
        });
    }
    let customers = &figures.customers_tagged;
    if customers.total > 0 {
        cards.push(Card {
            name: both("每千通客户本人来电误标", "Genuine customers tagged per 1,000"),
            value: per_thousand(customers.value),
            details: vec![
                format!("置信区间 interval {}", per_thousands(customers.interval)),
                format!("{}/{} 通 calls", customers.count, customers.total),
            ],
        });
    }
    let proxies = figures.seconds.iter().find(|s| s.kind == CallKind::ListedProxy);
    if let Some([_, middle, late, _]) = proxies.and_then(|s| s.quantiles) {
        cards.push(Card {
            name: both("代理来电的判定用时", "Time to decision, proxies"),
            value: format!("{middle:.1} s"),
            details: vec![
                format!("净语音中位数；九成在 {late:.1} 秒内"),
                format!("median net speech; nine of ten within {late:.1} s"),
            ],
        });
    }
    cards
}

fn kind(kind: CallKind) -> Both {
    match kind {
        CallKind::ListedProxy => both("名单内代理", "Listed proxies"),
        CallKind::Customer => both("客户本人", "The customers themselves"),
        CallKind::Other => both("其他人", "Anybody else"),
    }
}

/// The verdicts' stable codes and what the agent's screen shows, in the order of the tables.
const VERDICTS: [(&str, &str, &str); 8] = [
    ("SUSPECTED_PROXY", "疑似代理", "suspected proxy"),
    ("MATCH", "一致", "match"),
    ("DOUBTFUL", "存疑", "doubtful"),
    ("MISMATCH", "不一致", "mismatch"),
    ("INSUFFICIENT_SPEECH", "语音不足", "insufficient speech"),
    ("NOT_ENROLLED", "客户未登记声纹", "customer not enrolled"),
    ("OPTED_OUT", "客户已退出声纹服务", "customer opted out"),
    ("NO_CUSTOMER_CLAIMED", "未声明客户", "no customer claimed"),
];

fn verdict(code: &str) -> Both {
    let known = VERDICTS.iter().find(|v| v.0 == code);
    known.map_or_else(|| both(code, ""), |(_, zh, en)| both(*zh, *en))
}

fn verdicts(page: &mut Page, result: &CallsResult) {
    page.heading("各类来电得到的结论", "What each kind of caller was told");
    let mut kinds: BTreeMap<CallKind, BTreeMap<&str, usize>> = BTreeMap::new();
    for (kind, code, calls) in &result.figures().verdicts {
        kinds.entry(*kind).or_default().insert(code, *calls);
    }
    let mut codes: Vec<&str> = kinds.values().flat_map(|v| v.keys().copied()).collect();
    codes.sort_unstable_by_key(|code| {
        (VERDICTS.iter().position(|v| v.0 == *code).unwrap_or(usize::MAX), *code)
    });
    codes.dedup();
    let mut head = vec![both("来电人", "Caller"), both("通数", "Calls")];
    head.extend(codes.iter().map(|c| verdict(c)));
    let row = |(of, verdicts): (&CallKind, &BTreeMap<&str, usize>)| {
        let total: usize = verdicts.values().sum();
        let name = kind(*of);
        let mut row = vec![Cell(name.zh, name.en), Cell::plain(count(total))];
        row.extend(codes.iter().map(|code| match verdicts.get(code) {
            Some(calls) => Cell(percent(*calls as f64 / total as f64), count(*calls)),
            None => Cell::plain("0"),
        }));
        row
    };
    page.table(&head, &kinds.iter().map(row).collect::<Vec<_>>());
}

fn seconds(page: &mut Page, figures: &CallsFigures) {
    page.heading("判定用时（秒，净语音）", "Time to decision, seconds of net speech");
    let head = [
        both("来电人", "Caller"),
        both("有结论", "Decided"),
        both("最快一成", "10th percentile"),
        both("中位数", "Median"),
        both("九成以内", "90th percentile"),
        both("95 % 以内", "95th percentile"),
    ];
    let rows = figures.seconds.iter().map(|s| {
        let name = kind(s.kind);
        let decided = Cell(percent(s.decided as f64 / s.calls as f64), format!("{}/{}", s.decided, s.calls));
        let mut row = vec![Cell(name.zh, name.en), decided];
        let quantile =
            |i: usize| s.quantiles.map_or_else(Cell::dash, |q| Cell::plain(format!("{:.1}", q[i])));
        row.extend((0..4).map(quantile));
        row
    });
    page.table(&head, &rows.collect::<Vec<_>>());
}

fn thresholds(page: &mut Page, figures: &CallsFigures) {
    if figures.thresholds.is_empty() {
        return;
    }
    page.heading("如果门槛更严或更松", "With a stricter or looser threshold");
    page.text(&both(
        "按每通来电结束时最像的一条计算；0 为出厂门槛，+1 奈特表示要求证据再强约 2.7 倍。",
        "By the most similar entry at each call's end; 0 is the shipped threshold, +1 nat asks for evidence 2.7 times as strong.",
    ));
    let head = [
        both("门槛移动（奈特）", "Shift, nats"),
        both("抓到", "Caught"),
        both("每千通误标", "False tags per 1,000"),
    ];
    let rows = figures.thresholds.iter().map(|t| {
        let shift = if t.shift == 0.0 { "0".to_owned() } else { format!("{:+}", t.shift) };
        vec![Cell::plain(shift), share_cell(&t.tags.found), per_thousand_cell(&t.tags.false_tags)]
    });
    page.table(&head, &rows.collect::<Vec<_>>());
}

fn priors(page: &mut Page, figures: &CallsFigures) {
    if figures.priors.is_empty() {
        return;
    }
    page.heading("如果代理来电更多或更少", "With more or fewer proxies calling");
    page.text(&both(
        "同一系统，代理越少见，一个标记越可能是误标；请按贵行的实际占比查看。",
        "With the same system, the rarer proxies are the more likely a tag is wrong: look at the row that is yours.",
    ));
    let head = [
        both("代理占全部来电", "Proxies among all calls"),
        both("标记的可信度", "Worth of a tag"),
        both("每千通标记", "Tags in 1,000 calls"),
        both("每千通漏掉的代理", "Proxies missed in 1,000"),
    ];
    let rows = figures.priors.iter().map(|p| {
        let worth = p.precision.map_or_else(Cell::dash, |e| Cell(percent(e.value), percents(e.interval)));
        vec![
            Cell::plain(chosen(p.proxy_share)),
            worth,
            Cell::plain(format!("{:.1}", p.tags_per_1000)),
            Cell::plain(format!("{:.1}", p.missed_per_1000)),
        ]
    });
    page.table(&head, &rows.collect::<Vec<_>>());
}
