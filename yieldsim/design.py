"""The design of a run's inputs: how uniforms are spread, and values that are given."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SOBOL = "sobol"
DESIGNS = ("random", SOBOL)
_DIGEST_BYTES = 16


@dataclass(frozen=True, eq=False)
class Samples:
    """Given values: float64[realization, column], with the path of each column's parameter.

    Values have the units of ``parameter_value`` in a store.
    """

    paths: tuple[str, ...]
    values: np.ndarray
    place: str = "samples"  # for messages

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Samples) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def rows(self) -> int:
        """For how many realizations there are values."""
        return len(self.values)

    @cached_property
    def column(self) -> dict[str, int]:
        """The column of each path."""
        return {path: number for number, path in enumerate(self.paths)}

    @cached_property
    def digest(self) -> str:
        """What identifies the samples."""
        return hashlib.blake2b(self.as_bytes(), digest_size=_DIGEST_BYTES).hexdigest()

    def as_bytes(self) -> bytes:
        """Return a line of JSON with the paths, and the values as little-endian float64."""
        head = json.dumps(list(self.paths), ensure_ascii=False).encode()
        return head + b"\n" + np.ascontiguousarray(self.values, dtype="<f8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Samples:
        """Return what `as_bytes` wrote. Raises ValueError for anything else."""
        head, _, body = data.partition(b"\n")
        paths = tuple(str(path) for path in json.loads(head))
        if not paths or not body:
            raise ValueError("no samples")
        values = np.frombuffer(body, dtype="<f8").reshape(-1, len(paths))
        return cls(paths, values)


@dataclass(frozen=True)
class Design:
    """How the inputs of a run come about.

    ``name`` is ``random`` (counter-based uniforms) or ``sobol``; ``samples`` take the place of the
    draws of the parameters that they name.
    """

    name: str = "random"
    samples: Samples | None = None

    @property
    def text(self) -> str:
        """What identifies the design; empty for plain draws."""
        return design_text(self.name, None if self.samples is None else self.samples.digest)

    def given(self, path: str, first: int, count: int) -> np.ndarray | None:
        """The given values of a parameter in some realizations, None where it is drawn."""
        if self.samples is None or path not in self.samples.column:
            return None
        return self.samples.values[first : first + count, self.samples.column[path]]


def design_text(name: str, digest: str | None) -> str:
    """What identifies a design of some samples; empty for plain draws."""
    return "" if (name, digest) == (DESIGNS[0], None) else f"{name} {digest or ''}".strip()


RANDOM = Design()
