// Elements without a framework: nothing here ever reads markup from a text.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// One shape a verdict, so that none needs its color to be told apart.
const SHAPES = {
  MATCH: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Z", "M7 12.5l3.3 3.3L17 9"],
  DOUBTFUL: ["M12 1.5 22.5 12 12 22.5 1.5 12Z", "M9.6 9.6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.2.9-1.2 1.7v.3M12 16.6v.2"],
  MISMATCH: ["M3 3h18v18H3Z", "M7 10h10M7 14h10M14.5 7l-5 10"],
  SUSPECTED_PROXY: ["M12 2 23 21H1Z", "M12 9v5.5M12 17.6v.2"],
  INSUFFICIENT_SPEECH: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Z", "M7.5 11v2M10.5 9v6M13.5 10.5v3M16.5 11.5v1"],
  OTHER: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Z", "M7.5 12h9"],
  WAITING: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Z", "M7.5 12v.2M12 12v.2M16.5 12v.2"],
};

export function icon(verdict, className = "icon") {
  const [outline, mark] = SHAPES[verdict] ?? SHAPES.OTHER;
  return svg("svg", { viewBox: "0 0 24 24", class: className, "aria-hidden": "true", focusable: "false" },
    svg("path", { d: outline, class: "outline" }),
    svg("path", { d: mark, class: "mark" }));
}

// What the server put into the page.
export function settings() {
  const text = document.getElementById("settings")?.textContent ?? "";
  try { return JSON.parse(text); } catch { return {}; }
}
