"""Mean kill of parallel lines against the integral that it stands for."""

import numpy as np
import pytest
from scipy import integrate

from yieldsim.closed_form import mean_line_kill
from yieldsim.errors import UsageError


@pytest.mark.parametrize("x0", [0.02, 0.05, 0.08, 0.11, 0.2])
@pytest.mark.parametrize(("spacing", "width"), [(0.05, 0.05), (0.03, 0.1), (0.1, 0.02)])
def test_against_the_integral(x0: float, spacing: float, width: float) -> None:
    def integrand(x: float) -> float:
        kill = min(max((x - spacing) / (width + spacing), 0.0), 1.0)
        return kill * 2.0 * x0**2 / x**3

    top = 2.0 * spacing + width
    corners = sorted({max(x0, spacing), max(x0, top)})
    parts = [
        integrate.quad(integrand, a, b)[0] for a, b in zip([x0, *corners], corners, strict=False)
    ]
    exact = sum(parts) + (x0 / max(x0, top)) ** 2  # all beyond kills
    # quad promises 1.5e-8 of each part
    assert mean_line_kill(x0, spacing, width) == pytest.approx(exact, abs=1e-7)


def test_stapper_and_its_ends_meet() -> None:
    assert mean_line_kill(0.05, 0.1, 0.2) == pytest.approx(0.05**2 / (0.1 * 0.4))
    for x0, s, w in ((0.1, 0.1, 0.2), (0.4, 0.1, 0.2)):
        near = mean_line_kill(x0 * np.array([1 - 1e-9, 1 + 1e-9]), s, w)
        assert near[0] == pytest.approx(near[1], rel=1e-8)
    assert mean_line_kill(9.0, 0.1, 0.2) == 1.0


def test_bad_input() -> None:
    with pytest.raises(UsageError, match=r"spacing_um: out of range, got 0; allowed: .* > 0"):
        mean_line_kill(0.1, 0.0, 0.1)
