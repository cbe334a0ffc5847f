// The page: what is chosen, and what is drawn for it.

const choice = { scenario: DATA.scenarios[0], product: DATA.products[0], period: "quarter" };
const REWEIGHTED = ["p10", "p25", "p50", "p75", "p90", "mean"];
const DRAW = { stack: drawStack, ranges: drawRanges, bars: drawBars, maps: drawMaps };

function fillTable(name) {
  const body = document.querySelector(`#table-${name} tbody`);
  const columns = DATA.tables[name].columns;
  const align = (format) => (format in PLACES ? { class: "n" } : {});
  const rows = rowsOf(name, choice.scenario, choice.product).map((row) =>
    element("tr", {}, ...row.map((value, c) => {
      const format = columns[c][2];
      const text = cellText(format, value);
      const isLink = format === "link" && typeof value === "string" && value.startsWith("http");
      const content = isLink ? element("a", { href: value, rel: "noreferrer" }, text) : text;
      return c ? element("td", align(format), content) : element("th", { scope: "row", ...align(format) }, content);
    })),
  );
  body.replaceChildren(...rows);
}

function linkCsv(name) {
  const link = document.getElementById(`csv-${name}`);
  link.href = "data:text/csv;charset=utf-8," + encodeURIComponent(csvOf(name, choice.scenario, choice.product));
}

// Tables that depend on the choice hold several sets of rows, or are those of the fan.
const depends = (name) => name in fans || Object.keys(DATA.tables[name].rows).length > 1;

function drawCharts(all) {
  for (const [name, chart] of Object.entries(DATA.charts)) {
    const place = document.getElementById(`chart-${name}`);
    if (chart.kind === "fan") showFan(place);
    else if (!rowsOf(chart.table, choice.scenario, choice.product).length) place.replaceChildren(element("p", { class: "missing" }, "There is nothing to draw for this choice."));
    else if (all || depends(chart.table)) DRAW[chart.kind](place, chart, choice);
  }
}

function showFan(place) {
  const weighted = heldFan(choice);
  drawFan(place, choice, fanOf(choice.period, choice.scenario, choice.product), weighted);
  const table = document.getElementById("table-reweighted");
  if (!table) return;
  const rows = weighted === null ? [] : fans[choice.period].periods.map((label, p) => [label, ...REWEIGHTED.map((key) => weighted[key][p])]);
  DATA.tables.reweighted.rows = { "|": rows };
  table.closest("details").hidden = weighted === null;
  fillTable("reweighted");
  linkCsv("reweighted");
}

function choose() {
  for (const name of ["scenario", "product", "period"]) choice[name] = document.getElementById(name).value;
  for (const name of Object.keys(DATA.tables).filter(depends)) {
    fillTable(name);
    linkCsv(name);
  }
  drawCharts(false);
  document.getElementById("spoken").textContent =
    `Shown: ${DATA.titles.product[choice.product]}, ${DATA.titles.scenario[choice.scenario]}, by ${choice.period}`;
}

function start() {
  const form = document.getElementById("choice");
  form.reset(); // a reloaded page keeps the last choice in its controls
  form.addEventListener("change", choose);
  form.addEventListener("submit", (event) => event.preventDefault());
  Object.keys(DATA.tables).forEach(linkCsv);
  makeSliders(document.getElementById("sliders"), () => showFan(document.getElementById("chart-fan")));
  drawCharts(true);
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    drawCharts(true);
  });
  openForPrint();
}

// On paper every table is open but the long list of assumptions.
function openForPrint() {
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("section:not(#assumptions) details:not([open])")];
    opened.forEach((details) => { details.open = true; });
  });
  window.addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));
}

start();
