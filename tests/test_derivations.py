"""tests/derivations.py itself: it accepts what is right and rejects each wrong derivative by name."""

import dataclasses

import numpy as np
import pytest

from refscore.models import AffineScore, LevelAffineScore
from tests.derivations import assert_derivatives

MODEL = AffineScore([[2.0, 0.3], [-0.7, 1.1]], [0.1, -0.4])
LEVELS = LevelAffineScore(MODEL.matrix, MODEL.centre)
X = np.array([[0.3, -1.2], [2.1, 0.7], [-0.9, 0.2]])
V = np.array([[1.0, 0.6], [-0.3, 1.7], [0.8, -0.1]])
SIGMA = np.array([0.1, 1.7, 20.0])


def affine(theta, x, ns):
    return -1 * (theta[:4].reshape(2, 2) @ (x - theta[4:]))


def levels(theta, x, sigma, ns):
    return affine(theta, x, ns) / sigma


def test_right_models_pass():
    assert_derivatives(MODEL, X, V, score=affine)
    assert_derivatives(LEVELS, X, V, score=levels, sigma=SIGMA)


@dataclasses.dataclass
class Wrong:
    """An affine score with one method off by a relative 1e-13, far more than rounding explains."""

    model: object
    method: str

    def __call__(self, *arguments):
        return self._maybe("__call__", self.model(*arguments))

    def _maybe(self, name, value):
        return value * (1 + 1e-13) if name == self.method else value

    def __getattr__(self, name):
        if name == "log_prob":
            raise AttributeError(name)
        method = getattr(self.model, name)
        return (lambda *a: self._maybe(name, method(*a))) if name not in ("pack", "unpack") else method


@pytest.mark.parametrize(
    "method",
    ["__call__", "jacobian", "trace", "jvp", "vjp", "vjp_parameters", "trace_parameters", "quadratic_parameters"],
)
def test_every_wrong_method_is_caught(method):
    with pytest.raises(AssertionError, match="score" if method == "__call__" else method):
        assert_derivatives(Wrong(MODEL, method), X, V, score=affine)
    with pytest.raises(AssertionError, match="score" if method == "__call__" else method):
        assert_derivatives(Wrong(LEVELS, method), X, V, score=levels, sigma=SIGMA)


def test_a_wrong_definition_is_caught():
    with pytest.raises(AssertionError, match="score"):
        assert_derivatives(MODEL, X, V, score=lambda theta, x, ns: affine(theta, x, ns) * (1 + 1e-13))


@dataclasses.dataclass
class Quartic:
    """log p = -a |x|⁴/4 - ½|x|², by hand, for the branch of energies."""

    a: float

    def log_prob(self, x):
        r = (x**2).sum(-1)
        return -self.a * r**2 / 4 - r / 2

    def __call__(self, x):
        return -(self.a * (x**2).sum(-1, keepdims=True) + 1) * x

    def jacobian(self, x):
        d, r = x.shape[-1], (x**2).sum(-1)[..., None, None]
        return -(self.a * r + 1) * np.eye(d) - 2 * self.a * x[..., :, None] * x[..., None, :]

    def trace(self, x):
        return np.trace(self.jacobian(x), axis1=-2, axis2=-1)

    def hvp(self, x, v):
        return (self.jacobian(x) @ v[..., None])[..., 0]

    jvp = vjp = hvp

    def log_prob_parameters(self, x, weight):
        return np.array([-np.sum(weight * (x**2).sum(-1) ** 2) / 4])

    def vjp_parameters(self, x, v):
        return np.array([-np.sum((x**2).sum(-1) * (x * v).sum(-1))])

    def trace_parameters(self, x):
        return np.array([-np.sum((x.shape[-1] + 2) * (x**2).sum(-1))])

    def quadratic_parameters(self, x, v):
        return np.array([-np.sum((x**2).sum(-1) * (v**2).sum(-1) + 2 * (x * v).sum(-1) ** 2)])

    def pack(self):
        return np.array([self.a])

    def unpack(self, theta):
        return Quartic(float(theta[0]))


def quartic(theta, x, ns):
    r = ns.sum(x * x)
    return -0.25 * (theta[0] * r * r) - 0.5 * r


def test_energies():
    assert_derivatives(Quartic(0.7), X, V, log_prob=quartic)
    wrong = dataclasses.make_dataclass("WrongQuartic", [("a", float)], bases=(Quartic,))
    wrong.trace_parameters = lambda self, x: Quartic.trace_parameters(self, x) * (1 + 1e-13)
    with pytest.raises(AssertionError, match="trace_parameters"):
        assert_derivatives(wrong(0.7), X, V, log_prob=quartic)
