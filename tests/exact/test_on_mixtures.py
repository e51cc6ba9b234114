"""exact/on_mixtures.py: closed forms for affine models; identities between objectives for networks; brute force."""

from itertools import pairwise

import numpy as np
import pytest

from refscore import noise, objectives
from refscore.exact import expectation, expectations, minimisers, on_mixtures, variances
from refscore.exact.projections import (
    gaussian_projection,
    orthogonal_projections,
    rademacher_projection,
    sphere_projection,
)
from refscore.exact.quadrature import with_noise
from refscore.models import TANH, AffineScore, LevelAffineScore, MLPEnergy, MLPScore, TargetScore, network
from refscore.targets import gaussian, mixture
from tests.cubature import U, gauss_hermite, product, sphere

LINE = mixture([0.25, 0.75], [[-2], [1]], [0.5, 2])
PLANE = mixture([0.25, 0.75], [[-2, 1], [1, 0]], [[[0.5, 0.25], [0.25, 0.375]], [[2, -0.5], [-0.5, 1]]])
AFFINE = {1: AffineScore([[1.5]], [0.5]), 2: AffineScore([[1.5, -0.5], [0.25, 2]], [0.5, -1])}
GAUSSIAN = {1: gaussian([1], 2), 2: gaussian([1, 3], [[2, 0.6], [0.6, 0.5]])}
RTOL = 1e-6  # of the quadratures of networks in the plane: they are right to some 1e-10


def net(seed, *widths):
    p = sum(after * (before + 1) for before, after in pairwise(widths))
    return network(widths, noise.uniforms(seed, 0, p), TANH)


def score_net(d):
    return MLPScore(net(0, d, 6, 6, d))


def energy_net(d):
    return MLPEnergy(net(1, d, 6, 6, 1))


MODELS = [pytest.param(score_net, id="score"), pytest.param(energy_net, id="energy")]
TARGETS = [pytest.param(LINE, id="line"), pytest.param(PLANE, id="plane")]


def agree(found, exact, size=0.0):
    assert abs(found.value - exact) <= found.error + 64 * U * (abs(exact) + size)


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [("explicit", ()), ("implicit", ()), ("denoising", (0.5,)), ("denoising", (0.125,))],
)
def test_closed_forms(name, arguments, d):  # (QDR.4), (QDR.5)
    s, p = AFFINE[d], GAUSSIAN[d]
    found = getattr(on_mixtures, name)(s, p, *arguments)
    size = getattr(expectations, name)(s, p, *arguments)
    agree(found.expectation, size, 8)
    agree(found.variance, getattr(variances, name)(s, p, *arguments), (size + 8) ** 2)
    assert found.expectation.error <= 1e-9 * (abs(size) + 8)


@pytest.mark.parametrize("weight", [np.square, 1, lambda sigma: 3 * sigma])
def test_multilevel(weight):
    s, p, levels = (
        LevelAffineScore([[1.5, -0.5], [0.25, 2]], [0.5, -1]),
        GAUSSIAN[2],
        np.array([[0.25, 1.0], [2.0, 8.0]]),
    )
    found = on_mixtures.multilevel(s, p, levels, weight=weight)
    for part, module in ((found.expectation, expectations), (found.variance, variances)):
        exact = module.multilevel(s, p, levels, weight=weight)
        assert part.value.shape == part.error.shape == (2, 2)
        assert (np.abs(part.value - exact) <= part.error + 256 * U * exact).all()
    assert on_mixtures.multilevel(s, p, 2.0).expectation.value.shape == ()


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("law", [gaussian_projection, rademacher_projection, sphere_projection])
@pytest.mark.parametrize("name", ["sliced", "sliced_variance_reduced"])
def test_sliced_in_closed_form(name, law, m, d):
    s, p = AFFINE[d], GAUSSIAN[d]
    found = getattr(on_mixtures, name)(s, p, projection=law, n_projections=m)
    agree(found.expectation, expectations.sliced(s, p), 8)
    agree(found.variance, getattr(variances, name)(s, p, projection=law, n_projections=m), 100)


@pytest.mark.parametrize("model", MODELS)
def test_denoising_is_an_integral_over_data_and_noise(model):  # (QDR.4), (QDR.3)
    s = model(1)
    for sigma in (0.25, 1.0):
        joint = on_mixtures.over_data_and_noise(lambda x0, e, sigma=sigma: objectives.denoising(s, x0, e, sigma), LINE)
        found = on_mixtures.denoising(s, LINE, sigma)
        for part, other in zip(found, joint, strict=True):
            assert abs(part.value - other.value) <= part.error + other.error
            assert part.error <= 1e-9 * part.value


