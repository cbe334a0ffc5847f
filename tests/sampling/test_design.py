"""Given samples and Sobol' sequences: what they change, and what stays as it was."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from tests.ensemble.fake import analyst_file, one_line
from tests.paths import INVALID
from yieldsim.design import Design, Samples
from yieldsim.errors import UsageError
from yieldsim.model import Model, ModelFile, load_file
from yieldsim.sampling import Sampler, check_samples, read_samples

SOUND = INVALID / "parts" / "sound.toml"
SOBOL = Design("sobol")
ALPHA, DELAY = "processes.n2.alpha", "shared.delay"


def file(**correlations: Any) -> ModelFile:
    """The sound model, with other correlations."""
    loaded = load_file(SOUND)
    raw = {key: item for key, item in loaded.raw.items() if key != "correlations"}
    return ModelFile(loaded.place, {**raw, "correlations": correlations}, {})


def columns(
    model: Model, design: Design, first: int = 0, count: int = 64, seed: int = 7
) -> dict[str, np.ndarray]:
    sampler = Sampler(model)
    drawn = sampler.draw(seed, first, count, design)
    return {path: drawn[:, number] for path, number in sampler.column.items()}


def given(**values: Any) -> Design:
    return Design(samples=read_samples({key.replace("__", "."): v for key, v in values.items()}))


# ---- given samples ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["random", "sobol"])
def test_samples_that_a_run_drew_itself_change_nothing(name: str) -> None:
    model = file(one={"between": [ALPHA, DELAY], "rank": 0.5}).model()
    drawn = columns(model, Design(name))
    own = read_samples({path: drawn[path] for path in Sampler(model).uncertain})
    for path, column in columns(model, Design(name, own)).items():
        np.testing.assert_array_equal(column, drawn[path])


def test_a_given_parameter_leaves_all_other_draws_as_they_were() -> None:
    model = file(one={"between": [ALPHA, DELAY], "rank": 0.9}).model()
    drawn = columns(model, Design())
    values = np.linspace(1.1, 1.9, 64)
    made = columns(model, given(shared__delay=values))
    followers = {p for p in drawn if p.endswith("install_quarters")}  # they refer to the delay
    for path, column in made.items():
        if path == DELAY:
            np.testing.assert_array_equal(column, values)
        elif path not in followers:
            np.testing.assert_array_equal(column, drawn[path])
    assert followers
    for path in followers:
        assert not np.array_equal(made[path], drawn[path])


def test_blocks_take_their_own_rows() -> None:
    values = np.linspace(1.0, 2.0, 64)
    model = file().model()
    part = columns(model, given(shared__delay=values), first=10, count=7)
    np.testing.assert_array_equal(part[DELAY], values[10:17])


def test_a_csv_and_an_npz_file_give_the_same_samples(tmp_path: Path) -> None:
    columns = {ALPHA: np.random.default_rng(1).random(9), DELAY: np.arange(9) / 7}
    np.savez(tmp_path / "x.npz", **columns)  # type: ignore[arg-type]
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(f"{float(a)!r}, {float(b)!r}" for a, b in rows)]
    (tmp_path / "x.csv").write_text("\ufeff" + "\r\n".join(lines) + "\n", encoding="utf-8")
    from_csv, from_npz = (read_samples(tmp_path / f"x.{kind}") for kind in ("csv", "npz"))
    assert from_csv.paths == from_npz.paths == (ALPHA, DELAY)
    np.testing.assert_array_equal(from_csv.values, from_npz.values)
    assert from_csv.digest == from_npz.digest == read_samples(columns).digest


def test_samples_survive_their_bytes() -> None:
    samples = read_samples({ALPHA: [0.1, 0.2], "größe": [3, 4]})
    again = Samples.from_bytes(samples.as_bytes())
    assert again.paths == samples.paths
    np.testing.assert_array_equal(again.values, samples.values)
    assert again.digest == samples.digest
    for spoiled in (b"", samples.as_bytes()[:-3], b"[]\n"):
        with pytest.raises(ValueError, match=r"samples|reshape|buffer|value"):
            Samples.from_bytes(spoiled)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ["x.csv: has no columns"]),
        (f"{ALPHA},{ALPHA}\n1,2\n", [f"column {ALPHA}: is given twice"]),
        (f"{ALPHA},\n1,2\n", ["column 2: has no name"]),
        (f"{ALPHA}\n", ["x.csv: has no rows"]),
        (f"{ALPHA}\n1\n1,2\n", ["line 3: has another number of cells", "got 2; allowed: 1"]),
        (f"{ALPHA}\n1\nlow\n", [f"line 3, column {ALPHA}: is not a number, got 'low'"]),
        (f"{ALPHA}\nnan\n", ["line 2", "got 'nan'; allowed: a finite number"]),
        (f"{ALPHA}\n1\n\n1e999\n", ["line 4", "got '1e999'"]),
    ],
)
def test_a_bad_csv_file_is_refused(tmp_path: Path, text: str, parts: list[str]) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(UsageError) as error:
        read_samples(tmp_path / "x.csv")
    one_line(error, str(tmp_path / "x.csv"), *parts)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("1")
    (tmp_path / "x.npz").write_text("1")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    np.savez(tmp_path / "text.npz", a=np.array(["x"]))
    np.savez(tmp_path / "object.npz", a=np.array([object()]))
    problems = {
        "x.txt": "unknown kind of samples",
        "none.csv": "no such file of samples",
        "x.npz": "is not a sound npz file",
        "x.csv": "is not a CSV text in UTF-8",
        "text.npz": "column a: is no column of numbers",
        "object.npz": "is not a sound npz file",
    }
    for name, problem in problems.items():
        with pytest.raises(UsageError) as error:
            read_samples(tmp_path / name)
        one_line(error, name, problem, "allowed: ")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({}, "has no columns"),
        ({ALPHA: [1.0], DELAY: [1.0, 2.0]}, "columns differ in length, got '1 and 2'"),
        ({ALPHA: [[1.0]]}, "got 'float64 of 2 dimensions'"),
        ({ALPHA: [True]}, "got 'bool of 1 dimensions'"),
        ({ALPHA: [1.0, np.inf]}, "row 2 is not finite, got 'inf'"),
        ([1.0], "unknown kind, got 'list'"),
    ],
)
def test_bad_columns_are_refused(columns: Any, problem: str) -> None:
    with pytest.raises(UsageError) as error:
        read_samples(columns)
    one_line(error, "samples", problem)


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("processes.n2.alhpa", 1.0, ["is no parameter of the model; allowed:", ALPHA]),
        ("xyzzy", 1.0, ["is no parameter of the model; allowed: a path that `yieldsim show`"]),
        ("processes.n3.alpha", 1.0, ["is fixed in the model", "--set"]),
        (DELAY, 2.5, ["is out of its range in row 2, got '2.5'; allowed: 1 to 2"]),
        (DELAY, 0.5, ["is out of its range in row 2"]),
        (
            "fabs.first.fleets.etch.imported.install_quarters",
            1.5,
            ["follows shared.delay, so it is not drawn itself; allowed: shared.delay"],
        ),
    ],
)
def test_columns_that_do_not_fit_the_model_are_refused(
    path: str, value: float, parts: list[str]
) -> None:
    samples = read_samples({path: [1.5, value]})
    with pytest.raises(UsageError) as error:
        check_samples(samples, {"baseline": Sampler(file().model())})
    one_line(error, f"samples: column {path}: ", *parts)


def test_a_value_that_a_discrete_parameter_cannot_have_is_refused() -> None:
    shape = '{dist="discrete", values=[1, 2], weights=[1, 1]}'
    model = file().with_changes([f"processes.n2.alpha={shape}"]).model()
    with pytest.raises(UsageError) as error:
        check_samples(read_samples({ALPHA: [1, 2, 1.5]}), {"baseline": Sampler(model)})
    one_line(error, "is out of its range in row 3, got '1.5'; allowed: one of 1, 2")


def test_a_scenario_with_another_distribution_is_refused() -> None:
    path = "processes.n2.d0_mature_per_cm2"
    other = {"title": "x", "changes": {"processes": {"n2": {"d0_mature_per_cm2": 0.1}}}}
    wider = {"dist": "uniform", "low": 0.01, "high": 0.9}
    changed = {"title": "x", "changes": {"processes": {"n2": {"d0_mature_per_cm2": wider}}}}
    model_file = analyst_file(fixed=other, wider=changed)
    samplers = {name: Sampler(model_file.model(name)) for name in ("baseline", "fixed", "wider")}
    value = samplers["baseline"].medians()[path]
    samples = read_samples({path: [value]})
    check_samples(samples, {name: samplers[name] for name in ("baseline", "fixed")})
    with pytest.raises(UsageError) as error:
        check_samples(samples, samplers)
    one_line(error, path, "scenario wider gives it another distribution than baseline")
    fixed = samplers["fixed"].draw(1, 0, 1, Design(samples=samples))
    assert fixed[0, samplers["fixed"].column[path]] == 0.1


# ---- Sobol' sequences ---------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "count"), [(0, 1), (3, 40), (17, 5), (99, 1)])
def test_a_sequence_can_be_entered_anywhere(first: int, count: int) -> None:
    model = file(one={"between": [ALPHA, DELAY], "rank": -0.6}).model()
    whole = columns(model, SOBOL, count=100)
    for path, part in columns(model, SOBOL, first, count).items():
        np.testing.assert_array_equal(part, whole[path][first : first + count])


def test_a_far_entry_costs_no_more() -> None:
    model = file().model()
    far = columns(model, SOBOL, first=2**32 - 10, count=5)[ALPHA]
    assert columns(model, SOBOL, first=2**32 - 8, count=1)[ALPHA][0] == far[2]


@pytest.mark.parametrize(("first", "count"), [(0, 256), (256, 256), (192, 64), (1000 * 1024, 1024)])
def test_each_cell_of_a_parameter_holds_one_realization(first: int, count: int) -> None:
    shape = '{dist="uniform", low=0, high=1}'
    model = file().with_changes([f"dies.phone.test_escape={shape}"]).model()
    drawn = columns(model, SOBOL, first, count)["dies.phone.test_escape"]
    assert sorted(np.floor(drawn * count)) == list(range(count))


def test_a_new_parameter_leaves_every_other_sequence_as_it_was() -> None:
    new = 'dies.phone.test_escape={dist="uniform", low=0, high=0.1}'
    before = columns(file().model(), SOBOL)
    after = columns(file().with_changes([new]).model(), SOBOL)
    assert set(after) - set(before) == {"dies.phone.test_escape"}
    for path, column in before.items():
        np.testing.assert_array_equal(after[path], column)


def test_seeds_scramble_otherwise() -> None:
    model = file().model()
    first, second = (columns(model, SOBOL, seed=seed)[ALPHA] for seed in (1, 2))
    assert not set(first) & set(second)


def many_uniforms(design: Design, count: int, seed: int) -> np.ndarray:
    """Uniforms of forty parameters, (realization, parameter)."""
    shape = {"dist": "uniform", "low": 0, "high": 1, "source": "made_up", "grade": "assumed"}
    raw = file().raw
    shared = {**raw["shared"], **{f"made_{k}": shape for k in range(40)}}
    sampler = Sampler(ModelFile("x", {**raw, "shared": shared}, {}).model())
    drawn = sampler.draw(seed, 0, count, design)
    return drawn[:, [sampler.column[f"shared.made_{k}"] for k in range(40)]]


@pytest.mark.statistical
def test_sequences_of_two_parameters_are_independent() -> None:
    count = 1024
    scores = ndtri(many_uniforms(SOBOL, count, 3))
    pairs = np.corrcoef(scores.T)[np.triu_indices(40, 1)]
    # 780 pairs: the largest of as many standard normal numbers is below 4.5 but once in 190; the
    # shuffling of powers of two widens the tails a little
    assert np.abs(pairs).max() < 6.0 / np.sqrt(count)
    assert np.sqrt(np.mean(pairs**2)) < 1.5 / np.sqrt(count)


@pytest.mark.statistical
def test_a_sum_of_parameters_converges_much_faster() -> None:
    """The reason for the design: a mean over 256 realizations, in twenty runs."""
    weights = np.linspace(1.0, 0.1, 40)
    spread = {}
    for design in (Design(), SOBOL):
        means = [(ndtri(many_uniforms(design, 256, s)) @ weights).mean() for s in range(20)]
        spread[design.name] = np.std(means)
    assert spread["sobol"] < 0.1 * spread["random"]


@pytest.mark.statistical
def test_uniforms_of_a_sequence_are_uniform() -> None:
    # 1000 is no power of two: the distribution of each must still be right over seeds
    pooled = np.concatenate([many_uniforms(SOBOL, 1, seed)[0] for seed in range(100)])
    assert stats.kstest(pooled, "uniform").pvalue > 1e-4
