"""Laws on mixtures by quadrature: against closed forms on Gaussians, adaptive quadrature of two steps, and samples."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import refscore as rs
from refscore.exact import chapman_kolmogorov as ck
from refscore.exact import on_the_line as line

TIMES = np.linspace(0.9, 0.05, 13)
GAUSSIAN = rs.targets.gaussian([0.7], 0.36)
WELLS = rs.targets.mixture([0.8, 0.2], [[2], [-2]], [0.5, 0.25])
SAMPLERS = [
    rs.samplers.euler_maruyama(rs.paths.VP(), TIMES),
    rs.samplers.reverse_diffusion(rs.paths.VP(), TIMES),
    rs.samplers.ancestral_vp(rs.paths.Cosine(), TIMES, variance=rs.samplers.large_variance),
    rs.samplers.ddim(rs.paths.VP(), TIMES, eta=0.7),
    rs.samplers.annealed([4, 2, 1], step_size=0.3, steps_per_level=5),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.name)
def test_a_gaussian_target_has_the_law_in_closed_form(sampler):
    found, known = ck.law(sampler, GAUSSIAN), rs.exact.law(sampler, GAUSSIAN)
    assert found.error <= 1e-10
    assert line.total_variation(found.law, known) <= 1e-11
    assert line.wasserstein2(found.law, known) <= 1e-9


def test_two_steps_on_a_mixture_are_an_integral():
    # One step from a point is Gaussian; the second is integrated by another rule, from the step's formula by hand.
    eps, x0 = 0.4, 0.3

    def score(x):
        parts = [w * norm.pdf(x, m, v**0.5) for w, m, v in ((0.8, 2, 0.5), (0.2, -2, 0.25))]
        return (-parts[0] * (x - 2) / 0.5 - parts[1] * (x + 2) / 0.25) / sum(parts)

    def moved(x):
        return x + 0.5 * eps * score(x)

    found = ck.law(rs.samplers.langevin(step_size=eps), WELLS, rs.targets.empirical([[x0]]), steps=2)
    for y in (-1.0, 0.2, 1.7, 4.0):

        def integrand(x, y=y):
            return norm.pdf(x, moved(x0), eps**0.5) * norm.pdf(y, moved(x), eps**0.5)

        expected = sum(quad(integrand, a, a + 1, epsabs=1e-14)[0] for a in range(-6, 8))
        assert np.exp(found.law.log_prob([[y]]))[0] == pytest.approx(expected, abs=1e-11)


def test_one_step_from_a_point_is_a_gaussian():
    found = ck.law(rs.samplers.langevin(step_size=0.4), GAUSSIAN, rs.targets.empirical([[1.0]]), steps=1)
    known = rs.targets.gaussian([1.0 - 0.2 * 0.3 / 0.36], 0.4)
    assert found.error == 0
    assert line.total_variation(found.law, known) <= 1e-15


def test_samples_have_the_law():
    sampler, n = rs.samplers.ancestral_vp(rs.paths.VP(), TIMES), 20000
    found = ck.law(sampler, WELLS)
    x = rs.samplers.replay(
        sampler, rs.samplers.noisy_score(WELLS), rs.noise.tape(1, 1, n, 1)[0], rs.noise.tape(2, 12, n, 1)
    )
    u = np.sort(line.cdf(found.law, x[:, 0]))
    gap = np.abs(u - (np.arange(n) + 0.5) / n).max() + 0.5 / n
    assert gap < np.sqrt(np.log(2 / 1e-9) / (2 * n))  # Dvoretzky, Kiefer, Wolfowitz, Massart: false alarm below 1e-9


def test_the_wells_of_plain_and_annealed_langevin_agree_with_symmetry():
    # Equal weights and a symmetric start stay equal, and a mirrored problem has the mirrored law.
    even = rs.targets.mixture([0.5, 0.5], [[3], [-3]])
    sampler = rs.samplers.langevin(step_size=0.2)
    assert line.mass(ck.law(sampler, even, steps=50).law, 0, np.inf) == pytest.approx(0.5, abs=1e-12)
    one = ck.law(sampler, rs.targets.mixture([0.8, 0.2], [[3], [-3]]), steps=50).law
    two = ck.law(sampler, rs.targets.mixture([0.8, 0.2], [[-3], [3]]), steps=50).law
    assert line.mass(one, 0, np.inf) == pytest.approx(line.mass(two, -np.inf, 0), abs=1e-12)


def test_several_noises_add_their_variances():
    two = SimpleNamespace(name="two noises", draws=2, step=lambda score, x, k, z: 0.5 * x + z[0] - 2 * z[1])
    kernel = ck.gaussian_step(two, None, 0, np.array([3.0, -1.0]))
    assert kernel.mean.tolist() == [1.5, -0.5]
    assert kernel.scale == pytest.approx(np.sqrt([5.0, 5.0]), abs=1e-15)


def test_what_is_refused():
    def bent(score, x, k, noise):
        return x + noise**3

    with pytest.raises(rs.exact.NotAffine, match="affine in its noise"):
        ck.law(rs.samplers.Sampler("bent", 2, 1, 1.0, None, None, bent), WELLS)
    with pytest.raises(ValueError, match="draws no noise at x"):
        ck.law(rs.samplers.heun_ode(rs.paths.VP(), TIMES), WELLS)
    with pytest.raises(ValueError, match="target has dimension 2"):
        ck.law(SAMPLERS[0], rs.targets.gaussian([0.0, 0.0], 1.0))
    with pytest.raises(ValueError, match="start has dimension 2"):
        ck.law(SAMPLERS[0], WELLS, rs.targets.gaussian([0.0, 0.0], 1.0))
    with pytest.raises(ValueError, match="say how many"):
        ck.law(rs.samplers.langevin(step_size=0.1), WELLS)
    with pytest.raises(ValueError, match="at least 1 and at most 12"):
        ck.law(SAMPLERS[0], WELLS, steps=13)
    ball = rs.samplers.Multistep("ball", 1, 1, 1.0, None, None, lambda x: (x,), lambda s, x, m, k, z: (x + z, m))
    with pytest.raises(TypeError, match="ball remembers"):
        ck.law(ball, WELLS)
