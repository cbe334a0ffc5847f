"""Every summary of a weighted ensemble: a weight of two is worth a realization twice."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import xarray as xr

from tests.analysis import made_up, made_up_demand, made_up_driven, made_up_parts
from yieldsim.analysis import (
    compare_stores,
    compare_with_published,
    demand_summary,
    exceedance,
    paired_differences,
    quantiles,
    sensitivity_summary,
    summarize,
)
from yieldsim.analysis.evidence.checks import widths
from yieldsim.analysis.fab.die_yield import yield_summary
from yieldsim.analysis.statistics.between import difference_between
from yieldsim.analysis.supply.exceeded import exceedance_summary
from yieldsim.analysis.supply.lifted import binding_summary
from yieldsim.analysis.supply.products import products_summary
from yieldsim.analysis.totals import choose
from yieldsim.analysis.weights import WEIGHT, weights_of, with_weights
from yieldsim.errors import UsageError

ABOUT = {"name": "mine", "evidence": "mine.csv", "effective_sample_size": 12.0}
SEED = 3


def more(realizations: int = 48) -> xr.Dataset:
    """An ensemble with a scenario of 10 % more memory, and one without its limit."""
    names = ("baseline", "more:memory", "no_limit:memory")
    return made_up.ensemble(realizations, scenarios=names)


SUMMARIES: dict[str, tuple[Callable[[], xr.Dataset], Callable[[xr.Dataset], Any]]] = {
    "chips": (made_up.ensemble, summarize),
    "chips by half": (made_up.ensemble, lambda ds: summarize(ds, ["half"])),
    "exceedance": (made_up.ensemble, lambda ds: exceedance_summary(ds, [3e5, 5e5])),
    "products": (made_up_parts.whole, products_summary),
    "binding": (more, binding_summary),
    "yield": (lambda: made_up_parts.with_starts(made_up_parts.whole()), yield_summary),
    "demand": (made_up_demand.ensemble, demand_summary),
    "compared": (made_up.ensemble, lambda ds: compare_stores([("a", ds), ("b", 1.1 * ds)])),
    "widths": (made_up.ensemble, lambda ds: widths(ds, "baseline")),
}
# statistics that are means over the realizations; quantiles of a plain sample are interpolated,
# weighted ones are not, and errors are of other samples
MEANS = {"mean", "probability", "share", "made", "share_by_due", "share_by_end"} | {
    *("chips", "h100e", "chips_base", "start", "in", "used", "end"),
}


def counts_of(ds: xr.Dataset) -> np.ndarray:
    """How often each realization counts: none, once, twice or three times."""
    counts = np.random.default_rng(SEED).integers(0, 4, ds.sizes["realization"])
    counts[:2] = 1, 2
    return counts


def numbers(content: Any, path: tuple = ()) -> Iterator[tuple[tuple, float]]:
    """The means of a summary, each with the way to it."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key in MEANS and isinstance(value, float):
                yield (*path, key), value
            elif isinstance(value, dict | list):
                yield from numbers(value, (*path, key))
    elif isinstance(content, list):
        for record in content:
            if isinstance(record, dict):
                texts = tuple(v for v in record.values() if isinstance(v, str))
                yield from numbers(record, (*path, texts))


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_realization_twice_is_one_of_weight_two(name: str) -> None:
    make, summarized = SUMMARIES[name]
    ds = make()
    counts = counts_of(ds)
    repeated = ds.isel(realization=np.repeat(np.arange(len(counts)), counts))
    expected = dict(numbers(summarized(repeated)))
    found = dict(numbers(summarized(with_weights(ds, counts, ABOUT))))
    plain = dict(numbers(summarized(ds)))
    assert len(expected) > 0 or name == "widths"
    # what never happens in a realization of some weight is left out, or zero
    assert found.keys() == expected.keys()
    for way, number in expected.items():
        # sums in another order
        assert found[way] == pytest.approx(number, rel=1e-9, abs=1e-9), way
    if name != "widths":
        assert found != plain


