"""objectives/path.py against rational arithmetic and autograd; all numbers are dyadic, so equality is asked."""

from fractions import Fraction

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from refscore import objectives
from refscore.models import LevelAffineScore
from refscore.objectives import path, path_gradient
from tests.cubature import problems
from tests.objectives import rational

ALPHA, DOTS = np.array([0.75, 2.0, 0.25]), (np.array([-1.0, 0.5, 0.0]), np.array([2.0, 0.25, -3.0]))


def levels(problem):
    """d samples of dimension d, where a wrong axis would broadcast, each with its own α, σ, α', σ', w and t."""
    d = problem.d
    sigma = problem.sigma * 2.0 ** np.arange(d)
    return ALPHA[:d], sigma, DOTS[0][:d], DOTS[1][:d], 2.0 ** -np.arange(d), 4.0 ** np.arange(d)


def exact_target(name, x0, z, a, s, da, ds):
    return {
        "score": -z / s,
        "noise": z,
        "data": x0,
        "v": a * z - s * x0,
        "velocity": da * x0 + ds * z,
    }[name]


def target_of(name, x0, noise, alpha, sigma, alpha_dot, sigma_dot):
    rates = (alpha_dot, sigma_dot) if name == "velocity" else (alpha, sigma)
    return getattr(objectives, f"{name}_target")(x0, noise, *rates)


NAMES = ["score", "noise", "data", "v", "velocity"]


@given(problems())
@pytest.mark.parametrize("name", NAMES)
def test_value_is_the_definition(name, problem):  # (PATHL.1), (PATHL.2), (PATHL.4), (PATHL.5), (PATHL.6)
    d = problem.d
    alpha, sigma, da, ds, weight, t = levels(problem)
    x0, noise = rational.quarters(0, d, d), rational.quarters(1, d, d)
    target = target_of(name, x0, noise, alpha, sigma, da, ds)
    model = LevelAffineScore(problem.matrix, problem.centre)
    value = path(model, x0, noise, t, alpha=alpha, sigma=sigma, target=target, weight=weight)
    assert value.shape == (d,)
    for i in range(d):
        a, s, time = Fraction(alpha[i]), Fraction(sigma[i]), Fraction(t[i])
        pairs = list(zip(rational.fractions(x0[i]), rational.fractions(noise[i]), strict=True))
        prediction = rational.score(problem.matrix, problem.centre, [a * c + s * z for c, z in pairs])
        residual = [
            p / time - exact_target(name, c, z, a, s, Fraction(da[i]), Fraction(ds[i]))
            for p, (c, z) in zip(prediction, pairs, strict=True)
        ]
        assert value[i] == Fraction(weight[i]) * rational.dot(residual, residual) / 2


@given(problems())
@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_autograds(name, problem):  # (PATHL.3)
    d = problem.d
    alpha, sigma, da, ds, weight, t = (np.stack([part, part]) for part in levels(problem))
    x0, noise = rational.quarters(0, 2, d, d), rational.quarters(1, 2, d, d)
    target = target_of(name, x0, noise, alpha, sigma, da, ds)
    x = alpha[..., None] * x0 + sigma[..., None] * noise

    def total(theta):
        a, b = anp.reshape(theta[: d * d], (d, d)), theta[d * d :]
        return 0.5 * anp.sum(weight[..., None] * (-anp.dot(x - b, a.T) / t[..., None] - target) ** 2)

    model = LevelAffineScore(problem.matrix, problem.centre)
    found = path_gradient(model, x0, noise, t, alpha=alpha, sigma=sigma, target=target, weight=weight)
    assert_array_equal(found, autograd.grad(total)(model.pack()))


def test_one_level_for_all():
    x0, noise = rational.quarters(0, 5, 2), rational.quarters(1, 5, 2)
    model = LevelAffineScore([[1, 2], [0, 1]], [1, -1])
    one = path(model, x0, noise, 0.5, alpha=0.75, sigma=2, target=noise, weight=3)
    full = np.full(5, 1.0)
    each = path(model, x0, noise, 0.5 * full, alpha=0.75 * full, sigma=2 * full, target=noise, weight=3 * full)
    assert_array_equal(one, each)
    single = path(model, x0[0], noise[0], 0.5, alpha=0.75, sigma=2, target=noise[0], weight=3)
    assert single.shape == ()
    assert single == one[0]


def test_the_network_is_told_the_time_as_it_came():
    seen = []

    def predict(x, t):
        seen.append(t)
        return x

    zero = np.zeros((2, 3))
    path(predict, zero, zero, [0, -1], alpha=1, sigma=0, target=zero)
    path(predict, zero, zero, 7, alpha=1, sigma=0, target=zero)
    assert [t.shape for t in seen] == [(2,), ()]
    assert seen[0][1] == -1


@pytest.mark.parametrize("function", [path, path_gradient])
def test_bad_arguments_are_refused(function):
    model, x0 = LevelAffineScore(np.eye(2), [0, 0]), np.zeros((3, 2))
    good = {"alpha": 1, "sigma": 1, "target": x0}
    with pytest.raises(ValueError, match=r"alpha is -1.0; expected alpha >= 0"):
        function(model, x0, x0, 1, **{**good, "alpha": -1})
    with pytest.raises(ValueError, match=r"sigma has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        function(model, x0, x0, 1, **{**good, "sigma": [1, 2]})
    with pytest.raises(ValueError, match=r"t has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        function(model, x0, x0, [1, 2], **good)
    with pytest.raises(ValueError, match=r"t has 1 value that is not finite"):
        function(model, x0, x0, np.nan, **good)
    with pytest.raises(ValueError, match=r"target has shape \(3, 1\); expected \(3, 2\), the shape of x0"):
        function(model, x0, x0, 1, **{**good, "target": x0[:, :1]})
    with pytest.raises(ValueError, match=r"weight has a value of -1.0; expected weight >= 0"):
        function(model, x0, x0, 1, weight=[1, 1, -1], **good)
    with pytest.raises(ValueError, match=r"noise has shape \(2,\); expected \(3, 2\), the shape of x0"):
        function(model, x0, x0[0], 1, **good)


def test_a_prediction_that_would_broadcast_is_refused():
    zero = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"predict\(x, t\) has shape \(3, 1\); expected \(3, 2\), the shape of x"):
        path(lambda x, t: x[:, :1], zero, zero, 0, alpha=1, sigma=1, target=zero)


def test_targets_refuse_bad_levels():
    zero = np.zeros((3, 2))
    with pytest.raises(ValueError, match=r"sigma is 0.0; expected sigma > 0"):
        objectives.score_target(zero, zero, 1, 0)
    for name in ("noise", "data", "v"):
        with pytest.raises(ValueError, match=r"sigma is -1.0; expected sigma >= 0"):
            getattr(objectives, f"{name}_target")(zero, zero, 1, -1)
    with pytest.raises(ValueError, match=r"sigma_dot has 1 value that is not finite"):
        objectives.velocity_target(zero, zero, 0, np.inf)
    with pytest.raises(ValueError, match=r"alpha has shape \(2,\); expected \(\) or the batch shape \(3,\)"):
        objectives.v_target(zero, zero, [1, 2], 1)
