"""Made-up orders and supply for the tests of the demand side."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from tests.supply.twin.demand import Wish
from yieldsim.supply.orders.deliveries import Deliveries, OrderPlan, deliver

PRODUCTS = ("a", "b", "c", "d")
chips = st.integers(0, 40).map(Fraction)


def wishes(most: int = 5) -> st.SearchStrategy[list[Wish]]:
    """Orders of up to three tiers over four products, some of them yardsticks."""
    wish = st.builds(
        Wish,
        name=st.just(""),
        size=st.integers(1, 120).map(Fraction),
        products=st.frozensets(st.sampled_from(PRODUCTS), min_size=1),
        placed=st.integers(0, 4),
        tier=st.integers(1, 3),
        claims=st.sampled_from((True, True, True, False)),
        share=st.sampled_from((Fraction(1), Fraction(1), Fraction(1, 2), Fraction(1, 4))),
    )
    named = st.lists(wish, min_size=1, max_size=most)
    return named.map(lambda orders: [rename(w, f"order_{n}") for n, w in enumerate(orders)])


def rename(wish: Wish, name: str) -> Wish:
    return Wish(name, *(getattr(wish, key) for key in list(Wish.__dataclass_fields__)[1:]))


supplies = st.lists(
    st.fixed_dictionaries({product: chips for product in PRODUCTS}), min_size=1, max_size=4
)


def run(orders: list[Wish], usable: list[list[dict]] | list[dict]) -> Deliveries:
    """`deliver` for one supply, or for several as realizations."""
    several = usable if isinstance(usable[0], list) else [usable]
    array = np.array(
        [[[float(quarter[p]) for p in PRODUCTS] for quarter in supply] for supply in several]
    )
    rows = len(several)
    plans = [
        OrderPlan(
            w.name,
            tuple(sorted(PRODUCTS.index(p) for p in w.products)),
            w.placed,
            w.tier,
            w.claims,
            w.share < 1,
        )
        for w in orders
    ]
    size = np.tile([float(w.size) for w in orders], (rows, 1))
    share = np.tile([float(w.share) for w in orders], (rows, 1))
    return deliver(plans, size, share, array)
