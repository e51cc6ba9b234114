"""models/expert_shapes.py against series in ball arithmetic, in both tails and around 0."""

import flint
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from refscore.models import GAUSSIAN, LOG_COSH, STUDENT_T, Expert

UNIT = 2.0**-53
SIZES = [1e-300, 1e-160, 1e-20, 1e-8, 3e-5, 0.01, 0.3, 0.999, 1.0, 1.001, 1.3, 2.0, 7.0, 19.0, 350.0, 1e5, 1e9]
FAR = [1e77, 1e100, 1e153]  # u⁴ leaves float64 beyond the first, u² beyond the last
U = np.array([0.0, *SIZES, *FAR, *(-np.array([*SIZES, *FAR]))])
SERIES = {
    "Student-t": (STUDENT_T, lambda u: -(1 + u * u / 2).log()),
    "log cosh": (LOG_COSH, lambda u: -(((u).exp() + (-u).exp()) / 2).log()),
    "Gaussian": (GAUSSIAN, lambda u: -u * u / 2),
}


def by_balls(log_density, u):
    """φ and its three derivatives at each u, to 60 digits and more: the coefficients times k!."""
    before = flint.ctx.prec, flint.ctx.cap
    flint.ctx.prec, flint.ctx.cap = 4000, 4
    try:
        rows = []
        for value in u:
            series = log_density(flint.arb_series([flint.arb(float(value)), 1]))
            rows.append([float(series[k].mid()) * (1, 1, 2, 6)[k] for k in range(4)])
        return np.array(rows).T
    finally:
        flint.ctx.prec, flint.ctx.cap = before


@pytest.mark.parametrize("name", SERIES)
def test_every_derivative_is_accurate_everywhere(name):  # (POE.1), (POE.2), (POE.3)
    expert, log_density = SERIES[name]
    u = U if name == "Student-t" else U[np.abs(U) < 1e4]
    if name == "log cosh":
        u = U[np.abs(U) < 360]  # e^(-2u) below 1e-300 has lost digits
    expected, got = by_balls(log_density, u), expert.derivatives(u)
    q = 1 / (1 + np.minimum(np.abs(u), 1e150) ** 2 / 2)
    # the factors 1 - 2q and 4q - 1 of Student's t pass through 0, where u has rounded already
    sizes = [abs(row) for row in expected]
    if name == "Student-t":
        sizes[2], sizes[3] = q * (1 + 2 * q), q**2 * np.abs(u) * (1 + 4 * q)
    for k, (row, truth, size) in enumerate(zip(got, expected, sizes)):
        error, bound = np.abs(row - truth), 16 * UNIT * size + 1e-307
        assert np.all(error <= bound), f"derivative {k} at {u[error > bound]}: {row[error > bound]}"


def test_the_far_tails_of_log_cosh():
    value, first, second, third = LOG_COSH.derivatives(np.array([-1e308, -800.0, 800.0, 1e308]))
    assert_array_equal(value, [-1e308, np.log(2) - 800, np.log(2) - 800, -1e308])
    assert_array_equal(first, [1, 1, -1, -1])
    assert_array_equal(second, np.zeros(4))
    assert_array_equal(third, np.zeros(4))


def test_the_far_tails_of_student_t():
    u = np.array([-1e308, 1e200])
    value, first, second, third = STUDENT_T.derivatives(u)
    assert_allclose(value, np.log(2) - 2 * np.log(np.abs(u)), rtol=4 * UNIT)
    assert_allclose(first, -2 / u, rtol=8 * UNIT)
    assert_array_equal(second, np.zeros(2))
    assert_array_equal(third, np.zeros(2))


def test_an_expert_is_held_to_its_shape():
    careless = Expert("careless", lambda u: (-(u**2) / 2, -u, np.array(-1.0), np.zeros_like(u)), np.log)
    with pytest.raises(
        ValueError, match=r"the expert's second derivative has shape \(\); expected \(2, 3\), the shape"
    ):
        careless(np.zeros((2, 3)))
    assert repr(careless) == "Expert(careless)"
    for got, expected in zip(LOG_COSH(np.array([0.5, -2.0])), LOG_COSH.derivatives(np.array([0.5, -2.0]))):
        assert_array_equal(got, expected)


@pytest.mark.parametrize("gamma", [0.75, 1.0, 3.2, 40.0])
def test_normalisers_are_minus_the_log_densities_at_zero(gamma):  # (POE.4), (POE.6), where γ φ = 0
    nu = 2 * gamma - 1
    for expert, source in ((STUDENT_T, stats.t(nu, scale=(2 / nu) ** 0.5)), (GAUSSIAN, stats.norm(scale=gamma**-0.5))):
        got = expert.log_normaliser(np.array(gamma))
        assert abs(got + source.logpdf(0)) <= 32 * UNIT * (1 + abs(np.log(gamma))) * max(1, gamma)


def test_integrals_of_powers_of_the_hyperbolic_secant():  # (POE.5): ∫ cosh^-γ for γ = 1, 2, 3, 4, 6
    known = np.log([np.pi, 2, np.pi / 2, 4 / 3, 16 / 15])
    assert_allclose(LOG_COSH.log_normaliser(np.array([1.0, 2.0, 3.0, 4.0, 6.0])), known, rtol=16 * UNIT, atol=16 * UNIT)


def test_powers_that_are_no_density():  # (POE.4)
    assert_array_equal(STUDENT_T.log_normaliser(np.array([0.25, 0.5])), [np.inf, np.inf])
    assert np.isfinite(STUDENT_T.log_normaliser(np.array([0.5000001, 1e12]))).all()