@pytest.mark.parametrize("name", SUMMARIES)
def test_quantiles_and_errors_are_weighted_too(name: str) -> None:
    make, summarized = SUMMARIES[name]
    ds = make()
    one = np.zeros(ds.sizes["realization"])
    one[5] = 1.0
    alone = summarized(ds.isel(realization=[5]))
    found = summarized(with_weights(ds, one, ABOUT))
    known = dict(_quantiles(found))
    for key, value in _quantiles(alone):
        expected = value if isinstance(value, str) else pytest.approx(value, rel=1e-12)
        assert known[key] == expected, key


def _quantiles(content: Any, path: tuple = ()) -> Iterator[tuple[tuple, float | str]]:
    wanted = {"p10", "p50", "p90", "size_p50", "filled_p50"}
    if isinstance(content, dict):
        for key, value in content.items():
            if key in wanted and value is not None:
                yield (*path, key), value
            elif isinstance(value, dict | list):
                yield from _quantiles(value, (*path, key))
    elif isinstance(content, list):
        for record in content:
            if isinstance(record, dict):
                texts = tuple(
                    v for k, v in record.items() if isinstance(v, str) and k not in wanted
                )
                yield from _quantiles(record, (*path, texts))


@pytest.mark.parametrize("name", [name for name in SUMMARIES if name != "widths"])
def test_a_weighted_summary_says_by_what(name: str) -> None:
    make, summarized = SUMMARIES[name]
    found = summarized(with_weights(make(), np.ones(make().sizes["realization"]), ABOUT))
    about = found["stores"][0] if name == "compared" else found
    assert about["weights"] == ABOUT
    plain = summarized(make())
    assert "weights" not in (plain["stores"][0] if name == "compared" else plain)


def test_published_figures_lie_in_the_weighted_spread(tmp_path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(
        "entity,period,low,central,high,unit,source,variable\nx,2024,,400000,,chips,s,usable_chips\n"
    )
    ds = made_up.ensemble()
    counts = counts_of(ds)
    (found,) = compare_with_published(with_weights(ds, counts, ABOUT), path)
    (expected,) = compare_with_published(
        ds.isel(realization=np.repeat(np.arange(len(counts)), counts)), path
    )
    for key in ("mean", "percentile"):
        assert found[key] == pytest.approx(expected[key], rel=1e-12)
    (plain,) = compare_with_published(ds, path)
    assert found["se_percentile"] > plain["se_percentile"]  # as fewer realizations count


def test_equal_weights_change_no_mean_and_no_error() -> None:
    ds = made_up.ensemble()
    equal = with_weights(ds, np.full(ds.sizes["realization"], 3.0), ABOUT)
    for make in (quantiles, lambda d: exceedance(d, [3e5]), paired_differences):
        plain, found = make(ds), make(equal)
        for name in set(plain.data_vars) - {"quantile", "se_quantile"}:
            np.testing.assert_allclose(found[name], plain[name], rtol=1e-9, err_msg=str(name))


def test_stores_with_other_weights_are_not_paired() -> None:
    ds = choose(made_up.ensemble(), ["baseline"])
    rng = np.random.default_rng(1)
    first, second = (with_weights(ds, rng.random(64), ABOUT) for _ in range(2))
    assert difference_between(first, first).attrs["paired"] == 1
    for other in (second, ds):
        found = difference_between(first, other)
        assert found.attrs["reason"] == "their realizations have other weights"
        means = [quantiles(own, period="year")["mean"][0, 0] for own in (first, other)]
        np.testing.assert_allclose(found["mean"][0], means[1] - means[0], rtol=1e-9)


def test_weights_go_with_their_realizations() -> None:
    ds = with_weights(made_up.ensemble(), np.arange(1.0, 65.0), ABOUT)
    some = weights_of(ds.isel(realization=[63, 0]))
    assert some is not None
    assert some.tolist() == pytest.approx([64 / 65, 1 / 65])
    assert weights_of(ds.drop_vars(WEIGHT)) is None


def test_sensitivity_says_that_it_takes_no_weights() -> None:
    ds = made_up_driven.driven(64)
    with pytest.raises(UsageError, match=r"^--weights: .*independent draws.*yieldsim condition"):
        sensitivity_summary(with_weights(ds, np.ones(64), ABOUT))
