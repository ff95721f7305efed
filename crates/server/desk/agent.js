// An agent's calls: `/desk?agent_id=...`. Each new call pops by itself.

import { CallCard } from "./card.js";
import { h, icon } from "./element.js";
import { frame, tellOutcome, tellState, tellUpdate } from "./frame.js";
import { ask, follow, query } from "./stream.js";
import { clock, onLanguage, t, words } from "./text.js";

const MAX_CARDS = 12;
const agentId = new URLSearchParams(location.search).get("agent_id") ?? "";
const list = document.getElementById("calls");
const place = document.getElementById("card");
const cards = new Map();
let shown = null;
let line = null;
let made = 0;

const showState = frame("agent_title", [
  [["1", "2", "3", "4", "5"], "key_outcome", (key) => current()?.outcome.buttons[Number(key) - 1].focus()],
  [["n"], "key_note", () => current()?.outcome.note.focus()],
  [["ArrowLeft", "ArrowRight"], "key_calls", (key) => step(key === "ArrowLeft" ? -1 : 1)],
]);

const current = () => cards.get(shown);

function card(callId) {
  let found = cards.get(callId);
  if (!found) {
    const root = h("div", { class: "card", id: `call-${made += 1}`, hidden: true });
    found = new CallCard(root, callId);
    cards.set(callId, found);
    place.append(root);
    forget();
  }
  return found;
}

const began = (each) => each.call?.began_ms ?? Infinity;
// The latest begun first.
const ordered = () => [...cards].sort(([, a], [, b]) => began(b) - began(a) || 0);

// The oldest that is not shown makes room.
function forget() {
  for (const [callId, old] of ordered().reverse()) {
    if (cards.size <= MAX_CARDS) return;
    if (callId === shown) continue;
    old.root.remove();
    cards.delete(callId);
  }
}

// A new call comes to the front, unless the agent is writing a note on another.
function pop(callId) {
  const writing = document.activeElement instanceof HTMLTextAreaElement && current()?.root.contains(document.activeElement);
  if (!writing) select(callId);
}

function select(callId) {
  shown = callId;
  for (const [id, each] of cards) each.root.hidden = id !== callId;
  show();
}

function step(by) {
  const ids = ordered().map(([callId]) => callId);
  const next = ids[ids.indexOf(shown) + by];
  if (next !== undefined) select(next);
}

function show() {
  const now = current();
  showState(line ?? now?.state ?? "waiting");
  list.setAttribute("aria-label", t("calls"));
  list.replaceChildren(...ordered().map(([callId, each]) => tab(callId, each)));
  list.hidden = cards.size === 0;
  empty.hidden = cards.size > 0;
  empty.textContent = t("no_calls");
  const word = now?.latest ? words(now.latest.label) : t(now ? "new_call" : "agent_title");
  document.title = now ? `${word} · ${t("agent_title")}` : t("agent_title");
}

function tab(callId, each) {
  const update = each.latest;
  const verdict = update?.verdict ?? "WAITING";
  const who = each.call?.customer_id ?? each.call?.caller_number ?? callId;
  return h("button", {
    type: "button", class: "tab", "data-verdict": verdict, "aria-current": callId === shown ? "true" : "false",
    onclick: () => select(callId),
  }, icon(verdict, "small"), h("span", { class: "when" }, each.call ? clock(each.call.began_ms) : ""),
  h("span", { class: "whom" }, who), h("span", { class: "word" }, update ? words(update.label) : t("new_call")));
}

const empty = h("p", { class: "empty" });
place.before(empty);

// What there was before the page was opened, so that an outcome can still be given.
async function before() {
  const listed = await ask(query("/desk/api/calls", { agent_id: agentId, count: MAX_CARDS }));
  for (const { call } of (listed?.calls ?? []).reverse()) {
    if (cards.has(call.call_id)) continue;
    card(call.call_id).setCall(call);
    load(call.call_id);
  }
  if (shown === null && cards.size > 0) select(ordered()[0][0]);
  else show();
}

// A finished call's evidence takes one reply and no stream.
async function load(callId) {
  const found = await ask(query("/desk/api/call", { call_id: callId }));
  if (!found || !cards.has(callId)) return;
  card(callId).setCall(found.call);
  for (const update of found.updates) card(callId).add(update);
  show();
}

follow(query("/events", { agent_id: agentId }), {
  line: (trouble) => { line = trouble; show(); },
  call: (call) => {
    const fresh = !cards.has(call.call_id);
    card(call.call_id).setCall(call);
    if (fresh) pop(call.call_id);
    show();
    tellState(call.call_id, card(call.call_id).state);
  },
  update: (update) => {
    const fresh = !cards.has(update.call_id);
    card(update.call_id).add(update);
    if (fresh) pop(update.call_id);
    show();
    tellUpdate(update);
  },
  // Only of a call that ended without a last update.
  end: (over) => { cards.get(over.call_id)?.end(); show(); },
  outcome: (outcome) => {
    const known = cards.get(outcome.call_id);
    if (known) known.setOutcome(outcome);
    else tellOutcome(outcome.call_id, outcome);
  },
  transferred: ({ call_id }) => { cards.get(call_id)?.transfer(); show(); tellState(call_id, "transferred"); },
});
onLanguage(() => { for (const each of cards.values()) each.relabel(); show(); });
show();
before();
