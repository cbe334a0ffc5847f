"""What SN1 loses as the domestic share of its tools rises from 0 to 60 %, all else equal.

The line has the tools of the baseline's SMIC SN1 of 2026Q4, all groups at the same domestic share.
The fleets stay constant, and the plan asks for more than they can make. The script prints the
tables of models/README.md and draws models/domestic_share.png; `--quick` is a small run without the
picture. The constants in capitals below are the settings.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from domestic_share_parts import Figures, Floats, what_parts_say
from matplotlib.figure import Figure

from yieldsim.model import load_file
from yieldsim.model.load import ModelFile
from yieldsim.plots.image import BLUE, INK, OTHERS, PALE, save
from yieldsim.supply.simulate import Simulator

FAB, PROCESS, DIE, TOOLS_OF = "smic_sn1", "n2", "ascend_910", "2026Q4"
YEAR = ("2026Q1", "2026Q4")
WARMUP_QUARTERS = 8  # the same tools stand from two years before: domestic ones are no longer new
SHARES = tuple(range(0, 61, 10))  # domestic tools of all, %
REALIZATIONS, SEED = 512, 7
# above what the tools allow in any draw; it rises slowly, so that no line is filled all at once
PLAN = {"quarters": ["2024Q1", "2025Q1"], "values": [1000.0, 60000.0]}
# what is worse in a domestic tool; every other field equals that of the group's imported tool
PENALTIES = {
    "throughput": ("wafers_per_hour", "performance"),
    "uptime": ("mttf_hours", "mttr_hours", "pm_fraction", "initial_mttf_ratio"),
    "adders": ("defect_adder", "initial_adder_ratio"),
    "overlay": ("overlay_sigma_nm",),
}
YOUNG = ("initial_mttf_ratio", "initial_adder_ratio")  # penalties of new tools only
UNITS = {"wafers_per_hour": "wafer/hour", "mttf_hours": "hour", "mttr_hours": "hour"}
UNITS |= {"overlay_sigma_nm": "nm"}
SCANNERS = "arf_immersion"
ASSUMED = {"source": "assumption", "grade": "assumed"}
KEPT = ("wafer_starts", "wafer_outs", "wafer_plan", "d0_per_cm2", "gross_dies", "good_dies")
KEPT += ("tool_load", "tool_passes_possible")
PICTURE = Path(__file__).resolve().parents[1] / "models" / "domestic_share.png"
DOMESTIC_COLOUR = OTHERS[0]


def model_file(
    share: int,
    *,
    penalties: Collection[str] = tuple(PENALTIES),
    maturing: bool = True,
    noise: bool = False,
    clean: bool = False,
    imported: Collection[str] = (),
    segments: int | None = None,
) -> ModelFile:
    """The line with ``share`` % domestic tools.

    Domestic tools have the ``penalties``; without ``maturing`` they are mature from the start. A
    ``clean`` line loses dies to overlay alone. Tool groups in ``imported`` have no domestic tool.
    ``segments`` is the number of segments of the route, by default that of the baseline.
    """
    raw = copy.deepcopy(_baseline())
    process, die = raw["processes"][PROCESS], raw["dies"][DIE]
    if clean:
        process |= {"d0_mature_per_cm2": 0.0, "systematic_yield": 1.0}
        die |= {"parametric_yield": 1.0, "test_overkill": 0.0}
    fab = raw["fabs"][FAB]
    fab.pop("learning", None)  # the line learns as its process: there is no other to copy
    fab["allocation"] = {PROCESS: {DIE: {"value": 1.0, **ASSUMED}}}
    fab["plan"] = {PROCESS: {**PLAN, **ASSUMED}}
    for name, group in raw["tool_groups"].items():
        group["domestic"] = _domestic(group, penalties, maturing=maturing)
        fab["fleets"][name] = _fleets(name, 0 if name in imported else share)
    raw["simulation"] |= {
        **{"start": YEAR[0], "end": YEAR[1], "warmup_quarters": WARMUP_QUARTERS},
        **{"process_noise": noise, "outputs": list(KEPT)},
        **({} if segments is None else {"segments": segments}),
    }
    return ModelFile(f"domestic_share_{share}", raw, {})


@cache
def _baseline() -> dict[str, Any]:
    """The parts of the baseline that this line needs, with a product that limits nothing.

    Uncertain fields of imported tools become shared quantities. A domestic tool without a penalty
    refers to the same quantity, so it is as good as the imported tool in each realization.
    """
    whole = copy.deepcopy(load_file("baseline").raw)
    names = ("name", "simulation", "wafer", "sources", "shared", "tool_groups", "patterning")
    raw: dict[str, Any] = {name: whole[name] for name in names}
    only = {"processes": PROCESS, "fabs": FAB, "dies": DIE}
    raw |= {table: {name: whole[table][name]} for table, name in only.items()}
    # the experiment is about tools: no luck of the line, and no line that spares its inspection
    raw["fabs"][FAB].pop("excursions", None)
    for group in raw["tool_groups"].values():
        group.pop("sampling_floor", None)
        group.pop("skipped_adder", None)
    raw["products"] = {"chip": {"die": DIE, "kind": "other", "start": YEAR[0], **ASSUMED}}
    for name, group in raw["tool_groups"].items():
        for key, number in group["imported"].items():
            if isinstance(number, dict) and "dist" in number:
                shared = f"imported_{name}_{key}"
                raw["shared"][shared] = {**ASSUMED, "unit": UNITS.get(key, "1"), **number}
                group["imported"][key] = {"ref": shared}
    return raw


def _domestic(
    group: dict[str, Any], penalties: Collection[str], *, maturing: bool
) -> dict[str, Any]:
    """A group's domestic tool, worse than the imported one only by these penalties."""
    own, tool = group["domestic"], dict(group["imported"])
    names = [name for penalty in penalties for name in PENALTIES[penalty]]
    for name in [*names, "maturity_kpasses"]:
        if name in own and (maturing or name not in YOUNG):
            tool[name] = own[name]
    return tool


