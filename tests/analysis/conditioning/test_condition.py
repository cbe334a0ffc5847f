"""Conditioning against closed forms: the linear-Gaussian posterior, collapse, what carries it."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from tests.analysis.conditioning.worlds import evidence, linear, row, world
from tests.ensemble.fake import one_line
from yieldsim.analysis.conditioning.condition import condition
from yieldsim.analysis.conditioning.likelihood import pieces_of
from yieldsim.analysis.conditioning.reliability import (
    WIDEST,
    Weighing,
    collapse_advice,
    left_out,
    weigh,
)
from yieldsim.analysis.statistics.weighted import effective_sample_size, weighted_quantile
from yieldsim.analysis.weights import with_weights
from yieldsim.errors import UsageError

N = 20_000
# a year is four equal quarters: 4 (100 + 5 level + 3 growth), then 4 (120 + 5 level + 6 growth)
CENTRES, LOADINGS = np.array([400.0, 480.0]), 4.0 * np.array([[5.0, 3.0, 0.0], [5.0, 6.0, 0.0]])
SEEN, SPREAD = 420.0, 15.0


def posterior() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean and sd of the totals, then of the inputs, once the first total was seen."""
    direction = LOADINGS[0]
    precision = 1.0 / (direction @ direction + SPREAD**2)
    shift = direction * precision * (SEEN - CENTRES[0])
    covariance = np.eye(3) - np.outer(direction, direction) * precision
    totals = LOADINGS @ covariance @ LOADINGS.T
    sds = np.sqrt(np.diag(totals)), np.sqrt(np.diag(covariance))
    return CENTRES + LOADINGS @ shift, sds[0], shift, sds[1]


@pytest.mark.statistical
def test_a_linear_world_has_the_gaussian_posterior(tmp_path: Path) -> None:
    path = evidence(tmp_path, row(central=SEEN, spread=str(SPREAD)))
    found, weights = condition(linear(N), path)
    mean, sd, shift, input_sd = posterior()
    assert weights is not None
    assert found["collapsed"] is False
    assert found["effective_sample_size"] == pytest.approx(effective_sample_size(weights))
    for year, record in enumerate(found["posterior"]["totals"]):
        # four standard errors, which `test_weighted` shows to be right
        assert record["mean"] == pytest.approx(mean[year], abs=4 * record["se_mean"])
        for name, p in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
            expected = mean[year] + sd[year] * norm.ppf(p)
            assert record[name] == pytest.approx(expected, abs=4 * record[f"se_{name}"])
        assert record["ratio"] == pytest.approx(record["p90"] / record["p10"])
    error = 4.0 / math.sqrt(found["effective_sample_size"])
    moved = {r["parameter"]: r for r in found["moved"]["inputs"]}
    for i, name in enumerate(("level", "growth", "idle")):
        # inputs are standard normal: shifts are means, and a standard deviation of n draws has
        # the relative error 1 / sqrt(2 n)
        assert moved[name]["shift"] == pytest.approx(shift[i], abs=error)
        assert moved[name]["sd_ratio"] == pytest.approx(input_sd[i], rel=error)
        assert moved[name]["moved"] is (name != "idle")
    assert [r["parameter"] for r in found["moved"]["inputs"]] == ["level", "growth", "idle"]
    assert (found["moved"]["moved"], found["moved"]["of"]) == (2, 3)


@pytest.mark.statistical
def test_the_information_is_the_divergence_of_two_gaussians(tmp_path: Path) -> None:
    found, _ = condition(linear(N), evidence(tmp_path, row(central=SEEN, spread=str(SPREAD))))
    # of the first total, from its prior to its posterior: the evidence speaks of nothing else
    variance = LOADINGS[0] @ LOADINGS[0]
    ratio = SPREAD**2 / (variance + SPREAD**2)
    moved = (1.0 - ratio) * (SEEN - CENTRES[0])
    expected = 0.5 * (ratio + moved**2 / variance - 1.0 - math.log(ratio))
    # a mean of log weights of which n count: its error is about 1 / sqrt(n)
    assert found["information"] == pytest.approx(
        expected, abs=4.0 / math.sqrt(found["effective_sample_size"])
    )


@pytest.mark.statistical
def test_inputs_without_effect_hardly_ever_count_as_moved(tmp_path: Path) -> None:
    # one ensemble in a hundred may show one: of 40, three or more with a probability of 0.8 %
    path, count, false = evidence(tmp_path, row(central=SEEN, spread=str(SPREAD))), 100, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((400, count))
        chips = np.repeat(100.0 + 6.0 * rng.standard_normal((400, 1)), 4, axis=1)
        found = condition(world(chips, x, inputs=[f"idle {i}" for i in range(count)]), path)[0]
        false += found["moved"]["moved"] > 0
    assert false < 3