def test_denoising_in_the_plane_against_nodes_in_four_dimensions():
    s, sigma = score_net(2), 1.0
    s = s.unpack(s.pack() / 2)  # half as steep: nodes converge
    found = on_mixtures.denoising(s, PLANE, sigma, rtol=RTOL)
    moments = []
    for n in (12, 16):  # nodes of growing degree: what they still change is what they are wrong by
        (z, e), w = product(gauss_hermite(2, n), gauss_hermite(2, n))
        first = second = 0.0
        for weight, mean, cov in zip(PLANE.weights, PLANE.means, PLANE.covs, strict=True):
            loss = objectives.denoising(s, mean + z @ np.linalg.cholesky(cov).T, e, sigma)
            first, second = first + weight * (w @ loss), second + weight * (w @ loss**2)
        moments.append((first, second - first**2))
    for part, rough, fine in zip(found, *moments, strict=True):
        assert abs(part.value - fine) <= part.error + abs(fine - rough)
        assert abs(fine - rough) <= 1e-5 * fine


@pytest.mark.parametrize("p", TARGETS)
@pytest.mark.parametrize("model", MODELS)
def test_explicit_is_implicit_plus_a_constant(model, p):  # (ISM.1)
    s = model(p.d)
    explicit, implicit = (f(s, p, rtol=RTOL).expectation for f in (on_mixtures.explicit, on_mixtures.implicit))
    information = expectation(lambda x: (p.score(x) ** 2).sum(-1), p, rtol=RTOL)
    error = explicit.error + implicit.error + information.error / 2
    assert abs(explicit.value - implicit.value - information.value / 2) <= error <= 1e-4 * explicit.value


@pytest.mark.parametrize("p", TARGETS)
@pytest.mark.parametrize("model", MODELS)
def test_denoising_is_explicit_on_noised_data_plus_a_constant(model, p):  # (DSM.2)
    s, sigma = model(p.d), 0.5
    q = p.perturb(1, sigma)
    denoising = on_mixtures.denoising(s, p, sigma, rtol=RTOL).expectation
    explicit = on_mixtures.explicit(s, q, rtol=RTOL).expectation
    information = expectation(lambda x: (q.score(x) ** 2).sum(-1), q, rtol=RTOL)
    constant = (p.d / sigma**2 - information.value) / 2
    error = denoising.error + explicit.error + information.error / 2
    assert abs(denoising.value - explicit.value - constant) <= error <= 1e-4 * denoising.value


@pytest.mark.parametrize("p", TARGETS)
@pytest.mark.parametrize(("name", "m"), [("sliced", 3), ("sliced_variance_reduced", 1)])
def test_signs(name, m, p):
    # The variance by sums of squares of J, and over the sign vectors by the objective itself; and implicit's mean.
    s, function = score_net(p.d), getattr(objectives, name)
    found = getattr(on_mixtures, name)(s, p, projection=rademacher_projection, n_projections=m, rtol=RTOL)
    brute = on_mixtures.over_data_and_signs(lambda x, v: function(s, x, v), p, n_projections=m, rtol=RTOL)
    for part, other in zip(found, brute, strict=True):
        assert abs(part.value - other.value) <= part.error + other.error


@pytest.mark.parametrize("name", ["sliced", "sliced_variance_reduced"])
def test_normal_projections_are_an_integral_in_two_dimensions(name):
    s, function = score_net(1), getattr(objectives, name)
    found = getattr(on_mixtures, name)(s, LINE, projection=gaussian_projection)
    joint = on_mixtures.over_data_and_noise(lambda x, v: function(s, x, v[None]), LINE)
    for part, other in zip(found, joint, strict=True):
        assert abs(part.value - other.value) <= part.error + other.error


@pytest.mark.parametrize("name", ["sliced"])
def test_the_circle_by_eight_nodes(name):
    # Eight angles are exact up to degree 7, and the square of vᵀ H v has degree 4.
    s, function = score_net(2), getattr(objectives, name)
    nodes, weights = sphere(2)
    found = getattr(on_mixtures, name)(s, PLANE, projection=sphere_projection, rtol=RTOL)

    def moments(x):
        each = np.stack([function(s, x, np.broadcast_to(v, (1, *x.shape))) for v in nodes])
        return np.stack([weights @ each, weights @ each**2], axis=1)

    (first, second), error = expectation(moments, PLANE, rtol=RTOL)
    agree(found.expectation, first, abs(error[0]) / U)
    assert (
        abs(found.variance.value - (second - first**2)) <= found.variance.error + error[1] + 2 * abs(first) * error[0]
    )


