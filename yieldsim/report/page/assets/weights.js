// Sliders: realizations weighted by how near an input is to a value. The same as
// yieldsim/analysis/overview/reweight.py and draws.py, with which a test compares it.

const DRAWS = DATA.draws && unpackDraws(DATA.draws);
const LARGEST = 65535;

function unpackDraws(given) {
  const n = given.count;
  const values = floats(given.values);
  return {
    ...given, n,
    largest: floats(given.largest),
    codes: codes(given.codes),
    values: given.inputs.map((_, i) => values.subarray(i * n, (i + 1) * n)),
    base: given.base === null ? null : floats(given.base),
    ranks: [],
    chips: {},
  };
}

// The places of the draws in rising order of their values.
const orderOf = (values) => Array.from(values.keys()).sort((a, b) => values[a] - values[b]);

// Ranks scaled to (0, 1); equal draws share their mean rank.
function ranksOf(input) {
  if (DRAWS.ranks[input]) return DRAWS.ranks[input];
  const values = DRAWS.values[input], order = orderOf(values), n = DRAWS.n;
  const ranks = new Float64Array(n);
  for (let first = 0; first < n; ) {
    let end = first;
    while (end < n && values[order[end]] === values[order[first]]) end++;
    for (let i = first; i < end; i++) ranks[order[i]] = (0.5 * (first + 1 + end) - 0.5) / n;
    first = end;
  }
  return (DRAWS.ranks[input] = ranks);
}

// The value of an input at a percentile of its draws.
function inputAt(input, percentile) {
  const values = Float64Array.from(DRAWS.values[input]).sort();
  return values[Math.max(0, Math.ceil(percentile * DRAWS.n - 1e-9) - 1)];
}

// Weights, the largest 1; `held` are [place of an input, percentile] pairs.
function weightsOf(held) {
  const exponent = new Float64Array(DRAWS.n);
  for (const [input, percentile] of held) {
    const ranks = ranksOf(input);
    exponent.forEach((_, i) => { exponent[i] -= 0.5 * ((ranks[i] - percentile) / DRAWS.bandwidth) ** 2; });
  }
  const top = exponent.reduce((a, b) => Math.max(a, b));
  const weights = exponent.map((e, i) => Math.exp(e - top) * (DRAWS.base ? DRAWS.base[i] : 1));
  const most = weights.reduce((a, b) => Math.max(a, b));
  return weights.map((w) => w / most);
}

function effective(weights) {
  let sum = 0, squares = 0;
  for (const w of weights) {
    sum += w;
    squares += w * w;
  }
  return (sum * sum) / squares;
}

// Chips (period, draw) of a scenario and product with their orders; null if the page has none.
function chipsOf(scenario, product, period) {
  const key = `${scenario}|${product}|${period}`;
  if (key in DRAWS.chips) return DRAWS.chips[key];
  const place = DRAWS.series.findIndex(([s, p]) => s === scenario && p === product);
  if (place < 0) return null;
  const quarters = fans.quarter.periods.length, n = DRAWS.n;
  const quarter = (q) => {
    const start = (place * quarters + q) * n, size = DRAWS.largest[place * quarters + q] / LARGEST;
    return Float64Array.from(DRAWS.codes.subarray(start, start + n), (code) => code * size);
  };
  const several = period === "year" ? Object.values(DRAWS.years) : Array.from({ length: quarters }, (_, q) => [q]);
  const rows = several.map((places) => {
    const parts = places.map(quarter);
    const values = parts[0].map((_, i) => parts.reduce((sum, part) => sum + part[i], 0));
    return { values, order: orderOf(values) };
  });
  return (DRAWS.chips[key] = rows);
}

// The smallest value of which at least a share p of the weight is not above it.
function weightedQuantiles(row, weights, levels) {
  const sums = new Float64Array(row.order.length);
  let sum = 0;
  row.order.forEach((i, place) => { sums[place] = sum += weights[i]; });
  return levels.map((p) => {
    const place = sums.findIndex((own) => own > 0 && own / sum >= p);
    return row.values[row.order[place < 0 ? sums.length - 1 : place]];
  });
}

// The fan of a choice under weights, under the names of the fan's columns; null without draws.
function weightedFan(choice, weights) {
  const rows = chipsOf(choice.scenario, choice.product, choice.period);
  if (rows === null) return null;
  const names = ["p10", "p25", "p50", "p75", "p90"];
  const found = { mean: [] };
  names.forEach((name) => { found[name] = []; });
  const total = weights.reduce((a, b) => a + b);
  for (const row of rows) {
    weightedQuantiles(row, weights, [0.1, 0.25, 0.5, 0.75, 0.9]).forEach((value, i) => found[names[i]].push(value));
    found.mean.push(row.values.reduce((sum, value, i) => sum + value * weights[i], 0) / total);
  }
  return found;
}