@cache
def fleet(group: str) -> tuple[int, int]:
    """Tools of a group, both classes together, by the low and the high published series."""
    fleets = _baseline()["fabs"][FAB]["fleets"][group]
    counts = [one["count"] for one in fleets.values()]
    low, high = (
        sum(count[level][count["quarters"].index(TOOLS_OF)] for count in counts)
        for level in ("low", "high")
    )
    return int(low), int(high)


def domestic_tools(count: int, share: int) -> int:
    """Whole domestic tools, rounded half up as in the engine."""
    return (2 * count * share + 100) // 200


def _fleets(group: str, share: int) -> dict[str, Any]:
    """The fleets of both classes at a domestic share, constant over time."""
    domestic = [domestic_tools(count, share) for count in fleet(group)]
    imported = [count - one for count, one in zip(fleet(group), domestic, strict=True)]
    series = {"quarters": [TOOLS_OF], "position": {"ref": "smic_capacity_level"}, **ASSUMED}
    tools = {"imported": imported, "domestic": domestic}
    return {
        kind: {"count": {**series, "low": low_high[:1], "high": low_high[1:]}, **ASSUMED}
        for kind, low_high in tools.items()
    }


def simulate(file: ModelFile, count: int, seed: int = SEED) -> Figures:
    """The engine's figures of the year; `overlay` is the die yield, which is right if `clean`."""
    block = Simulator(file, ["baseline"], seed).block(0, count)
    found = {name: block[name][0].astype(float) for name in KEPT}
    starts, outs = found["wafer_starts"][:, :, 0, 0], found["wafer_outs"][:, :, 0, 0]
    if not (starts.sum(axis=1) < 0.99 * found["wafer_plan"][:, :, 0, 0].sum(axis=1)).all():
        raise SystemExit("the plan binds somewhere: raise PLAN")
    good = found["good_dies"].sum(axis=(1, 2, 3))
    use = found["tool_load"][:, :, 0].sum(axis=1)
    use = use / found["tool_passes_possible"][:, :, 0].sum(axis=(1, 3))
    d0 = (found["d0_per_cm2"][:, :, 0, 0] * starts).sum(axis=1) / starts.sum(axis=1)
    die_yield = good / found["gross_dies"].sum(axis=(1, 2))
    return Figures(outs.sum(axis=1) / 12.0, d0, die_yield, die_yield, good / 12.0, use.argmax(1))


def engine(share: int, count: int, seed: int = SEED, **options: Any) -> Figures:
    """The engine's figures of the year, with overlay from a run that loses dies to it alone."""
    figures = simulate(model_file(share, **options), count, seed)
    clean = simulate(model_file(share, **options, clean=True), count, seed)
    return Figures(**{**vars(figures), "overlay": clean.die_yield})


def parts(share: int, count: int, seed: int = SEED, **options: Any) -> Figures:
    """The same figures from plain formulas."""
    return what_parts_say(model_file(share, **options).model(), count, seed)


FIGURES = tuple(one.name for one in fields(Figures) if one.name != "binding")


