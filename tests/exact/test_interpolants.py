"""exact/interpolants.py against cubature of the objectives: exact for quadratics, and for their squares."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refscore import objectives, targets
from refscore.exact import interpolants
from refscore.exact.couplings import entropic, independent, optimal
from refscore.models import AffineVelocity
from refscore.paths import TRIGONOMETRIC, Interpolant, brownian_bridge, linear_interpolant
from tests.cubature import U, gauss_hermite, problems, sigma_points
from tests.exact.test_couplings import NOISE

CURVES = {
    "line": linear_interpolant(gamma=0.5),
    "bridge": brownian_bridge(2.0),
    "circle": TRIGONOMETRIC,
    "bent": Interpolant(
        lambda t: 1 - t**2,
        lambda t: 3 * t,
        lambda t: t - t**2,
        lambda t: -2 * t,
        lambda t: 3 + 0 * t,
        lambda t: 1 - 2 * t,
    ),
}
COUPLINGS = {
    "independent": independent,
    "optimal": optimal,
    "entropic": lambda data, noise: entropic(data, noise, epsilon=0.5),
}
KINDS = ["velocity", "denoiser"]
T = 0.25


def model(problem, k=2):
    return AffineVelocity(
        np.stack([problem.matrix, problem.matrix.T + 1])[:k], np.stack([problem.centre, 2 - problem.centre])[:k]
    )


def place(coupling, z):
    """Standard normal nodes (N, 3d) as (x0, x1, noise) with the moments of the coupling."""
    d = coupling.d
    values, basis = np.linalg.eigh(coupling.cov)
    pairs = coupling.mean + z[:, : 2 * d] @ (basis * np.sqrt(np.maximum(values, 0))).T
    return pairs[:, :d], pairs[:, d:], z[:, 2 * d :]


def size_of(u, coupling, curve, z):
    """The size of a loss, by magnitudes of all that is added."""
    x0, x1, noise = (np.abs(part) for part in place(coupling, z))
    scales, rates = (tuple(np.abs(r) for r in f(np.asarray(T))) for f in (curve.scales, curve.rates))
    x, target = (s[0] * x0 + s[1] * x1 + s[2] * noise for s in (scales, rates))
    matrix, constant = u.at(T)
    return 0.5 * ((x @ np.abs(matrix).T + np.abs(constant) + target + noise) ** 2).sum(-1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("pairs", COUPLINGS)
@settings(max_examples=15)
@given(problem=problems())
def test_expectation(pairs, curve, kind, problem):  # (FM.8), (FM.9)
    u, curve = model(problem), CURVES[curve]
    coupling = COUPLINGS[pairs](targets.gaussian(problem.mean, problem.cov), NOISE[problem.d])
    z, weights = sigma_points(3 * problem.d)
    loss = getattr(objectives, f"interpolant_{kind}")(u, *place(coupling, z), np.full(len(z), T), curve)
    found = getattr(interpolants, f"interpolant_{kind}_expectation")(u, coupling, T, curve)
    assert abs(found - weights @ loss) <= 512 * U * (weights @ size_of(u, coupling, curve, z))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("curve", ["line", "bent"])
@pytest.mark.parametrize("pairs", ["independent", "entropic"])
@settings(max_examples=10)
@given(problem=problems(max_dim=2))
def test_variance(pairs, curve, kind, problem):  # (FM.9)
    u, curve = model(problem), CURVES[curve]
    coupling = COUPLINGS[pairs](targets.gaussian(problem.mean, problem.cov), NOISE[problem.d])
    z, weights = gauss_hermite(3 * problem.d, 3)
    loss = getattr(objectives, f"interpolant_{kind}")(u, *place(coupling, z), np.full(len(z), T), curve)
    found = getattr(interpolants, f"interpolant_{kind}_variance")(u, coupling, T, curve)
    exact = weights @ (loss - weights @ loss) ** 2
    assert abs(found - exact) <= 1024 * U * (weights @ size_of(u, coupling, curve, z) ** 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("pairs", COUPLINGS)
@settings(max_examples=15)
@given(problem=problems())
def test_the_gradient_at_the_minimiser_is_zero(pairs, curve, kind, problem):  # (FM.10)
    curve = CURVES[curve]
    coupling = COUPLINGS[pairs](targets.gaussian(problem.mean, problem.cov), NOISE[problem.d])
    best = getattr(interpolants, f"interpolant_{kind}_minimiser")(coupling, T, curve)
    z, _ = sigma_points(3 * problem.d)
    gradient = getattr(objectives, f"interpolant_{kind}_gradient")
    x0, x1, noise = place(coupling, z)
    found = gradient(best, x0, x1, noise, np.full(len(z), T), curve) / len(z)
    alpha, beta, gamma = curve.scales(np.asarray(T))
    x = alpha * x0 + beta * x1 + gamma * noise
    reach = np.sqrt(2 * size_of(best, coupling, curve, z).mean()) * (1 + np.sqrt((x**2).sum(-1).mean()))
    assert np.abs(found).max() <= 1024 * U * np.linalg.cond(np.cov(x.T) + 0 * np.eye(problem.d)) * reach


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("pairs", COUPLINGS)
@given(problem=problems(), power=st.integers(1, 7))
@settings(max_examples=15)
def test_the_best_velocity_carries_the_laws(pairs, curve, problem, power):  # ṁ = M m + c,  Ċ = M C + C Mᵀ
    curve, t = CURVES[curve], np.asarray(power / 8)
    coupling = COUPLINGS[pairs](targets.gaussian(problem.mean, problem.cov), NOISE[problem.d])
    best = interpolants.interpolant_velocity_minimiser(coupling, float(t), curve)
    matrix, constant = best.at(0.0)
    eye = np.eye(problem.d)
    (a, b, g), (a1, b1, g1) = curve.scales(t), curve.rates(t)
    point, rate = np.hstack([a * eye, b * eye]), np.hstack([a1 * eye, b1 * eye])
    cov = point @ coupling.cov @ point.T + g**2 * eye
    half = rate @ coupling.cov @ point.T + g1 * g * eye
    size = np.linalg.cond(cov) * (np.abs(half).max() + np.abs(matrix).max() * np.abs(cov).max())
    assert np.abs(matrix @ cov + cov @ matrix.T - half - half.T).max() <= 256 * U * size
    speed, middle = rate @ coupling.mean, point @ coupling.mean
    reach = np.abs(matrix).max() * np.abs(coupling.mean).max() * 4 + np.abs(speed).max() + 1e-300
    assert np.abs(matrix @ middle + constant - speed).max() <= 256 * U * problem.d * reach


@given(problems())
def test_the_best_denoiser_is_the_score_times_gamma(problem):  # (SI.3)
    data, noise = targets.gaussian(problem.mean, problem.cov), NOISE[problem.d]
    coupling, curve = independent(data, noise), CURVES["bridge"]
    best = interpolants.interpolant_denoiser_minimiser(coupling, T, curve)
    (alpha, beta, gamma), x = curve.scales(np.asarray(T)), np.ones((1, problem.d))
    cov = alpha**2 * data.cov + beta**2 * noise.cov + gamma**2 * np.eye(problem.d)
    law = targets.gaussian(alpha * data.mean + beta * noise.mean, 0.5 * (cov + cov.T))
    bound = 64 * U * np.linalg.cond(cov) * (1 + np.abs(best(x, T)).max() + gamma * np.abs(law.score(0 * x)).max())
    assert np.abs(best(x, T) + gamma * law.score(x)).max() <= bound


def test_many_times_at_once_and_mixtures():
    mixture = targets.mixture(weights=[0.5, 0.5], means=[[0.0], [2.0]], covs=1.0)
    coupling, u = independent(mixture, NOISE[1]), AffineVelocity([[[1.0]], [[2.0]]], [[0.0], [1.0]])
    times = np.array([[0.25, 0.5], [0.75, 1.0]])
    every = interpolants.interpolant_velocity_expectation(u, coupling, times, TRIGONOMETRIC)
    assert every.shape == (2, 2)
    alone = interpolants.interpolant_velocity_expectation(u, coupling, 0.75, TRIGONOMETRIC)
    assert every[1, 0] == alone
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        interpolants.interpolant_velocity_variance(u, coupling, 0.5, TRIGONOMETRIC)
    with pytest.raises(TypeError, match=r"data is a Mixture; expected a Gaussian"):
        interpolants.interpolant_denoiser_variance(u, coupling, 0.5, TRIGONOMETRIC)


def test_bad_arguments_are_refused():
    u, coupling = AffineVelocity(np.eye(2)[None], [[0.0, 0.0]]), independent(NOISE[1], NOISE[1])
    with pytest.raises(ValueError, match=r"coupling has dimension 1; expected 2, that of the field"):
        interpolants.interpolant_velocity_expectation(u, coupling, 0.5, TRIGONOMETRIC)
    with pytest.raises(ValueError, match=r"t reaches from 2.0 to 2.0; expected 0 <= t <= 1"):
        interpolants.interpolant_velocity_minimiser(coupling, 2.0, TRIGONOMETRIC)
