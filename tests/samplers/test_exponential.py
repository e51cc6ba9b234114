"""samplers/exponential.py: φ-functions against an integral, weights against polynomials, orders, what is refused."""

import math
from fractions import Fraction

import numpy as np
import pytest

import refscore as rs
from refscore.samplers import data_form, dpm_solver_2, dpm_solver_3, exponential_adams, noise_form
from refscore.samplers.exponential import exponential_weights, phi
from tests.samplers.laws import U
from tests.samplers.solvers import MIXTURE, SPANS, check_order, errors, polynomial_error

FORMS = pytest.mark.parametrize("form", [noise_form, data_form], ids=repr)
UNEVEN = [0.9, 0.7, 0.62, 0.5, 0.3, 0.12, 0.1]


Z = [-6.0, -1.0, -1 + 1e-9, -0.3, -1e-8, 0.0, 1e-8, 0.5, 1 - 1e-9, 1.0, 4.0]


@pytest.mark.parametrize("k", range(1, 6))
def test_phi_is_its_series_in_rational_numbers(k):  # (EXPI.2)
    exact = [float(sum(Fraction(z) ** j / math.factorial(j + k) for j in range(60))) for z in Z]
    # the recursion subtracts terms at most k times as large, k times, and divides by |z| ≥ 1
    np.testing.assert_allclose(phi(k, Z), exact, rtol=8 * k**2 * U)


@pytest.mark.parametrize("k", range(1, 6))
def test_phi_is_its_integral(k):  # (EXPI.2)
    nodes, weights = np.polynomial.legendre.leggauss(30)
    delta = 0.5 * (nodes + 1)
    integral = 0.5 * (weights * np.exp(np.outer(Z, 1 - delta)) * delta ** (k - 1)).sum(axis=1) / math.factorial(k - 1)
    np.testing.assert_allclose(phi(k, Z), integral, rtol=1000 * U)  # the nodes are good to 30 roundings each


def test_phi_of_nothing_and_of_a_step():
    assert [float(phi(k, 0.0)) for k in range(4)] == [1.0, 1.0, 0.5, 1 / 6]
    np.testing.assert_allclose(phi(0, [-2.0, 0.5]), np.exp([-2.0, 0.5]), rtol=4 * U)
    with pytest.raises(ValueError, match="k is -1; expected at least 0"):
        phi(-1, 0.0)


def test_weights_are_those_of_adams_and_bashforth_without_a_linear_part():
    np.testing.assert_allclose(exponential_weights([0.0, -1.0, -2.0], 0.0), np.array([23, -16, 5]) / 12, rtol=64 * U)


@FORMS
@pytest.mark.parametrize("q", [1, 2, 3, 4])
def test_polynomials_in_the_log_snr_are_exact(form, q):  # (EXPI.3) to (EXPI.6)
    """A model of degree q - 1 is integrated exactly, from a start that is exact."""
    for path in (rs.paths.VP(), rs.paths.Flow()):
        for degree in range(q):
            make = lambda p, t: exponential_adams(p, t, order=q, form=form, starter=_exact(p, t, form, degree))  # noqa: E731, B023
            assert polynomial_error(make, form, "λ", degree, path, UNEVEN) <= 2000 * U  # 6 solves of condition 100


def _exact(path, times, form, degree):
    """Steps that are exact for the polynomial, by quadrature: only to start from."""
    one = exponential_adams(path, times, order=1)
    nodes, weights = np.polynomial.legendre.leggauss(60)

    def step(score, x, k, noise):
        lam_t, lam_s = (float(path.log_snr(times[i])) for i in (k, k + 1))
        lam = 0.5 * (lam_s - lam_t) * nodes + 0.5 * (lam_s + lam_t)
        a_t, s_t, a_s, s_s = (float(f(times[i])) for i in (k, k + 1) for f in (path.alpha, path.sigma))
        part = 0.5 * (lam_s - lam_t) * weights * lam**degree
        if form.name == "noise":
            return a_s / a_t * x - a_s * (np.exp(-lam) * part).sum()
        return s_s / s_t * x + s_s * (np.exp(lam) * part).sum()

    return rs.samplers.Sampler("exact", one.n_steps, 0, one.prior_scale, one.start, one.stop, step)


