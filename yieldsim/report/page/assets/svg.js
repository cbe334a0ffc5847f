// Drawing: elements, scales, axes, legends and the box of figures beside the pointer.

const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes = {}, text = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  return element;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// An empty drawing of a chart, as wide as its place, with a description in words.
function drawing(place, height, words) {
  const width = Math.max(280, Math.round(place.clientWidth || 640));
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
  place.replaceChildren(svg);
  return { svg, width, height };
}

// Round steps from low to high, about `count` of them.
function ticks(low, high, count) {
  const span = high - low || 1;
  const raw = span / count;
  const size = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * size).find((s) => s >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * span; i++) found.push(i * step);
  return found;
}

function scale(low, high, from, to) {
  const span = high - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

// The width of a text in the charts' type, near enough for margins.
const textWidth = (text, size = 12) => 0.56 * size * text.length;

// The middle of a text that keeps inside the drawing, in the widest of usual fonts.
const within = (at, text, width) => {
  const half = 0.6 * textWidth(text);
  return Math.max(half, Math.min(width - half, at));
};

function clipped(text, width) {
  const most = Math.max(4, Math.floor(width / textWidth("x")));
  return text.length <= most ? text : text.slice(0, most - 1).trimEnd() + "…";
}

function legend(place, entries) {
  const list = element("ul", { class: "legend" });
  for (const [words, draw] of entries) {
    const swatch = shape("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" });
    swatch.append(draw());
    list.append(element("li", {}, swatch, words));
  }
  place.append(list);
}

const box = (fill, opacity = 1) => () => shape("rect", { x: 0, y: 1, width: 26, height: 10, fill, opacity });
const stroke = (color, dash = "none", width = 2.5) => () =>
  shape("line", { x1: 0, x2: 26, y1: 6, y2: 6, stroke: color, "stroke-width": width, "stroke-dasharray": dash });

function diamond(x, y, size, fill) {
  const points = `${x},${y - size} ${x + size},${y} ${x},${y + size} ${x - size},${y}`;
  return shape("polygon", { points, fill, stroke: "var(--paper)", "stroke-width": 1 });
}

// A box of figures that follows the pointer inside a chart.
function tipOf(place) {
  const tip = element("div", { class: "tip", hidden: "", "aria-hidden": "true" });
  place.append(tip);
  return {
    show(text, x, y) {
      tip.textContent = text;
      tip.hidden = false;
      const most = place.clientWidth - tip.offsetWidth - 4;
      tip.style.left = `${Math.max(0, Math.min(most, x + 14))}px`;
      tip.style.top = `${Math.max(0, y - tip.offsetHeight / 2)}px`;
    },
    hide() {
      tip.hidden = true;
    },
  };
}

// Grid lines and labels of a vertical axis of amounts from zero or below.
function amounts(svg, y, low, high, left, right) {
  for (const tick of ticks(low, high, 5)) {
    const at = y(tick);
    svg.append(shape("line", { x1: left, x2: right, y1: at, y2: at, stroke: "var(--line)", "stroke-width": tick === 0 ? 1.2 : 0.6 }));
    svg.append(shape("text", { x: left - 6, y: at + 4, "text-anchor": "end" }, short(tick)));
  }
}

// Labels of periods: all if there is room, else those that begin a year.
function periodLabels(svg, periods, x, y, width) {
  const each = width / periods.length;
  const all = each > textWidth(periods[0]) + 8;
  const years = each * 4 > textWidth("2024") + 8 ? 1 : 2;
  periods.forEach((label, p) => {
    const begins = label.endsWith("Q1");
    const shown = all || (begins && (Number(label.slice(0, 4)) % years === 0 || periods.length < 9));
    if (shown) svg.append(shape("text", { x: x(p), y, "text-anchor": "middle" }, all ? label : label.slice(0, 4)));
  });
}
