// All calls of the tenant: what is going on, and what today came to.

import { h, icon, svg } from "./element.js";
import { frame } from "./frame.js";
import { OUTCOMES } from "./outcome.js";
import { query } from "./stream.js";
import { clock, onLanguage, percent, t, words } from "./text.js";

const EVERY_MS = 3000;
const FIRST_RECENT = 20;
// As many as the server lists; with more than a screen of them they are asked for less often.
const MOST_RECENT = 1000;
const MANY_RECENT = 80;
const MANY_EVERY = 10;
// In the order of care; the words are the server's where a call brings them, else these keys.
const VERDICTS = [
  "SUSPECTED_PROXY", "MISMATCH", "DOUBTFUL", "MATCH", "INSUFFICIENT_SPEECH", "NOT_ENROLLED", "OPTED_OUT", "NO_CUSTOMER_CLAIMED",
];

const root = document.getElementById("page");
const parts = {};
for (const name of ["today", "rate", "outcomes", "live", "recent"]) parts[name] = h("section", { class: `panel ${name}` });
root.append(h("div", { class: "panels" }, parts.today, parts.rate, parts.outcomes), parts.live, parts.recent);
const showState = frame("supervisor_title", []);
let overview = null;
let recent = { calls: [], more: false };
let wanted = FIRST_RECENT;
let round = 0;
let wait = EVERY_MS;
// What stays while the rest is drawn anew: it may be open, scrolled, or have the focus.
const rateNow = h("div", {});
const rateSummary = h("summary", {});
const rateNumbers = h("div", {});
const rateTable = h("details", { class: "numbers" }, rateSummary, rateNumbers);
parts.rate.append(rateNow, rateTable);
const recentNow = h("div", {});
const more = h("button", { type: "button", class: "next", onclick: showMore });
const moreHint = h("p", { class: "hint" });
parts.recent.append(recentNow, more, moreHint);

const midnight = () => new Date().setHours(0, 0, 0, 0);

// A reply of the server; null where the session is over.
async function reply(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (answer.status === 401 || answer.status === 403) return null;
  if (!answer.ok) throw new Error("not now");
  return answer.json();
}

const recentPath = () => query("/desk/api/calls", { count: wanted });

async function load() {
  try {
    const many = wanted > MANY_RECENT && round++ % MANY_EVERY !== 0;
    const replies = await Promise.all([
      reply(query("/desk/api/overview", { from: midnight() })), many ? recent : reply(recentPath()),
    ]);
    if (replies.includes(null)) { showState("expired"); return; }
    [overview, recent] = replies;
    wait = EVERY_MS;
    showState("current");
    show();
  } catch {
    showState("lost");
    wait = Math.min(wait * 2, 30_000);
  }
  setTimeout(load, document.hidden ? Math.max(wait, 15_000) : wait);
}

async function showMore() {
  wanted = Math.min(wanted * 2, MOST_RECENT);
  const found = await reply(recentPath()).catch(() => null);
  // What did not come now comes with the next round.
  if (found) recent = found;
  show();
}

// Draws a part anew; a link that had the focus has it again, and a table stays where it was scrolled to.
function fill(part, ...nodes) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const { scrollLeft = 0, scrollTop = 0 } = part.querySelector(".scroll") ?? {};
  part.replaceChildren(...nodes.filter((node) => node !== null));
  const region = part.querySelector(".scroll");
  region?.scrollTo(scrollLeft, scrollTop);
  if (!focused) return;
  const link = focused.getAttribute("href");
  const again = link === null ? region : [...part.querySelectorAll("a")].find((a) => a.getAttribute("href") === link);
  (again ?? region)?.focus({ preventScroll: true });
}

function show() {
  if (!overview) return;
  document.title = `${t("supervisor_title")} · ${t("live_count", { n: overview.live_count })}`;
  showToday();
  showRate();
  showOutcomes();
  showLive();
  showRecent();
}

function totals() {
  const count = new Map(VERDICTS.map((verdict) => [verdict, 0]));
  for (const step of overview.steps) {
    if (step.verdict !== null) count.set(step.verdict, (count.get(step.verdict) ?? 0) + step.calls);
  }
  return count;
}