@pytest.mark.statistical
def test_the_narrowing_is_that_of_the_gaussian_posterior(tmp_path: Path) -> None:
    found, _ = condition(linear(N), evidence(tmp_path, row(central=SEEN, spread=str(SPREAD))))
    mean, sd, _, _ = posterior()
    prior_sd = np.sqrt((LOADINGS**2).sum(axis=1))
    for year, record in enumerate(found["narrowing"]):
        after, before = (
            (centre + 1.2816 * own) / (centre - 1.2816 * own)
            for centre, own in ((mean[year], sd[year]), (CENTRES[year], prior_sd[year]))
        )
        # an interval of 95 % is four standard errors wide: twice as far is four of them
        reach = record["high"] - record["low"]
        assert record["width"] == pytest.approx(after / before, abs=reach)
        assert record["low"] <= record["width"] <= record["high"] < 1.0
        assert record["sure"] is True


def test_evidence_that_says_nothing_narrows_nothing_for_sure(tmp_path: Path) -> None:
    found, _ = condition(linear(2_000), evidence(tmp_path, row(central=SEEN, spread="1e5")))
    for record in found["narrowing"]:
        assert record["width"] == pytest.approx(1.0, abs=1e-3)
        assert record["sure"] is False


def test_the_transform_is_the_share_below_before_and_after(tmp_path: Path) -> None:
    ds = world(np.repeat(np.arange(200.0)[:, None], 4, axis=1))
    rows = [row(central=400, spread="60"), row("2024H1", low=100, high=300, role="forecast")]
    found, weights = condition(ds, evidence(tmp_path, *rows))
    assert weights is not None
    first, second = found["evidence"]
    chips = np.arange(200.0)
    for when, own in (("prior", None), ("posterior", weights)):
        exact = np.average(4 * chips < 400, weights=own)
        exact += 0.5 * np.average(4 * chips == 400, weights=own)
        assert first[f"{when}_below"] == pytest.approx(exact, rel=1e-12)
        half = np.average(2 * chips < 300, weights=own)
        half += 0.5 * np.average(2 * chips == 300, weights=own)
        assert second[f"{when}_below_high"] == pytest.approx(half, rel=1e-12)
    assert (first["vote"], second["vote"]) == (1.0, 0.0)
    assert second["prior_below"] is None


def test_the_row_that_says_most_carries_it(tmp_path: Path) -> None:
    rows = [
        row(central=430, spread="10", group="loud"),
        row("2025", central=480, spread="400", group="quiet"),
        row("2025", central=490, spread="400", group="quiet"),
    ]
    found, _ = condition(linear(2_000), evidence(tmp_path, *rows))
    assert found["carried_by"] == ["all 2024 by source"]
    kinds = [(r["kind"], r["name"]) for r in found["left_out"]]
    assert kinds[-1] == ("group", "quiet")
    assert [kind for kind, _ in kinds] == ["row", "row", "row", "group"]
    loud = found["left_out"][0]
    assert loud["share_gone"] > 0.9
    assert loud["effective_sample_size"] > found["effective_sample_size"]
    # without it all is nearly as it was
    before = found["prior"]["totals"][0]["p50"]
    assert loud["p50"]["2024"] == pytest.approx(
        before, abs=2 * found["prior"]["totals"][0]["se_p50"]
    )


def test_evidence_that_many_share_is_carried_by_none(tmp_path: Path) -> None:
    rows = [row(q, central=105, spread="8") for q in ("2024Q1", "2024Q2", "2024Q3")]
    found, _ = condition(linear(2_000), evidence(tmp_path, *rows))
    assert found["carried_by"] == []


def test_the_only_row_carries_all_of_it(tmp_path: Path) -> None:
    found, _ = condition(linear(500), evidence(tmp_path, row(central=SEEN, spread="30")))
    (record,) = found["left_out"]
    assert record["share_gone"] == 1.0
    assert record["effective_sample_size"] == 500.0
    assert record["p50"]["2024"] == pytest.approx(
        found["prior"]["totals"][0]["p50"], abs=found["prior"]["totals"][0]["se_p50"]
    )


def test_collapsed_weights_are_not_given_but_advice_is(tmp_path: Path) -> None:
    rows = [row(central=500, spread="5"), row("2025", central=480, spread="60")]
    path = evidence(tmp_path, *rows)
    found, weights = condition(linear(4_000), path)
    assert weights is None
    assert found["collapsed"] is True
    assert found["posterior"] is None
    assert found["moved"]["inputs"] == []
    assert found["effective_sample_size"] < 0.05 * 4_000
    assert "of 4,000 realizations" in found["problem"]
    assert "without all 2024 by source it would be" in found["advice"]
    assert "more realizations would not help" in found["advice"]
    # the spread that is named holds, and a tenth less does not
    wider = float(found["advice"].split("a spread of ")[1].split()[0])
    assert 5.0 < wider < 5.0 * WIDEST
    for spread, holds in ((wider, True), (wider - 0.55, False)):
        again = evidence(tmp_path, row(central=500, spread=str(spread)), rows[1])
        assert (condition(linear(4_000), again)[1] is not None) is holds
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("count", "k", "collapsed"),
    [
        (400, 0.69, False),
        (400, 0.7, True),
        (50, 0.1, False),
        (49, 0.1, True),
        (400, -math.inf, False),
    ],
)
def test_weights_hold_with_enough_realizations_and_a_light_tail(
    count: int, k: float, collapsed: bool
) -> None:
    # equal weights of ``count`` realizations of a thousand, of which 50 are a twentieth
    weights = np.zeros(1_000)
    weights[:count] = 1.0 / count
    assert Weighing(weights, k).collapsed is collapsed


