"""exact/walls.py: the steps' own samples on a fine grid of noise, Lindley's recursion, order one half."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

import refscore as rs
from refscore.exact.walls import projected_cdf, projected_exponential, reflected_cdf
from refscore.samplers import projected_langevin_step, reflected_langevin_step

N = 400_000
Z = ndtri((np.arange(N) + 0.5) / N)[:, None]
BOXES = [(0.0, 1.0), (-1.0, np.inf), (-np.inf, 0.5), (-np.inf, np.inf)]


@pytest.mark.parametrize(("low", "high"), BOXES)
@pytest.mark.parametrize("eps", [0.05, 3.0])
@pytest.mark.parametrize(
    ("step", "form"), [(projected_langevin_step, projected_cdf), (reflected_langevin_step, reflected_cdf)]
)
def test_one_step(step, form, eps, low, high):  # (CST.5) (CST.6)
    x = step(lambda y: 0 * y - 2, np.full((N, 1), 0.3), Z, step_size=eps, lower=low, upper=high)
    for y in (-1.5, -1.0, -0.4, 0.0, 0.2, 0.5, 0.9, 1.0, 2.0):
        value = form(y, 0.3 - eps, step_size=eps, lower=low, upper=high)
        assert abs((x <= y).mean() - value) <= 40 / N


def test_the_reflected_kernel_is_symmetric_without_a_score():  # so the uniform law is exact
    y, h = np.array([0.2, 0.7]), 1e-4

    def density(to, start):
        ends = reflected_cdf(np.array([to - h, to + h]), start, step_size=0.8, lower=0, upper=1)
        return (ends[1] - ends[0]) / (2 * h)

    assert abs(density(y[1], y[0]) - density(y[0], y[1])) < 1e-9


@pytest.mark.parametrize(("rate", "eps"), [(1.0, 0.5), (3.0, 0.1), (0.5, 4.0)])
def test_lindley(rate, eps):  # (CST.7) (CST.8)
    """E x' = E x and P(x' = 0) = P(x = 0) for x' = max(0, x + ξ), with the law solved on a grid of Gauss nodes."""
    nodes, w = np.polynomial.legendre.leggauss(240)
    reach = 40 / rate
    x, w = reach / 4 * (nodes + 1) ** 2, w * reach / 2 * (nodes + 1)
    drift, std = eps * rate / 2, np.sqrt(eps)
    kernel = np.exp(-0.5 * ((x[:, None] - x[None] + drift) / std) ** 2) / (std * np.sqrt(2 * np.pi))
    born = np.exp(-0.5 * ((x + drift) / std) ** 2) / (std * np.sqrt(2 * np.pi))
    matrix = np.eye(241) - np.block([
        [kernel * w, born[:, None]],
        [(ndtr((drift - x) / std) * w)[None], np.array([[ndtr(drift / std)]])],
    ])  # fmt: skip
    matrix[0] = np.append(w, 1.0)
    law = np.linalg.solve(matrix, np.append(1.0, np.zeros(240)))
    found = projected_exponential(rate, step_size=eps)
    assert abs(found.atom - law[-1]) < 1e-11
    assert abs(found.mean - (law[:-1] * w) @ x) < 1e-11 / rate


def test_order_one_half():
    eps = 4.0 ** -np.arange(2, 7)
    errors = [1 - projected_exponential(1.0, step_size=v).mean for v in eps]
    assert abs(rs.exact.observed_order(errors, 1 / eps) - 0.5) < 0.02
    assert abs(errors[-1] / np.sqrt(eps[-1]) - 0.5826) < 0.01  # -ζ(1/2)/√(2π)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="expected at least 1e-4: the series is too long"):
        projected_exponential(1.0, step_size=1e-5)
    with pytest.raises(ValueError, match="mirrors count"):
        reflected_cdf(0.5, 0.5, step_size=1e10, lower=0, upper=1)
    with pytest.raises(ValueError, match="expected lower < upper"):
        projected_cdf(0.5, 0.5, step_size=1.0, lower=1, upper=0)
