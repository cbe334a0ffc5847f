// The fan chart: bands and median by period, with quantiles under the pointer and by arrow keys.

const QUANTILES = [["p90", "P90"], ["p75", "P75"], ["p50", "P50"], ["p25", "P25"], ["p10", "P10"]];
const cursor = { period: null };

function fanWords(label, own, weighted) {
  const lines = QUANTILES.map(([key, name]) => `${name}  ${cellText("count", own[key])}`);
  return `${label}${weighted ? ", reweighted" : ""}\n${lines.join("\n")}`;
}

function path(xs, ys) {
  return xs.map((x, i) => `${i ? "L" : "M"}${x.toFixed(1)},${ys[i].toFixed(1)}`).join("");
}

function band(xs, low, high, attributes) {
  const back = [...xs].reverse();
  const d = path(xs, high) + path(back, [...low].reverse()).replace("M", "L") + "Z";
  return shape("path", { d, ...attributes });
}

function outlookShade(svg, periods, x, top, bottom, right) {
  const first = DATA.outlookFrom;
  const place = first === null ? -1 : periods.findIndex((p) => p >= (p.length === 4 ? first.slice(0, 4) : first));
  if (place < 0) return;
  const left = place === 0 ? x(0) : (x(place) + x(place - 1)) / 2;
  svg.append(shape("rect", { x: left, y: top, width: right - left, height: bottom - top, fill: "var(--shade)" }));
  svg.append(shape("text", { x: left + 5, y: top + 14, class: "pale" }, "outlook"));
}

// `own` are the figures of all realizations, `weighted` those of the sliders or null.
function drawFan(place, choice, own, weighted) {
  const periods = fans[choice.period].periods;
  const shown = weighted || own;
  const title = `${DATA.titles.product[choice.product]}, ${DATA.titles.scenario[choice.scenario]}`;
  const slider = element("div", {
    role: "slider", tabindex: "0", "aria-label": `Usable chips by ${choice.period}, ${title}`,
    "aria-valuemin": 0, "aria-valuemax": periods.length - 1, class: "plot",
  });
  place.replaceChildren(slider);
  const { svg, width, height } = drawing(slider, 340, title);
  svg.setAttribute("aria-hidden", "true");
  const left = 52, right = width - 12, top = 12, bottom = height - 28;
  const most = Math.max(...own.p90, ...(weighted ? weighted.p90 : [0]), 1);
  const y = scale(0, most * 1.05, bottom, top);
  const half = periods.length > 1 ? 0 : 0.5;
  const x = scale(-half, periods.length - 1 + half, left + 8, right - 8);
  const xs = periods.map((_, p) => x(p));
  outlookShade(svg, periods, x, top, bottom, right);
  amounts(svg, y, 0, most * 1.05, left, right);
  periodLabels(svg, periods, x, height - 8, right - left);
  const heights = (figures, key) => figures[key].map((value) => y(value));
  svg.append(band(xs, heights(shown, "p10"), heights(shown, "p90"), { class: "fan-band", fill: "var(--band1)" }));
  svg.append(band(xs, heights(shown, "p25"), heights(shown, "p75"), { class: "fan-band", fill: "var(--band2)" }));
  svg.append(shape("path", { d: path(xs, heights(shown, "p50")), class: "fan-line", fill: "none", stroke: "var(--blue)", "stroke-width": 3 }));
  if (weighted) {
    for (const key of ["p10", "p50", "p90"]) {
      svg.append(shape("path", { d: path(xs, heights(own, key)), fill: "none", stroke: "var(--ink)", "stroke-width": 1.3, "stroke-dasharray": key === "p50" ? "none" : "5 4" }));
    }
  }
  const entries = [["median", stroke("var(--blue)", "none", 3)], ["P25 to P75", box("var(--band2)")], ["P10 to P90", box("var(--band1)")]];
  if (weighted) entries.push(["all realizations: median", stroke("var(--ink)", "none", 1.3)], ["P10 and P90", stroke("var(--ink)", "5 4", 1.3)]);
  legend(place, entries);
  moveCursor(place, slider, svg, periods, xs, y, shown, weighted !== null, bottom);
}

function moveCursor(place, slider, svg, periods, xs, y, shown, weighted, bottom) {
  const rule = shape("line", { y1: 12, y2: bottom, stroke: "var(--ink)", "stroke-width": 1, visibility: "hidden" });
  svg.append(rule);
  const tip = tipOf(place);
  const at = (p) => Object.fromEntries(QUANTILES.map(([key]) => [key, shown[key][p]]));
  const mark = (p, visible) => {
    cursor.period = periods[p];
    const words = fanWords(periods[p], at(p), weighted);
    slider.setAttribute("aria-valuenow", p);
    slider.setAttribute("aria-valuetext", words.replace(/\n/g, ", ").replace(/ +/g, " "));
    if (!visible) return;
    rule.setAttribute("x1", xs[p]);
    rule.setAttribute("x2", xs[p]);
    rule.setAttribute("visibility", "visible");
    const ratio = slider.clientWidth / svg.viewBox.baseVal.width;
    tip.show(words, xs[p] * ratio, y(shown.p50[p]) * ratio);
  };
  const hide = () => {
    rule.setAttribute("visibility", "hidden");
    tip.hide();
  };
  let now = Math.max(0, periods.indexOf(cursor.period));
  mark(now, false);
  slider.addEventListener("pointermove", (event) => {
    const frame = slider.getBoundingClientRect();
    const where = ((event.clientX - frame.left) / frame.width) * svg.viewBox.baseVal.width;
    now = xs.reduce((best, own, p) => (Math.abs(own - where) < Math.abs(xs[best] - where) ? p : best), 0);
    mark(now, true);
  });
  slider.addEventListener("pointerleave", hide);
  slider.addEventListener("blur", hide);
  slider.addEventListener("focus", () => mark(now, true));
  slider.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, Home: 0, End: periods.length - 1 };
    if (event.key === "Escape") hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    now = Math.max(0, Math.min(periods.length - 1, moves[event.key]));
    mark(now, true);
  });
}
