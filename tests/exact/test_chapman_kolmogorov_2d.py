"""Laws on the plane by quadrature: closed forms on Gaussians, products of laws on the line, turned laws, integrals."""

import numpy as np
import pytest

import refscore as rs
from refscore.exact import chapman_kolmogorov as line
from refscore.exact import chapman_kolmogorov_2d as plane
from refscore.exact import on_the_plane

TIMES = np.linspace(0.9, 0.1, 7)
GAUSSIAN = rs.targets.gaussian([0.7, -1.0], [[0.5, 0.2], [0.2, 0.75]])
FACTOR = np.array([[0.8, 0.1], [-0.3, 0.6]])
SAMPLERS = [
    rs.samplers.euler_maruyama(rs.paths.VP(), TIMES),
    rs.samplers.ancestral_vp(rs.paths.Cosine(), TIMES, variance=rs.samplers.large_variance),
    rs.samplers.ddim(rs.paths.VP(), TIMES, eta=0.7),
    rs.samplers.annealed([4, 2, 1], step_size=0.3, steps_per_level=3),
]
AT = np.array([[0.2, -0.4], [1.7, 1.0], [-1.4, 0.3], [2.2, -1.9], [0.0, 0.0]])


def density(law, x):
    return np.exp(law.log_prob(x))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.name)
def test_a_gaussian_target_has_the_law_in_closed_form(sampler):
    found, known = plane.law(sampler, GAUSSIAN), rs.exact.law(sampler, GAUSSIAN)
    assert found.error <= 1e-10
    assert on_the_plane.total_variation(found.law, known) <= 1e-11
    assert on_the_plane.kl(found.law, known) <= 1e-12


def test_equal_steps_and_their_nodes_that_stay():
    sampler, start = rs.samplers.langevin(step_size=0.4), rs.targets.gaussian([5.0, 3.0], 0.5)  # and leave it
    found, known = plane.law(sampler, GAUSSIAN, start, steps=25), rs.exact.law(sampler, GAUSSIAN, start, steps=25)
    assert on_the_plane.total_variation(found.law, known) <= 1e-11


@pytest.mark.parametrize(
    "sampler", [rs.samplers.langevin(step_size=0.4), rs.samplers.euler_maruyama(rs.paths.VP(), TIMES)], ids=["ε", "VP"]
)
def test_a_product_target_has_the_product_of_two_laws_on_the_line(sampler):
    one = rs.targets.mixture([0.8, 0.2], [[1.5], [-1.5]], [0.5, 0.75])
    two = rs.targets.mixture([0.3, 0.7], [[1.0], [-1.0]], [0.5, 1.0])
    means = [[a, b] for a in one.means[:, 0] for b in two.means[:, 0]]
    covs = [[a, b] for a in (0.5, 0.75) for b in (0.5, 1.0)]
    both = rs.targets.mixture(np.outer(one.weights, two.weights).ravel(), means, covs)
    steps = 4
    found = plane.law(sampler, both, steps=steps)
    first, second = (line.law(sampler, p, steps=steps).law for p in (one, two))
    assert density(found.law, AT) == pytest.approx(density(first, AT[:, :1]) * density(second, AT[:, 1:]), abs=1e-10)
    for a, known in zip(np.eye(2), (first, second), strict=True):
        cdf = rs.exact.on_the_line.cdf(on_the_plane.projected(found.law, a), AT[:, 0])
        assert cdf == pytest.approx(rs.exact.on_the_line.cdf(known, AT[:, 0]), abs=1e-10)


def bent():
    return [0.5, 0.3, 0.2], np.array([[1.2, 0.5], [-1.0, 1.0], [0.3, -1.5]]), [0.5, 0.4, 0.6]


def test_a_turned_target_has_the_turned_law():
    c, s = np.cos(0.7), np.sin(0.7)
    turn = np.array([[c, -s], [s, c]])
    weights, means, variances = bent()
    sampler = SAMPLERS[1]
    here = plane.law(sampler, rs.targets.mixture(weights, means, variances))
    there = plane.law(sampler, rs.targets.mixture(weights, means @ turn.T, variances))
    assert density(there.law, AT @ turn.T) == pytest.approx(density(here.law, AT), abs=1e-10)


def test_noise_with_other_axes_is_plain_noise_in_other_coordinates():
    # x = F y: preconditioned steps in x are plain steps in y = F⁻¹ x, with the density over |det F|.
    weights, means, _ = bent()
    inverse = np.linalg.inv(FACTOR)
    target = rs.targets.mixture(weights, means, np.array([[0.5, 0.1], [0.1, 0.4]]) + np.zeros((3, 1, 1)))
    covs = np.array([inverse @ cov @ inverse.T for cov in target.covs])
    other = rs.targets.mixture(weights, means @ inverse.T, 0.5 * (covs + covs.transpose(0, 2, 1)))
    start = rs.targets.gaussian([0.0, 0.0], FACTOR @ FACTOR.T)
    found = plane.law(rs.samplers.preconditioned_langevin(0.4, factor=FACTOR), target, start, steps=4)
    known = plane.law(rs.samplers.langevin(step_size=0.4), other, rs.targets.gaussian([0.0, 0.0], 1.0), steps=4)
    expected = density(known.law, AT @ inverse.T) / np.linalg.det(FACTOR)
    assert density(found.law, AT) == pytest.approx(expected, abs=1e-10)


