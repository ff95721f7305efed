// One call in full: `/calls/<id>`. What happened when, and the numbers behind it.

import { number } from "./curve.js";
import { h, icon } from "./element.js";
import { CallCard } from "./card.js";
import { frame, tellUpdate } from "./frame.js";
import { plot } from "./plot.js";
import { follow, query } from "./stream.js";
import { onLanguage, percent, place, t, words } from "./text.js";

const callId = decodeURIComponent(location.pathname.split("/").at(-1));
const updates = [];
const root = document.getElementById("page");
const glance = h("div", {});
const full = h("section", { class: "full" });
const table = h("section", { class: "full" });
root.append(glance, full, table);
const card = new CallCard(glance, callId);
let line = null;
let due = false;

const showState = frame("call_title", [
  [["1", "2", "3", "4", "5"], "key_outcome", (key) => card.outcome.buttons[Number(key) - 1].focus()],
  [["n"], "key_note", () => card.outcome.note.focus()],
]);

function render() {
  if (due) return;
  due = true;
  setTimeout(() => { due = false; show(); }, 0);
}

function show() {
  showState(card.shownState(line));
  document.title = `${callId} · ${t("call_title")}`;
  full.hidden = updates.length === 0;
  const speakers = [...new Set(updates.map((u) => u.speaker))];
  const width = Math.max(300, Math.min(1100, full.clientWidth - 24));
  full.replaceChildren(h("h2", {}, t("plot_title"), h("span", { class: "tag" }, t("plot_unit"))),
    ...speakers.flatMap((speaker) => [
      speakers.length > 1 ? h("p", {}, t("speaker", { speaker })) : null,
      plot(updates.filter((u) => u.speaker === speaker), width),
    ].filter(Boolean)));
  table.hidden = updates.length === 0;
  table.replaceChildren(h("h2", {}, t("timeline")), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("timeline") }, timeline()));
}

function timeline() {
  const names = ["t_at", "t_speech", "t_verdict", "t_certainty", "t_customer", "t_listed", "t_reasons"];
  return h("table", {},
    h("thead", {}, h("tr", {}, ...names.map((name) => h("th", { scope: "col" }, t(name))))),
    h("tbody", {}, ...updates.map(row)));
}

function row(update, i) {
  const before = updates[i - 1];
  const changed = before?.verdict !== update.verdict || update.final;
  const first = update.proxies[0];
  return h("tr", { class: changed ? "changed" : "" },
    h("td", {}, place(update.call_s)),
    h("td", {}, update.net_speech_s.toFixed(1)),
    h("td", { class: "of", "data-verdict": update.verdict }, icon(update.verdict, "small"), words(update.label)),
    h("td", {}, update.certainty ? percent(update.certainty.probability) : "–"),
    h("td", {}, update.customer_llr === null ? t(`customer_${update.customer}`) : number(update.customer_llr)),
    h("td", {}, first ? `${first.name} ${first.id_tail} ${number(first.llr)}` : "–"),
    h("td", { class: "why" }, changed ? update.reasons.map(words).join("；") : ""));
}

follow(query("/events", { call_id: callId }), {
  endsWithCall: true,
  line: (trouble) => { line = trouble; render(); },
  waiting: render,
  call: (call) => { card.setCall(call); render(); },
  update: (update) => {
    if (updates.some((u) => u.sequence === update.sequence)) return;
    updates.push(update);
    card.add(update);
    render();
    tellUpdate(update);
  },
  outcome: (outcome) => card.setOutcome(outcome),
  transferred: () => { card.transfer(); render(); },
  end: () => { card.end(); render(); },
});
onLanguage(() => { card.relabel(); render(); });
addEventListener("resize", render);
render();
