"""samplers/flow_ode.py: laws, the product formula, orders on Gaussians and on a mixture, faults."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import recursions
from refscore.samplers import euler_ode_step, heun_ode_step
from tests.samplers.laws import SPANS, TARGET, U, bound, check_law, check_order, marginal

EULER = (rs.samplers.euler_ode, recursions.euler_ode)
HEUN = (rs.samplers.heun_ode, recursions.heun_ode)


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize(("make", "recursion"), [EULER, HEUN], ids=["Euler", "Heun"])
def test_law_by_a_second_route(make, recursion, span):  # (ODE.2) (ODE.3) against (REC.10) (REC.11)
    check_law(make, recursion, span)


@pytest.mark.parametrize("span", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize(("make", "published"), [(EULER[0], 1), (HEUN[0], 2)], ids=["Euler", "Heun"])
def test_order(make, published, span):
    check_order(make, span, published)


@pytest.mark.parametrize(("make", "published"), [(EULER[0], 1), (HEUN[0], 2)], ids=["Euler", "Heun"])
def test_order_on_a_mixture(make, published):
    """Gaussian data alone show accidental orders: the same against the exact flow of a mixture, at three points."""
    target = rs.targets.mixture([0.3, 0.7], [[-1.0, 0.5], [0.8, -0.2]], [0.3, 0.5])
    path, first, last = SPANS["VP"]
    ends = [(float(path.alpha(t)), float(path.sigma(t))) for t in (first, last)]
    x = np.array([[0.5, -1.0], [-1.5, 0.3], [0.1, 0.2]])
    exact, error = rs.exact.flow(target, x, start=ends[0], stop=ends[1])
    counts = (100, 200, 400, 800)
    score = rs.samplers.noisy_score(target)
    errors = [
        np.abs(rs.samplers.replay(make(path, np.linspace(first, last, n + 1)), score, x) - exact).max() for n in counts
    ]
    assert error.max() < 1e-4 * errors[-1]
    found = rs.exact.order_of(errors, counts)
    assert abs(found.value - published) <= 0.02, found


def test_product_formula_of_euler():  # v_n = v_0 Π (1 - h e_k)², the slope e = V'/(2V) by a central difference of log V
    path, first, last = SPANS["VP"]
    times, h, values = np.linspace(first, last, 17), 1e-4, np.array([0.25, 3.0])

    def log_variance(t):
        return np.log(path.alpha(t)[:, None] ** 2 * values + path.sigma(t)[:, None] ** 2)

    t = times[:-1]
    slope = 0.5 * (8 * (log_variance(t + h) - log_variance(t - h)) - log_variance(t + 2 * h) + log_variance(t - 2 * h))
    product = np.prod(1 + np.diff(times)[:, None] * slope / (12 * h), axis=0) ** 2
    law = rs.exact.law(rs.samplers.euler_ode(path, times), rs.targets.gaussian([0.0, 0.0], values))
    # fourth-order difference: h⁴ times the fifth derivative, below 1e-16 · 1e4, plus u/h of rounding
    np.testing.assert_allclose(np.diag(law.cov), product, rtol=1e-10)


def test_heun_needs_no_special_last_step():
    """At σ = 0 the score of a density is finite and Heun keeps its order, where Karras et al. switch to Euler."""
    path = rs.paths.EDM()
    counts = (40, 80, 160, 320)
    errors = []
    for n in counts:
        law = rs.exact.law(rs.samplers.heun_ode(path, np.linspace(2.0, 0.0, n + 1)), TARGET, marginal(path, 2.0))
        errors.append(rs.exact.wasserstein2(law, TARGET))
    assert abs(rs.exact.observed_order(errors, counts) - 2) <= 0.02


# ---- faults


def euler_full_diffusion(score, x, t, s, noise, *, path):
    return x - (t - s) * (path.drift_rate(t) * x - path.diffusion(t) ** 2 * score(x, t))


def euler_unsquared(score, x, t, s, noise, *, path):
    return x - (t - s) * (path.drift_rate(t) * x - 0.5 * path.diffusion(t) * score(x, t))


def _u(score, x, t, path):
    return path.drift_rate(t) * x - 0.5 * path.diffusion(t) ** 2 * score(x, t)


def heun_second_stage_at_the_first_level(score, x, t, s, noise, *, path):
    h, first = t - s, _u(score, x, t, path)
    return x - 0.5 * h * (first + _u(score, x - h * first, t, path))


def heun_second_stage_at_the_first_state(score, x, t, s, noise, *, path):
    h, first = t - s, _u(score, x, t, path)
    return x - 0.5 * h * (first + _u(score, x, s, path))


def heun_score_at_the_first_level(score, x, t, s, noise, *, path):
    h, first = t - s, _u(score, x, t, path)
    second = path.drift_rate(s) * (x - h * first) - 0.5 * path.diffusion(s) ** 2 * score(x - h * first, t)
    return x - 0.5 * h * (first + second)


def heun_not_averaged(score, x, t, s, noise, *, path):
    h, first = t - s, _u(score, x, t, path)
    return x - h * (first + _u(score, x - h * first, s, path))


EULER_FAULTS = {"g² in the place of ½ g²": euler_full_diffusion, "g in the place of g²": euler_unsquared}
HEUN_FAULTS = {
    "second stage at the first level": heun_second_stage_at_the_first_level,
    "second stage at the first state": heun_second_stage_at_the_first_state,
    "score of the second stage at the first level": heun_score_at_the_first_level,
    "stages added, not averaged": heun_not_averaged,
}


@pytest.mark.parametrize("fault", EULER_FAULTS.values(), ids=EULER_FAULTS)
def test_euler_faults_are_seen_twice(fault):
    with pytest.raises(AssertionError):
        check_law(bound(fault, 0), EULER[1], SPANS["VP"])
    with pytest.raises(AssertionError):
        check_order(bound(fault, 0), SPANS["VP"], 1)


@pytest.mark.parametrize("fault", HEUN_FAULTS.values(), ids=HEUN_FAULTS)
def test_heun_faults_are_seen_twice(fault):
    with pytest.raises(AssertionError):
        check_law(bound(fault, 0), HEUN[1], SPANS["VP"])
    with pytest.raises(AssertionError):
        check_order(bound(fault, 0), SPANS["VP"], 2)


# ---- arguments


@pytest.mark.parametrize("step", [euler_ode_step, heun_ode_step])
def test_a_time_belongs_to_its_sample(step):
    path, x = rs.paths.VP(), np.arange(9.0).reshape(3, 3)
    t, s = np.array([0.3, 0.6, 0.9]), np.array([0.2, 0.4, 0.6])
    alone = [step(lambda y, _: -y, x[i], t[i], s[i], path=path) for i in range(3)]
    np.testing.assert_array_equal(step(lambda y, _: -y, x, t, s, path=path), alone)


@pytest.mark.parametrize("step", [euler_ode_step, heun_ode_step])
def test_bad_arguments_are_named(step):
    x = np.zeros((4, 3))
    with pytest.raises(ValueError, match="s reaches t"):
        step(lambda y, _: -y, x, 0.5, 0.5, path=rs.paths.VP())
    with pytest.raises(ValueError, match="no signal left"):  # the flow path ends in pure noise
        step(lambda y, _: -y, x, 1.0, 0.5, path=rs.paths.Flow())
    with pytest.raises(TypeError, match="x has dtype complex128"):
        step(lambda y, _: -y, x + 1j, 0.5, 0.1, path=rs.paths.VP())


def test_euler_in_time_is_ddim_where_time_is_the_noise_level():
    path, x, u = rs.paths.EDM(), np.array([[3.0, -1.0]]), 2.0
    euler = euler_ode_step(lambda y, t: -np.sin(y), x, u, 0.5, path=path)
    ddim = rs.samplers.ddim_step(lambda y: u * np.sin(y), x, alpha_t=1, sigma_t=u, alpha_s=1, sigma_s=0.5)
    np.testing.assert_allclose(euler, ddim, rtol=8 * U)
