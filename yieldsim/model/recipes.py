"""Which dies may be packaged together, and the bin that the package is sold in."""

from __future__ import annotations

from collections.abc import Iterator

from yieldsim.model.schema import Die, Product

Recipe = tuple[tuple[int, ...], int]  # dies of each bin, and the bin that the package is sold in


def sold_bins(product: Product, die: Die) -> list[int]:
    """Indices of the bins that a product sells, best first."""
    names = product.sells or die.bins
    return [index for index, name in enumerate(die.bins) if name in names]


def recipes(product: Product, die: Die) -> list[Recipe]:
    """The compositions of a product's packages in the order in which they are made.

    ``like`` takes dies of one sold bin, best first. ``best_fit`` first makes compositions with dies
    of unsold bins whose mean number of good cores meets the rule of a sold bin. Those that exceed
    it least come first, so that no better die is used than needed.
    """
    each, sold = product.dies_per_package, sold_bins(product, die)
    pure = [(tuple(each * (b == bin_) for b in range(len(die.bins))), bin_) for bin_ in sold]
    if product.pairing != "best_fit":
        return pure
    least = [rule.min_good_cores for rule in die.bins.values()]
    mixed: list[tuple[int, tuple[int, ...], int]] = []
    for counts in _compositions(each, len(least)):
        if max(counts) == each or all(b in sold for b, count in enumerate(counts) if count):
            continue
        cores = sum(count * rule for count, rule in zip(counts, least, strict=True))
        met = next((b for b in sold if each * least[b] <= cores), None)
        if met is not None:
            mixed.append((cores - each * least[met], counts, met))
    return [(counts, met) for _, counts, met in sorted(mixed)] + pure


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to take ``total`` dies from ``parts`` bins."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)
