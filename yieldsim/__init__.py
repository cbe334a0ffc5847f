"""From tool fleets and defects to usable AI chips per quarter, with uncertainty.

The public names, each imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yieldsim import errors
    from yieldsim.ensemble import open_ensemble
    from yieldsim.execute import run
    from yieldsim.model import load_file, load_model
    from yieldsim.version import VERSION as __version__

__all__ = ["__version__", "errors", "load_file", "load_model", "open_ensemble", "run"]

# public name: module, and the name there (none: the module itself)
_PLACES = {
    "__version__": ("yieldsim.version", "VERSION"),
    "errors": ("yieldsim.errors", None),
    "load_file": ("yieldsim.model", "load_file"),
    "load_model": ("yieldsim.model", "load_model"),
    "open_ensemble": ("yieldsim.ensemble", "open_ensemble"),
    "run": ("yieldsim.execute", "run"),
}


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place, attribute = _PLACES[name]
    module = importlib.import_module(place)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
