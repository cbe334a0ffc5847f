"""Linear programs by HiGHS's dual simplex method, started from a basis that is given.

HiGHS is called directly. SciPy's wrapper takes no basis, and without one a program takes twice as
long.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

# The program leaves out what presolve would find. Devex weights need no start, while those of
# steepest edge are costly for a basis that is not of slacks. Small terms of the cost break ties.
_OPTIONS = {
    "output_flag": False,
    "solver": "simplex",
    "presolve": "off",
    "simplex_dual_edge_weight_strategy": 1,
    "dual_simplex_cost_perturbation_multiplier": 0.0,
    "simplex_scale_strategy": 4,
}


class LinearProgram:
    """Minimize ``cost @ x`` with ``low <= matrix @ x <= high`` and ``0 <= x <= upper``.

    It grows by columns, rows and values. The first basis has the columns said to be basic, and the
    slacks of all rows that are not equalities.
    """

    def __init__(self) -> None:
        self.columns = self.rows = 0
        self._cost: list[np.ndarray] = []
        self._upper: list[np.ndarray] = []
        self._limits: list[tuple[np.ndarray, np.ndarray]] = []
        self._values: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._basic: list[np.ndarray] = []

    def add_columns(self, cost: np.ndarray, upper: np.ndarray) -> np.ndarray:
        """Return the numbers of new columns."""
        first, self.columns = self.columns, self.columns + len(cost)
        self._cost.append(cost)
        self._upper.append(upper)
        return np.arange(first, self.columns)

    def add_rows(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return the numbers of new rows."""
        first, self.rows = self.rows, self.rows + len(low)
        self._limits.append((low, high))
        return np.arange(first, self.rows)

    def add_values(self, rows: np.ndarray, columns: np.ndarray, values: np.ndarray | float) -> None:
        """Add ``values`` at (rows, columns), broadcast together; those at a -1 are left out."""
        rows, columns, values = np.broadcast_arrays(rows, columns, values)
        kept = (rows >= 0) & (columns >= 0)
        self._values.append((columns[kept], rows[kept], values[kept]))

    def make_basic(self, columns: np.ndarray) -> None:
        """Put columns into the first basis, in place of the slacks of as many equalities."""
        self._basic.append(columns)

    def solve(self) -> np.ndarray | None:
        """Return the best x, within 1e-7 of its limits, or None where the solver finds none."""
        import highspy  # late: few runs need it

        if not self.columns:
            return np.zeros(0)
        column, row, value = (np.concatenate(each) for each in zip(*self._values, strict=True))
        order = np.argsort(column, kind="stable")
        low, high = (np.concatenate(each) for each in zip(*self._limits, strict=True))
        solver = _quiet_solver()()
        for name, option in _OPTIONS.items():
            solver.setOptionValue(name, option)
        solver.passModel(
            self.columns,
            self.rows,
            len(value),
            int(highspy.MatrixFormat.kColwise),
            int(highspy.ObjSense.kMinimize),
            0.0,
            np.concatenate(self._cost),
            np.zeros(self.columns),
            np.concatenate(self._upper),
            low,
            high,
            np.searchsorted(column[order], np.arange(self.columns + 1)).astype(np.int32),
            row[order].astype(np.int32),
            value[order],
            np.zeros(self.columns, np.int32),  # no column must be whole
        )
        solver.setBasis(self._first_basis(low < high))
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(solver.getSolution().col_value)

    def _first_basis(self, slack: np.ndarray) -> Any:
        import highspy

        states = highspy.HighsBasisStatus
        columns = [states.kLower] * self.columns
        for column in np.concatenate(self._basic).tolist():
            columns[column] = states.kBasic
        basis = highspy.HighsBasis()
        basis.col_status = columns
        basis.row_status = [states.kBasic if own else states.kUpper for own in slack.tolist()]
        basis.valid = True
        return basis


@cache
def _quiet_solver() -> Any:
    """Return the class of a solver that prints nothing, not even its name as HiGHS 1.16 does."""
    import highspy

    class Quiet(highspy.Highs):
        def enableCallbacks(self) -> None:
            self.setOptionValue("output_flag", False)
            super().enableCallbacks()

    return Quiet
