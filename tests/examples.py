"""How many examples hypothesis tries: a quarter of them in `make test`, all in `make test-full`."""

import os

from hypothesis import settings


def examples(count: int) -> settings:
    """At least ten of ``count`` examples; all of them where YIELDSIM_ALL_EXAMPLES is set."""
    everything = bool(os.environ.get("YIELDSIM_ALL_EXAMPLES"))
    return settings(max_examples=count if everything else max(10, count // 4))
