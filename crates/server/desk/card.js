// One call at a glance. The verdict first; everything else in the order in which it is needed.

import { curve, lines, number } from "./curve.js";
import { h, icon, settings, svg } from "./element.js";
import { outcomeForm } from "./outcome.js";
import { knowOutcome, tellOutcome } from "./frame.js";
import { ask, query } from "./stream.js";
import { clock, percent, place, t, words } from "./text.js";

const LEAST_S = settings().least_speech_s ?? 3;
// Verdicts that more speech may still change for the better.
const OPEN = new Set(["INSUFFICIENT_SPEECH", "DOUBTFUL"]);

// What a card without evidence says.
const UNDECIDED = { waiting: "waiting", ended: "state_ended", transferred: "state_transferred" };

export class CallCard {
  constructor(root, callId) {
    this.root = root;
    this.callId = callId;
    this.call = null;
    this.updates = [];
    this.state = "waiting";
    this.history = new Map();
    this.said = "";
    this.due = false;
    this.build();
    this.show();
  }

  build() {
    const section = (name) => h("section", { class: name });
    this.parts = {};
    for (const name of ["verdict", "more", "action", "listed", "script", "evidence", "reasons", "excerpts", "facts"]) {
      this.parts[name] = section(name);
    }
    // Read out when it changes, and only then.
    this.live = h("p", { class: "unseen", role: "status", "aria-live": "assertive", "aria-atomic": "true" });
    this.outcome = outcomeForm(this);
    const { verdict, more, action, listed, script, evidence, reasons, excerpts, facts } = this.parts;
    this.root.replaceChildren(this.live, verdict,
      h("div", { class: "columns" },
        h("div", { class: "column" }, more, action, listed, script, this.outcome.root),
        h("div", { class: "column" }, evidence, reasons, excerpts, facts)));
  }

  get latest() { return this.updates.at(-1) ?? null; }

  setCall(call) {
    const first = this.call === null;
    this.call = call;
    this.callId = call.call_id;
    if (this.state === "waiting" || this.state === "transferred") this.state = this.latest ? "live" : "listening";
    if (call.outcome) {
      // What was found out before the page was opened is no news to its host.
      if (first) knowOutcome(call.call_id, call.outcome);
      this.setOutcome(call.outcome);
    }
    if (call.ended_ms !== null) this.state = "ended";
    this.render();
  }

  add(update) {
    if (this.latest && update.sequence <= this.latest.sequence) return;
    // Evidence that began anew is another curve.
    if (this.latest && update.speaker !== this.latest.speaker) this.updates = [];
    this.updates.push(update);
    if (update.final) this.state = "ended";
    else if (this.state !== "ended" && this.state !== "transferred") this.state = "live";
    this.render();
  }

  setOutcome(outcome) {
    this.outcome.show(outcome);
    tellOutcome(this.callId, outcome);
  }

  end() { this.state = "ended"; this.render(); }

  // The call is another agent's now: nothing more comes, and nothing is to be done about it here.
  transfer() { this.state = "transferred"; this.render(); }

  // What the bar says, if `line` is what is wrong with the line.
  shownState(line) {
    const over = this.state === "ended" || this.state === "transferred";
    return over && line !== "expired" ? this.state : line ?? this.state;
  }

  relabel() { this.outcome.relabel(); this.render(); }

  // Many updates may come at once, when a page joins a long call: they are shown once.
  render() {
    if (this.due) return;
    this.due = true;
    const later = document.hidden ? (show) => setTimeout(show, 0) : requestAnimationFrame;
    later(() => { this.due = false; this.show(); });
  }

  show() {
    this.renderVerdict();
    this.renderMore();
    this.renderAction();
    this.renderListed();
    this.renderScript();
    this.renderEvidence();
    this.renderReasons();
    this.renderExcerpts();
    this.renderFacts();
    this.outcome.root.hidden = this.state === "transferred";
  }

