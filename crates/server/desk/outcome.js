// What the agent found out about a call: one press, with a note, safe to press twice.

import { h } from "./element.js";
import { tellOutcome } from "./frame.js";
import { query } from "./stream.js";
import { clock, t } from "./text.js";

export const OUTCOMES = [
  "CONFIRMED_PROXY", "GENUINE_CUSTOMER", "AUTHORIZED_THIRD_PARTY", "OTHER_PERSON", "UNDETERMINED",
];
const MAX_NOTE = 2000;
// A page may hold many cards, and a label belongs to one field.
let made = 0;

export function outcomeForm(card) {
  const own = made += 1;
  const title = h("h2", { id: `outcome-title-${own}` });
  const hint = h("p", { class: "hint" });
  const buttons = OUTCOMES.map((outcome, i) =>
    h("button", { type: "button", class: "choice", "data-outcome": outcome, "aria-pressed": "false",
      "aria-keyshortcuts": String(i + 1), onclick: () => send(outcome) },
      h("kbd", { "aria-hidden": "true" }, String(i + 1)), h("span", {})));
  const note = h("textarea", { id: `note-${own}`, rows: 1, maxlength: MAX_NOTE, "aria-keyshortcuts": "N" });
  const label = h("label", { for: `note-${own}` });
  const status = h("p", { class: "status", role: "status", "aria-live": "polite" });
  const root = h("section", { class: "outcome", "aria-labelledby": title.id },
    title, hint, h("div", { class: "choices", role: "group", "aria-labelledby": title.id }, ...buttons),
    label, note, status);
  let recorded = null;
  let busy = false;

  async function send(outcome) {
    if (busy || !card.call) return;
    busy = true;
    say("saving", t("saving"));
    for (const button of buttons) button.setAttribute("aria-disabled", "true");
    try {
      const reply = await fetch(query("/desk/api/outcome", {}), {
        method: "POST",
        headers: { "content-type": "application/json", "x-earmark-desk": "1" },
        body: JSON.stringify({ call_id: card.callId, outcome, note: note.value.trim() }),
      });
      const answer = await reply.json().catch(() => ({}));
      if (!reply.ok) throw new Error(answer.problem ?? String(reply.status));
      show(answer);
      tellOutcome(card.callId, answer);
    } catch (error) {
      say("failed", t("not_saved", { why: error instanceof TypeError ? t("offline") : error.message }));
    } finally {
      busy = false;
      for (const button of buttons) button.removeAttribute("aria-disabled");
    }
  }

  function say(kind, text) {
    status.dataset.kind = kind;
    status.textContent = text;
  }

  function show(outcome) {
    recorded = outcome;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.outcome === outcome.outcome));
    }
    if (outcome.note && note.value.trim() === "") note.value = outcome.note;
    say("saved", t("saved", { outcome: t(outcome.outcome), by: outcome.by, at: clock(outcome.at_ms) }));
  }

  function relabel() {
    title.textContent = t("outcome");
    hint.textContent = t("outcome_hint");
    label.textContent = t("note");
    note.placeholder = t("note_hint");
    for (const button of buttons) button.querySelector("span").textContent = t(button.dataset.outcome);
    if (recorded) show(recorded);
  }

  relabel();
  return { root, show, relabel, buttons, note };
}
