"""From tool fleets and defects to usable AI chips per quarter, with uncertainty.

The public names, each imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import errors
    from .ensemble import open_ensemble
    from .execute import run
    from .model import load_file, load_model

    __version__: str

__all__ = ["__version__", "errors", "load_file", "load_model", "open_ensemble", "run"]

_PLACES = {
    "load_file": ".model",
    "load_model": ".model",
    "open_ensemble": ".ensemble",
    "run": ".execute",
}


def __getattr__(name: str) -> Any:
    import importlib

    value: Any
    if name == "__version__":
        value = _version()
    elif name == "errors":
        value = importlib.import_module(".errors", __name__)
    elif name in _PLACES:
        value = getattr(importlib.import_module(_PLACES[name], __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(__name__)
    except PackageNotFoundError:  # a checkout on the path that was never installed
        return "0+uninstalled"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
