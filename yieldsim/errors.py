"""The errors that yieldsim reports to its user.

Each is one line with the place, the value got and what is allowed, and has an exit code of the
command line: 1 error, 2 usage, 3 incomplete, 4 verification failed, 5 evidence that hardly any
realization fits, 75 try again (EX_TEMPFAIL of sysexits.h).
"""

from __future__ import annotations

__all__ = [
    "EvidenceError",
    "IncompleteError",
    "ModelError",
    "RetryError",
    "StoreError",
    "UsageError",
    "VerificationError",
    "YieldsimError",
]

_LONGEST_VALUE = 80


class YieldsimError(Exception):
    """Base of all errors meant for the user.

    Parameters
    ----------
    where : the place, such as ``products[2] 'soc_a'.alpha`` or ``--offset``.
    problem : what is wrong there, such as ``must be > 0``.
    got : the offending value, if there is one to show.
    allowed : what is accepted there.
    file : the file that ``where`` stands in, such as ``plan.csv line 3``, if it is known.
    """

    exit_code: int = 1

    def __init__(
        self,
        where: str,
        problem: str,
        *,
        got: object | None = None,
        allowed: str | None = None,
        file: str | None = None,
    ) -> None:
        self.where = where
        self.problem = problem
        self.got = got
        self.allowed = allowed
        self.file = file
        super().__init__(where, problem, got, allowed, file)

    def __reduce__(self) -> tuple[object, ...]:
        # worker processes pickle errors, and default pickling loses keyword-only arguments
        return (_rebuild, (type(self), *self.args))

    def at(self, where: str, file: str | None) -> YieldsimError:
        """The same error at another place."""
        return type(self)(where, self.problem, got=self.got, allowed=self.allowed, file=file)

    def __str__(self) -> str:
        text = f"{self.where}: {self.problem}"
        if self.file is not None:
            text = f"{self.file}: {text}"
        if self.got is not None:
            text += f", got {_short(self.got)}"
        if self.allowed is not None:
            text += f"; allowed: {self.allowed}"
        return " ".join(text.split())


def _short(value: object) -> str:
    """A value on one line, shortened if it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _rebuild(
    kind: type[YieldsimError],
    where: str,
    problem: str,
    got: object,
    allowed: str | None,
    file: str | None,
) -> YieldsimError:
    return kind(where, problem, got=got, allowed=allowed, file=file)


class ModelError(YieldsimError):
    """The model has a bad value, an unknown name or a contradiction."""

    exit_code = 1


class StoreError(YieldsimError):
    """The ensemble store cannot be created, read or written."""

    exit_code = 1


class UsageError(YieldsimError):
    """A command or a function was called with invalid arguments."""

    exit_code = 2


class IncompleteError(YieldsimError):
    """Blocks of an ensemble are missing; finish the work first."""

    exit_code = 3


class VerificationError(YieldsimError):
    """Stored figures differ from those of the model, the seed and the realization number."""

    exit_code = 4


class EvidenceError(YieldsimError):
    """Hardly any realization of an ensemble fits the evidence, so its weights would mislead."""

    exit_code = 5


class RetryError(YieldsimError):
    """A temporary condition, such as a signal before the time limit: run the command again."""

    exit_code = 75
