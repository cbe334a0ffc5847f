"""``yieldsim compare``: stores on disk, side by side."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.outcome import outcome
from tests.cli.refusals import check_refused
from tests.ensemble.fake import make_store
from yieldsim.ensemble import Folder, finalize


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two stores of seed 3 and one of seed 4; the figures of the made-up model have no seed."""
    folder = tmp_path_factory.mktemp("stores")
    made = {"a": (3, 50), "more": (3, 80), "apart": (4, 50)}
    for name, (seed, count) in made.items():
        place = Folder(folder / f"{name}.zarr")
        make_store(place, seed=seed, realizations=count)
        finalize(place)
    make_store(Folder(folder / "begun.zarr"), blocks=1)
    return {name: str(folder / f"{name}.zarr") for name in (*made, "begun")}


def test_stores_of_one_seed_are_paired(stores: dict[str, str], capsys) -> None:
    code, out, err = outcome(capsys, "compare", stores["a"], stores["more"], "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert {r["paired"] for r in found["differences"]} == {True}
    assert {r["realizations"] for r in found["differences"]} == {50}
    # the same figures in the 50 realizations that both have
    assert all(r["mean"] == r["se_mean"] == 0.0 for r in found["differences"])
    # 2025Q3 and Q4 of two AI products: 4 r + 20 + 400,000
    means = {
        r["store"]: r["mean"]
        for r in found["records"]
        if r["scenario"] == "baseline" and r["period"] == "2025"
    }
    assert means == pytest.approx(
        {
            stores["a"]: 400_020.0 + 4.0 * np.arange(50).mean(),
            stores["more"]: 400_020.0 + 4.0 * np.arange(80).mean(),
        },
        rel=1e-7,
    )  # stored in single precision
    code, out, _ = outcome(capsys, "compare", stores["a"], stores["more"], "--period", "2025Q4")
    assert code == 0
    assert (
        "more.zarr and a.zarr are paired: same seed, design and draws of realizations 0 to 49"
        in out
    )
    assert "\n2025Q4  total    a.zarr" in out


def test_stores_of_two_seeds_are_not(stores: dict[str, str], capsys) -> None:
    code, out, _ = outcome(capsys, "compare", stores["a"], stores["apart"], "--json")
    assert code == 0
    found = json.loads(out)
    assert {r["reason"] for r in found["differences"]} == {"seed: 3 and 4"}
    record = next(r for r in found["differences"] if r["period"] == "2025")
    # sd of 4 r for r below 50, twice
    error = 4.0 * np.arange(50).std(ddof=1) * (2.0 / 50.0) ** 0.5
    assert record["se_mean"] == pytest.approx(error, rel=1e-4)
    assert (
        "not paired (seed: 3 and 4)" in outcome(capsys, "compare", stores["a"], stores["apart"])[1]
    )


def test_a_file_has_a_column_of_stores(stores: dict[str, str], tmp_path: Path, capsys) -> None:
    file = tmp_path / "x.csv"
    chosen = ["--scenario", "late", "--product", "handset", "--csv", file]
    code, _, _ = outcome(capsys, "compare", stores["a"], stores["apart"], *chosen)
    assert code == 0
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert {row["store"] for row in rows} == {stores["a"], stores["apart"]}
    assert {(row["scenario"], row["product"]) for row in rows} == {("late", "handset")}
    assert {row["paired"] for row in rows if row["statistic"] == "difference_mean"} == {"False"}


@pytest.mark.parametrize(
    ("names", "arguments", "code", "message"),
    [
        (["a"], [], 2, "STORE: a comparison needs two stores or more, got 1"),
        (
            ["a", "more"],
            ["--period", "2031"],
            2,
            "{a}: period: is outside the ensemble, got '2031'",
        ),
        (["a", "more"], ["--product", "x"], 2, "{a}: product: is not in the ensemble, got 'x'; al"),
        (["a", "more"], ["--scenario", "x"], 2, "{a}: scenario: is not in the ensemble, got 'x'; "),
        (["a", "begun"], [], 3, "{begun}: 3 of 4 blocks are missing; the command that began it"),
    ],
)
def test_wrong_usage_is_one_line(
    names: list[str], arguments: list[str], code: int, message: str, stores: dict[str, str], capsys
) -> None:
    paths = [stores[name] for name in names]
    check_refused(capsys, ["compare", *paths, *arguments], code, message.format(**stores))
