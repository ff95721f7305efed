// The page and its host: what the bar shows, the keys, and what the host of a frame is told.

import { h, settings, svg } from "./element.js";
import { currentLanguage, onLanguage, switchLanguage, t } from "./text.js";

// The host's page gets the result only if its origin is on the list; `postMessage` sees to that.
const HOSTS = settings().hosts ?? [];

function tell(message) {
  const host = window.parent !== window ? window.parent : window.opener;
  if (!host) return;
  const above = location.ancestorOrigins;
  for (const origin of HOSTS) {
    // Where the browser says who frames us, the others need not be tried.
    if (host === window.parent && above && above[0] !== origin) continue;
    host.postMessage({ source: "earmark", version: 1, ...message }, origin);
  }
}

export function tellUpdate(update) {
  tell({
    type: "update", call_id: update.call_id, sequence: update.sequence, final: update.final,
    verdict: update.verdict, label: update.label, risk: update.risk,
    probability: update.certainty?.probability ?? null, net_speech_s: update.net_speech_s,
  });
}

// The latest known outcome of each call: a press of a button comes back by the stream as well.
const known = new Map();
const MAX_KNOWN = 200;

// Whether an outcome is news; from now on it is none.
export function knowOutcome(callId, outcome) {
  const before = known.get(callId);
  const same = before && ["at_ms", "outcome", "by", "note"].every((field) => before[field] === outcome[field]);
  if (same || before?.at_ms > outcome.at_ms) return false;
  known.delete(callId);
  known.set(callId, outcome);
  if (known.size > MAX_KNOWN) known.delete(known.keys().next().value);
  return true;
}

export function tellOutcome(callId, outcome) {
  if (!knowOutcome(callId, outcome)) return;
  tell({ type: "outcome", call_id: callId, outcome: outcome.outcome, by: outcome.by, at_ms: outcome.at_ms });
}

export function tellState(callId, state) {
  tell({ type: "state", call_id: callId, state });
}

const KEYS = "earmark.keys";

function keysRemembered() {
  try { return localStorage.getItem(KEYS) !== "off"; } catch { return true; }
}

// The bar above the card. `keys` are the page's own shortcuts: [keys, text, action].
export function frame(titleKey, keys) {
  let state = "waiting";
  let keysOn = keysRemembered();
  const title = h("p", { class: "title" });
  const dot = h("span", { class: "state", role: "status" });
  const language = h("button", { type: "button", class: "plain", onclick: switchLanguage, "aria-keyshortcuts": "L" });
  const help = h("button", { type: "button", class: "plain", "aria-keyshortcuts": "?", onclick: () => sheet.showModal() }, "?");
  const sheet = h("dialog", { class: "sheet" });
  document.getElementById("bar").replaceChildren(mark(), title, dot, language, help, sheet);

  const all = [...keys, [["l"], "key_language", switchLanguage], [["?"], "key_help", () => sheet.showModal()]];

  function relabel() {
    title.textContent = t(titleKey);
    dot.textContent = t(`state_${state}`);
    dot.dataset.state = state;
    language.textContent = t("language");
    language.title = t("language_hint");
    language.lang = currentLanguage() === "zh" ? "en" : "zh-CN";
    help.title = t("help");
    help.setAttribute("aria-label", t("help"));
    const rows = [...all, [["Esc"], "key_escape"]].map(([names, text]) =>
      h("div", { class: "row" }, h("span", {}, ...names.map((n) => h("kbd", {}, n.toUpperCase()))), h("span", {}, t(text))));
    const on = h("input", { type: "checkbox", id: "keys-on", checked: keysOn, onchange: (e) => setKeys(e.target.checked) });
    sheet.setAttribute("aria-label", t("help"));
    sheet.replaceChildren(h("h2", {}, t("help")), ...rows,
      h("p", {}, on, h("label", { for: "keys-on" }, t("keys_on"))),
      h("button", { type: "button", onclick: () => sheet.close() }, t("close")));
  }

  function setKeys(on) {
    keysOn = on;
    try { localStorage.setItem(KEYS, on ? "on" : "off"); } catch { /* this page only */ }
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target instanceof HTMLTextAreaElement) event.target.blur();
    if (!keysOn || sheet.open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement) return;
    const found = all.find(([names]) => names.includes(event.key.length === 1 ? event.key.toLowerCase() : event.key));
    if (!found) return;
    event.preventDefault();
    found[2](event.key);
  });
  onLanguage(relabel);
  relabel();
  return (now) => { state = now; relabel(); };
}

function mark() {
  return svg("svg", { viewBox: "0 0 32 32", class: "mark-logo", "aria-hidden": "true" },
    svg("path", { d: "M7 17h3l2-7 4 14 4-16 3 9h3" }));
}