def test_two_steps_from_a_point_are_an_integral():
    # The second is integrated by adaptive quadrature, from the formula of the step.
    eps, x0 = 0.4, np.array([0.3, -0.2])
    target = rs.targets.mixture(*bent())
    found = plane.law(rs.samplers.langevin(step_size=eps), target, rs.targets.empirical(x0[None]), steps=2)
    first = rs.targets.gaussian(x0 + 0.5 * eps * target.score(x0), eps)

    def kernel(x):
        gap = ((AT - (x + 0.5 * eps * target.score(x))[:, None]) ** 2).sum(-1)
        return np.exp(-gap / (2 * eps)) / (2 * np.pi * eps)

    expected = rs.exact.expectation(kernel, first, rtol=1e-11)
    assert density(found.law, AT) == pytest.approx(expected.value, abs=1e-11)


def test_samples_have_the_law():
    target, sampler, n = rs.targets.mixture(*bent()), SAMPLERS[0], 2000
    found = plane.law(sampler, target)
    x = rs.samplers.replay(
        sampler, rs.samplers.noisy_score(target), rs.noise.tape(1, 1, n, 2)[0], rs.noise.tape(2, 6, n, 2)
    )
    side = on_the_plane.projected(found.law, [0.6, 0.8])
    u = np.sort(rs.exact.on_the_line.cdf(side, x @ [0.6, 0.8]))
    gap = np.abs(u - (np.arange(n) + 0.5) / n).max() + 0.5 / n
    assert gap < np.sqrt(np.log(2 / 1e-9) / (2 * n))  # Dvoretzky, Kiefer, Wolfowitz, Massart: false alarm below 1e-9


def test_the_kernel_of_a_step():
    x = np.array([[1.0, 2.0], [-3.0, 0.5]])
    score = rs.samplers.noisy_score(GAUSSIAN)
    kernel = plane.gaussian_step(rs.samplers.preconditioned_langevin(0.25, factor=FACTOR), score, 0, x)
    cov = kernel.frame @ np.diag(kernel.scale[0] ** 2) @ kernel.frame.T
    assert cov == pytest.approx(0.25 * FACTOR @ FACTOR.T, abs=1e-15)
    mean = x + 0.125 * GAUSSIAN.score(x) @ (FACTOR @ FACTOR.T).T
    assert kernel.mean @ kernel.frame.T == pytest.approx(mean, abs=1e-14)


def test_what_is_refused():
    def sampler(step, draws=1):
        return rs.samplers.Sampler("odd", 2, draws, 1.0, None, None, step)

    with pytest.raises(rs.exact.NotAffine, match="affine in its noise"):
        plane.law(sampler(lambda score, x, k, z: x + z**3), GAUSSIAN)
    with pytest.raises(ValueError, match="odd draws no noise"):
        plane.law(sampler(lambda score, x, k, z: x, 0), GAUSSIAN)
    with pytest.raises(ValueError, match="no noise in some direction"):
        plane.law(sampler(lambda score, x, k, z: x + z * [1.0, 0.0]), GAUSSIAN)
    with pytest.raises(ValueError, match="has other axes at other places"):
        plane.law(
            sampler(lambda score, x, k, z: x + z + np.sin(x[:, :1]) * np.stack([z[:, 1], 0 * z[:, 1]], 1)), GAUSSIAN
        )
    with pytest.raises(ValueError, match="target has dimension 1"):
        plane.law(SAMPLERS[0], rs.targets.gaussian([0.0], 1.0))
    with pytest.raises(ValueError, match="start has dimension 1"):
        plane.law(SAMPLERS[0], GAUSSIAN, rs.targets.gaussian([0.0], 1.0))
    with pytest.raises(ValueError, match=r"needs .* nodes, more than 1048576: its noise of 0.001"):
        plane.law(rs.samplers.langevin(step_size=1e-6), GAUSSIAN, steps=2)
    with pytest.raises(ValueError, match="is not reached"):
        plane.law(sampler(lambda score, x, k, z: np.sign(x - 0.3) + z), GAUSSIAN)
    ball = rs.samplers.Multistep("ball", 1, 1, 1.0, None, None, lambda x: (x,), lambda s, x, m, k, z: (x + z, m))
    with pytest.raises(TypeError, match="ball remembers"):
        plane.law(ball, GAUSSIAN)
