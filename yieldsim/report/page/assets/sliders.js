// The controls of the sliders, and their notes.

const held = new Map(); // place of an input -> percentile from 0 to 1

function sliderRow(place, about, changed) {
  const unit = about.unit === "1" ? "" : ` ${about.unit}`;
  const range = element("input", { type: "range", min: 0, max: 100, step: 1, value: 50, id: `slider-${place}`, "aria-label": `${about.label}: percentile` });
  const box = element("input", { type: "checkbox", id: `hold-${place}` });
  const output = element("output", { for: `slider-${place}` });
  const row = element("div", { class: "slider" },
    element("label", { for: `hold-${place}`, title: about.path }, box, ` ${about.label}`), range, output);
  const told = () => {
    const percentile = Number(range.value) / 100;
    const words = `near ${trimmed(inputAt(place, percentile))}${unit} (P${range.value})`;
    range.setAttribute("aria-valuetext", words);
    output.textContent = box.checked ? words : "any";
    row.classList.toggle("on", box.checked);
    if (box.checked) held.set(place, percentile);
    else held.delete(place);
  };
  range.addEventListener("input", () => {
    box.checked = true;
    told();
    changed();
  });
  box.addEventListener("change", () => {
    told();
    changed();
  });
  told();
  return { row, release: () => { box.checked = false; range.value = 50; told(); } };
}

function makeSliders(place, changed) {
  if (!DRAWS) return;
  const rows = DRAWS.inputs.map((about, i) => sliderRow(i, about, changed));
  const release = element("button", { type: "button" }, "Release all");
  release.addEventListener("click", () => {
    rows.forEach((own) => own.release());
    changed();
  });
  const all = DRAWS.n === DATA.realizations ? `all ${cellText("count", DRAWS.n)} realizations` : `the first ${cellText("count", DRAWS.n)} of ${cellText("count", DATA.realizations)} realizations`;
  place.append(
    element("fieldset", {},
      element("legend", {}, "What if an input were known?"),
      element("p", {}, "Hold an input near a value: the fan then shows the realizations that drew such a value. Nothing is simulated again."),
      ...rows.map((own) => own.row),
      element("p", {}, release, " ", element("span", { id: "ess", role: "status" })),
      element("details", {}, element("summary", {}, "How a slider weights"),
        element("p", {}, `The page contains ${all}. A realization whose draw has the rank r (from 0 to 1) gets the weight exp(−½ ((r − p) / ${DRAWS.bandwidth})²), where p is the percentile of the slider. The weights of several sliders multiply. ` +
          "A quantile is the smallest number of chips that at least this share of the weight does not exceed. Inputs that are correlated with the one held move with it. " +
          "Percentiles are those of the first scenario; a realization has the same draws in every scenario. The sliders end at the lowest and the highest draw. " +
          `The effective sample size is (Σw)² / Σw². Below ${DRAWS.fewest} draws the fan is grey, because P10 would rest on fewer than four draws. ` +
          "Chips are stored in 16 bits, exact to 0.001 % of the largest of their quarter.")),
    ),
  );
}

// The fan under the sliders, or null if none is held or the page has no draws of the choice.
function heldFan(choice) {
  const note = document.getElementById("ess");
  const fieldset = document.getElementById("fan");
  fieldset.classList.remove("weak");
  if (!DRAWS) return null;
  document.body.classList.toggle("held", held.size > 0);
  note.textContent = "";
  if (!held.size) return null;
  const weights = weightsOf(held);
  const found = weightedFan(choice, weights);
  if (found === null) {
    const known = DRAWS.series.filter(([s]) => s === choice.scenario).length;
    note.textContent = `The page had no room for the draws of this product in this scenario; it has ${known ? `those of ${known} others` : "none of this scenario"}. The fan shows all realizations.`;
    return null;
  }
  const size = effective(weights);
  const weak = size < DRAWS.fewest;
  fieldset.classList.toggle("weak", weak);
  note.textContent = `Effective draws: ${cellText("count", size)} of ${cellText("count", DRAWS.n)}${weak ? ": too few to trust" : ""}`;
  return found;
}
