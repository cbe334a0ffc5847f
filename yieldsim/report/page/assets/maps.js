// Wafer maps: each die in the colour of its bin, scrap in grey.

const BINS = [0, 2, 4, 5, 3, 1].map((i) => `var(--c${i})`);

const binColor = (bin, count) => (bin === count - 1 ? "var(--c7)" : BINS[bin % BINS.length]);

function drawMaps(place, chart) {
  const list = element("div", { class: "maps" });
  for (const map of chart.maps) {
    const radius = map.diameter_mm / 2, told = map.bins.map((name, b) => `${name} ${map.counts[b]}`).join(", ");
    const svg = shape("svg", { viewBox: `${-radius - 2} ${-radius - 2} ${map.diameter_mm + 4} ${map.diameter_mm + 4}`, role: "img", "aria-label": `${map.title}: ${told}` });
    svg.append(shape("circle", { r: radius, fill: "none", stroke: "var(--pale)", "stroke-width": 1 }));
    svg.append(shape("circle", { r: radius - map.edge_mm, fill: "none", stroke: "var(--line)", "stroke-width": 0.8 }));
    map.bin.forEach((bin, i) => svg.append(shape("rect", {
      x: map.x_mm[i] - map.width_mm / 2, y: -map.y_mm[i] - map.height_mm / 2, width: map.width_mm, height: map.height_mm,
      fill: binColor(bin, map.bins.length), stroke: "var(--paper)", "stroke-width": 0.6,
    })));
    const figure = element("figure", {}, svg, element("figcaption", {}, map.title));
    legend(figure, map.bins.map((name, b) => [`${name} ${map.counts[b]}`, box(binColor(b, map.bins.length))]));
    list.append(figure);
  }
  place.replaceChildren(list);
}
