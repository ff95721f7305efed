//! The report of an adaptation, as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use earmark_scoring::{BackEnd, Calibration, Decider, Policy, Priors};

use crate::calibrate::Weighting;
use crate::labelled::{Findings, figures_of};
use crate::material::Material;
use crate::metrics::Figures;
use crate::selection::{self, BANDS};
use crate::trials::{Trial, Trials};
use crate::{AdaptationError, Candidate, Purpose};

/// The list sizes that thresholds are given for.
const LISTS: [usize; 5] = [10, 100, 289, 1000, 10_000];

/// What stands in backend.toml.
pub(crate) fn description(material: &Material, winner: Candidate, weighting: Weighting) -> String {
    let count = |p: Purpose| material.speakers.iter().filter(|s| s.purpose == p).count();
    let learned = count(Purpose::Report) + count(Purpose::Train);
    let calls = (0..material.calls.len()).filter(|c| material.purpose(*c) != Purpose::Test).count();
    format!(
        "Made by earmark adapt from {calls} recordings of {learned} speakers: {winner}, chosen by \
         cross-validation over speakers. Calibrated on trials between speakers that the back end of \
         their fold had not heard ({}). False match curves are of strangers within one collection, \
         cross-validated, measured as far as thirty errors of ten pairs of people go, then by a fitted \
         line on normal-deviate paper.",
        weighting.name()
    )
}

/// The whole report.
pub(crate) fn labelled(f: &Findings<'_>) -> Result<String, AdaptationError> {
    let mut out = String::from("# Adaptation report\n\n");
    material(&mut out, f);
    tried(&mut out, f);
    calibrated(&mut out, f);
    conditions(&mut out, f);
    thresholds(&mut out, f)?;
    Ok(out)
}

fn material(out: &mut String, f: &Findings<'_>) {
    let m = f.material;
    let _ = writeln!(
        out,
        "## Material\n\n| use | speakers | with several sessions | recordings |\n|---|---|---|---|"
    );
    for (purpose, name) in [(Purpose::Report, "report"), (Purpose::Train, "train"), (Purpose::Test, "test")] {
        let own: Vec<_> = m.speakers.iter().filter(|s| s.purpose == purpose).collect();
        let several = own.iter().filter(|s| s.several_sessions).count();
        let calls: usize = own.iter().map(|s| s.calls.len()).sum();
        let _ = writeln!(out, "| {name} | {} | {several} | {calls} |", own.len());
    }
    let who = if f.reported { "report and test" } else { "train, for lack of others" };
    let targets = f.trials.list.iter().filter(|t| t.target).count();
    let _ = writeln!(
        out,
        "\nFigures are of the speakers of use {who}: {targets} target and {} non-target trials. Everything \
         is cross-validated over speakers on both sides of a trial: neither the enrolled speaker nor the \
         caller was in the back end, the cohort or the calibration that scores the trial. The trials share \
         few people: they are far from independent.\n",
        f.trials.list.len() - targets
    );
}

/// Every candidate, by raw scores within each band of speech.
fn tried(out: &mut String, f: &Findings<'_>) {
    let _ = writeln!(
        out,
        "## What was tried\n\nScores as they are, before any calibration; EER in per cent / min DCF(0.01) / \
         min DCF(0.05) / min Cllr in bits, by the measured speech of the call. Chosen is the least cost (mean \
         of min DCF(0.01) and min Cllr over the bands) or, within one standard error of it (jackknife over {} \
         groups of speakers, of the difference), the simplest. These are trials without the speakers of use test, so \
         that nothing shipped follows from them.\n",
        selection::GROUPS
    );
    let bands: Vec<&str> = BANDS.iter().map(|(_, _, name)| *name).collect();
    let _ = writeln!(
        out,
        "| candidate | {} | cost | behind the best, ± one error |\n|---|{}---|---|",
        bands.join(" | "),
        "---|".repeat(BANDS.len())
    );
    let best = (0..f.tried.len()).min_by(|a, b| f.tried[*a].cost.total_cmp(&f.tried[*b].cost)).unwrap_or(0);
    for (at, t) in f.tried.iter().enumerate() {
        let mark = if at == f.chosen { "**" } else { "" };
        let cells: Vec<String> = t.bands.iter().map(|b| raw_cell(b.as_ref())).collect();
        let (behind, error) = (t.cost - f.tried[best].cost, t.error_of_difference(&f.tried[best]));
        let _ = writeln!(
            out,
            "| {mark}{}{mark} | {} | {:.4} | {behind:.4} ± {error:.4} |",
            t.candidate,
            cells.join(" | "),
            t.cost
        );
    }
    let _ = writeln!(
        out,
        "\nChosen: **{}**. The choice was made by these same figures, so they are a little too good.\n",
        f.tried[f.chosen].candidate
    );
}