  renderVerdict() {
    const update = this.latest;
    const verdict = update?.verdict ?? (this.state === "waiting" ? "WAITING" : "LISTENING");
    const word = update ? words(update.label) : t(UNDECIDED[this.state] ?? "listening");
    const basis = update ? [this.certainty(update)] : [h("span", {}, this.hint())];
    const part = this.parts.verdict;
    part.dataset.verdict = verdict;
    part.replaceChildren(
      icon(update ? verdict : "WAITING"),
      h("div", { class: "words" },
        h("h1", { class: word.length > 5 ? "long" : "" }, word),
        h("p", { class: "certainty" }, ...basis)));
    this.announce(update ? `${word}，${part.querySelector(".certainty").textContent}` : word, verdict);
  }

  // The verdict is read out once, not with every second of speech.
  announce(text, verdict) {
    const said = `${verdict} ${document.documentElement.lang}`;
    if (said === this.said) return;
    this.said = said;
    this.live.textContent = text;
  }

  hint() {
    if (this.state === "waiting") return t("waiting_detail");
    return UNDECIDED[this.state] ? "" : t("listening_detail", { least: LEAST_S });
  }

  certainty(update) {
    const basis = t("basis", { speech: update.net_speech_s.toFixed(1) });
    if (!update.certainty) return h("span", {}, basis);
    const { of, probability } = update.certainty;
    const open = update.verdict === "DOUBTFUL";
    return h("span", {},
      h("strong", {}, open ? t("sure_1") : t(`sure_${level(probability)}`)), " · ",
      `${t(`of_${of}`)} ${percent(probability)}`, " · ", basis);
  }

  renderMore() {
    const update = this.latest;
    const part = this.parts.more;
    const open = (this.state === "listening" || this.state === "live") && (!update || OPEN.has(update.verdict));
    part.hidden = !open;
    if (!open) return;
    const speech = update?.net_speech_s ?? 0;
    const meter = speech < LEAST_S
      ? [h("meter", { min: 0, max: LEAST_S, value: speech, "aria-label": t("say_more") }),
         h("p", {}, t("speech_so_far", { speech: speech.toFixed(1), least: LEAST_S }))]
      : [];
    part.replaceChildren(h("h2", {}, t("say_more")), h("p", {}, t("say_more_detail")), ...meter);
  }

  renderAction() {
    const update = this.latest;
    const part = this.parts.action;
    const gone = this.state === "transferred";
    part.hidden = !update && !gone;
    if (part.hidden) return;
    const notices = [h("p", { class: "what" }, gone ? t("transferred_detail") : words(update.action))];
    if (update?.speaker > 1) notices.push(h("p", { class: "note" }, t("speaker_changed", { speaker: update.speaker })));
    part.replaceChildren(...notices);
  }

  renderScript() {
    const update = this.latest;
    const lines = update && this.state !== "transferred" ? script(update.verdict, this.call?.scene) : [];
    const part = this.parts.script;
    part.hidden = lines.length === 0;
    const items = lines.map((line) => h("li", {}, line));
    part.replaceChildren(h("h2", {}, t("script"), this.sceneTag()), h("ol", {}, ...items));
  }

  sceneTag() {
    const scene = sceneName(this.call?.scene);
    return scene ? h("span", { class: "tag" }, scene) : null;
  }

  renderListed() {
    const update = this.latest;
    const first = update?.proxies[0];
    const part = this.parts.listed;
    const shown = first && (update.verdict === "SUSPECTED_PROXY" || first.probability >= 0.05);
    part.hidden = !shown;
    if (!shown) return;
    part.dataset.tagged = String(update.verdict === "SUSPECTED_PROXY");
    part.replaceChildren(
      h("h2", {}, t("listed")),
      h("p", { class: "who" },
        h("strong", {}, first.name), h("span", {}, t("listed_tail", { tail: first.id_tail })),
        h("span", { class: "end" }, t("listed_probability", { p: percent(first.probability) }))),
      this.historyOf(first));
  }