def test_whole_bases():  # (PRJ.6)
    s = score_net(2)
    implicit = on_mixtures.implicit(s, PLANE, rtol=RTOL)
    whole = on_mixtures.sliced(s, PLANE, projection=orthogonal_projections(2), n_projections=2, rtol=RTOL)
    assert whole == implicit
    one = on_mixtures.sliced(s, PLANE, projection=orthogonal_projections(1), rtol=RTOL)
    assert one == on_mixtures.sliced(s, PLANE, projection=sphere_projection, rtol=RTOL)
    x = noise.normals(0, np.arange(50), 2)
    v = objectives.projections.orthogonal(noise.normals(1, 0, 2 * 50 * 2).reshape(2, 50, 2))
    gap = objectives.sliced(s, x, v) - objectives.implicit(s, x)
    assert np.abs(gap).max() <= 64 * U


@pytest.mark.parametrize("scale", [0.25, 4.0])
def test_when_the_reduced_form_helps(scale):  # (VAR.9), for a network: of both signs
    s = score_net(2)
    large = MLPScore(s.network.unpack(np.concatenate([s.pack()[:-14], scale * s.pack()[-14:]])))  # the last layer
    plain = on_mixtures.sliced(large, PLANE, projection=gaussian_projection, rtol=RTOL).variance
    reduced = on_mixtures.sliced_variance_reduced(large, PLANE, projection=gaussian_projection, rtol=RTOL).variance

    def gain(x):
        v = large(x)
        return 0.25 * (v**2).sum(-1) ** 2 + (v * large.jvp(x, v)).sum(-1)

    exact = expectation(gain, PLANE, rtol=RTOL)
    assert abs(plain.value - reduced.value - 2 * exact.value) <= plain.error + reduced.error + 2 * exact.error


def test_the_reduced_form_helps_or_hurts_by_the_exact_condition():  # (VAR.9)
    # s = a (target's score): ¼ a⁴ E|s|⁴ + a³ E sᵀJs changes its sign at a known a.
    p = LINE
    fourth = expectation(lambda x: (p.score(x) ** 2).sum(-1) ** 2, p, rtol=RTOL).value
    curved = expectation(lambda x: (p.score(x) * p.hvp(x, p.score(x))).sum(-1), p, rtol=RTOL).value
    turn = -4 * curved / fourth
    assert 0 < turn < 10

    class Times:
        def __init__(self, a):
            self.a = a

        def __call__(self, x):
            return self.a * p.score(x)

        def trace(self, x):
            return self.a * p.score_trace(x)

        def jacobian(self, x):
            return self.a * p.score_jacobian(x)

    for a, sign in ((0.98 * turn, -1), (1.02 * turn, 1)):
        plain, reduced = (
            f(Times(a), p, projection=gaussian_projection, rtol=RTOL).variance
            for f in (on_mixtures.sliced, on_mixtures.sliced_variance_reduced)
        )
        assert sign * (plain.value - reduced.value) > plain.error + reduced.error


@pytest.mark.parametrize("p", TARGETS)
@pytest.mark.parametrize("model", MODELS)
def test_no_direction_leads_down_from_the_truth(model, p):
    """The derivative of E ℓ at the true score, along any field h: Stein's identity, and its noisy and sliced forms."""
    h, sigma = model(p.d), 0.5
    found = expectation(lambda x: h.trace(x) + (p.score(x) * h(x)).sum(-1), p, rtol=RTOL)
    assert abs(found.value) <= found.error < 1e-4
    if p.d == 1:
        q = p.perturb(1, sigma)

        def along(y):
            x = y[:, :1] + sigma * y[:, 1:]
            return ((q.score(x) + y[:, 1:] / sigma) * h(x)).sum(-1)

        found = expectation(along, with_noise(p))
        assert abs(found.value) <= found.error < 1e-8


@pytest.mark.parametrize("name", ["implicit", "sliced", "sliced_variance_reduced"])
def test_the_gradient_vanishes_at_the_affine_minimiser(name):
    # They see two moments of the data only; the gradient of one sample is averaged over a mixture.
    best, gradient = getattr(minimisers, name)(LINE), getattr(objectives, f"{name}_gradient")
    extra = () if name == "implicit" else ([[1.0]],)
    found = expectation(lambda x: np.array([gradient(best, row, *extra) for row in x]), LINE, rtol=1e-8)
    assert (np.abs(found.value) <= found.error).all()
    assert found.error.max() < 1e-6


def central(loss, p):
    """Mean, variance and fourth central moment of a function of x."""
    mean = expectation(loss, p).value
    _, second, fourth = expectation(lambda x: (loss(x)[:, None] - mean) ** np.array([1, 2, 4]), p, rtol=1e-8).value
    return mean, second, fourth