fn raw_cell(f: Option<&Figures>) -> String {
    f.map_or("few".into(), |f| {
        format!("{:.2} / {:.3} / {:.3} / {:.3}", 100.0 * f.eer, f.min_dcf_01, f.min_dcf_05, f.min_cllr)
    })
}

/// The best of each family, calibrated.
fn calibrated(out: &mut String, f: &Findings<'_>) {
    let _ = writeln!(
        out,
        "## Calibrated\n\nThe best of each family with its condition-aware calibration (weights: {}).\n\n\
         | candidate | speech | targets | non-targets | EER | min DCF(0.01) | actual | min DCF(0.05) | actual | \
         Cllr | min Cllr | difference |\n|---|---|---|---|---|---|---|---|---|---|---|---|",
        f.weighting.name()
    );
    for one in &f.finalists {
        let mark = if one.candidate == f.tried[f.chosen].candidate { "**" } else { "" };
        let bands = BANDS.iter().map(|(_, _, name)| *name).zip(&one.bands);
        for (name, figures) in bands.chain([("all of these", &one.all)]) {
            if let Some(figures) = figures {
                let _ = writeln!(out, "| {mark}{}{mark} | {name} | {}", one.candidate, full_row(figures));
            }
        }
    }
    let _ = writeln!(
        out,
        "\nHow the comparisons of two people are weighted in the fit, for the chosen candidate and the trials it was chosen by (all, and \
         those between people of one set and gender); chosen is the smallest mean difference:\n\n| weights | trials \
         | targets | non-targets | EER | min DCF(0.01) | actual | min DCF(0.05) | actual | Cllr | min Cllr | \
         difference |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for (weighting, all, alike) in &f.weightings {
        let mark = if *weighting == f.weighting { "**" } else { "" };
        let _ = writeln!(out, "| {mark}{}{mark} | all | {}", weighting.name(), full_row(all));
        if let Some(alike) = alike {
            let _ = writeln!(
                out,
                "| {mark}{}{mark} | one set and gender | {}",
                weighting.name(),
                full_row(alike)
            );
        }
    }
    out.push('\n');
}

fn full_row(f: &Figures) -> String {
    format!(
        "{} | {} | {:.2} % | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
        f.targets,
        f.nontargets,
        100.0 * f.eer,
        f.min_dcf_01,
        f.act_dcf_01,
        f.min_dcf_05,
        f.act_dcf_05,
        f.cllr,
        f.min_cllr,
        f.cllr - f.min_cllr
    )
}

/// The chosen one by what the list says of the recordings.
fn conditions(out: &mut String, f: &Findings<'_>) {
    let m = f.material;
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, t) in f.trials.list.iter().enumerate() {
        let caller = &m.speakers[Trials::caller(m, t)];
        let codec = f.codecs.get(Trials::call(m, t)).copied().unwrap_or_default();
        let mut add = |title: &str, value: &str| {
            if !value.is_empty() {
                groups.entry(format!("{title} {value}")).or_default().push(i);
            }
        };
        add("codec", codec);
        add("set", &caller.set);
        add("gender", &caller.gender);
        add("trials within one", if t.very_alike { "set and gender" } else { "" });
        let recordings = f.trials.models[t.model as usize].calls.len();
        add("enrolled from", if recordings == 1 { "1 recording" } else { "2 recordings" });
    }
    let _ = writeln!(
        out,
        "## By condition\n\nThe chosen candidate; trials whose call is of the group.\n\n| group | targets | \
         non-targets | EER | min DCF(0.01) | actual | min DCF(0.05) | actual | Cllr | min Cllr | difference \
         |\n|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for (name, rows) in groups {
        let within = |i: usize, _: &Trial| rows.binary_search(&i).is_ok();
        if let Some(figures) = figures_of(f.trials, f.llrs, within).filter(|g| g.targets >= 20) {
            let _ = writeln!(out, "| {} | {}", cell(&name), full_row(&figures));
        }
    }
    out.push('\n');
}

