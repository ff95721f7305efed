use serde_json::{Map, Value, json};

use crate::breakdown::Group;
use crate::json;
use crate::metrics::{Bootstrap, Share, share};

/// What was tagged, of calls of which it is known who spoke.
#[derive(Clone, Debug, PartialEq)]
pub struct TagFigures {
    /// Listed voices' calls tagged with the right entry, of all listed voices' calls.
    pub found: Share,
    /// Listed voices' calls tagged with another entry, of all listed voices' calls.
    pub mistaken: Share,
    /// Other people's calls tagged, of all other people's calls.
    pub false_tags: Share,
}

/// The same for the calls that share a value of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct TagBreakdown {
    /// The column.
    pub column: &'static str,
    /// Its value, or the band.
    pub value: String,
    /// What was tagged.
    pub figures: TagFigures,
}

/// One call and whether it was tagged.
#[derive(Clone, Copy)]
pub(crate) struct TagEvent {
    pub(crate) speaker: u32,
    pub(crate) listed: bool,
    pub(crate) tagged: bool,
    pub(crate) right: bool,
}

pub(crate) fn tag_figures(events: &[TagEvent], bootstrap: &Bootstrap) -> TagFigures {
    let of = |listed: bool, hit: fn(&TagEvent) -> bool| {
        share(events.iter().filter(|e| e.listed == listed).map(|e| (e.speaker, hit(e))), bootstrap)
    };
    TagFigures {
        found: of(true, |e| e.tagged && e.right),
        mistaken: of(true, |e| e.tagged && !e.right),
        false_tags: of(false, |e| e.tagged),
    }
}

pub(crate) fn tag_breakdown(
    events: &[TagEvent],
    groups: &[Group],
    bootstrap: &Bootstrap,
) -> Vec<TagBreakdown> {
    let one = |group: &Group| {
        let events: Vec<TagEvent> = group.rows.iter().filter_map(|i| events.get(*i).copied()).collect();
        let figures = tag_figures(&events, bootstrap);
        TagBreakdown { column: group.column, value: group.value.clone(), figures }
    };
    groups.iter().map(one).collect()
}

/// Numbers for names, in the order they come.
pub(crate) fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> Vec<u32> {
    let mut numbers = std::collections::HashMap::new();
    let mut number = |name| {
        let next = numbers.len() as u32;
        *numbers.entry(name).or_insert(next)
    };
    names.map(&mut number).collect()
}

/// Their place in metrics.json.
pub(crate) fn values(figures: &TagFigures) -> Value {
    json!({
        "found": json::share(&figures.found),
        "mistaken": json::share(&figures.mistaken),
        "false_tags": json::share(&figures.false_tags),
        "found_per_1000": json::per_thousand(&figures.found),
        "false_tags_per_1000": json::per_thousand(&figures.false_tags),
    })
}

/// Breakdowns by column, each an array of values.
pub(crate) fn breakdown_values(breakdowns: &[TagBreakdown]) -> Value {
    let mut columns = Map::new();
    for breakdown in breakdowns {
        let mut row = values(&breakdown.figures);
        row["value"] = json!(breakdown.value);
        if let Value::Array(rows) = columns.entry(breakdown.column).or_insert_with(|| json!([])) {
            rows.push(row);
        }
    }
    Value::Object(columns)
}
