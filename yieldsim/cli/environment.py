"""Variables of the environment that libraries read when they are loaded."""

from __future__ import annotations

import os
import sys

from yieldsim.errors import UsageError


def check_environment() -> None:
    """Raise UsageError for a setting with which a library would abort the whole process."""
    features = os.environ.get("NUMBA_CPU_FEATURES", "")
    for feature in filter(None, (part.strip() for part in features.split(","))):
        if feature[0] not in "+-":
            allowed = "features such as +avx2,-fma"
            raise UsageError("NUMBA_CPU_FEATURES", "is not valid", got=feature, allowed=allowed)


def one_blas_thread() -> None:
    """Let OpenBLAS start no threads, unless the user or a library that is loaded chose already.

    A simulation has threads of its own and multiplies no large matrices. Those of OpenBLAS, which
    NumPy and SciPy both bring, wait in loops when they start: 0.2 s of processor time.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