  // Fetched once for each proxy that came first; it says itself when it is there.
  historyOf(first) {
    const line = h("p", { class: "history" });
    const known = this.history.get(first.id_tail + first.name);
    if (known) line.replaceChildren(...historyWords(known));
    else if (known === undefined) this.fetchHistory(first);
    return line;
  }

  async fetchHistory(first) {
    const key = first.id_tail + first.name;
    this.history.set(key, null);
    const found = await ask(query("/desk/api/history", { call_id: this.callId, sequence: this.latest.sequence }));
    if (!found) return;
    this.history.set(key, found);
    this.renderListed();
  }

  renderEvidence() {
    const part = this.parts.evidence;
    const scored = this.updates.filter((u) => lines().some(([, value]) => value(u) !== null));
    part.hidden = scored.length === 0;
    if (part.hidden) return;
    const last = this.latest;
    const legend = lines()
      .filter(([, value]) => value(last) !== null)
      .map(([name, value]) => h("span", { class: `key ${name}` }, sample(name), t(`evidence_${name}`), " ",
        h("b", {}, number(value(last)))));
    part.replaceChildren(h("h2", {}, t("evidence"), h("span", { class: "legend" }, ...legend)), curve(this.updates));
  }

  renderReasons() {
    const reasons = this.latest?.reasons ?? [];
    const part = this.parts.reasons;
    part.hidden = reasons.length === 0;
    part.replaceChildren(h("h2", {}, t("reasons")), h("ul", {}, ...reasons.map((r) => h("li", {}, words(r)))));
  }

  renderExcerpts() {
    const excerpts = this.latest?.excerpts ?? [];
    const part = this.parts.excerpts;
    part.hidden = excerpts.length === 0;
    const times = excerpts.map((e) => h("li", {}, `${place(e.start_s)}–${place(e.end_s)}`));
    part.replaceChildren(h("h2", {}, t("excerpts")), h("ul", { class: "times" }, ...times));
  }

  renderFacts() {
    const call = this.call;
    const rows = [
      ["customer", call?.customer_id], ["number", call?.caller_number], ["agent", call?.agent_id],
      ["scene", sceneName(call?.scene)], ["call", this.callId], ["began", call ? clock(call.began_ms) : null],
    ];
    const shown = rows.filter(([name, value]) => value || name === "customer");
    const cells = shown.flatMap(([name, value]) => [h("dt", {}, t(name)), h("dd", {}, value ?? t("unknown"))]);
    this.parts.facts.replaceChildren(h("h2", {}, t("facts")), h("dl", {}, ...cells));
  }
}

function level(p) {
  if (p >= 0.99) return 5;
  if (p >= 0.95) return 4;
  if (p >= 0.8) return 3;
  return p >= 0.6 ? 2 : 1;
}

function sample(name) {
  return svg("svg", { viewBox: "0 0 20 8", class: "sample", "aria-hidden": "true" },
    svg("line", { x1: 0, x2: 20, y1: 4, y2: 4, class: `line ${name}` }));
}

function historyWords(history) {
  if (history.calls === 0) return [t("history_none")];
  const parts = [t("history", history), t("history_seen", { last: clock(history.last_seen_ms) })];
  if (history.confirmed + history.cleared > 0) parts.push(t("history_found", history));
  return parts.map((part) => h("span", {}, part));
}

export function sceneName(scene) {
  if (!scene) return null;
  const known = settings().scenes?.find((s) => s.id === scene);
  return known ? words(known) : scene;
}

// The texts for a verdict in a scene: the scene's own, else those for any scene.
function script(verdict, scene) {
  const own = (settings().scripts ?? []).filter((s) => s.tag === verdict);
  const found = own.find((s) => s.scene === scene) ?? own.find((s) => !s.scene);
  return found ? words(found) : [];
}
