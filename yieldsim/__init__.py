"""From tool fleets and defects to usable AI chips per quarter, with uncertainty.

The public names are imported when they are first used.
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

# public name -> module, and its name there (None: the module itself)
_PUBLIC = {
    "__version__": ("yieldsim.version", "VERSION"),
    "errors": ("yieldsim.errors", None),
    "load_file": ("yieldsim.model", "load_file"),
    "load_model": ("yieldsim.model", "load_model"),
    "open_ensemble": ("yieldsim.ensemble", "open_ensemble"),
    "run": ("yieldsim.execute", "run"),
}


def __getattr__(name: str) -> Any:
    import importlib

    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module_name, attribute = _PUBLIC[name]
    module = importlib.import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
