"""``yieldsim fit``: density, clustering, profile and signatures from wafer maps."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from yieldsim.cli.options import as_json
from yieldsim.cli.output_files import check_output, force, whole
from yieldsim.cli.wafers.lengths import LENGTH
from yieldsim.cli.wafers.map_options import map_files, read_options, reading
from yieldsim.cli.wafers.pictures import check_pictures, pictures, save_pictures
from yieldsim.errors import ModelError, UsageError

if TYPE_CHECKING:
    from yieldsim.wafer.fit.group import GroupFit
    from yieldsim.wafer.fit.intervals.estimate import Estimate
    from yieldsim.wafer.fit.shapes.fit_shapes import Shapes
    from yieldsim.wafer.fit.signatures import SignatureShare
    from yieldsim.wafer.maps.wafer_maps import WaferMaps

ALL = "all"
NAMED = 5  # wafers named in a note
UNLIKELY = 0.01  # chance of a difference between lots that is worth a note
_MOST_ACROSS = 2000  # dies, more than any wafer has
INTERVALS = (
    "likelihood of the wafers' fails and exact counts; from 400 wafers on, the sandwich estimator "
    "of the method of moments; Wilson's interval for shares"
)
FIGURES = (
    ("mean_yield", "of all tested dies"),
    ("sd_yield", "SD between wafers"),
    ("d0_per_die", "faults per die, mean over the usable disc"),
    ("faults_per_die", "faults per die, mean over the dies of the maps"),
    ("alpha_wafer", "gamma shape between wafers, lots included"),
    ("alpha_region", "gamma shape between blocks of a wafer"),
    ("block_dies", "side of a block, in dies"),
)


@click.command()
@map_files
@click.option(
    "--label",
    "labels",
    metavar="NAME",
    multiple=True,
    help="Fit only the maps of this label, or all; can be repeated.  [default: all and each]",
)
@click.option(
    "--confidence", type=float, default=0.95, show_default=True, help="Confidence of the intervals."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="Seed of the wafers simulated from the fit.",
)
@click.option(
    "--usable-diameter",
    type=LENGTH,
    metavar="MM",
    help="Diameter of the usable disc, for maps that give the pitch of the dies.  "
    "[default: the disc reaches as far as the dies]",
)
@click.option(
    "--across",
    metavar="C,R",
    help="Columns and rows of dies that the usable disc is wide and high, instead of its diameter.",
)
@click.option(
    "--shapes",
    is_flag=True,
    help="Also find the signatures of each map, and compare wafers with those of other maps.",
)
@click.option(
    "--out",
    metavar="FILE",
    help="Write a wafer model (.toml) with the signatures and the spread of these maps.",
)
@pictures("Draw observed and simulated wafers side by side")
@reading
@force
@as_json
def fit(
    maps: tuple[str, ...],
    labels: tuple[str, ...],
    confidence: float,
    seed: int,
    usable_diameter: float | None,
    across: str | None,
    shapes: bool,
    out: str | None,
    png: str | None,
    html: str | None,
    force: bool,
    as_json: bool,
    **reading: Any,
) -> None:
    """Fit defect density, clustering and signatures to wafer maps.

    MAPS are files of one or several formats: tables of dies (CSV with named columns), SEMI G85 and
    E142, SINF, STDF, KLARF, NumPy archives (.npz, also that of MixedWM38). Clustering is estimated
    at the scale of wafers (lots included) and of blocks of dies. Each map is searched for an edge
    ring, a centre, a donut and scratches, whatever its label. Wafers are then simulated from the
    fit and compared with the maps.

    The model of --out is that of all maps, or of the one --label. `yieldsim wafer FILE` then
    simulates wafers like those seen: each has the signatures and the background of one of them.
    """
    if not 0.0 < confidence < 1.0:
        raise UsageError("--confidence", "out of range", got=confidence, allowed="0 < C < 1")
    check_pictures(png, html, force)  # refuse before the work
    _check_model(out, labels, force)
    from yieldsim.wafer.fit.canonical import framed
    from yieldsim.wafer.maps.files import load_maps

    read = load_maps(maps, read_options(**reading))
    span = _across(read, usable_diameter, across)
    loaded = framed(read, span)
    written = (labels[0] if labels else ALL) if out else None
    chosen = _chosen(loaded, labels)
    searched = set(chosen if shapes else [label for label in chosen if label == written])
    groups = _fits(loaded, chosen, confidence, seed, bool(labels), span, searched)

    def draw() -> Any:
        from yieldsim.plots.wafer_fit import fit_figure

        return fit_figure(groups)

    text = [f"intervals at {confidence:g}: {INTERVALS}", *("\n".join(_text(g)) for g in groups)]
    save_pictures(draw, f"Fit to {len(loaded)} wafers", "\n\n".join(text), png, html)
    if out:
        _save_model(out, next(g for g in groups if g.label == written), maps, seed)
    if as_json:
        whole = {"maps": list(maps), "wafers": len(loaded), "confidence": confidence, "seed": seed}
        by_label = {group.label: _plain(group) for group in groups}
        click.echo(json.dumps(_json(whole | {"intervals": INTERVALS, "groups": by_label})))
        return
    click.echo("\n\n".join(text))


def _across(
    maps: WaferMaps, diameter_mm: float | None, across: str | None
) -> tuple[float, float] | None:
    """Return the columns and rows that the usable disc spans, None where neither option says so."""
    if across is not None:
        if diameter_mm is not None:
            allowed = "one of the two"
            raise UsageError("--across", "clashes with --usable-diameter", allowed=allowed)
        try:
            columns, rows = (float(part) for part in across.split(","))
        except ValueError:
            columns = rows = math.nan
        if not (0.0 < columns < _MOST_ACROSS and 0.0 < rows < _MOST_ACROSS):
            allowed = f"C,R, each above 0 and below {_MOST_ACROSS}"
            raise UsageError("--across", "not columns and rows", got=across, allowed=allowed)
        return columns, rows
    if diameter_mm is None:
        return None
    pitch = maps.pitch_mm
    if not (pitch > 0.0).all() or (pitch != pitch[0]).any():
        problem = "needs one pitch of the dies, which the maps do not give"
        raise UsageError("--usable-diameter", problem, got=diameter_mm, allowed="--across C,R")
    columns, rows = (diameter_mm / pitch[0]).tolist()
    if not (0.0 < columns < _MOST_ACROSS and 0.0 < rows < _MOST_ACROSS):
        problem = "is no diameter of a wafer"
        raise UsageError("--usable-diameter", problem, got=diameter_mm, allowed="> 0 mm")
    return columns, rows


def _chosen(maps: WaferMaps, labels: tuple[str, ...]) -> list[str]:
    """Return the groups to fit: all maps and each label, or those asked for."""
    known = [ALL, *maps.labels()]
    for label in labels:
        if label not in known:
            raise UsageError(
                "--label", "no map has this label", got=label, allowed=", ".join(known)
            )
    if labels:
        return list(dict.fromkeys(labels))
    return known if len(known) > 2 else [ALL]


def _check_model(out: str | None, labels: tuple[str, ...], force: bool) -> None:
    """Refuse a model that cannot be written, before the work."""
    if out is None:
        return
    if Path(out).suffix != ".toml":
        raise UsageError("--out", "unknown format", got=out, allowed="a file that ends in .toml")
    if len(set(labels)) > 1:
        got, allowed = ", ".join(labels), "one label, or none for all maps"
        raise UsageError("--label", "too many for one model", got=got, allowed=allowed)
    check_output(out, force, "--out")


def _save_model(out: str, group: GroupFit, maps: tuple[str, ...], seed: int) -> None:
    from yieldsim.wafer.fit.shapes.model_file import toml_text

    assert group.shapes is not None
    files = ", ".join(Path(path).name for path in maps)
    source = f"{group.fit.wafers} maps of {files}, label {group.label}, yieldsim fit, seed {seed}"
    tables = group.shapes.model(group.label, source)
    with whole(out):
        Path(out).write_text(toml_text(tables), encoding="utf-8")
    number = len(tables["process"]["seen_signatures"]["rows"])
    click.echo(f"model: {out}, with {number} of {group.fit.wafers} maps", err=True)


def _fits(
    maps: WaferMaps,
    labels: list[str],
    confidence: float,
    seed: int,
    strict: bool,
    across: tuple[float, float] | None,
    searched: set[str],
) -> list[GroupFit]:
    """Fit each group. A group without a fit is an error if it was asked for, otherwise a note.

    Signatures are found in the groups ``searched``.
    """
    import numpy as np

    from yieldsim.wafer.fit.group import fit_group

    groups = []
    for label in labels:
        some = maps if label == ALL else maps.select(np.flatnonzero(maps.label == label))
        try:
            group = fit_group(label, some, confidence, seed, across, label in searched)
            groups.append(group)
            for text in [*_doubts(group), *_doubts_of_lots(some)]:
                click.echo(f"note: {label}: {text}", err=True)
        except ModelError as error:
            if strict or label == ALL:
                raise
            click.echo(f"note: group left out: {error}", err=True)
    return groups


def _doubts(group: GroupFit) -> list[str]:
    """Return the reasons why some figures cannot be trusted."""
    doubts = []
    if group.untested:
        few = len(group.untested)
        shown = ", ".join(group.untested[:NAMED]) + (", ..." if few > NAMED else "")
        doubts.append(
            f"{few} of {group.fit.wafers} wafers are mostly untested ({shown}); "
            "each counts only with its tested dies"
        )
    if group.fit.wafers == 1:
        doubts.append("one wafer says nothing about the spread between wafers")
    if group.misses:
        doubts.append(
            "wafers simulated from the fit are not like the maps: "
            + "; ".join(
                f"{row.name} {row.simulated:.4g} against {row.observed:.4g}" for row in group.misses
            )
            + ". Trust mean_yield and faults_per_die, but not the other figures"
        )
    return doubts


def _doubts_of_lots(maps: WaferMaps) -> list[str]:
    """Return a doubt where lots differ by more than chance: wafers are taken as independent."""
    from yieldsim.wafer.maps.lots import chance_of_lots, lot_figures

    lots = lot_figures(maps)
    chance = chance_of_lots(lots)
    if not chance < UNLIKELY:
        return []
    return [
        f"the {len(lots)} lots differ by more than their wafers do (p {chance:.1g}); intervals "
        "take wafers as independent, so for other lots they are too narrow"
    ]


def _plain(group: GroupFit) -> dict[str, Any]:
    fit, form = group.fit, group.form
    profile = {
        "rho": fit.rho.tolist(),
        "ratio": fit.ratio.tolist(),
        "low": fit.ratio_low.tolist(),
        "high": fit.ratio_high.tolist(),
    }
    return {
        "wafers": fit.wafers,
        "dies": fit.dies,
        **{name: _estimate(getattr(fit, name)) for name, _ in FIGURES},
        "d0": _estimate(fit.d0_per_die),  # its name in version 0.1, which scripts read
        "profile": profile,
        "profile_form": vars(form),
        "block_test": {"j": fit.j, "degrees": fit.j_degrees, "p": fit.j_p},
        "signatures": {s.kind: {**vars(s), "faults": list(s.faults)} for s in group.signatures},
        "components": [
            {
                "name": part.name,
                "share": part.share,
                "wafers": part.fit.wafers,
                **{name: _estimate(getattr(part.fit, name)) for name, _ in FIGURES},
                "profile": {"rho": part.fit.rho.tolist(), "ratio": part.fit.ratio.tolist()},
            }
            for part in group.components
        ],
        "refit": [vars(row) for row in group.table],
        "refit_misses": [row.name for row in group.misses],
        "mostly_untested": group.untested,
        "shapes": None if group.shapes is None else _shape_record(group.shapes),
    }


def _shape_record(shapes: Shapes) -> dict[str, Any]:
    return {"marked": shapes.marked, "held_apart": [vars(row) for row in shapes.table]}


def _estimate(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _json(item: Any) -> Any:
    """Replace inf and nan, which JSON lacks."""
    if isinstance(item, dict):
        return {key: _json(value) for key, value in item.items()}
    if isinstance(item, list):
        return [_json(value) for value in item]
    if isinstance(item, float) and not math.isfinite(item):
        return None if math.isnan(item) else str(item)
    return item


def _text(group: GroupFit) -> list[str]:
    fit = group.fit
    lines = [f"{group.label}: {fit.wafers} wafers, {fit.dies} dies"]
    for name, meaning in FIGURES:
        figure = getattr(fit, name)
        interval = f"[{figure.low:.4g}, {figure.high:.4g}]"
        lines.append(f"  {name:16} {figure.value:<10.4g} {interval:22} {meaning}")
    lines.append("  profile by radius: dies of each ring, over the mean of the disc")
    bounds = zip(fit.rho, fit.ratio, fit.ratio_low, fit.ratio_high, strict=True)
    lines += [f"    {rho:<6.3f} {r:<8.3g} [{low:.3g}, {high:.3g}]" for rho, r, low, high in bounds]
    form = group.form
    verdict = "fits" if form.fits else "does not fit"
    lines.append(
        f"    1 + {form.amplitude:.3g} rho^{form.power:.3g} {verdict}: "
        f"chi2 {form.chi2:.1f} for {form.degrees} degrees, p {form.p:.2g}"
    )
    lines.append("  signatures, share of the wafers")
    for sign in group.signatures:
        chance = "" if math.isnan(sign.by_chance) else _found(sign)
        extra = "" if math.isnan(sign.peak_faults) else _shape(sign.peak_faults, sign.rho)
        interval = f"[{sign.low:.4f}, {sign.high:.4f}]"
        lines.append(f"    {sign.kind:16} {sign.share:<8.4f} {interval}{chance}{extra}")
    verdict = "misses" if group.misses else "agrees"
    lines.append(f"  refit by simulation, {len(group.components)} components: {verdict}")
    lines.append(f"    {'':24} {'observed':>9} {'simulated':>9} {'z':>6}")
    lines += [
        f"    {row.name:24} {row.observed:9.4f} {row.simulated:9.4f} {row.z:6.1f}"
        + ("  missed" if row in group.misses else "")
        for row in group.table
    ]
    return lines + ([] if group.shapes is None else _shape_lines(group.shapes))


def _shape_lines(shapes: Shapes) -> list[str]:
    lines = [f"  signatures seen on {shapes.marked:.1%} of the maps"]
    if shapes.table:
        lines.append(
            "  shapes: maps; wafers from the moments; wafers like the other half of the maps"
        )
        lines.append(f"    {'':24} {'observed':>9} {'moments':>9} {'like seen':>9}")
    return lines + [
        f"    {row.name:24} {row.observed:9.4f} {row.moments:9.4f} {row.held_apart:9.4f}"
        for row in shapes.table
    ]


def _found(sign: SignatureShare) -> str:
    power = "" if math.isnan(sign.power) else f", power {sign.power:.2f}"
    return f"  found {sign.found:.4f}, by chance {sign.by_chance:.4f}{power}"


def _shape(peak: float, rho: float) -> str:
    return f"  +{peak:.2g} faults per die at rho {rho:.2f}"