def deviations(ours: Figures, theirs: Figures) -> dict[str, Floats]:
    """Relative deviation of the engine from plain formulas, realization by realization."""
    return {name: getattr(ours, name) / getattr(theirs, name) - 1.0 for name in FIGURES}


# -- tables and the picture


QUANTILES = (0.1, 0.5, 0.9)
NAMES = {
    "outs_per_month": ("wafers out a month", "{:,.0f}", 1.0),
    "d0_per_cm2": ("D0 per cm²", "{:.3f}", 1.0),
    "overlay": ("overlay yield, %", "{:.1f}", 100.0),
    "die_yield": ("good of gross dies, %", "{:.1f}", 100.0),
    "good_dies_per_month": ("good dies a month", "{:,.0f}", 1.0),
}


def main() -> None:
    """Print the tables and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few realizations, no picture")
    parser.add_argument("--out", type=Path, default=PICTURE, help="the picture")
    options = parser.parse_args()
    count = 32 if options.quick else REALIZATIONS
    shares = (0, 30, 60) if options.quick else SHARES
    noisy = {share: engine(share, count, noise=True) for share in shares}
    calm = {share: engine(share, count) for share in shares}
    said = {share: parts(share, count) for share in shares}
    print(f"{count} realizations, seed {SEED}, the same luck for all shares; P10 / P50 / P90\n")
    for title, runs in (("process noise on", noisy), ("process noise off", calm)):
        _table(f"The year 2026, {title}", _levels(runs))
        _table(f"Ratio to share 0, realization by realization, {title}", _levels(runs, shares[0]))
    _table("Actual domestic share of all tools, %: low series, high series", _real_shares(shares))
    _table("Group that binds, share of realizations (process noise off)", _binding(calm))
    _table("Domestic tools worse in one way only: ratios to share 0", _costs(shares, count))
    _table("Engine against plain formulas: median, median size, largest", _beside(shares, count))
    if not options.quick:
        save(picture(noisy, said), options.out)


def _levels(runs: dict[int, Figures], base: int | None = None) -> Iterator[list[str]]:
    """Quantiles by share, or quantiles of the ratios to one share."""
    yield ["share, %", *(NAMES[name][0].removesuffix(", %") for name in FIGURES)]
    for share, figures in runs.items():
        row = [str(share)]
        for name in FIGURES:
            values, (_, form, scale) = getattr(figures, name), NAMES[name]
            if base is not None:
                values, form, scale = values / getattr(runs[base], name), "{:.3f}", 1.0
            found = np.quantile(values * scale, QUANTILES)
            row.append(" / ".join(form.format(number) for number in found))
        yield row


def real_shares(share: int) -> tuple[float, float]:
    """Actual domestic share of the line's tools in %, by the low and the high series."""
    fleets = np.array([fleet(group) for group in _baseline()["tool_groups"]])
    domestic = np.array([[domestic_tools(int(n), share) for n in row] for row in fleets])
    low, high = 100.0 * domestic.sum(axis=0) / fleets.sum(axis=0)
    return float(low), float(high)


def _real_shares(shares: Sequence[int]) -> Iterator[list[str]]:
    yield ["share, %", "low", "high"]
    for share in shares:
        yield [str(share), *(f"{real:.1f}" for real in real_shares(share))]


def _binding(runs: dict[int, Figures]) -> Iterator[list[str]]:
    groups = list(_baseline()["tool_groups"])
    often = {
        share: np.bincount(run.binding, minlength=len(groups)) / len(run.binding)
        for share, run in runs.items()
    }
    yield ["share, %", *(f"{share}" for share in runs)]
    for g in np.argsort(-sum(often.values())):
        if sum(row[g] for row in often.values()) > 0.0:
            yield [groups[g], *(f"{100.0 * row[g]:.0f} %" for row in often.values())]


def _costs(shares: Sequence[int], count: int) -> Iterator[list[str]]:
    """The cost of each penalty alone, of all, and of all with imported immersion scanners."""
    cases: dict[str, dict[str, Any]] = {name: {"penalties": [name]} for name in PENALTIES}
    cases |= {"none": {"penalties": []}, "all": {}}
    cases["all, immersion scanners imported"] = {"imported": [SCANNERS]}
    base = simulate(model_file(0), count)
    chosen = [share for share in shares if share in (30, 60)]
    yield [
        "worse in",
        *(f"{what}, {share} %" for share in chosen for what in ("good dies", "outs")),
    ]
    products = np.ones(2 * len(chosen))
    for name, options in cases.items():
        row = []
        for share in chosen:
            run = simulate(model_file(share, **options), count)
            for key in ("good_dies_per_month", "outs_per_month"):
                row.append(np.quantile(getattr(run, key) / getattr(base, key), QUANTILES))
        if name in PENALTIES:
            products *= [found[1] for found in row]
        yield [name, *(" / ".join(f"{number:.3f}" for number in found) for found in row)]
    yield ["the four medians multiplied", *(f"{number:.3f}" for number in products)]


