"""Orders against their executable specification, and properties of any orders."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from tests.examples import examples
from tests.supply.orders.made_up_orders import PRODUCTS, rename, run, supplies, wishes
from tests.supply.twin.demand import Wish, fill
from yieldsim.supply.orders.deliveries import deliver
from yieldsim.supply.orders.sharing import share_out

# Chips are whole numbers below 200. A few sums and quotients of doubles round by some 1e-16 each,
# and the rounding of a quarter carries over to the next.
ATOL = 1e-11


@examples(300)
@given(orders=wishes(), usable=supplies)
def test_orders_are_filled_as_the_twin_fills_them(orders, usable) -> None:
    delivered, backlog, unclaimed = fill(orders, usable)
    got = run(orders, usable)
    for quarter in range(len(usable)):
        for place, wish in enumerate(orders):
            exact = float(delivered[quarter][wish.name])
            assert got.delivered[0, quarter, place] == pytest.approx(exact, abs=ATOL)
            exact = float(backlog[quarter][wish.name])
            assert got.backlog[0, quarter, place] == pytest.approx(exact, abs=ATOL)
        for place, product in enumerate(PRODUCTS):
            exact = float(unclaimed[quarter][product])
            assert got.unclaimed[0, quarter, place] == pytest.approx(exact, abs=ATOL)


@examples(200)
@given(orders=wishes(), usable=supplies)
def test_no_chip_is_made_or_lost(orders, usable) -> None:
    got = run(orders, usable)
    chips = np.array([[float(quarter[p]) for p in PRODUCTS] for quarter in usable])
    claiming = [place for place, wish in enumerate(orders) if wish.claims]
    total = got.delivered[0][:, claiming].sum(axis=1) + got.unclaimed[0].sum(axis=1)
    np.testing.assert_allclose(total, chips.sum(axis=1), atol=ATOL)
    assert (got.unclaimed[0] >= 0.0).all()
    assert (got.unclaimed[0] <= chips).all()
    # the chips of any group of claiming orders are from the products that it wants
    taken = chips - got.unclaimed[0]
    for size in range(1, len(claiming) + 1):
        for group in combinations(claiming, size):
            wanted = set().union(*(orders[place].products for place in group))
            of_them = [place for place, product in enumerate(PRODUCTS) if product in wanted]
            mine = got.delivered[0][:, list(group)].sum(axis=1)
            assert (mine <= taken[:, of_them].sum(axis=1) + ATOL).all()


@examples(200)
@given(orders=wishes(), usable=supplies)
def test_ordered_chips_are_delivered_or_in_the_backlog(orders, usable) -> None:
    got = run(orders, usable)
    np.testing.assert_allclose(got.size, np.cumsum(got.delivered, axis=1) + got.backlog, atol=ATOL)
    assert (got.backlog >= 0.0).all()
    for place, wish in enumerate(orders):
        assert (got.size[0, : wish.placed, place] == 0.0).all()
        assert (got.delivered[0, : wish.placed, place] == 0.0).all()
        assert (got.size[0, wish.placed :, place] == float(wish.size)).all()


@examples(400)
@given(orders=wishes(), usable=supplies, more=supplies)
def test_more_supply_never_fills_an_order_later(orders, usable, more) -> None:
    richer = [dict(quarter) for quarter in usable]
    for quarter, extra in zip(richer, more, strict=False):
        for product in PRODUCTS:
            quarter[product] += extra[product]
    got = run(orders, [usable, richer])
    assert (got.backlog[1] <= got.backlog[0] + ATOL).all()


@examples(200)
@given(orders=wishes(), usable=supplies)
def test_a_yardstick_changes_nothing_for_others_and_stands_alone(orders, usable) -> None:
    both = [*orders, replace(rename(orders[0], "yardstick"), claims=False)]
    got, without = run(both, usable), run(orders, usable)
    np.testing.assert_array_equal(got.delivered[..., :-1], without.delivered)
    np.testing.assert_array_equal(got.unclaimed, without.unclaimed)
    alone = run([replace(both[-1], claims=True)], usable)
    # alone it may claim all chips: the same up to the rounding of its share
    np.testing.assert_allclose(got.delivered[..., -1:], alone.delivered, atol=ATOL)


@examples(200)
@given(orders=wishes(), usable=supplies, data=st.data())
def test_the_order_of_the_orders_changes_no_bit(orders, usable, data) -> None:
    places = data.draw(st.permutations(range(len(orders))))
    got, other = run(orders, usable), run([orders[place] for place in places], usable)
    np.testing.assert_array_equal(got.delivered[..., places], other.delivered)
    np.testing.assert_array_equal(got.unclaimed, other.unclaimed)


@examples(100)
@given(orders=wishes(), several=st.lists(supplies, min_size=2, max_size=6), cut=st.integers(1, 5))
def test_a_realization_has_the_same_bits_in_blocks_of_any_size(orders, several, cut) -> None:
    quarters = min(map(len, several))
    several = [supply[:quarters] for supply in several]
    whole = run(orders, several)
    for first in range(0, len(several), cut):
        part = run(orders, several[first : first + cut])
        for values, same in zip(whole, part, strict=True):
            np.testing.assert_array_equal(values[first : first + cut], same)


@examples(60)
@given(orders=wishes(4), usable=supplies)
def test_the_smallest_share_of_need_is_as_large_as_possible(orders, usable) -> None:
    """Against a linear program: raise t such that every order gets at least t of its need."""
    wanted = sorted({tuple(sorted(PRODUCTS.index(p) for p in w.products)) for w in orders})
    need = np.array([[float(orders[n % len(orders)].size) for n in range(len(wanted))]])
    chips = np.array([[float(usable[0][p]) for p in PRODUCTS]])
    given, _ = share_out(need, np.full_like(need, np.inf), chips, tuple(map(frozenset, wanted)))
    pairs = [(kind, product) for kind, chosen in enumerate(wanted) for product in chosen]
    rows, bounds = [], []
    for kind in range(len(wanted)):  # need t - chips of the order <= 0
        rows.append([need[0, kind]] + [-float(k == kind) for k, _ in pairs])
        bounds.append(0.0)
    for product in range(len(PRODUCTS)):
        rows.append([0.0] + [float(p == product) for _, p in pairs])
        bounds.append(chips[0, product])
    best = linprog(
        [-1.0] + [0.0] * len(pairs), rows, bounds, bounds=[(0, 1)] + [(0, None)] * len(pairs)
    )
    assert best.success
    # the solver's own tolerance is 1e-7
    assert (given / need).min() == pytest.approx(-best.fun, abs=1e-6)


def test_a_tier_shares_in_proportion_to_need_and_later_tiers_take_what_is_left() -> None:
    a = frozenset("a")
    orders = [
        Wish("large", Fraction(300), a, 0),
        Wish("small", Fraction(100), a, 0),
        Wish("later", Fraction(50), a, 0, tier=2),
    ]
    usable = [dict.fromkeys(PRODUCTS, Fraction(n)) for n in (200, 220, 40)]
    got = run(orders, usable).delivered[0]
    np.testing.assert_allclose(got, [[150, 50, 0], [150, 50, 20], [0, 0, 30]])


def test_an_order_of_two_products_spares_the_one_that_others_need() -> None:
    orders = [
        Wish("only_a", Fraction(10), frozenset("a"), 0),
        Wish("either", Fraction(10), frozenset("ab"), 0),
    ]
    usable = [{"a": Fraction(10), "b": Fraction(30), "c": Fraction(0), "d": Fraction(0)}]
    got = run(orders, usable)
    np.testing.assert_allclose(got.delivered[0, 0], [10, 10])
    # 20 needed of 40: both products give half, {a} alone would need all of a
    np.testing.assert_allclose(got.unclaimed[0, 0], [0, 20, 0, 0])


def test_a_share_is_of_all_usable_chips_of_the_products() -> None:
    orders = [Wish("half", Fraction(100), frozenset("ab"), 0, share=Fraction(1, 2))]
    usable = [dict.fromkeys(PRODUCTS, Fraction(20))] * 3
    np.testing.assert_allclose(run(orders, usable).delivered[0, :, 0], [20, 20, 20])


def test_a_share_caps_what_an_order_gets_and_not_its_weight() -> None:
    a = frozenset("a")
    orders = [
        Wish("capped", Fraction(300), a, 0, share=Fraction(1, 4)),
        Wish("free", Fraction(300), a, 0),
        Wish("small", Fraction(100), a, 0),
    ]
    usable = [dict.fromkeys(PRODUCTS, Fraction(200))]
    # 3 : 3 : 1 would be 86, 86 and 29: the first may have 50, the others share 150 as 3 : 1
    np.testing.assert_allclose(run(orders, usable).delivered[0, 0], [50, 112.5, 37.5])


def test_without_orders_all_is_unclaimed() -> None:
    usable = np.arange(24.0).reshape(2, 3, 4)
    got = deliver([], np.zeros((2, 0)), np.zeros((2, 0)), usable)
    np.testing.assert_array_equal(got.unclaimed, usable)
    assert got.delivered.shape == (2, 3, 0)
