import numpy as np
import pytest

from tests.analysis.made_up_driven import driven
from yieldsim.analysis.drivers.figure import figure_of
from yieldsim.errors import UsageError


def test_periods_are_sums_of_quarters() -> None:
    ds = driven(30)
    chips = ds["usable_chips"].to_numpy()[0, :, :, 0]
    figure = figure_of(ds, "usable_chips", None, "baseline")
    labels = ds["quarter_label"].to_numpy().tolist()
    assert figure.periods == [*labels, "2026", "2027", "horizon"]
    assert figure.longer().periods == ["2026", "2027", "horizon"]
    # sums of six figures in another order
    np.testing.assert_allclose(figure.values[:, :6], chips, rtol=1e-14)
    np.testing.assert_allclose(figure.values[:, 6], chips[:, :4].sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(figure.values[:, 8], chips.sum(axis=1), rtol=1e-14)
    assert (figure.product, figure.units) == ("total", "chip")


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2027", ["2027"]),
        ("2026Q3", ["2026Q3"]),
        ("2026H2", ["2026H2"]),
        ("half", ["2026H1", "2026H2", "2027H1"]),
        ("horizon", ["horizon"]),
    ],
)
def test_periods_can_be_chosen(period: str, expected: list[str]) -> None:
    assert figure_of(driven(16), "usable_chips", None, "baseline", [period]).periods == expected


def test_the_total_has_no_phones() -> None:
    ds = driven(20)
    phones = figure_of(ds, "usable_chips", "kirin", "baseline", ["2027"]).values
    chips = ds["usable_chips"].to_numpy()[0]
    np.testing.assert_allclose(phones[:, 0], chips[:, 4:, 1].sum(axis=1), rtol=1e-14)
    total = figure_of(ds, "usable_chips", "total", "baseline", ["2027"]).values
    np.testing.assert_allclose(total[:, 0], chips[:, 4:, 0].sum(axis=1), rtol=1e-14)


def test_a_variable_without_products_is_summed_over_its_labels() -> None:
    ds = driven(20)
    both = ds["usable_chips"].to_numpy()
    dims = ("scenario", "realization", "quarter", "fab", "process")
    ds["wafer_starts"] = (dims, np.stack([both, 2.0 * both], axis=-1))
    figure = figure_of(ds, "wafer_starts", None, "baseline", ["2027"])
    np.testing.assert_allclose(
        figure.values[:, 0], 3.0 * both[0, :, 4:].sum(axis=(1, 2)), rtol=1e-14
    )
    assert figure.product is None
    ds["die_stock"] = (("scenario", "realization", "quarter", "die"), both)
    assert (
        figure_of(ds, "die_stock", None, "baseline").periods
        == ds["quarter_label"].to_numpy().tolist()
    )


def test_what_the_ensemble_does_not_hold_is_refused() -> None:
    ds = driven(16)
    dims = ("scenario", "realization", "quarter", "fab")
    ds["die_stock"] = ds["utilization"] = (dims, ds["usable_chips"].to_numpy())

    def refused(match: str, *what: object) -> None:
        with pytest.raises(UsageError, match=match):
            figure_of(ds, *what)  # type: ignore[arg-type]

    chips = ("usable_chips", None, "baseline")
    refused("period: is outside the ensemble, got '2031'; allowed: 2026Q1 to", *chips, ["2031"])
    refused("period: unknown period, got 'x'; allowed: quarter, half", *chips, ["x"])
    stock = ("die_stock", None, "baseline")
    refused("period: die_stock is not a flow: its quarters do not add up", *stock, ["2027"])
    refused(
        "--product: is not .*'x'; allowed: total, ascend, kirin", "usable_chips", "x", "baseline"
    )
    refused("--product: die_stock has no products, got 'total'", "die_stock", "total", "baseline")
    refused("variable: is not a figure of the ensemble, got 'x'", "x", None, "baseline")
    refused("--variable: utilization is a level", "utilization", None, "baseline")
    refused("the ensemble: usable_chips of kirin is the same in all realizations in 2026; allowed",
            "usable_chips", "kirin", "baseline", ["2026"])  # fmt: skip
    with pytest.raises(
        UsageError, match="the ensemble: has too few realizations, got 15; allowed: 16 or"
    ):
        figure_of(driven(15), *chips)
    phones = ds.assign_coords(product_kind=("product", ["phone", "phone"]))
    with pytest.raises(UsageError, match="--product: the ensemble has no AI products to add up"):
        figure_of(phones, *chips)
