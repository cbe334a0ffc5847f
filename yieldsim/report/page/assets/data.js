// The page's data, and the texts of its figures.

const DATA = JSON.parse(document.getElementById("data").textContent);
const NOTHING = "–";
const PLACES = { count: 0, share: 1, density: 3, decimal: 1 };

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
}

const floats = (text) => new Float32Array(bytesOf(text));
const codes = (text) => new Uint16Array(bytesOf(text));

// The text of a number; the same as cell_text of tables.py.
function cellText(format, value) {
  if (value === null || value === undefined || value === "" || Number.isNaN(value)) return NOTHING;
  if (!(format in PLACES)) return String(value);
  const fixed = (format === "share" ? value * 100 : value).toFixed(PLACES[format]);
  const [whole, part] = fixed.split(".");
  let text = whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part === undefined ? "" : "." + part);
  if (/^-[0.,]*$/.test(text)) text = text.slice(1);
  return format === "share" ? text + " %" : text;
}

// A tick or a label: 250k, 1.5M.
function short(number) {
  const size = Math.abs(number);
  if (size >= 1e6) return trimmed(number / 1e6) + "M";
  if (size >= 1e3) return trimmed(number / 1e3) + "k";
  return trimmed(number);
}

const trimmed = (number) => String(Number(number.toPrecision(3)));

const fans = {};
for (const [name, fan] of Object.entries(DATA.fans)) {
  fans[name] = { ...fan, values: floats(fan.values) };
}

// The figures of one scenario and product: an array for each column, over the periods.
function fanOf(name, scenario, product) {
  const fan = fans[name];
  const width = fan.columns.length;
  const place = DATA.scenarios.indexOf(scenario) * DATA.products.length + DATA.products.indexOf(product);
  const found = {};
  fan.columns.forEach((column, c) => {
    found[column] = fan.periods.map((_, p) => fan.values[(place * fan.periods.length + p) * width + c]);
  });
  return found;
}

// The rows of a table for a choice; the fan's come from the fan.
function rowsOf(name, scenario, product) {
  const table = DATA.tables[name];
  if (name in fans) {
    const own = fanOf(name, scenario, product);
    const part = (n) => (name === "year" && n < 4 ? ` (${n}q)` : "");
    return fans[name].periods.map((label, p) => [
      label + part(fans[name].quarters[p]),
      ...table.columns.slice(1).map(([key]) => own[key][p]),
    ]);
  }
  return table.rows[keyOf(table, scenario, product)] || [];
}

// The key of the rows of a choice: of both, of the scenario, of neither; else of its total.
function keyOf(table, scenario, product) {
  return [`${scenario}|${product}`, `${scenario}|`, "|", `${scenario}|total`].find((key) => key in table.rows);
}

// The rows as records under the keys of their columns.
function recordsOf(name, scenario, product) {
  const keys = DATA.tables[name].columns.map(([key]) => key);
  return rowsOf(name, scenario, product).map((row) => Object.fromEntries(keys.map((key, i) => [key, row[i]])));
}

function csvOf(name, scenario, product) {
  const quoted = (value) => {
    const text = value === null || value === undefined || Number.isNaN(value) ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  const heads = DATA.tables[name].columns.map(([key]) => key);
  const lines = [heads, ...rowsOf(name, scenario, product)];
  return lines.map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}
