// A call's evidence in full: log-likelihood ratios over seconds of speech, with the verdict below.

import { number, lines } from "./curve.js";
import { svg } from "./element.js";
import { t, words } from "./text.js";

const LEFT = 40;
const TOP = 8;
const BOTTOM = 44;

// `updates` are of one speaker; `width` is what the page has room for.
export function plot(updates, width, height = 260) {
  const values = updates.flatMap((u) => lines().map(([, value]) => value(u))).filter((v) => v !== null);
  const most = Math.max(5, ...values.map((v) => Math.abs(v))) * 1.08;
  const end = Math.max(5, ...updates.map((u) => u.net_speech_s));
  const x = (s) => LEFT + (s / end) * (width - LEFT - 8);
  const y = (v) => TOP + (1 - (v / most + 1) / 2) * (height - TOP - BOTTOM);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": t("plot_label") });
  picture.append(...grid(most, end, x, y, width, height));
  for (const [name, value] of lines()) {
    const points = updates.filter((u) => value(u) !== null);
    if (points.length === 0) continue;
    const path = points.map((u) => `${x(u.net_speech_s).toFixed(1)},${y(value(u)).toFixed(1)}`).join(" ");
    picture.append(svg("polyline", { points: path, class: `line ${name}` }));
    for (const u of points.length > 120 ? points.slice(-1) : points) {
      picture.append(svg("circle", { cx: x(u.net_speech_s), cy: y(value(u)), r: 2.5, class: `dot ${name}` },
        svg("title", {}, `${u.net_speech_s.toFixed(1)} s: ${t(`evidence_${name}`)} ${number(value(u))}`)));
    }
  }
  picture.append(...band(updates, x, height));
  return picture;
}

function grid(most, end, x, y, width, height) {
  const parts = [];
  const step = most > 12 ? 10 : most > 6 ? 5 : 2;
  for (let v = -Math.floor(most / step) * step; v <= most; v += step) {
    parts.push(svg("line", { x1: LEFT, x2: width - 8, y1: y(v), y2: y(v), class: v === 0 ? "zero" : "grid" }),
      svg("text", { x: LEFT - 6, y: y(v) + 4, "text-anchor": "end" }, v > 0 ? `+${v}` : String(v)));
  }
  const every = Math.max(5, Math.ceil(end / 10 / 5) * 5);
  for (let s = 0; s <= end; s += every) {
    parts.push(svg("text", { x: x(s), y: height - BOTTOM + 16, "text-anchor": "middle" }, String(s)));
  }
  parts.push(svg("text", { x: width - 8, y: height - 2, "text-anchor": "end" }, t("evidence_axis")));
  return parts;
}

// One bar under the axis says which verdict stood when; its words are in the table below.
function band(updates, x, height) {
  const runs = [];
  for (const update of updates) {
    const last = runs.at(-1);
    if (last?.verdict === update.verdict) last.to = update.net_speech_s;
    else runs.push({ verdict: update.verdict, label: words(update.label), from: last?.to ?? update.net_speech_s, to: update.net_speech_s });
  }
  return runs.map((run) => svg("rect", {
    x: x(run.from), width: Math.max(3, x(run.to) - x(run.from)), y: height - BOTTOM + 21, height: 8, class: "run", "data-verdict": run.verdict,
  }, svg("title", {}, run.label)));
}
