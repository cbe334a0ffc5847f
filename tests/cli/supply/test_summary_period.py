"""``yieldsim summary --above``, ``--period``, ``--csv`` and ``--parquet``"""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import yieldsim.ensemble
from tests.analysis.made_up import PRODUCTS, ensemble
from tests.analysis.made_up_parts import LIFTED, whole
from tests.cli.outcome import outcome
from tests.cli.refusals import check_refused
from tests.ensemble.fake import make_store
from yieldsim.analysis import tidy_rows
from yieldsim.analysis.supply.exceeded import exceedance_summary
from yieldsim.cli.main import main
from yieldsim.ensemble import Folder, finalize

WHATS = ("products", "binding", "yield", "demand", "memory")


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yieldsim.ensemble, "open_ensemble", lambda path: ensemble())


def summary_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    code, out, err = outcome(capsys, "summary", "x.zarr", *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_the_probability_of_the_total_is_that_of_ai_chips(capsys) -> None:
    found = summary_of(capsys, "--above", "400000", "--period", "2025")
    assert found == exceedance_summary(ensemble(), [400_000.0], ["2025"])
    record = found["exceedance"][0]
    wanted = {"scenario": "baseline", "product": "total", "period": "2025", "above": 400_000}
    assert record.items() >= wanted.items()
    chips = ensemble()["usable_chips"].to_numpy().astype(float)[0, :, 4:, :2].sum(axis=(1, 2))
    assert record["probability"] == np.mean(chips > 400_000)
    assert record["se"] == pytest.approx(np.std(chips > 400_000, ddof=1) / 8.0, rel=1e-12)
    assert found["in_total"] == list(PRODUCTS[:2])


def test_probabilities_are_by_year_and_of_the_chosen_products(capsys) -> None:
    chosen = ["--product", PRODUCTS[2], "--product", "total", "--scenario", "domestic_late"]
    found = summary_of(capsys, "--above", "1e5", "--above", "3e5", *chosen)["exceedance"]
    assert [(r["product"], r["period"], r["above"]) for r in found] == [
        (product, year, above)
        for product in (PRODUCTS[2], "total")
        for year in ("2024", "2025")
        for above in (1e5, 3e5)
    ]
    assert {r["scenario"] for r in found} == {"domestic_late"}


def test_the_table_of_probabilities_says_how_far_they_reach(capsys) -> None:
    code, out, _ = outcome(capsys, "summary", "x.zarr", "--above", "400000", "--period", "2025")
    assert code == 0
    record = exceedance_summary(ensemble(), [400_000.0], ["2025"])["exceedance"][0]
    row = next(line for line in out.splitlines() if line.startswith("2025"))
    shown = (f"{100 * record['probability']:.1f}", "%", f"{100 * record['se']:.1f}", "%")
    assert tuple(row.split()) == ("2025", "total", "baseline", "400,000", *shown)
    assert "total: AI chips, that is ascend_910b, ascend_910c." in out
    assert "95 % confidence" not in out
    _, out, _ = outcome(capsys, "summary", "x.zarr", "--above", "9e9")
    # none of 64: at most 3 / 64
    assert "within 4.7 % of that" in " ".join(out.split())


def test_draws_along_sobol_sequences_are_told(capsys, monkeypatch) -> None:
    monkeypatch.setattr(
        yieldsim.ensemble, "open_ensemble", lambda path: ensemble().assign_attrs(design="sobol")
    )
    assert summary_of(capsys, "--above", "1e5")["design"] == "sobol"
    for arguments in (["--above", "1e5"], []):
        assert (
            "along Sobol' sequences; errors are"
            in outcome(capsys, "summary", "x.zarr", *arguments)[1]
        )


def test_given_inputs_are_told(capsys, monkeypatch) -> None:
    given = ensemble().assign_attrs(samples_digest="ab")
    monkeypatch.setattr(yieldsim.ensemble, "open_ensemble", lambda path: given)
    assert summary_of(capsys, "--above", "1e5")["given_samples"] is True
    assert (
        "64 realizations; inputs were given, and errors are too small where"
        in outcome(capsys, "summary", "x.zarr")[1]
    )
    monkeypatch.setattr(yieldsim.ensemble, "open_ensemble", lambda path: ensemble())
    assert summary_of(capsys, "--above", "1e5")["given_samples"] is False


def test_a_chosen_period_takes_the_place_of_quarters_and_years(capsys) -> None:
    found = summary_of(capsys, "--period", "2025H1", "--period", "2024")
    assert found["periods"] == ["2025H1", "2024"]
    for key in ("records", "binding", "differences"):
        assert {r["period"] for r in found[key]} == {"2025H1", "2024"}
    code, out, _ = outcome(capsys, "summary", "x.zarr", "--period", "2025H1", "--product", "total")
    assert code == 0
    assert out.startswith("Usable chips by period, scenario baseline\n\nperiod  product")
    assert "per quarter" not in out
    assert "per calendar year" not in out
    row = next(line for line in out.splitlines() if line.startswith("2025H1"))
    shares = [r for r in found["binding"] if (r["product"], r["period"]) == ("total", "2025H1")]
    assert row.endswith(f"{shares[0]['constraint']} ({100 * shares[0]['share']:.0f} %)")


@pytest.mark.parametrize("what", WHATS)
def test_every_table_takes_a_period(what: str, capsys, monkeypatch) -> None:
    monkeypatch.setattr(yieldsim.ensemble, "open_ensemble", lambda path: whole(scenarios=LIFTED))
    found = summary_of(capsys, "--what", what, "--period", "2024H2")
    lists = [value for value in found.values() if isinstance(value, list)]
    records = [r for records in lists for r in records if isinstance(r, dict)]
    assert {r["period"] for r in records} <= {"2024H2"}
    assert records or what in ("demand", "memory")
    code, out, _ = outcome(capsys, "summary", "x.zarr", "--what", what, "--period", "2024H2")
    assert code == 0
    assert "calendar year" not in out
    assert "2024Q" not in out
    assert ("2024H2" in out) == bool(records)


def test_a_csv_file_holds_what_the_summary_prints(tmp_path: Path, capsys) -> None:
    file = tmp_path / "x.csv"
    arguments = ["summary", "x.zarr", "--period", "2025", "--csv", file, "--json"]
    code, out, err = outcome(capsys, *arguments)
    assert (code, err) == (0, f"table: {file}\n")
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    expected = tidy_rows(json.loads(out))
    assert [row["statistic"] for row in rows] == [row["statistic"] for row in expected]
    for row, wanted in zip(rows, expected, strict=True):
        assert float(row["value"]) == wanted["value"]  # all digits
        assert row["se"] == ("" if wanted["se"] is None else repr(wanted["se"]))
        assert (row["product"], row["period"]) == (wanted["product"], "2025")
    header = file.read_text(encoding="utf-8").splitlines()[0]
    assert header.startswith("scenario,product,period,statistic,value,se,unit")


def test_a_csv_file_of_a_product_has_no_other(tmp_path: Path, capsys) -> None:
    file = tmp_path / "x.csv"
    code, _, _ = outcome(capsys, "summary", "x.zarr", "--product", PRODUCTS[1], "--csv", file)
    assert code == 0
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert {row["product"] for row in rows} == {PRODUCTS[1]}


def test_a_parquet_file_has_the_same_rows(tmp_path: Path, capsys) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "x.parquet"
    for _ in range(2):  # a file of ours may be written again
        code, _, err = outcome(capsys, "summary", "x.zarr", "--above", "4e5", "--parquet", file)
        assert (code, err) == (0, f"table: {file}\n")
    rows = parquet.read_table(file).to_pylist()
    assert rows == tidy_rows(exceedance_summary(ensemble(), [400_000.0]))


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    message = "--parquet: pyarrow is not installed; `pip install 'yieldsim[parquet]'` brings it"
    check_refused(capsys, ["summary", "x", "--parquet", str(tmp_path / "x.parquet")], 2, message)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--period", "2031"], "period: is outside the ensemble, got '2031'; allowed: 2024Q1 to "),
        (
            ["--period", "soon"],
            "period: unknown period, got 'soon'; allowed: quarter, half, year, ",
        ),
        (["--above", "1", "--period", "2025Q9"], "period: unknown period, got '2025Q9'; allowed: "),
        (["--above", "many"], "Invalid value for '--above': 'many' is not a valid float (see yi"),
        (["--above", "nan"], "above: is not a number, got nan; allowed: such as 2000000"),
        (
            ["--above", "1", "--product", "x"],
            "product: is not in the ensemble, got 'x'; allowed: to",
        ),
        (
            ["--above", "1", "--what", "yield"],
            "--above: does not go with --what yield; allowed: no",
        ),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], message: str, capsys) -> None:
    check_refused(capsys, ["summary", "x.zarr", *arguments], 2, message)


