"""Time grids: equal steps in what they say."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from refscore.paths import EDM, VE, VP, Cosine, DiscreteVP, Flow, SubVP, VETransition
from refscore.schedules import karras_times, log_snr_times, quadratic_times, uniform_times

PATHS = [VP(), SubVP(), VE(), VETransition(), EDM(1.0), Cosine(), Flow(), DiscreteVP(np.linspace(1e-4, 0.02, 1000))]


@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_uniform(n):  # (GRID.1)
    times = uniform_times(n=n, t_start=0.9, t_stop=1e-3)
    assert times.shape == (n + 1,)
    first, last = Fraction(0.9), Fraction(1e-3)
    assert_allclose(times, [float(first + Fraction(i, n) * (last - first)) for i in range(n + 1)], rtol=4e-16)
    assert (times[0], times[-1]) == (0.9, 1e-3)
    assert (uniform_times(n=n)[0], uniform_times(n=n)[-1]) == (1, 0)


@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_quadratic(n):  # (GRID.2)
    times = quadratic_times(n=n, t_start=0.9, t_stop=1e-3)
    first, last = mp.sqrt(mp.mpf(0.9)), mp.sqrt(mp.mpf(1e-3))
    exact = [float((first + mp.mpf(i) / n * (last - first)) ** 2) for i in range(n + 1)]
    assert_allclose(times, exact, rtol=1e-15)
    assert (times[0], times[-1]) == (0.9, 1e-3)
    assert_allclose(quadratic_times(n=n), (np.arange(n, -1, -1) / n) ** 2, rtol=1e-15)


@pytest.mark.parametrize("path", PATHS, ids=repr)
@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_log_snr(path, n):  # (GRID.3)
    times = log_snr_times(path, n=n, t_start=0.9, t_stop=1e-3)
    assert times.shape == (n + 1,)
    assert (times[0], times[-1]) == (0.9, 1e-3)
    assert (np.diff(times) < 0).all()
    ends = path.log_snr(0.9), path.log_snr(1e-3)
    assert_allclose(np.diff(path.log_snr(times)), (ends[1] - ends[0]) / n, rtol=1e-12)


@pytest.mark.parametrize("path", PATHS, ids=repr)
@pytest.mark.parametrize(("n", "rho"), [(1, 7.0), (7, 7.0), (60, 7.0), (20, 1.0), (20, 3.0)])
def test_karras(path, n, rho):  # (GRD2.5): the ρ-th roots of σ/α have equal steps
    times = karras_times(path, n=n, t_start=0.9, t_stop=1e-3, rho=rho)
    assert times.shape == (n + 1,)
    assert (times[0], times[-1]) == (0.9, 1e-3)
    assert (np.diff(times) < 0).all()
    roots = [mp.exp(-mp.mpf(float(v)) / rho) for v in path.log_snr(times)]
    exact = [roots[0] + mp.mpf(i) / n * (roots[-1] - roots[0]) for i in range(n + 1)]
    assert max(abs(a / b - 1) for a, b in zip(roots, exact, strict=True)) < 1e-11


def test_the_whole_path_where_its_ends_are_finite():
    times = log_snr_times(VE(), n=4, t_start=1, t_stop=0)
    assert_allclose(times, [1, 0.75, 0.5, 0.25, 0], rtol=0, atol=1e-15)


@pytest.mark.parametrize("path", [VP(), Flow()])
def test_infinite_ends_are_refused(path):
    with pytest.raises(ValueError, match="to inf at t_stop = 0; expected finite ends"):
        log_snr_times(path, n=4, t_start=0.9, t_stop=0)


def test_the_pole_is_refused():
    with pytest.raises(ValueError, match="log_snr runs from -inf at t_start = 1"):
        log_snr_times(Flow(), n=4, t_start=1, t_stop=0.1)
    with pytest.raises(ValueError, match="outside"):
        log_snr_times(Flow(), n=4, t_start=2, t_stop=0.1)
    with pytest.raises(ValueError, match="log_snr runs from -inf at t_start = 1"):
        karras_times(Flow(), n=4, t_start=1, t_stop=0.1)
    with pytest.raises(ValueError, match="rho"):
        karras_times(Flow(), n=4, t_start=0.5, t_stop=0.1, rho=0)


@pytest.mark.parametrize(
    "grid", [uniform_times, quadratic_times, lambda **k: log_snr_times(VE(), **k), lambda **k: karras_times(VE(), **k)]
)
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"n": 0}, ValueError, "n is 0; expected at least 1"),
        ({"n": 3.0}, TypeError, "expected an integer"),
        ({"t_stop": -0.1}, ValueError, "expected 0 <= t_stop < t_start"),
        ({"t_start": 0.1, "t_stop": 0.1}, ValueError, "t_start is 0.1 and t_stop 0.1"),
        ({"t_start": np.nan}, ValueError, "not finite"),
    ],
)
def test_refusals(grid, wrong, error, message):
    with pytest.raises(error, match=message):
        grid(**({"n": 4, "t_start": 1.0, "t_stop": 0.0} | wrong))
