"""The grammar of scenario names.

``baseline`` is the model without changes. ``a+b`` applies a, then b. ``no_limit:memory`` lifts one
constraint (see `yieldsim.model.limits`) and combines like any other: ``slow+no_limit:memory``.
``more:memory`` raises one input by 10 % (see `yieldsim.model.more`) and combines likewise.
Where several scenarios are asked for, ``all`` stands for the baseline and every scenario of the
model, ``no_limit:all`` for the baseline and each of its constraints lifted in turn, and
``more:all`` for the baseline and each of its inputs raised in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yieldsim.errors import ModelError, UsageError

BASELINE = "baseline"
ALL = "all"
TOTAL = "total"  # what tables, charts and JSON call the sum of all
NO_LIMIT = "no_limit:"
MORE = "more:"
JOINT = "+"


def scenario_parts(name: str) -> tuple[str, ...]:
    """The scenarios that a name combines, in order."""
    return tuple(name.split(JOINT))


def checked_parts(name: str) -> tuple[str, ...]:
    """`scenario_parts` of a name that a user gave; none for the baseline.

    Raises UsageError for a part that is empty, repeated, or the baseline beside others.
    """
    if name == BASELINE:
        return ()
    parts = scenario_parts(name)
    if "" in parts and len(parts) > 1:
        raise UsageError("scenario", "has an empty part", got=name, allowed="names joined by +")
    if len(set(parts)) < len(parts):
        raise UsageError("scenario", "names a part twice", got=name, allowed="each once")
    if BASELINE in parts:
        problem = "cannot be combined with the model without changes"
        allowed = join_parts(part for part in parts if part != BASELINE)
        raise UsageError("scenario", problem, got=name, allowed=allowed)
    return parts


def join_parts(parts: Iterable[str]) -> str:
    """The name that combines some scenarios; the inverse of `scenario_parts`."""
    return JOINT.join(parts)


def lifted_limit(part: str) -> str | None:
    """The constraint that one part of a name lifts, None for an ordinary scenario."""
    return part.removeprefix(NO_LIMIT) if part.startswith(NO_LIMIT) else None


def lifted_limits(name: str) -> list[str]:
    """The constraints that a scenario lifts: ``a+no_limit:memory`` lifts memory."""
    limits = map(lifted_limit, scenario_parts(name))
    return [limit for limit in limits if limit is not None]


def without_lifts(name: str) -> str:
    """The name of the same scenario with all constraints in force."""
    kept = [part for part in scenario_parts(name) if lifted_limit(part) is None]
    return join_parts(kept) or BASELINE


def raised_input(part: str) -> str | None:
    """The input that one part of a name raises, None for any other part."""
    return part.removeprefix(MORE) if part.startswith(MORE) else None


def raised_inputs(name: str) -> list[str]:
    """The inputs that a scenario raises: ``a+more:memory`` raises memory."""
    inputs = map(raised_input, scenario_parts(name))
    return [own for own in inputs if own is not None]


def without_raises(name: str) -> str:
    """The name of the same scenario with no input raised."""
    kept = [part for part in scenario_parts(name) if raised_input(part) is None]
    return join_parts(kept) or BASELINE


def is_written(part: str) -> bool:
    """Whether one part of a name is a scenario of the model file."""
    return lifted_limit(part) is None and raised_input(part) is None


def expand_names(
    asked: Iterable[str], scenarios: Iterable[str], limits: Iterable[str], inputs: Iterable[str]
) -> tuple[str, ...]:
    """The names asked for, each once, with ``all``, ``no_limit:all`` and ``more:all`` written out.

    ``scenarios``, ``limits`` and ``inputs`` are what the model has. Combinations run only where
    they are named. No name at all is the baseline.
    """
    groups: dict[str, Sequence[str]] = {
        ALL: [BASELINE, *(name for name in scenarios if name != BASELINE)],
        NO_LIMIT + ALL: [BASELINE, *(NO_LIMIT + limit for limit in limits)],
        MORE + ALL: [BASELINE, *(MORE + own for own in inputs)],
    }
    names = [name for word in asked for name in groups.get(word, [word])]
    return tuple(dict.fromkeys(names or [BASELINE]))


def check_scenario_name(name: str) -> None:
    """Raise ModelError for a name that the grammar reserves."""
    if name == BASELINE:
        problem = "is the name of the model without changes"
        raise ModelError(f"scenarios.{name}", problem, allowed="another name")
    if name == ALL:
        problem = "is the name of all scenarios together"
        raise ModelError(f"scenarios.{name}", problem, allowed="another name")
    if name == TOTAL:
        problem = "has the name that stands for the sum of all"
        raise ModelError(f"scenarios.{name}", problem, allowed="another name")
    if name.startswith(NO_LIMIT):
        problem = f"names with {NO_LIMIT} stand for a lifted constraint"
        raise ModelError("scenarios", problem, got=name, allowed="another name")
    if name.startswith(MORE):
        problem = f"names with {MORE} stand for a raised input"
        raise ModelError("scenarios", problem, got=name, allowed="another name")
    if JOINT in name:
        problem = f"names with {JOINT} combine scenarios"
        raise ModelError("scenarios", problem, got=name, allowed=f"a name without {JOINT}")