function showToday() {
  const count = totals();
  const all = [...count.values()].reduce((a, b) => a + b, 0);
  const rows = VERDICTS.filter((v, i) => i < 5 || count.get(v) > 0).map((verdict) =>
    h("tr", { "data-verdict": verdict },
      h("th", { scope: "row", class: "of", "data-verdict": verdict }, icon(verdict, "small"), t(`verdict_${verdict}`)),
      h("td", { class: "number" }, String(count.get(verdict))),
      h("td", { class: "number share" }, all ? percentOf(count.get(verdict) / all) : "–"),
      h("td", { class: "bar" }, bar(all ? count.get(verdict) / all : 0, verdict))));
  parts.today.replaceChildren(h("h2", {}, t("today"), h("span", { class: "tag" }, t("calls_count", { n: all }))),
    h("table", {}, h("caption", { class: "unseen" }, t("today")), h("tbody", {}, ...rows)));
}

// A count's share may well be nothing or all, unlike a probability.
const percentOf = (share) => `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`;

function bar(share, verdict) {
  return svg("svg", { viewBox: "0 0 100 8", class: "share-bar", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { x: 0, y: 0, width: Math.round(share * 1000) / 10, height: 8, class: "run", "data-verdict": verdict }));
}

// The finished calls of each half hour, and how many of them have the tag.
function halfHours() {
  const steps = new Map();
  for (const step of overview.steps.filter((step) => step.verdict !== null)) {
    const found = steps.get(step.from_ms) ?? { all: 0, tagged: 0 };
    found.all += step.calls;
    if (step.verdict === "SUSPECTED_PROXY") found.tagged += step.calls;
    steps.set(step.from_ms, found);
  }
  return steps;
}

function showRate() {
  const steps = halfHours();
  const sum = (of) => [...steps.values()].reduce((total, step) => total + of(step), 0);
  const [all, tagged] = [sum((step) => step.all), sum((step) => step.tagged)];
  const figure = all
    ? h("p", { class: "figure" }, h("strong", {}, t("rate_now", { p: percentOf(tagged / all) })), t("rate_of", { n: all, tagged }))
    : h("p", { class: "hint" }, t("rate_none"));
  rateTable.hidden = all === 0;
  rateSummary.textContent = t("rate_table");
  fill(rateNumbers, scrolled(t("rate_table"), rateRows(steps)));
  fill(rateNow, h("h2", {}, t("rate"), h("span", { class: "legend" },
    h("span", { class: "key" }, swatch("all-calls"), t("finished_calls")),
    h("span", { class: "key" }, swatch("run", "SUSPECTED_PROXY"), t("verdict_SUSPECTED_PROXY")))), figure, rateChart(steps));
}

function rateRows(steps) {
  const rows = [...steps].sort(([a], [b]) => b - a).map(([from, { all, tagged }]) => h("tr", {},
    h("th", { scope: "row" }, clock(from)), h("td", { class: "number" }, String(all)),
    h("td", { class: "number" }, String(tagged)), h("td", { class: "number" }, percentOf(tagged / all))));
  const names = ["finished_calls", "verdict_SUSPECTED_PROXY", "rate_share"];
  return h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("from")),
    ...names.map((name) => h("th", { scope: "col", class: "number" }, t(name))))), h("tbody", {}, ...rows));
}

function rateChart(steps) {
  const width = 480, height = 120, base = height - 18;
  const slots = Math.max(1, Math.ceil((Math.max(overview.from_ms + 86_400_000, overview.now_ms) - overview.from_ms) / overview.step_ms));
  const most = Math.max(4, ...[...steps.values()].map((s) => s.all));
  const slot = width / slots;
  const tall = (n) => (n / most) * (base - 12);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": t("rate_chart") });
  for (const [from, { all, tagged }] of steps) {
    const x = ((from - overview.from_ms) / overview.step_ms) * slot;
    const box = { x: x + 0.5, width: Math.max(1, slot - 1) };
    picture.append(svg("rect", { ...box, y: base - tall(all), height: tall(all), class: "all-calls" }));
    if (tagged) picture.append(svg("rect", { ...box, y: base - tall(tagged), height: tall(tagged), class: "run", "data-verdict": "SUSPECTED_PROXY" }));
  }
  picture.append(svg("line", { x1: 0, x2: width, y1: base, y2: base, class: "zero" }), svg("text", { x: 0, y: 10 }, String(most)));
  for (let hour = 0; hour <= 24; hour += 6) {
    const x = (hour * 3_600_000 / overview.step_ms) * slot;
    picture.append(svg("text", { x: Math.min(x, width), y: height - 4, "text-anchor": hour === 0 ? "start" : hour === 24 ? "end" : "middle" }, `${hour}:00`));
  }
  return picture;
}