def _beside(shares: Sequence[int], count: int) -> Iterator[list[str]]:
    """Deviations of the engine from the plain formulas, over all shares."""
    yield ["", *(NAMES[name][0].removesuffix(", %") for name in FIGURES), "same group binds"]
    cases: dict[str, dict[str, Any]] = {
        "always mature, one segment": {"maturing": False, "segments": 1},
        "always mature": {"maturing": False},
        "maturing": {},
    }
    for title, options in cases.items():
        ours = [engine(share, count, **options) for share in shares]
        theirs = [parts(share, count, **options) for share in shares]
        pairs = list(zip(ours, theirs, strict=True))
        found = [deviations(*pair) for pair in pairs]
        row = []
        for name in FIGURES:
            values = np.concatenate([one[name] for one in found])
            worst = values[np.abs(values).argmax()]
            middle = (np.median(values), np.median(np.abs(values)))
            row.append(f"{middle[0]:+.2%}, {middle[1]:.2%}, {worst:+.2%}")
        same = np.mean([np.mean(our.binding == their.binding) for our, their in pairs])
        yield [title, *row, f"{same:.1%}"]


def _table(title: str, rows: Iterator[list[str]]) -> None:
    """Print a table as Markdown."""
    print(f"**{title}**\n")
    for number, row in enumerate(rows):
        print(f"| {' | '.join(row)} |")
        if number == 0:
            print("|" + " --- |" * len(row))
    print()


PANELS = {
    "outs_per_month": ("Wafers out a month, thousands", 1e-3),
    "die_yield": ("Good dies of gross dies, %", 100.0),
    "good_dies_per_month": ("Good dies a month, thousands", 1e-3),
}


def picture(runs: dict[int, Figures], said: dict[int, Figures]) -> Figure:
    """Bands and medians of the engine against the domestic share, with points by plain formulas."""
    figure = Figure(figsize=(11.0, 4.0), layout="constrained")
    figure.get_layout_engine().set(rect=(0.0, 0.05, 1.0, 0.95), w_pad=0.12)  # type: ignore[union-attr]
    shares = list(runs)
    for axes, (name, (title, scale)) in zip(figure.subplots(1, 3), PANELS.items(), strict=True):
        low, middle, high = _bands(runs, name, scale)
        axes.fill_between(shares, low, high, color=BLUE, alpha=0.2, linewidth=0, label="P10 to P90")
        axes.plot(shares, middle, color=BLUE, linewidth=2.2, label="median")
        for place, points in enumerate(_bands(said, name, scale)):
            fill = DOMESTIC_COLOUR if place == 1 else "white"
            label = "by the parts: median" if place == 1 else "by the parts: P10, P90"
            axes.plot(
                shares, points, "o", markersize=5.0, color=DOMESTIC_COLOUR, markerfacecolor=fill,
                label=label if place < 2 else None,
            )  # fmt: skip
        axes.set_title(title, loc="left", fontsize=11.0, color=INK)
        axes.set_xlabel("domestic share of the tools of each group, %", fontsize=9.0, color=INK)
        axes.set_ylim(bottom=0.0)
        axes.set_xticks(shares)
        axes.grid(axis="y", color="#DDDDDD", linewidth=0.7)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(labelsize=9.0, colors=INK, length=0)
    figure.axes[0].legend(frameon=False, fontsize=8.5, loc="lower left")
    count = len(next(iter(runs.values())).d0_per_cm2)
    text = (
        f"Source: yieldsim, the tools of SMIC SN1 of {TOOLS_OF}, die of the 910C, year 2026, "
        f"seed {SEED}, {count:,} realizations, process noise on; points by plain formulas, without."
    )
    figure.text(0.01, 0.012, text, fontsize=7.5, color=PALE, ha="left", va="bottom")
    return figure


def _bands(runs: dict[int, Figures], name: str, scale: float) -> Floats:
    return np.array([scale * np.quantile(getattr(r, name), QUANTILES) for r in runs.values()]).T


if __name__ == "__main__":
    main()