@pytest.mark.parametrize(
    ("k", "words"),
    [
        (0.75, "run 10,000 realizations, as such a k needs"),  # 10^(1 / (1 - 0.75))
        (0.72, "more realizations would not help"),  # 3,728, which there are
        (0.95, "more realizations would not help"),  # 1e20
        (1.2, "more realizations would not help"),
    ],
)
def test_a_heavy_tail_alone_needs_more_realizations(k: float, words: str, tmp_path: Path) -> None:
    pieces = pieces_of(linear(4_000), evidence(tmp_path, row(central=SEEN), row(central=410)))
    found = Weighing(np.full(4_000, 1.0 / 4_000), k)
    assert words in collapse_advice(pieces, found, list(left_out(pieces)))


def test_advice_for_few_realizations_names_a_number(tmp_path: Path) -> None:
    found, weights = condition(linear(100), evidence(tmp_path, row(central=520, spread="1%")))
    assert weights is None
    assert "run 2,155 realizations" in found["advice"]
    assert "is the only row" in found["advice"]


def test_advice_where_no_single_row_does_it(tmp_path: Path) -> None:
    rows = [row(q, central=125, spread="1") for q in ("2024Q1", "2024Q2", "2024Q3")]
    pieces = pieces_of(linear(4_000), evidence(tmp_path, *rows))
    found = weigh(pieces)
    advice = collapse_advice(pieces, found, list(left_out(pieces)))
    factor = float(advice.split("spreads ")[1].split()[0])
    assert "in all rows" in advice
    assert not weigh(pieces, {piece.row.place: factor for piece in pieces}).collapsed


def test_what_cannot_be_conditioned_is_refused(tmp_path: Path) -> None:
    path = evidence(tmp_path, row(central=SEEN))
    with pytest.raises(UsageError) as error:
        condition(linear(24), path)
    one_line(error, "too few realizations", "got 24", "25 or more")
    with pytest.raises(UsageError) as error:
        condition(with_weights(linear(50), np.ones(50), {}), path)
    one_line(error, "has weights already")
    with pytest.raises(UsageError) as error:
        condition(linear(50), path, "late")
    one_line(error, "'late'", "baseline")


def test_an_ensemble_without_inputs_has_none_that_moved(tmp_path: Path) -> None:
    ds = linear(200).drop_vars(["parameter_value", "parameter"])
    found, _ = condition(ds, evidence(tmp_path, row(central=SEEN)))
    assert found["moved"] == {"inputs": [], "moved": 0, "of": 0}


@pytest.mark.statistical
def test_later_quarters_of_a_perfect_model_lie_inside_as_often_as_they_should(
    tmp_path: Path,
) -> None:
    # Chips grow by a rate and jump by noise of the quarter. A history of four quarters is seen with
    # a normal error, a third of a quarter's chips, and four more quarters follow.
    rng = np.random.default_rng(9)
    n, truths, error = 4_000, 100, 50.0
    level, rate = rng.standard_normal((2, n + truths, 1))
    noise = rng.standard_normal((n + truths, 8))
    chips = np.exp(5.0 + 0.3 * level + 0.05 * (1.0 + rate) * np.arange(8.0) + 0.1 * noise)
    ensemble, later = world(chips[:n]), chips[:n, 4:].T
    before = np.subtract(*np.quantile(later, (0.9, 0.1), axis=1))
    inside, narrower, held = [], [], 0
    for truth in chips[n:]:
        seen = np.clip(truth[:4] + error * rng.standard_normal(4), 0.0, None)
        rows = [row(f"2024Q{q + 1}", central=seen[q], spread=str(error)) for q in range(4)]
        found = weigh(pieces_of(ensemble, evidence(tmp_path, *rows)))
        low, high = weighted_quantile(later, found.weights, (0.1, 0.9)).T
        inside.append((low <= truth[4:]) & (truth[4:] <= high))
        narrower.append((high - low) / before)
        held += not found.collapsed
    # truths in the tails of the prior have few realizations like them
    assert held > 80
    assert np.mean(narrower) < 0.75  # or the priors alone would do
    # 80 % of 100 truths are known to 4 %, two of these
    assert np.mean(inside) == pytest.approx(0.80, abs=0.08)