def test_a_file_of_somebody_else_is_kept(tmp_path: Path, capsys) -> None:
    file = tmp_path / "x.csv"
    file.write_text("mine")
    message = "--csv: exists, and may not be a file that yieldsim wrote"
    check_refused(capsys, ["summary", "x.zarr", "--csv", str(file)], 2, message)
    assert file.read_text() == "mine"
    assert main(["summary", "x.zarr", "--csv", str(file), "--force"]) == 0
    assert file.read_text().startswith("scenario,")


def test_an_unfinished_store_is_one_line(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.undo()
    make_store(Folder(tmp_path / "x.zarr"), blocks=2)
    message = f"{tmp_path / 'x.zarr'}: 2 of 4 blocks are missing; the command that began it"
    check_refused(capsys, ["summary", str(tmp_path / "x.zarr"), "--above", "1"], 3, message)


def test_a_stored_ensemble_answers_by_hand(tmp_path: Path, capsys, monkeypatch) -> None:
    """`usable_chips` of realization r is r + 10 q + 10^5 p (AI: p = 0 and 2), 50 realizations."""
    monkeypatch.undo()
    place = Folder(tmp_path / "x.zarr")
    make_store(place)
    finalize(place)
    arguments = ["--scenario", "baseline", "--period", "2025", "--above", "400059", "--json"]
    code, out, _ = outcome(capsys, "summary", tmp_path / "x.zarr", *arguments)
    assert code == 0
    # 2025Q3 and Q4: 4 r + 20 + 400,000 chips; above 400,059 for r >= 10
    (record,) = json.loads(out)["exceedance"]
    assert (record["probability"], record["quarters"]) == (0.8, 2)
    assert record["se"] == pytest.approx((0.8 * 0.2 / 49) ** 0.5, rel=1e-12)