/// Thresholds for lists, what they find, and what they would have tagged.
fn thresholds(out: &mut String, f: &Findings<'_>) -> Result<(), AdaptationError> {
    // The numbers of the space don't matter to a decider.
    let space = BackEnd::new(f.material.model.clone(), &[1.0], None)?.space().clone();
    let calibration = Calibration::new(space, "", f.fit.clone())?;
    let decider = Decider::new(Policy::default(), Priors::default(), &calibration);
    let _ = writeln!(
        out,
        "## Proxy list\n\nAt most 1 % of callers who are not listed may be tagged, over the whole list; strangers of \
         one set. \"Found\" is the part of true comparisons that reach the threshold.\n\n| listed | LLR needed, one \
         look | {} | LLR needed, live |\n|---|---|{}---|",
        BANDS.map(|(_, _, name)| format!("found, {name}")).join(" | "),
        "---|".repeat(BANDS.len())
    );
    for n in LISTS {
        let (once, live) = (decider.tag_threshold(n), decider.live_tag_threshold(n));
        let found: Vec<String> = (0..BANDS.len() as u8).map(|b| found(f, b, once)).collect();
        let _ = writeln!(out, "| {n} | {once:.1} | {} | {live:.1} |", found.join(" | "));
    }
    let measured = |c: &crate::curves::Curve| match c.measured_to {
        Some(to) => format!(
            "measured up to an LLR of {to}; as far as there are fewer errors, what they can be at most (95 %); \
             beyond that a line on normal-deviate paper of {:.2} standard deviations a nat",
            c.slope
        ),
        None if c.slope > 0.0 => format!(
            "measured nowhere, too few errors: what they can be at most (95 %) stands in, beyond that a line on \
             normal-deviate paper of {:.2} standard deviations a nat",
            c.slope
        ),
        None => "measured nowhere: the bound e^-LLR of every calibrated ratio stands in".to_owned(),
    };
    let _ = writeln!(out, "\nRates at one look: {}.", measured(f.once));
    match f.live {
        Some(live) => {
            let _ = writeln!(out, "Rates at any look of a live call: {}.", measured(live));
        }
        None => out.push_str("No call was listened to look by look: the rates of live calls are those of one look, raised as the base's are.\n"),
    }
    check_list(out, f, &decider);
    Ok(())
}

fn found(f: &Findings<'_>, band: u8, threshold: f64) -> String {
    let seconds = |t: &Trial| Trials::probe_side(f.material, t).net_speech.seconds();
    let own =
        f.trials.list.iter().zip(f.llrs).filter(|(t, _)| t.target && selection::band(seconds(t)) == band);
    let (mut all, mut reach) = (0.0, 0.0);
    for (_, llr) in own {
        all += 1.0;
        reach += f64::from(u8::from(f64::from(*llr) >= threshold));
    }
    if all < 20.0 { "few".into() } else { format!("{:.0} %", 100.0 * reach / all) }
}

/// Every call against a list of one enrollment of each other speaker: how many are tagged wrongly
/// at the threshold for a list of that size.
fn check_list(out: &mut String, f: &Findings<'_>, decider: &Decider) {
    let mut first: BTreeMap<usize, u32> = BTreeMap::new();
    for (i, model) in f.trials.models.iter().enumerate() {
        first.entry(model.speaker).or_insert(i as u32);
    }
    let mut calls: BTreeMap<u32, (f64, usize)> = BTreeMap::new();
    for (t, llr) in f.trials.list.iter().zip(f.llrs) {
        if !t.target && first.get(&f.trials.models[t.model as usize].speaker) == Some(&t.model) {
            let entry = calls.entry(t.column).or_insert((f64::NEG_INFINITY, 0));
            *entry = (entry.0.max(f64::from(*llr)), entry.1 + 1);
        }
    }
    let tagged = calls.values().filter(|(top, n)| *top >= decider.tag_threshold(*n)).count();
    let listed = calls.values().map(|(_, n)| *n).max().unwrap_or(0);
    let (low, high) = wilson(tagged, calls.len());
    let _ = writeln!(
        out,
        "\nChecked on {} calls against lists of up to {listed} of the other speakers (one enrollment each): {tagged} \
         tagged wrongly, {:.2} % [{:.2}, {:.2}], where 1 % was asked for. Longer lists than that are extrapolation, \
         not measurement.",
        calls.len(),
        100.0 * tagged as f64 / calls.len().max(1) as f64,
        100.0 * low,
        100.0 * high
    );
}

/// The 95 % interval of a share (Wilson 1927).
fn wilson(hits: usize, of: usize) -> (f64, f64) {
    let (n, z) = (of.max(1) as f64, 1.959_964);
    let p = hits as f64 / n;
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// Text from a list within a table.
fn cell(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || "|<>&`*_[]".contains(c) { ' ' } else { c }).collect()
}
