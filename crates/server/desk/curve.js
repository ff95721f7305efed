// The evidence as it grows: log-likelihood ratios over seconds of speech.

import { svg } from "./element.js";
import { t } from "./text.js";

// Little evidence looks little: the scale never spans less, in nats.
const LEAST_SCALE = 6;
const round = (n) => Math.round(n * 10) / 10;

// A small picture without axes; the words beside it say the numbers.
export function curve(updates, size = { width: 320, height: 56 }) {
  const { width, height } = size;
  const right = 6;
  const end = Math.max(10, ...updates.map((u) => u.net_speech_s));
  const x = (s) => round(2 + (s / end) * (width - right - 4));
  const values = updates.flatMap((u) => lines().map(([, value]) => Math.abs(value(u) ?? 0)));
  const most = Math.max(LEAST_SCALE, ...values);
  const y = (llr) => round(height / 2 - (llr / most) * (height / 2 - 5));
  const picture = svg("svg", {
    viewBox: `0 0 ${width} ${height}`, class: "curve", role: "img", "aria-label": summary(updates),
  });
  picture.append(svg("line", { x1: 2, x2: width - right, y1: y(0), y2: y(0), class: "zero" }));
  for (const [name, value] of lines()) {
    const points = thinned(updates.filter((u) => value(u) !== null)).map((u) => [x(u.net_speech_s), y(value(u))]);
    if (points.length === 0) continue;
    picture.append(svg("polyline", { points: points.map((p) => p.join(",")).join(" "), class: `line ${name}` }));
    const [lx, ly] = points.at(-1);
    picture.append(svg("circle", { cx: lx, cy: ly, r: 3, class: `dot ${name}` }));
  }
  return picture;
}

// A picture some hundred points wide needs no more of them; the last one always stays.
function thinned(points) {
  const step = Math.ceil(points.length / 300);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}

export function lines() {
  return [
    ["customer", (u) => u.customer_llr],
    ["listed", (u) => u.proxies[0]?.llr ?? null],
  ];
}

export function number(llr) {
  return llr === null || llr === undefined ? t("none") : `${llr > 0 ? "+" : ""}${llr.toFixed(1)}`;
}

function summary(updates) {
  const last = updates.at(-1);
  return t("evidence_summary", {
    speech: last?.net_speech_s.toFixed(0) ?? "0",
    customer: number(last?.customer_llr),
    listed: number(last?.proxies[0]?.llr),
  });
}
