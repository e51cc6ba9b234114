"""Laws of samplers without noise on the line: closed forms on Gaussians, the chain rule, orders."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad

import refscore as rs
from refscore.exact import chapman_kolmogorov, on_the_line, pushed

GAUSSIAN = rs.targets.gaussian([0.7], 0.36)
WELLS = rs.targets.mixture([0.8, 0.2], [[2], [-2]], [0.5, 0.25])
PATH = rs.paths.VP()
TIMES = np.linspace(0.9, 0.05, 9)
SAMPLERS = [
    rs.samplers.euler_ode(PATH, TIMES),
    rs.samplers.heun_ode(PATH, TIMES),
    rs.samplers.dpm_multistep_2(PATH, TIMES),
    rs.samplers.ddim(PATH, TIMES),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.name)
def test_a_gaussian_stays_gaussian(sampler):
    found, known = pushed.law(sampler, GAUSSIAN), rs.exact.law(sampler, GAUSSIAN)
    assert pushed.total_variation(found, known) <= 1e-11
    assert pushed.total_variation(found, WELLS) == pytest.approx(on_the_line.total_variation(known, WELLS), abs=1e-11)
    for ours, closed in (
        (pushed.wasserstein1, on_the_line.wasserstein1),
        (pushed.wasserstein2, on_the_line.wasserstein2),
    ):
        distance = ours(found, WELLS)
        assert abs(distance.value - closed(known, WELLS)) <= distance.error + 1e-12
        assert distance.error < 1e-9
    y = np.array([[-1.0, 0.3], [0.7, 2.0]])
    assert pushed.cdf(found, y) == pytest.approx(on_the_line.cdf(known, y), abs=1e-14)


def test_one_step_on_a_mixture_by_the_chain_rule():
    # The density of x' is p(x)/m'(x), with m' from the score's Jacobian: integrated by another rule.
    start, sigma, to = rs.targets.gaussian([0.3], 4.0), 2.0, 1.4
    sampler = rs.samplers.euler_ode(rs.paths.EDM(), [sigma, to])
    found = pushed.law(sampler, WELLS, start)
    noisy = WELLS.perturb(1.0, sigma)

    def m(x):
        return x + (to - sigma) * -sigma * noisy.score([[x]])[0, 0]

    def slope(x):
        return 1 + (to - sigma) * -sigma * noisy.score_jacobian([[x]])[0, 0, 0]

    def both(x):
        here = np.exp(start.log_prob([[x]])[0])
        return abs(here - np.exp(WELLS.log_prob([[m(x)]])[0]) * slope(x))

    cuts = np.linspace(-18, 18, 25)
    expected = 0.5 * sum(quad(both, a, b, epsabs=1e-11, limit=200)[0] for a, b in itertools.pairwise(cuts))
    assert pushed.total_variation(found, WELLS) == pytest.approx(expected, abs=1e-9)
    assert found.map(np.array([0.4]))[0] == pytest.approx(m(0.4), abs=1e-14)


def test_a_last_step_without_noise():
    # The push of the law before it, whose distribution function is a mixture's; and the sampler's own steps.
    times = np.append(TIMES, 0.0)
    sampler = rs.samplers.ancestral_vp(PATH, times)
    before = chapman_kolmogorov.law(sampler, WELLS, steps=8).law
    found = pushed.law(sampler, WELLS, before, first=8)
    x = np.array([-2.0, 0.1, 1.5])
    assert pushed.cdf(found, found.map(x)) == pytest.approx(on_the_line.cdf(before, x), abs=1e-13)
    with pytest.raises(ValueError, match="draws noise in these steps"):
        pushed.law(sampler, WELLS, before, first=7)


def test_orders_are_seen_on_a_mixture():
    # W₁ from the exact marginal, started from the exact law: Heun's method is of second order, Euler's of first.
    path = rs.paths.EDM()
    for make, order in ((rs.samplers.euler_ode, 1), (rs.samplers.heun_ode, 2)):
        errors = []
        for n in (32, 64):
            levels = np.exp(np.linspace(np.log(4.0), np.log(0.5), n + 1))
            found = pushed.law(make(path, levels), WELLS, WELLS.perturb(1.0, 4.0))
            errors.append(float(pushed.wasserstein1(found, WELLS.perturb(1.0, 0.5), rtol=1e-4).value))
        assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.06)


def test_what_is_refused():
    with pytest.raises(ValueError, match="folds the line"):
        pushed.law(rs.samplers.Sampler("fold", 1, 0, 1.0, None, None, lambda s, x, k, z: x**2), WELLS)
    with pytest.raises(ValueError, match="target has dimension 2"):
        pushed.law(SAMPLERS[0], rs.targets.gaussian([0, 0], 1.0))
    with pytest.raises(ValueError, match="start has dimension 2"):
        pushed.law(SAMPLERS[0], WELLS, rs.targets.gaussian([0, 0], 1.0))
    with pytest.raises(ValueError, match="has a memory by then"):
        pushed.law(SAMPLERS[2], WELLS, first=1)
    with pytest.raises(ValueError, match="say how many"):
        pushed.law(rs.samplers.langevin(step_size=0.1), WELLS)
    with pytest.raises(ValueError, match="steps 3 to 13 are asked for"):
        pushed.law(SAMPLERS[0], WELLS, first=3, steps=10)