N = 200_000
SIX = 6.0  # standard errors: 2e-9 a comparison by the normal law, 5e-8 for all of this test


@pytest.mark.parametrize(
    ("loss", "truth"),
    [
        (lambda s, x, e: objectives.explicit(s, x, LINE.score(x)), lambda s: on_mixtures.explicit(s, LINE)),
        (lambda s, x, e: objectives.implicit(s, x), lambda s: on_mixtures.implicit(s, LINE)),
        (lambda s, x, e: objectives.denoising(s, x, e, 0.5), lambda s: on_mixtures.denoising(s, LINE, 0.5)),
        (
            lambda s, x, e: objectives.multilevel(lambda y, _: s(y), x, e, 2.0),
            lambda s: on_mixtures.multilevel(lambda y, _: s(y), LINE, 2.0),
        ),
        (
            lambda s, x, e: objectives.sliced(s, x, e[None]),
            lambda s: on_mixtures.sliced(s, LINE, projection=gaussian_projection),
        ),
        (
            lambda s, x, e: objectives.sliced_variance_reduced(s, x, e[None]),
            lambda s: on_mixtures.sliced_variance_reduced(s, LINE, projection=gaussian_projection),
        ),
    ],
    ids=["explicit", "implicit", "denoising", "multilevel", "sliced", "reduced"],
)
@pytest.mark.parametrize("model", MODELS)
def test_brute_force(model, loss, truth):
    """Mean and variance of samples: their standard errors √(σ²/n) and √((μ₄ - σ⁴)/n) are known by quadrature, too."""
    s = model(1)
    mean, variance = truth(s)
    _, second, fourth = central(lambda y: loss(s, y[:, :1], y[:, 1:]), with_noise(LINE))
    draws = noise.normals(7, np.arange(N), 2)
    x = LINE.sample(draws[:, :1], noise.uniforms(8, np.arange(N), 1)[:, 0])
    found = loss(s, x, draws[:, 1:])
    assert abs(second - variance.value) <= variance.error + 1e-7 * second
    assert abs(found.mean() - mean.value) <= SIX * np.sqrt(second / N)
    assert abs(found.var() - variance.value) <= SIX * np.sqrt((fourth - second**2) / N)


@pytest.mark.parametrize("p", TARGETS)
def test_finite_differences(p):
    # Over x and all signs, a network's energy: within Taylor's h² of sliced score matching, and going as h².
    s = energy_net(p.d)
    exact = on_mixtures.implicit(s, p, rtol=1e-8).expectation
    gaps = []
    for h in (1 / 8, 1 / 16):
        found = on_mixtures.over_data_and_signs(
            lambda x, v, h=h: objectives.finite_difference(s.log_prob, x, v, epsilon=h), p, rtol=1e-8
        )
        gaps.append(found.expectation.value - exact.value)
        assert found.expectation.error < 0.05 * abs(gaps[-1])
    assert 3.9 < gaps[0] / gaps[1] < 4.1


def test_a_perfect_model():
    p = PLANE
    found = on_mixtures.explicit(TargetScore(p), p)
    assert found.expectation.value == found.variance.value == 0
    # With noise the loss of a perfect model is the constant of (DSM.2).
    q = p.perturb(1, 0.5)
    least = on_mixtures.denoising(TargetScore(q), p, 0.5, rtol=1e-8).expectation
    information = expectation(lambda x: -q.score_trace(x), q, rtol=1e-8)
    assert abs(least.value - (8 - information.value) / 2) <= least.error + information.error / 2


def test_a_variance_that_is_rounding_is_zero():
    p = gaussian([1, 2], [[2, 0.5], [0.5, 1]])
    wrong_everywhere = AffineScore(np.linalg.inv(p.cov), [3, 7])
    found = on_mixtures.explicit(wrong_everywhere, p)
    assert abs(found.variance.value) <= found.variance.error <= 1e-18 * found.expectation.value**2


def test_refusals():
    with pytest.raises(ValueError, match="mixture has d = 2; expected 1"):
        on_mixtures.over_data_and_noise(lambda x, e: x[:, 0], PLANE)
    with pytest.raises(ValueError, match="d is 3; expected 1 or 2"):
        on_mixtures.explicit(lambda x: -x, gaussian([0, 0, 0]))
    with pytest.raises(ValueError, match="n_projections is 0; expected at least 1"):
        on_mixtures.sliced(AFFINE[1], LINE, projection=gaussian_projection, n_projections=0)
    with pytest.raises(ValueError, match=r"sigma is 0\.0; expected sigma > 0"):
        on_mixtures.denoising(AFFINE[1], LINE, 0.0)
