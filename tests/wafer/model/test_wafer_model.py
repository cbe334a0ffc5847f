"""Wafer models from TOML: defaults, floorplan arithmetic, and one clear line for bad input."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.paths import INVALID
from tests.wafer.made_up_wafers import ALL, NESTED, OPTIONS, SEEN, SPEED, make_model, raw_model
from yieldsim.errors import ModelError
from yieldsim.wafer import load_wafer_model, wafer_model
from yieldsim.wafer.compile.blocks import strips
from yieldsim.wafer.compile.floorplan import compile_floorplan
from yieldsim.wafer.repeaters import damage_key

TOML = """
name = "small"
[die]
width_mm = 12
height_mm = 10.5
[process]
d0_per_cm2 = 0.2
alpha_wafer = inf
"""


def test_defaults(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(TOML, encoding="utf-8")
    model = load_wafer_model(path)
    assert (model.wafer.diameter_mm, model.wafer.edge_exclusion_mm) == (300.0, 3.0)
    assert model.process.lot_wafers == 25
    assert model.process.alpha_wafer == math.inf
    assert (model.test.coverage, model.test.overkill) == (1.0, 0.0)


@pytest.mark.parametrize("name", [*OPTIONS, "all"])
def test_every_option_is_a_model(name: str) -> None:
    model = make_model({**OPTIONS, "all": ALL}[name])
    assert wafer_model(model.model_dump(exclude_none=True)) == model


_SEEN = "process.seen_signatures."

# place of the value, the value, where the error points and what it shows
BAD: list[tuple[str, Any, str, str]] = [
    ("process.alpha_wafer", 0, "process.alpha_wafer", "got 0"),
    ("process.alpha_region", -1.5, "process.alpha_region", "got -1.5"),
    ("process.alpha_lot", math.nan, "process.alpha_lot", "got nan"),
    ("process.d0_per_cm2", -0.1, "process.d0_per_cm2", "got -0.1; allowed: >= 0"),
    ("process.d0_per_cm2", math.inf, "process.d0_per_cm2", "got inf"),
    ("process.d0_per_cm2", "low", "process.d0_per_cm2", "got 'low'"),
    ("process.d0_per_cm2", None, "process.d0_per_cm2", "is missing"),
    ("process.lot_wafers", 2.5, "process.lot_wafers", "got 2.5"),
    ("process.seen_signatures", {**SEEN, "rows": [10]}, "process.seen_signatures", "got '1, 3, 3"),
    ("process.seen_signatures", {**SEEN, "rows": [10, 0, 6]}, _SEEN + "rows.1", "got 0"),
    ("process.seen_signatures", {**SEEN, "cols": [9, 9, 9]}, _SEEN + "cells[2]", "allowed: 54"),
    ("process.seen_signatures", {**SEEN, "cells": ["", "a 9", ""]}, _SEEN + "cells[1]", "'a 9'"),
    ("process.seen_signatures", {**SEEN, "cells": ["-1", "", ""]}, _SEEN + "cells[0]", "'-1'"),
    ("process.seen_signatures", {**SEEN, "ratio": [1, -1, 1]}, _SEEN + "ratio.1", "got -1"),
    ("process.seen_signatures", {**SEEN, "struck_faults": 0}, _SEEN + "struck_faults", "got 0"),
    ("process.seen_signatures", {**SEEN, "cell": []}, "process.seen_signatures", "unknown key"),
    ("die.blocks.core.area_mm2", 50, "die.blocks", "larger than the die, got '600 mm2'"),
    ("die.blocks.core.kind", "gpu", "die.blocks.core.kind", "got 'gpu'; allowed: fatal"),
    ("die.blocks.core.sparse", 1, "die.blocks.core", "unknown key, got 'sparse'; allowed: "),
    ("die.blocks.core.spares", 1, "die.blocks.core.spares", "got 1"),
    ("die.blocks.core.kind", "memory", "die.blocks.core.spares", "missing"),
    ("die.blocks.core.inside", "x", "die.blocks.core.inside", "got 'x'"),
    ("die.blocks.core.kill", {"m1": 0.5}, "die.blocks.core.kill", "got 'm1'"),
    ("die.blocks.core.spacing_um", 0.1, "die.blocks.core", "needs both"),
    ("die.groups.g", {"count": 2, "min_good": 1}, "die.groups.g.min_good", "got 1"),
    ("bins.full.min_good_cores", 13, "bins.full.min_good_cores", "got 13; allowed: <= 12"),
    ("bins.full.min_good_clusters", 1, "bins.full.min_good_clusters", "got 1; allowed: <= 0"),
    ("bins.full.min_ghz", 2.0, "bins.full.min_ghz", "needs the table [parametric.speed]"),
    ("bins.full.max_watt", 2.0, "bins.full.max_watt", "needs the table"),
    ("bins.full", 3, "bins.full", "must be a table, got 3"),
    ("bins", 24, "bins", "must be a table, got 24"),
    ("bins", {f"b{k}": {} for k in range(33)}, "bins", "too many, got 33; allowed: <= 32 bins"),
    ("process.alpha_wafer", 1e-4, "process.alpha_wafer", ">= 0.001 or inf, got 0.0001"),
    ("reticle", None, "process.repeaters", "needs the table [reticle]"),
    ("die.blocks.core.area_mm2", None, "die.blocks.core.area_mm2", "got 0.0; allowed: > 0 for a c"),
    (
        "die.blocks.m",
        {"kind": "memory", "spares": 1, "area_mm2": 0},
        "die.blocks.m.area_mm2",
        "> 0 for a memory",
    ),
    (
        "process.signatures",
        {"a": {"kind": "donut", "probability": 0.1, "peak_per_cm2": 1, "length": 0.4}},
        "process.signatures.a.length",
        "got 0.4",
    ),
    (
        "process.signatures",
        {f"s{k}": {"kind": "centre", "probability": 1, "peak_per_cm2": 1} for k in range(11)},
        "process.signatures",
        "too many, got 11; allowed: <= 10 kinds",
    ),
    (
        "process.systematic",
        {"overlay_tolerance_nm": 8, "imported_sigma_nm": 2},
        "process.systematic.critical_layers",
        "allowed: > 0",
    ),
    (
        "process.systematic",
        {"placement_tolerance_nm": 8, "placement_sigma_nm": 2},
        "process.systematic.critical_layers",
        "allowed: > 0",
    ),
    (
        "process.systematic",
        {
            "overlay_tolerance_nm": 8,
            "imported_sigma_nm": 2,
            "critical_layers": 2,
            "domestic_share": 0.1,
        },
        "process.systematic.domestic_sigma_nm",
        "missing beside domestic_share",
    ),
    ("process.profile", {"rho": [0, 1]}, "process.profile", "needs both rho and ratio"),
    ("process.profile", {"rho": [0, 1], "ratio": [1]}, "process.profile", "of unlike length"),
    ("process.profile", {"rho": [1, 0], "ratio": [1, 1]}, "process.profile.rho", "must rise"),
    ("process.profile", {"rho": [0, 1], "ratio": [0, 0]}, "process.profile.ratio", "is zero"),
    ("process.profile", {"edge_amplitude": -2}, "process.profile.edge_amplitude", "got -2"),
    ("process.layers", {"m1": {"share": 0.9}}, "process.layers", "got 0.9; allowed: 1"),
    ("process.signatures", {"a": {"kind": "blob"}}, "process.signatures.a.kind", "got 'blob'"),
    ("process.repeaters", {"per_cm2": -1}, "process.repeaters.per_cm2", "got -1"),
    ("process.systematic", {"imported_sigma_nm": 2}, "process.systematic.overlay", "missing"),
    ("wafer.diameter_mm", 500, "wafer.diameter_mm", "got 500; allowed: <= 450"),
    ("wafer.edge_exclusion_mm", 100, "wafer.edge_exclusion_mm", "got 100"),
    ("wafer.notch_side", "left", "wafer.notch_side", "of no notch"),
    ("test.coverage", 1.2, "test.coverage", "got 1.2; allowed: <= 1"),
    ("colour", "red", "wafer model", "unknown key, got 'colour'; allowed: "),
    ("die.width_mm", 0, "die.width_mm", "got 0; allowed: > 0"),
    ("die.offset", [0.5], "die.offset", "got"),
]


@pytest.mark.parametrize(("place", "value", "where", "words"), BAD)
def test_bad_values_are_one_line(place: str, value: Any, where: str, words: str) -> None:
    raw = raw_model({"process.repeaters": {"per_cm2": 0.01}, place: value})
    with pytest.raises(ModelError) as caught:
        wafer_model(raw)
    message = str(caught.value)
    assert message.startswith(where)
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"min_ghz": 2.0, "max_watt": 20}, "no die can meet it, got 20.0; allowed: > 20 W"),
        ({"max_watt": 50}, "needs min_ghz beside it"),
    ],
)
def test_watts_that_say_nothing(rule: dict[str, float], words: str) -> None:
    with pytest.raises(ModelError) as caught:
        make_model({"parametric": SPEED, "bins": {"fast": rule}})
    assert str(caught.value).startswith("bins.fast.max_watt: ")
    assert words in str(caught.value)


def test_holders_may_not_form_a_ring() -> None:
    groups = {"a": {"inside": "b"}, "b": {"inside": "a"}}
    with pytest.raises(ModelError, match=r"die.groups.a.inside: leads back to itself, got 'a'"):
        wafer_model(raw_model({"die.groups": groups}))


@pytest.mark.parametrize("length", [0, 20, 45, 70])
def test_truncated_files(tmp_path: Path, length: int) -> None:
    path = tmp_path / "short.toml"
    path.write_text(TOML[:length], encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_wafer_model(path)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing.toml: cannot be read"):
        load_wafer_model(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match=r"binary.toml: is not a text file"):
        load_wafer_model(tmp_path / "binary.toml")


def test_a_fault_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "die.toml").write_text(TOML, encoding="utf-8")
    main = tmp_path / "main.toml"
    for text, message in {
        "wafer.diameter_mm = 500\n": "main.toml: wafer.diameter_mm: ",
        "include = ['part.toml']\n": "part.toml: wafer model: unknown key, got ",
    }.items():
        (tmp_path / "part.toml").write_text("colour = 1\n", encoding="utf-8")
        main.write_text(f"extends = 'die.toml'\n{text}", encoding="utf-8")
        with pytest.raises(ModelError) as caught:
            load_wafer_model(main)
        assert str(caught.value).startswith(message)


def test_a_supply_model_is_told_apart() -> None:
    with pytest.raises(ModelError) as caught:
        load_wafer_model(INVALID / "parts" / "sound.toml")
    assert str(caught.value).startswith("sound.toml: is a supply model; allowed: a wafer model; ")


def test_nested_floorplan_by_enumeration() -> None:
    """Every pattern of dead areas of a small tree: 2 clusters of 2 cores, a memory with a spare."""
    blocks = {
        "noc": {"kind": "fatal", "area_mm2": 30},
        "core": {"kind": "core", "inside": "cluster", "count": 2, "area_mm2": 25},
        "cache": {"kind": "memory", "area_mm2": 40, "spares": 1},
    }
    groups = {"cluster": {"count": 2, "area_mm2": 10, "min_good": 2}}
    bins = {"both": {"min_good_cores": 4}, "one": {"min_good_cores": 2}}
    change = {"die.blocks": blocks, "die.groups": groups, "die.rest": "empty", "bins": bins}
    plan = compile_floorplan(make_model(change))
    d0 = 0.9
    noc, core, own, cache = (math.exp(-d0 * area / 100) for area in (30, 25, 10, 40))
    cache *= 1.0 + d0 * 0.4
    exact = np.zeros(2)
    for pattern in itertools.product((0, 1), repeat=6):
        clusters = [pattern[:3], pattern[3:]]
        chance = math.prod(
            (own if c[0] else 1 - own) * math.prod(core if x else 1 - core for x in c[1:])
            for c in clusters
        )
        good = sum(2 for c in clusters if all(c))
        exact += noc * cache * chance * np.array([good >= 4, good >= 2])
    assert plan.tails(np.array([d0]))[0] == pytest.approx(exact, rel=1e-12)


def test_damage_takes_what_it_hits() -> None:
    plan = compile_floorplan(make_model({**OPTIONS["nested"]}))
    placed = strips(plan)
    x = np.array([0.0])
    # without defects the class is what the damage alone leaves
    for strip in placed:
        damage = ((strip.path, strip.area, strip.copy),)
        tails = plan.tails(x, damage)[0]
        holder = plan.die
        for number, _ in strip.path:
            holder = holder.held[number][0]
        mended = holder.areas[strip.area].spares is not None
        whole = 1.0 if mended else 0.0
        assert tails[0] == pytest.approx(whole)  # 12 cores are left if the fault is mended
        twice = plan.tails(x, damage * 2)[0]
        assert twice[0] == pytest.approx(0.0)
    assert sum(strip.share for strip in placed) == pytest.approx(1.0)


def test_alike_damage_has_one_key() -> None:
    plan = compile_floorplan(
        make_model({"die.blocks": NESTED["blocks"], "die.groups": NESTED["groups"], "bins": {}})
    )
    cores = [strip for strip in strips(plan) if len(strip.path) == 2 and strip.memory < 0]
    keys = {damage_key(plan.die, ((one.path, one.area, one.copy),)) for one in cores}
    assert len(keys) == 1
    pairs = {
        damage_key(plan.die, tuple((one.path, one.area, one.copy) for one in pair))
        for pair in itertools.combinations(cores, 2)
    }
    assert len(pairs) == 2  # in one cluster or in two