function swatch(name, verdict) {
  return svg("svg", { viewBox: "0 0 10 10", class: "swatch", "aria-hidden": "true" },
    svg("rect", { width: 10, height: 10, class: name, "data-verdict": verdict }));
}

function showOutcomes() {
  const of = (verdict, outcome) => overview.outcomes
    .filter((o) => (verdict === null || o.verdict === verdict) && o.outcome === outcome)
    .reduce((sum, o) => sum + o.calls, 0);
  const tagged = OUTCOMES.map((o) => of("SUSPECTED_PROXY", o));
  const reported = tagged.reduce((a, b) => a + b, 0) - tagged[4];
  const rows = OUTCOMES.map((outcome, i) => h("tr", {},
    h("th", { scope: "row" }, t(outcome)), h("td", { class: "number" }, String(tagged[i])), h("td", { class: "number" }, String(of(null, outcome)))));
  const right = reported > 0 ? t("tags_right", { n: tagged[0], all: reported, p: percentOf(tagged[0] / reported) }) : t("tags_unknown");
  parts.outcomes.replaceChildren(h("h2", {}, t("outcomes")),
    h("table", {}, h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col", class: "number" }, t("verdict_SUSPECTED_PROXY")), h("th", { scope: "col", class: "number" }, t("all_calls")))),
      h("tbody", {}, ...rows)), h("p", { class: "hint" }, right));
}

const callLink = (call) => h("a", { href: query(`/calls/${encodeURIComponent(call.call_id)}`, {}) }, call.call_id);

function cells(call) {
  return [h("td", {}, clock(call.began_ms)), h("td", {}, callLink(call)), h("td", {}, call.customer_id ?? "–"),
    h("td", {}, call.caller_number ?? "–"), h("td", {}, call.agent_id ?? "–")];
}

function verdictCell(verdict, label) {
  return h("td", { class: "of", "data-verdict": verdict ?? "WAITING" }, icon(verdict ?? "WAITING", "small"), label);
}

const NUMBERS = new Set(["t_speech", "t_certainty"]);
const columns = (...names) => h("thead", {}, h("tr", {}, ...names.map((name) =>
  h("th", { scope: "col", class: NUMBERS.has(name) ? "number" : null }, t(name)))));

function scrolled(label, table) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
}

// In the server's order: those that need care first.
function showLive() {
  const { live, live_count: count } = overview;
  const rows = live.map(({ call, latest }) => h("tr", {}, verdictCell(latest?.verdict, latest ? words(latest.label) : t("state_listening")),
    h("td", { class: "number" }, latest?.certainty ? percent(latest.certainty.probability) : "–"),
    h("td", { class: "number" }, latest ? t("seconds", { s: latest.net_speech_s.toFixed(0) }) : "–"), ...cells(call)));
  const table = h("table", {}, columns("t_verdict", "t_certainty", "t_speech", "began", "call", "customer", "number", "agent"), h("tbody", {}, ...rows));
  const cut = count > live.length ? h("span", { class: "tag" }, t("live_first", { n: live.length })) : null;
  fill(parts.live, h("h2", {}, t("live"), h("span", { class: "tag" }, t("live_count", { n: count })), cut),
    live.length ? scrolled(t("live"), table) : h("p", { class: "hint" }, t("no_live")));
}

function showRecent() {
  const rows = recent.calls.map((line) => h("tr", {}, verdictCell(line.verdict, line.label ? words(line.label) : t("none")),
    h("td", { class: "number" }, t("seconds", { s: line.net_speech_s.toFixed(0) })), ...cells(line.call),
    h("td", {}, line.call.outcome ? `${t(line.call.outcome.outcome)} · ${line.call.outcome.by}` : "–")));
  const table = h("table", {}, columns("t_verdict", "t_speech", "began", "call", "customer", "number", "agent", "outcome"), h("tbody", {}, ...rows));
  const all = recent.calls.length >= MOST_RECENT;
  more.textContent = t("more");
  more.hidden = !recent.more || all;
  moreHint.textContent = t("more_elsewhere");
  moreHint.hidden = !recent.more || !all;
  fill(recentNow, h("h2", {}, t("recent")), rows.length ? scrolled(t("recent"), table) : h("p", { class: "hint" }, t("no_recent")));
}

onLanguage(show);
load();
