// One call: `/pop?call_id=...`.

import { CallCard } from "./card.js";
import { frame, tellState, tellUpdate } from "./frame.js";
import { follow, query } from "./stream.js";
import { onLanguage, t, words } from "./text.js";

const callId = new URLSearchParams(location.search).get("call_id") ?? "";
const card = new CallCard(document.getElementById("card"), callId);

const showState = frame("title", [
  [["1", "2", "3", "4", "5"], "key_outcome", (key) => card.outcome.buttons[Number(key) - 1].focus()],
  [["n"], "key_note", () => card.outcome.note.focus()],
]);
let line = null;

function show() {
  showState(card.shownState(line));
  const word = card.latest ? words(card.latest.label) : t(`state_${card.state === "waiting" ? "waiting" : "listening"}`);
  document.title = `${word} · ${t("title")}`;
}

follow(query("/events", { call_id: callId }), {
  endsWithCall: true,
  line: (trouble) => { line = trouble; show(); },
  waiting: () => { show(); tellState(callId, "waiting"); },
  call: (call) => { card.setCall(call); show(); tellState(callId, card.state); },
  update: (update) => { card.add(update); show(); tellUpdate(update); },
  outcome: (outcome) => card.setOutcome(outcome),
  transferred: () => { card.transfer(); show(); tellState(callId, "transferred"); },
  end: () => { card.end(); show(); tellState(callId, "ended"); },
});
onLanguage(() => { card.relabel(); show(); });
show();
