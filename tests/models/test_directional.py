"""models/directional.py: quotients against slopes known by hand; each wrong method of a model is found and named."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from refscore.models import AffineScore, QuadraticEnergy, check_slopes
from refscore.models.directional import slope

MODEL = QuadraticEnergy([[2.0, 1.3], [-0.7, 1.1]], [0.1, -0.4])
X = np.array([[0.3, -1.2], [2.1, 0.7], [-0.9, 0.2]])


def family(rng):
    """A function with a slope known by hand, of any width and height, also near a zero of either, also lifted."""
    a, b, c = 10 ** rng.uniform(-2, 2), 3 * rng.normal(), 10 ** rng.uniform(-3, 3)
    lift = rng.integers(0, 2) * 10 ** rng.uniform(-3, 6)
    kinds = [
        (lambda z: np.exp(np.sin(z)), np.cos(b) * np.exp(np.sin(b))),
        (np.sin, np.cos(b)),
        (lambda z: np.logaddexp(0, z), 1 / (1 + np.exp(-b))),
        (np.tanh, 1 / np.cosh(b) ** 2),
        (lambda z: 1 / (1 + z**2), -2 * b / (1 + b * b) ** 2),
        (lambda z: z**4, 4 * b**3),
        (lambda z: np.log(1 + z**2), 2 * b / (1 + b * b)),
    ]
    f, derivative = kinds[rng.integers(len(kinds))]
    return lambda h: c * f(a * h + b) + lift, a * c * derivative


def test_the_bound_holds_on_many_functions():  # (AGE.6) to (AGE.9)
    rng = np.random.default_rng(0)
    found = [(slope(f, 0.03), exact) for f, exact in (family(rng) for _ in range(2000))]
    used = np.array([abs(value - exact) / bound for (value, bound), exact in found])
    sharpness = np.array([bound / abs(exact) for (_, bound), exact in found])
    assert used.max() < 0.5  # half of the bound is in reserve
    assert np.median(sharpness) < 1e-9


def test_each_entry_by_itself():
    value, bound = slope(lambda h: np.array([[np.sin(h), 1e9 * np.sin(h)], [h**3, 7.0]]), 0.5)
    assert value.shape == bound.shape == (2, 2)
    assert (np.abs(value - [[1, 1e9], [0, 0]]) <= bound).all()
    assert bound[0, 0] < 1e-8


def test_the_extrapolation_is_exact_on_polynomials():  # (AGE.7): four columns take the odd powers up to 9 away
    value, bound = slope(lambda h: 1 + h + h**3 - h**5 + 2 * h**7 - h**9, 1.0)
    assert abs(value - 1) <= 2.0**-48 < bound < 1e-6


@dataclasses.dataclass
class Wrong:
    """A model with one method off by a relative 1e-6."""

    model: object
    method: str

    def __call__(self, x):
        return self.model(x) * (1 + 1e-6 * (self.method == "__call__"))

    def unpack(self, theta):
        return Wrong(self.model.unpack(theta), self.method)

    def __getattr__(self, name):
        method = getattr(self.model, name)
        return (lambda *a: method(*a) * (1 + 1e-6)) if name == self.method else method


@pytest.mark.parametrize(
    "method",
    ["__call__", "jacobian", "trace", "jvp", "vjp", "hvp", "log_prob_parameters", "vjp_parameters",
     "trace_parameters", "quadratic_parameters"],
)  # fmt: skip
def test_every_wrong_method_is_named(method):  # (AGE.5)
    check_slopes(MODEL, X)
    check_slopes(MODEL, X[0])
    check_slopes(MODEL, X[None], reach=1e-2)
    with pytest.raises(ValueError, match="model" if method == "__call__" else method):
        check_slopes(Wrong(MODEL, method), X)


def test_a_log_prob_that_is_not_the_scores():
    with pytest.raises(
        ValueError, match=r"model\(x\)·v is .*, and difference quotients of log_prob give .* not the slope"
    ):
        check_slopes(Wrong(MODEL, "log_prob"), X)


def test_a_gradient_of_another_shape():
    class Short(Wrong):
        def __getattr__(self, name):
            method = getattr(self.model, name)
            return (lambda *a: method(*a)[:2]) if name == self.method else method

    with pytest.raises(
        ValueError, match=r"trace_parameters\(x\) has shape \(2,\); expected \(6,\), the shape of theta"
    ):
        check_slopes(Short(MODEL, "trace_parameters"), X)
    with pytest.raises(ValueError, match=r"trace\(x\) has shape \(2,\); expected \(3,\)"):
        check_slopes(Short(MODEL, "trace"), X)


def test_what_cannot_be_told_is_said():
    class Noisy(Wrong):
        def log_prob(self, x):
            return self.model.log_prob(x) + 1e-2 * np.sin(1e9 * x[..., 0])

    with pytest.raises(
        ValueError, match=r"model\(x\)·v cannot be checked.*do not settle.*expected points where it is smooth"
    ):
        check_slopes(Noisy(MODEL, ""), X)


def test_wrong_arguments():
    with pytest.raises(TypeError, match="score has no method log_prob"):
        check_slopes(AffineScore([[1.0]], [0.0]), [[1.0]])
    with pytest.raises(ValueError, match=r"reach is 0\.0; expected reach > 0"):
        check_slopes(MODEL, X, reach=0.0)
    with pytest.raises(ValueError, match=r"function.* not finite"):
        slope(lambda h: np.inf, 0.5)


def test_the_same_verdict_each_time():
    first, second = slope(np.exp, 0.1), slope(np.exp, 0.1)
    assert_array_equal(first, second)
