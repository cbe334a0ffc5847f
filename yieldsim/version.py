"""The version of the installed package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["VERSION"]

try:
    VERSION = version("yieldsim")
except PackageNotFoundError:  # a checkout on the path that was never installed
    VERSION = "0+uninstalled"