@FORMS
@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
def test_order(form, span):
    check_order(lambda p, t: exponential_adams(p, t, order=1, form=form), span, 1)
    check_order(lambda p, t: exponential_adams(p, t, order=2, form=form), span, 2)

    def third(p, t):
        return exponential_adams(p, t, order=3, form=form, starter=dpm_solver_2(p, t, form=form))

    def fourth(p, t):
        return exponential_adams(p, t, order=4, form=form, starter=dpm_solver_3(p, t, form=form))

    check_order(third, span, 3, (64, 128, 256, 512, 1024))
    check_order(fourth, span, 4, (64, 128, 256, 512))


@pytest.mark.parametrize("q", [3, 4])
def test_started_by_itself_the_order_is_two(q):
    check_order(lambda p, t: exponential_adams(p, t, order=q), SPANS["Flow"], 2, (128, 256, 512, 1024))


def test_order_on_a_mixture():
    points = np.array([[0.5, -1.0], [-1.5, 0.3]])

    def make(p, t):
        return exponential_adams(p, t, order=3, starter=dpm_solver_2(p, t))

    check_order(make, SPANS["Flow"], 3, (50, 100, 200, 400), target=MIXTURE, points=points)


def test_both_forms_of_order_one_are_ddim():
    path = rs.paths.VP()
    for form in (noise_form, data_form):
        found = errors(lambda p, t: exponential_adams(p, t, order=1, form=form), SPANS["VP"], (5,))  # noqa: B023
        np.testing.assert_allclose(found, errors(rs.samplers.ddim, SPANS["VP"], (5,)), rtol=1e-13)
    assert exponential_adams(path, UNEVEN, order=2).draws == 0


def test_a_starter_takes_the_first_steps():
    path, score, x = rs.paths.VP(), rs.samplers.noisy_score(rs.targets.gaussian([0.7], 0.36)), np.array([[1.0]])
    starter = dpm_solver_3(path, UNEVEN)
    seen, wanted = [], x
    sampler = exponential_adams(path, UNEVEN, order=4, starter=starter)
    rs.samplers.replay(sampler, score, x, callback=lambda k, state: seen.append(state))
    for k in range(3):
        wanted = starter.step(score, wanted, k, None)
        np.testing.assert_array_equal(seen[k], wanted)
    assert not np.array_equal(seen[3], starter.step(score, wanted, 3, None))


def test_what_does_not_fit_is_refused():
    path = rs.paths.VP()
    with pytest.raises(ValueError, match=r"log_snr is inf at times\[1\] = 0; expected it finite"):
        exponential_adams(path, [0.5, 0.0], order=1)
    with pytest.raises(ValueError, match=r"log_snr is -inf at times\[0\] = 1"):
        exponential_adams(rs.paths.Flow(), [1.0, 0.5], order=1)
    with pytest.raises(ValueError, match="order is 0; expected at least 1"):
        exponential_adams(path, UNEVEN, order=0)
    for starter in (
        dpm_solver_2(path, UNEVEN[1:]),
        dpm_solver_2(path, UNEVEN[::2]),
        rs.samplers.ancestral_vp(path, UNEVEN),
    ):
        with pytest.raises(ValueError, match=r"starter is Sampler.*; expected a sampler without noise of 6 steps"):
            exponential_adams(path, UNEVEN, order=2, starter=starter)
    with pytest.raises(TypeError, match=r"starter is Multistep.*; expected a Sampler, which needs no start itself"):
        exponential_adams(path, UNEVEN, order=2, starter=exponential_adams(path, UNEVEN, order=1))
