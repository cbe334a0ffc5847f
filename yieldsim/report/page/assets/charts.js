// The other charts, each drawn from its table: stacked shares, ranges, and stacked bars.

const COLORS = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => `var(--c${i})`);
const HEAD = 28;

// Where the rows of a chart of bars stand; on a narrow screen a label stands above its bar.
function rowsIn(place) {
  const narrow = (place.clientWidth || 640) < 560;
  const width = Math.max(280, Math.round(place.clientWidth || 640));
  return {
    row: narrow ? 40 : 26,
    drop: narrow ? 8 : 0,
    left: narrow ? 4 : Math.round(Math.min(0.42 * width, 340)),
    label: narrow ? -8 : 4,
    room: narrow ? width - 8 : Math.round(Math.min(0.42 * width, 340)) - 8,
  };
}

function captionOf(table) {
  return `Chart of the table “${DATA.tables[table].caption}” below`;
}

// Shares of each column in each row: a stacked bar for each period.
function drawStack(place, chart, choice) {
  const columns = DATA.tables[chart.table].columns.slice(1);
  const rows = rowsOf(chart.table, choice.scenario, choice.product);
  const { svg, width, height } = drawing(place, 260, captionOf(chart.table));
  const left = 44, right = width - 8, top = 8, bottom = height - 26;
  const y = scale(0, 1, bottom, top);
  const each = (right - left) / rows.length;
  const x = (p) => left + (p + 0.5) * each;
  rows.forEach((row, p) => {
    let sum = 0;
    columns.forEach(([, heading], c) => {
      const share = row[c + 1] || 0;
      const part = shape("rect", {
        x: x(p) - 0.42 * each, width: 0.84 * each, y: y(sum + share), height: Math.max(0, y(sum) - y(sum + share)),
        fill: COLORS[c % COLORS.length], stroke: "var(--paper)", "stroke-width": 0.5,
      });
      part.append(shape("title", {}, `${row[0]}, ${heading}: ${cellText("share", share)}`));
      svg.append(part);
      sum += share;
    });
  });
  for (const tick of [0, 0.5, 1]) svg.append(shape("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, `${100 * tick} %`));
  periodLabels(svg, rows.map((row) => row[0]), x, height - 8, right - left);
  legend(place, columns.map(([, heading], c) => [heading, box(COLORS[c % COLORS.length])]));
  if (choice.product !== "total" && keyOf(DATA.tables[chart.table], choice.scenario, choice.product).endsWith("|total")) {
    place.append(element("p", { class: "missing" }, "Shown for all AI products: single products are available only in the first scenario."));
  }
}

// The number of a cell: itself, the place of a period, or beyond the end.
function placed(value, chart, periods) {
  if (value === null || value === undefined) return null;
  if (chart.axis !== "period") return value;
  if (value === chart.never) return Infinity;
  const place = periods.indexOf(value);
  return place >= 0 ? place : value > periods[periods.length - 1] ? Infinity : null;
}

// The rows to draw by group, with numbers in place of cells.
function rangeGroups(chart, choice) {
  const periods = fans.quarter.periods;
  let records = recordsOf(chart.table, choice.scenario, choice.product);
  const groups = chart.group ? chart.groups.filter((g) => records.some((r) => r[chart.group] === g)) : [null];
  return groups.map((name) => {
    let own = records.filter((r) => name === null || r[chart.group] === name);
    if (chart.sort) own = [...own].sort((a, b) => (b[chart.mid] || 0) - (a[chart.mid] || 0));
    const rows = own.slice(0, chart.most || own.length).map((record) => {
      const unit = (chart.unit || []).map((key) => record[key]).find((value) => value) || 1;
      const number = (key) => {
        const value = key ? placed(record[key], chart, periods) : null;
        return value === null ? null : value / unit;
      };
      const mid = number(chart.mid);
      const error = chart.error ? record[chart.error] || 0 : null;
      return {
        label: record[chart.label], record, mid,
        low: error === null ? number(chart.low) : mid - 2 * error,
        high: error === null ? number(chart.high) : mid + 2 * error,
        marks: (chart.marks || []).map(number),
      };
    });
    return { name, rows };
  });
}

function rangeLimits(groups, chart) {
  if (chart.axis === "period") return [-0.5, fans.quarter.periods.length - 0.2];
  const numbers = groups.flatMap((g) => g.rows.flatMap((r) => [r.low, r.mid, r.high, ...r.marks])).filter((n) => n !== null && Number.isFinite(n));
  let low = Math.min(...numbers), high = Math.max(...numbers);
  if (chart.unit) high = Math.min(high, 3.2); // multiples: what is farther is an arrow
  if (chart.from_zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  const pad = 0.04 * (high - low || 1);
  return [low === 0 ? 0 : low - pad, high + pad];
}

// A row for each record: a bar from low to high, a line in the middle, and marks.
function drawRanges(place, chart, choice) {
  const groups = rangeGroups(chart, choice);
  const count = groups.reduce((sum, g) => sum + g.rows.length + (g.name === null ? 0 : 1), 0);
  const sizes = rowsIn(place), { row: step, left } = sizes;
  const { svg, width, height } = drawing(place, HEAD + step * count + 8, captionOf(chart.table));
  const right = width - 16;
  const [low, high] = rangeLimits(groups, chart);
  const x = scale(low, high, left, right);
  rangeAxis(svg, chart, x, low, high, height, right - left);
  let at = HEAD + step / 2;
  for (const { name, rows } of groups) {
    if (name !== null) {
      svg.append(shape("text", { x: 0, y: at + 4, class: "group" }, name));
      at += step;
    }
    for (const row of rows) {
      rangeRow(svg, chart, row, x, at, right, sizes);
      at += step;
    }
  }
  legend(place, rangeLegend(chart));
}

function rangeAxis(svg, chart, x, low, high, height, width) {
  const periods = fans.quarter.periods;
  const years = periods.map((label, p) => [label, p]).filter(([label]) => label.endsWith("Q1"));
  const every = years.length * 40 > width ? 2 : 1;
  const stops = chart.axis === "period"
    ? years.filter((_, i) => i % every === 0).map(([label, p]) => [p, label.slice(0, 4)])
    : ticks(low, high, Math.max(2, Math.floor(width / 90))).map((tick) => [tick, chart.unit ? `×${trimmed(tick)}` : short(tick)]);
  for (const [tick, words] of stops) {
    const zero = tick === 0 && chart.axis !== "period";
    svg.append(shape("line", { x1: x(tick), x2: x(tick), y1: HEAD - 6, y2: height, stroke: "var(--line)", "stroke-width": zero ? 1.6 : 0.6 }));
    const from = within(x(tick), words, svg.viewBox.baseVal.width);
    svg.append(shape("text", { x: from, y: 14, "text-anchor": "middle" }, words));
  }
}

function rangeRow(svg, chart, row, x, middle, right, sizes) {
  const left = sizes.left, y = middle + sizes.drop;
  const label = shape("text", { x: 0, y: middle + sizes.label }, clipped(row.label, sizes.room));
  label.append(shape("title", {}, row.label));
  svg.append(label);
  const inside = (value) => Math.max(left, Math.min(right, value === Infinity ? right : x(value)));
  const words = shape("title", {}, rangeWords(chart, row));
  const group = shape("g", {});
  group.append(words);
  if (row.low !== null && row.high !== null) {
    const [from, to] = [inside(Math.min(row.low, row.high)), inside(Math.max(row.low, row.high))];
    group.append(shape("rect", { x: from, y: y - 6, width: Math.max(1, to - from), height: 12, fill: "var(--band2)", opacity: 0.7 }));
    if (chart.ends) {
      group.append(shape("circle", { cx: inside(row.low), cy: y, r: 5, fill: "var(--paper)", stroke: "var(--blue)", "stroke-width": 2 }));
      group.append(shape("circle", { cx: inside(row.high), cy: y, r: 5, fill: "var(--blue)" }));
    }
    if (row.high === Infinity) group.append(arrow(right, y, "var(--blue)"));
  }
  if (row.mid !== null) {
    const at = inside(row.mid);
    if (row.mid !== Infinity) group.append(shape("line", { x1: at, x2: at, y1: y - 8, y2: y + 8, stroke: "var(--blue)", "stroke-width": 3 }));
  }
  const there = row.marks.filter((mark) => mark !== null);
  if (there.length > 1) group.append(shape("line", { x1: inside(Math.min(...there)), x2: inside(Math.max(...there)), y1: y, y2: y, stroke: "var(--red)", "stroke-width": 2 }));
  const bound = there.length === 1 && row.marks.length === 3 && row.marks[1] === null;
  for (const mark of there) {
    const off = mark === Infinity || x(mark) > right;
    if (off) group.append(arrow(right, y, "var(--red)"));
    else if (bound) group.append(triangle(x(mark), y, row.marks[0] === null ? -1 : 1, "var(--red)"));
    else group.append(diamond(x(mark), y, 5.5, "var(--red)"));
  }
  svg.append(group);
}

const triangle = (x, y, side, fill) =>
  shape("polygon", { points: `${x},${y - 6} ${x + 9 * side},${y} ${x},${y + 6}`, fill, stroke: "var(--paper)" });

const arrow = (x, y, fill) => shape("polygon", { points: `${x - 2},${y - 6} ${x + 9},${y} ${x - 2},${y + 6}`, fill });

function rangeWords(chart, row) {
  const columns = DATA.tables[chart.table].columns;
  const wanted = new Set([chart.low, chart.mid, chart.high, chart.error, ...(chart.marks || [])]);
  const lines = columns.filter(([key]) => wanted.has(key)).map(([key, heading, format]) => `${heading}: ${cellText(format, row.record[key])}`);
  return [row.label, ...lines].join("\n");
}

function rangeLegend(chart) {
  const heading = (key) => DATA.tables[chart.table].columns.find(([own]) => own === key)[1];
  const entries = [];
  if (chart.ends) {
    const ring = () => shape("circle", { cx: 13, cy: 6, r: 4, fill: "var(--paper)", stroke: "var(--blue)", "stroke-width": 2 });
    entries.push([chart.ends[0], ring], [chart.ends[1], () => shape("circle", { cx: 13, cy: 6, r: 5, fill: "var(--blue)" })]);
    return entries;
  }
  entries.push(chart.error ? ["± 2 standard errors", box("var(--band2)", 0.7)] : [`${heading(chart.low)} to ${heading(chart.high)}`, box("var(--band2)", 0.7)]);
  entries.push([heading(chart.mid), () => shape("line", { x1: 13, x2: 13, y1: 0, y2: 12, stroke: "var(--blue)", "stroke-width": 3 })]);
  if (chart.marks) entries.push([chart.marks.length === 1 ? heading(chart.marks[0]) : "published", () => diamond(13, 6, 5.5, "var(--red)")]);
  return entries;
}

// A stacked bar for each row: the amounts of its columns from left to right.
function drawBars(place, chart, choice) {
  const columns = DATA.tables[chart.table].columns.map((column, c) => [...column, c]).filter(([key]) => chart.parts.includes(key));
  const keys = DATA.tables[chart.table].columns.map(([key]) => key);
  const by = keys.indexOf(chart.group), label = keys.indexOf(chart.label);
  const rows = rowsOf(chart.table, choice.scenario, choice.product);
  const groups = chart.groups.filter((g) => rows.some((row) => row[by] === g));
  const count = groups.reduce((sum, g) => sum + 1 + rows.filter((row) => row[by] === g).length, 0);
  const { row: step, drop, left, label: above, room } = rowsIn(place);
  const { svg, width, height } = drawing(place, HEAD + step * count + 8, captionOf(chart.table));
  const x = scale(0, 1, left, width - 16);
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    svg.append(shape("line", { x1: x(tick), x2: x(tick), y1: HEAD - 6, y2: height, stroke: "var(--line)", "stroke-width": 0.6 }));
    const words = `${100 * tick} %`;
    svg.append(shape("text", { x: within(x(tick), words, width), y: 14, "text-anchor": "middle" }, words));
  }
  let at = HEAD + step / 2;
  for (const group of groups) {
    svg.append(shape("text", { x: 0, y: at + 4, class: "group" }, group));
    at += step;
    for (const row of rows.filter((own) => own[by] === group)) {
      svg.append(shape("text", { x: 0, y: at + above }, clipped(row[label], room)));
      let sum = 0;
      columns.forEach(([, heading, format, c], i) => {
        const amount = Math.max(0, row[c] || 0);
        const part = shape("rect", { x: x(sum), y: at + drop - 8, width: Math.max(0, x(sum + amount) - x(sum)), height: 16, fill: COLORS[i % COLORS.length], stroke: "var(--paper)", "stroke-width": 0.5 });
        part.append(shape("title", {}, `${row[label]}, ${heading}: ${cellText(format, row[c])}`));
        svg.append(part);
        sum += amount;
      });
      at += step;
    }
  }
  legend(place, columns.map(([, heading], i) => [heading, box(COLORS[i % COLORS.length])]));
}
