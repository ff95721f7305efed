// All calls of the tenant: what is going on, and what today came to.

import { h, icon, svg } from "./element.js";
import { frame } from "./frame.js";
import { OUTCOMES } from "./outcome.js";
import { query } from "./stream.js";
import { clock, onLanguage, percent, t, words } from "./text.js";

const EVERY_MS = 3000;
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
let recent = [];
let wait = EVERY_MS;

const midnight = () => new Date().setHours(0, 0, 0, 0);

async function load() {
  try {
    const asked = [query("/desk/api/overview", { from: midnight() }), query("/desk/api/calls", {})];
    const replies = await Promise.all(asked.map((path) => fetch(path, { cache: "no-store" })));
    if (replies.some((reply) => reply.status === 401 || reply.status === 403)) { showState("expired"); return; }
    if (replies.some((reply) => !reply.ok)) throw new Error("not now");
    [overview, recent] = await Promise.all(replies.map((reply) => reply.json()));
    wait = EVERY_MS;
    showState("current");
    show();
  } catch {
    showState("lost");
    wait = Math.min(wait * 2, 30_000);
  }
  setTimeout(load, document.hidden ? Math.max(wait, 15_000) : wait);
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

// Calls a half hour, those with the tag on top of the others.
function showRate() {
  const steps = new Map();
  for (const step of overview.steps) {
    const found = steps.get(step.from_ms) ?? { all: 0, tagged: 0 };
    found.all += step.calls;
    if (step.verdict === "SUSPECTED_PROXY") found.tagged += step.calls;
    steps.set(step.from_ms, found);
  }
  const width = 480, height = 120, base = height - 18;
  const slots = Math.max(1, Math.ceil((Math.max(overview.from_ms + 86_400_000, overview.now_ms) - overview.from_ms) / overview.step_ms));
  const most = Math.max(4, ...[...steps.values()].map((s) => s.all));
  const slot = width / slots;
  const tall = (n) => (n / most) * (base - 12);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": rateWords(steps) });
  for (const [from, { all, tagged }] of steps) {
    const x = ((from - overview.from_ms) / overview.step_ms) * slot;
    const box = { x: x + 0.5, width: Math.max(1, slot - 1) };
    picture.append(svg("rect", { ...box, y: base - tall(all), height: tall(all), class: "all-calls" }, svg("title", {}, `${clock(from)} ${t("calls_count", { n: all })}`)));
    if (tagged) picture.append(svg("rect", { ...box, y: base - tall(tagged), height: tall(tagged), class: "run", "data-verdict": "SUSPECTED_PROXY" }, svg("title", {}, `${clock(from)} ${t("verdict_SUSPECTED_PROXY")} ${tagged}`)));
  }
  picture.append(svg("line", { x1: 0, x2: width, y1: base, y2: base, class: "zero" }), svg("text", { x: 0, y: 10 }, String(most)));
  for (let hour = 0; hour <= 24; hour += 6) {
    const x = (hour * 3_600_000 / overview.step_ms) * slot;
    picture.append(svg("text", { x: Math.min(x, width), y: height - 4, "text-anchor": hour === 0 ? "start" : hour === 24 ? "end" : "middle" }, `${hour}:00`));
  }
  parts.rate.replaceChildren(h("h2", {}, t("rate"), h("span", { class: "legend" },
    h("span", { class: "key" }, swatch("all-calls"), t("all_calls")),
    h("span", { class: "key" }, swatch("run", "SUSPECTED_PROXY"), t("verdict_SUSPECTED_PROXY")))), picture);
}

function rateWords(steps) {
  const all = [...steps.values()];
  return t("rate_words", { n: all.reduce((a, s) => a + s.all, 0), tagged: all.reduce((a, s) => a + s.tagged, 0) });
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
  const right = reported > 0 ? t("tags_right", { n: tagged[0], all: reported, p: percent(tagged[0] / reported) }) : t("tags_unknown");
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

function showLive() {
  const care = (live) => (live.latest ? VERDICTS.indexOf(live.latest.verdict) : 99);
  const live = [...overview.live].sort((a, b) => care(a) - care(b) || b.call.began_ms - a.call.began_ms);
  const rows = live.map(({ call, latest }) => h("tr", {}, verdictCell(latest?.verdict, latest ? words(latest.label) : t("state_listening")),
    h("td", { class: "number" }, latest?.certainty ? percent(latest.certainty.probability) : "–"),
    h("td", { class: "number" }, latest ? t("seconds", { s: latest.net_speech_s.toFixed(0) }) : "–"), ...cells(call)));
  const table = h("table", {}, columns("t_verdict", "t_certainty", "t_speech", "began", "call", "customer", "number", "agent"), h("tbody", {}, ...rows));
  parts.live.replaceChildren(h("h2", {}, t("live"), h("span", { class: "tag" }, t("live_count", { n: overview.live_count }))),
    live.length ? scrolled(t("live"), table) : h("p", { class: "hint" }, t("no_live")));
}

function showRecent() {
  const done = recent.filter((line) => line.verdict !== null);
  const rows = done.map((line) => h("tr", {}, verdictCell(line.verdict, words(line.label)),
    h("td", { class: "number" }, t("seconds", { s: line.net_speech_s.toFixed(0) })), ...cells(line.call),
    h("td", {}, line.call.outcome ? `${t(line.call.outcome.outcome)} · ${line.call.outcome.by}` : "–")));
  const table = h("table", {}, columns("t_verdict", "t_speech", "began", "call", "customer", "number", "agent", "outcome"), h("tbody", {}, ...rows));
  parts.recent.replaceChildren(h("h2", {}, t("recent")), done.length ? scrolled(t("recent"), table) : h("p", { class: "hint" }, t("no_recent")));
}

onLanguage(show);
load();
